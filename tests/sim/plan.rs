//! The configuration of one schedule: policy and target groups, drawn so that every rule of ownership comes up.

use crate::rundeck::Shows;
use crate::tape::Tape;
use rundeck_alb_core::{
    Circumstances, DatabaseRule, DiskPolicy, DrainPolicy, GroupFacts, GroupWanted, HealthPolicy, HookPolicy,
    MembershipPolicy, Ownership, PassiveRule, Policy, Share, Span, StandbyRule, TargetType,
};
use std::collections::BTreeSet;

/// What one schedule is about.
#[derive(Debug)]
pub struct Plan {
    pub policy: Policy,
    /// Facts of each group, and the port that this node's target must have; the last is a spare one.
    pub groups: Vec<(GroupFacts, u16)>,
    /// The instance tag that names the groups, where the configuration does not: all but the spare one.
    pub tag: Option<String>,
    /// What else it may say for a while.
    pub other_tags: Vec<Option<String>>,
    pub lifecycle: Option<String>,
    pub shows: Shows,
    /// Faults end after this time.
    pub faults_for: Span,
    /// The disk is slow to tell what an earlier run has kept, in some runs of the agent.
    pub slow_disk: bool,
    /// Metadata answer without the machine's address, in some runs of the agent.
    pub addressless: bool,
    /// The loop wakes late.
    pub late: bool,
    /// It is run once more, with wake-ups that nobody asked for.
    pub twice: bool,
}

fn arn(index: usize) -> String {
    format!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/g{index}/0")
}

fn facts(index: usize, tape: &mut Tape) -> GroupFacts {
    GroupFacts {
        arn: arn(index),
        name: format!("g{index}"),
        port: 4440,
        target_type: Some(tape.pick(&[TargetType::Instance, TargetType::Ip], TargetType::Instance)),
        delay_secs: tape.pick(&[30, 5, 60, 120], 30),
        check_interval_secs: tape.pick(&[5, 10, 15, 30], 5),
        check_timeout_secs: 4,
        unhealthy_threshold: tape.pick(&[2, 3], 2),
        healthy_threshold: 2,
        check_https: false,
        matcher: "200".into(),
        passes_200: true,
        check_port: Some(4441),
        check_path: "/health".into(),
        check_has_query: false,
        family: None,
        vpc: None,
    }
}

fn health(tape: &mut Tape) -> HealthPolicy {
    HealthPolicy {
        rise_initial: tape.pick(&[3, 5], 3),
        fall: tape.pick(&[3, 2], 3),
        settle: tape.pick(&[Span::secs(10), Span::secs(3)], Span::secs(10)),
        boot_timeout: tape.pick(&[Span::secs(600), Span::secs(90)], Span::secs(600)),
        passive: if tape.chance(40) { PassiveRule::In } else { PassiveRule::Out },
        disk: DiskPolicy { down_below: tape.pick(&[Share(10), Share::ZERO], Share(10)), ..DiskPolicy::default() },
        ..HealthPolicy::default()
    }
}

fn drain(tape: &mut Tape) -> DrainPolicy {
    DrainPolicy {
        floor: tape.pick(&[Span::secs(25), Span::secs(5)], Span::secs(25)),
        quiet_timeout: tape.pick(&[None, Some(Span::secs(10))], None),
        jobs_timeout: tape.pick(&[Span::secs(120), Span::secs(600), Span::ZERO], Span::secs(120)),
        jobs_unknown_timeout: tape.pick(&[Span::secs(60), Span::secs(20)], Span::secs(60)),
        passive: !tape.chance(40),
    }
}

/// Commands of the operator's own, in some schedules: before, after, or both.
fn hooks(chance: u8) -> HookPolicy {
    let command = |runs: bool| if runs { vec![vec!["/usr/local/bin/hook".to_owned()]] } else { Vec::new() };
    HookPolicy {
        pre_register: command(chance & 32 != 0),
        post_register: command(chance & 64 != 0),
        timeout: if chance & 1 == 0 { Span::secs(30) } else { Span::secs(10) },
    }
}

