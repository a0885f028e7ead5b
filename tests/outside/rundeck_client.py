"""python-rundeck, a third-party client, against a Rundeck: prints what it understood as JSON. It does not judge.

rundeck_client.py URL API_VERSION
"""

import json
import sys

import rundeck

url, api = sys.argv[1], int(sys.argv[2])


def client(token="good", version=api):
    return rundeck.Rundeck(url=url, token=token, api_version=version, timeout=20)


def refused(call):
    """The client's own class for the error, and its words."""
    try:
        return ["accepted", str(call())]
    except Exception as error:
        return [type(error).__name__, str(error)]


rd = client()
system = rd.system.info()["system"]
seen = {
    "version": system["rundeck"]["version"],
    "apiversion": system["rundeck"]["apiversion"],
    "mode": system["executions"]["executionMode"],
    "running": system["stats"]["scheduler"]["running"],
    "status": rd.system.executions.status(),
    "disable": rd.system.executions.disable(),
    "status while passive": rd.system.executions.status(),
    "enable": rd.system.executions.enable(),
    "queued": rd.system.logstorage.info()["queuedCount"],
    "executions": [[execution.id, execution.status] for execution in rd.executions.running()],
    "takeover": rd.scheduler.takeover(server_uuid="00000000-0000-0000-0000-000000000001"),
    "bad token": refused(client(token="wrong").system.info),
    "unknown version": refused(client(version=99).system.info),
}
if api >= 59:
    seen["readiness"] = rd.monitoring.readiness()
print(json.dumps(seen, default=str))
