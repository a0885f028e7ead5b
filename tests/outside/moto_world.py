"""The AWS account of the moto tests, made and looked at through boto3: the second opinion beside the agent's SDK.

moto_world.py ENDPOINT make                     makes everything, turns signature and IAM checks on, prints it as JSON
moto_world.py ENDPOINT contract                 runs the scenarios of `outside::contract`, prints {scenario: what was seen}
moto_world.py ENDPOINT targets ARN              prints [[id, port, state, reason], ...] of a group
moto_world.py ENDPOINT register ARN ID PORT     as an administrator, behind the agent's back
moto_world.py ENDPOINT deregister ARN ID PORT   the same
moto_world.py ENDPOINT stop ID                  stops an instance
moto_world.py ENDPOINT user NAME POLICY         makes a user who may do what this policy allows, prints the keys
moto_world.py ENDPOINT place NAME PORT HEALTH   makes a node of its own with three target groups that begin with NAME and ask the
                                                port HEALTH, and prints {instance, groups: {a, b, ip}}
moto_world.py ENDPOINT scaling NAME ID CHECKS [ARN]...  an Auto Scaling group with these attached has the instance
moto_world.py ENDPOINT enter-standby NAME ID    moves the instance into Standby, with one fewer wanted
moto_world.py ENDPOINT exit-standby NAME ID     and out of it
moto_world.py ENDPOINT detach NAME ID           takes the instance out of the group

It does not judge: what is right stands in the tests. All but `make` and `contract` want the administrator's keys in AWS_ACCESS_KEY_ID
and AWS_SECRET_ACCESS_KEY.
"""

import json
import os
import sys
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "eu-west-1"
NODES = 3
PORT = 4440
# What the agent asks for. moto evaluates each request as resource "*", so a statement with an ARN would never match there.
MEMBER_ACTIONS = [
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetHealth",
    "elasticloadbalancing:RegisterTargets",
    "elasticloadbalancing:DeregisterTargets",
]


def client(endpoint, service, keys=None):
    key, secret = keys or (os.environ.get("AWS_ACCESS_KEY_ID", "testing"), os.environ.get("AWS_SECRET_ACCESS_KEY", "testing"))
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client(
        service, endpoint_url=endpoint, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret, config=once
    )


def policy(actions):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})


def make_user(iam, name, document=None):
    iam.create_user(UserName=name)
    if document:
        iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def make_group(elb, vpc, name, port=PORT, kind="instance", health="4441"):
    check = {"HealthCheckPath": "/health", "HealthCheckPort": health, "HealthCheckIntervalSeconds": 5}
    named = {"Name": name, "Protocol": "HTTP", "Port": port, "VpcId": vpc, "TargetType": kind}
    limits = {"HealthCheckTimeoutSeconds": 2, "UnhealthyThresholdCount": 2}
    group = elb.create_target_group(**named, **check, **limits)["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}]
    )
    return group


def run_instances(ec2, subnet, count):
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    started = ec2.run_instances(ImageId=image, MinCount=count, MaxCount=count, SubnetId=subnet)["Instances"]
    return [{"id": i["InstanceId"], "private_ip": i["PrivateIpAddress"]} for i in started]


def place(endpoint, name, port, health):
    """A node that no other scenario has, and groups of its own."""
    ec2, elb = client(endpoint, "ec2"), client(endpoint, "elbv2")
    [first] = elb.describe_target_groups(Names=["rundeck"])["TargetGroups"]
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [first["VpcId"]]}])["Subnets"][0]["SubnetId"]
    kinds = {"a": "instance", "b": "instance", "ip": "ip"}
    groups = {key: make_group(elb, first["VpcId"], f"{name}-{key}", port, kind, health) for key, kind in kinds.items()}
    return {"instance": run_instances(ec2, subnet, 1)[0], "groups": groups}


def scaling(endpoint, name, node, checks, *arns):
    asg = client(endpoint, "autoscaling")
    image = client(endpoint, "ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    asg.create_launch_configuration(LaunchConfigurationName=name, ImageId=image, InstanceType="t3.micro")
    asg.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchConfigurationName=name,
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=0,
        AvailabilityZones=[f"{REGION}a"],
        HealthCheckType=checks,
        TargetGroupARNs=list(arns),
    )
    asg.attach_instances(AutoScalingGroupName=name, InstanceIds=[node])


def move(endpoint, command, name, node):
    asg = client(endpoint, "autoscaling")
    named = {"AutoScalingGroupName": name, "InstanceIds": [node]}
    if command == "exit-standby":
        asg.exit_standby(**named)
    elif command == "enter-standby":
        asg.enter_standby(ShouldDecrementDesiredCapacity=True, **named)
    else:
        asg.detach_instances(ShouldDecrementDesiredCapacity=True, **named)


def make(endpoint):
    ec2, elb, iam = (client(endpoint, service) for service in ("ec2", "elbv2", "iam"))
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{i}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]["SubnetId"]
        for i, zone in enumerate("ab")
    ]
    instances = run_instances(ec2, subnets[0], NODES)
    group = make_group(elb, vpc, "rundeck")
    balancer = elb.create_load_balancer(Name="rundeck", Subnets=subnets, Scheme="internal", Type="application")
    forward = {"Type": "forward", "TargetGroupArn": group}
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[forward]
    )
    made = {
        "region": REGION,
        "account": group.split(":")[4],
        "vpc": vpc,
        "group": group,
        "instances": instances,
        "member": make_user(iam, "member", policy(MEMBER_ACTIONS)),
        "stranger": make_user(iam, "stranger"),
        "administrator": make_user(iam, "administrator", policy(["*"])),
    }
    checks_on = urllib.request.Request(
        f"{endpoint}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}, method="POST"
    )
    urllib.request.urlopen(checks_on, timeout=10).close()
    return made