impl Plan {
    pub fn draw(tape: &mut Tape) -> Plan {
        let mut health = health(tape);
        let circumstances = Circumstances { has_token: !tape.chance(30), ..Circumstances::default() };
        let drain = drain(tape);
        let count = tape.pick(&[1, 1, 2, 0], 1_usize);
        let groups: Vec<(GroupFacts, u16)> = (0..count)
            .map(|i| {
                let port = tape.pick(&[4440, 4443], 4440);
                (facts(i, tape), port)
            })
            .collect();
        let ownership = || [Ownership::Own, Ownership::Auto, Ownership::Auto, Ownership::Observe];
        let by_tag = tape.chance(50);
        let wanted = groups.iter().enumerate().map(|(i, (facts, port))| GroupWanted {
            group: if i == 0 { facts.arn.clone() } else { facts.name.clone() },
            port: if *port == facts.port { None } else { Some(*port) },
            target_type: None,
            ownership: tape.pick(&ownership(), Ownership::Own),
        });
        let wanted: Vec<GroupWanted> = wanted.collect();
        let names = |(facts, _): &(GroupFacts, u16)| format!("{} {}", facts.name, facts.arn);
        let one = |(facts, _): &(GroupFacts, u16)| facts.name.clone();
        // A single group is named twice: it is one all the same.
        let names: Vec<String> =
            if count == 1 { groups.iter().map(names).collect() } else { groups.iter().map(one).collect() };
        let tag = Some(names.join(" "));
        let mut membership = MembershipPolicy {
            groups: if by_tag { Vec::new() } else { wanted },
            discover_tag: MembershipPolicy::default().discover_tag.filter(|_| by_tag),
            ownership: tape.pick(&ownership(), Ownership::Own),
            reconcile_interval: tape.pick(&[Span::secs(60), Span::secs(300)], Span::secs(60)),
            ..MembershipPolicy::default()
        };
        // A tag cannot say a port: the group's own is meant.
        let groups = groups.into_iter().map(|(f, port)| if by_tag { (f, 4440) } else { (f, port) });
        let spare = (facts(count, tape), 4440);
        let (with, alone) = (format!("{} {}", names.join(" "), spare.0.name), spare.0.arn.clone());
        let other_tags = vec![tag.clone(), None, Some(with), Some(alone), Some(String::new())];
        let groups = groups.chain([spare]).collect();
        let lifecycle = tape.pick(&[None, None, None, Some("InService")], None).map(String::from);
        let chance = tape.byte();
        let (dry_run, late, twice) = (chance >= 244, (214..244).contains(&chance), (188..214).contains(&chance));
        membership.repair = chance & 16 == 0;
        let slow_disk = chance & 1 != 0 && chance & 4 == 0;
        membership.standby = if chance & 48 == 16 { StandbyRule::Decrement } else { StandbyRule::Off };
        health.database = if chance & 12 == 8 { DatabaseRule::Eject } else { DatabaseRule::Report };
        let addressless = chance & 2 != 0 && chance & 4 == 0;
        let shows = tape.pick(&[Shows::Nothing, Shows::Monitoring, Shows::Actuator], Shows::Nothing);
        // Some last longer than every excuse and every pause.
        let faults_for = match tape.upto(540) {
            secs if secs > 524 => Span::secs(2_600),
            secs => Span::secs(60 + secs),
        };
        Plan {
            policy: Policy { health, membership, drain, hooks: hooks(chance), dry_run, circumstances },
            groups,
            tag,
            other_tags,
            lifecycle,
            shows,
            faults_for,
            slow_disk,
            addressless,
            late,
            twice,
        }
    }

    /// What the Auto Scaling group that may have the machine has attached: all that is not the agent's own.
    pub fn attached(&self) -> BTreeSet<String> {
        let membership = &self.policy.membership;
        let named =
            |facts: &GroupFacts| membership.groups.iter().find(|w| w.group == facts.arn || w.group == facts.name);
        let own = |facts: &GroupFacts| named(facts).map_or(membership.ownership, |w| w.ownership) == Ownership::Own;
        self.groups.iter().filter(|(facts, _)| !own(facts)).map(|(facts, _)| facts.arn.clone()).collect()
    }
}