def seen(call, *arguments, **named):
    """What a call came to in a word: `ok` or the error's code."""
    try:
        call(*arguments, **named)
        return "ok"
    except ClientError as error:
        return error.response["Error"]["Code"]


def health(elb, group, target=None):
    asked = {"Targets": [target]} if target else {}
    found = elb.describe_target_health(TargetGroupArn=group, **asked)["TargetHealthDescriptions"]
    return [
        [t["Target"]["Id"], t["Target"].get("Port"), t["TargetHealth"]["State"], t["TargetHealth"].get("Reason")] for t in found
    ]


def states(elb, group, target=None):
    words = [state if reason is None else f"{state} {reason}" for _, _, state, reason in health(elb, group, target)]
    return ", ".join(sorted(words)) or "nothing"


def standby(endpoint, facts, elb):
    """The target of an instance whose Auto Scaling group, which has the target group attached, moves it into Standby."""
    name, group, node = facts["scaling"], facts["group"], facts["instance"]
    if facts.get("administrator"):
        scaling(endpoint, name, node, "EC2", group)
    else:
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": node, "Port": PORT}])
    move(endpoint, "enter-standby", name, node)
    return states(elb, group, {"Id": node, "Port": PORT}).split()[0]


def contract(endpoint, facts):
    """Begins with an empty group and leaves nothing registered."""
    elb = client(endpoint, "elbv2", facts["keys"])
    group, node = facts["group"], facts["instance"]
    target = {"Id": node, "Port": PORT}
    other_port = {"Id": node, "Port": PORT + 1}
    unknown = {"Id": "i-0123456789abcdef0", "Port": PORT}
    no_group = group.rsplit("/", 2)[0] + "/gone/0123456789abcdef"
    register = lambda *targets: elb.register_targets(TargetGroupArn=group, Targets=list(targets))
    deregister = lambda *targets: elb.deregister_targets(TargetGroupArn=group, Targets=list(targets))

    addresses = facts.get("addresses")
    if facts.get("administrator"):
        os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"] = facts["administrator"]
        owner = client(endpoint, "elbv2")
        [vpc] = [it["VpcId"] for it in owner.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]]
        addresses = make_group(owner, vpc, "addresses", PORT, "ip")

    found = {}
    found["describe a target that was never registered"] = states(elb, group, target)
    found["describe an address that was never registered"] = states(elb, addresses, {"Id": "127.0.0.1", "Port": PORT})
    register(target)
    # The state alone: its reason moves on with the first check.
    found["describe right after registering"] = states(elb, group, target).split()[0]
    found["register again"] = seen(register, target)
    register(other_port)
    found["ports of one id registered on two"] = str(len({port for _, port, _, _ in health(elb, group)}))
    found["register an unknown instance"] = seen(register, unknown)
    listed = [{"Id": name, "Port": port} for name, port, _, _ in health(elb, group)]
    deregister(*listed)
    found["describe the group after deregistering"] = states(elb, group)
    found["deregister again"] = seen(deregister, *listed[:1])
    found["register in an unknown group"] = seen(elb.register_targets, TargetGroupArn=no_group, Targets=[target])
    found["describe the health of an unknown group"] = seen(elb.describe_target_health, TargetGroupArn=no_group)
    found["describe a group by a name that is not there"] = seen(elb.describe_target_groups, Names=["gone"])
    found["targets of an instance that is put into Standby"] = standby(endpoint, facts, elb)
    deregister(target)
    if facts.get("stranger"):
        stranger = client(endpoint, "elbv2", facts["stranger"])
        found["register without permission"] = seen(stranger.register_targets, TargetGroupArn=group, Targets=[target])
        forged = client(endpoint, "elbv2", [facts["keys"][0], "not the secret"])
        found["sign with a wrong secret"] = seen(forged.describe_target_health, TargetGroupArn=group)
        nobody = client(endpoint, "elbv2", ["AKIAIOSFODNN7EXAMPLE", "nothing"])
        found["sign with an unknown key"] = seen(nobody.describe_target_health, TargetGroupArn=group)
    return found


def main():
    endpoint, command, *rest = sys.argv[1:]
    if command == "make":
        answer = make(endpoint)
    elif command == "contract":
        answer = contract(endpoint, json.loads(rest[0]))
    elif command == "targets":
        answer = health(client(endpoint, "elbv2"), rest[0])
    elif command in ("register", "deregister"):
        elb = client(endpoint, "elbv2")
        call = elb.register_targets if command == "register" else elb.deregister_targets
        call(TargetGroupArn=rest[0], Targets=[{"Id": rest[1], "Port": int(rest[2])}])
        answer = {}
    elif command == "stop":
        client(endpoint, "ec2").stop_instances(InstanceIds=rest)
        answer = {}
    elif command == "user":
        answer = make_user(client(endpoint, "iam"), *rest)
    elif command == "place":
        answer = place(endpoint, rest[0], int(rest[1]), rest[2])
    elif command == "scaling":
        answer = scaling(endpoint, *rest)
    elif command in ("enter-standby", "exit-standby", "detach"):
        answer = move(endpoint, command, *rest)
    else:
        sys.exit(__doc__)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
