//! Nothing but words: why the load balancer may say something else than the node, each with its cure.

use crate::contract::{Answering, GroupFacts, TargetSeen, Text};

pub(super) const ZONAL_SHIFT: &str = "a zonal shift keeps requests away from this node's zone, whatever it answers; \
    cancel the shift (arc-zonal-shift cancel-zonal-shift), or wait for its end";
pub(super) const BY_DNS: &str = "whether a zonal shift keeps requests away from its zone is not told here \
    (arc-zonal-shift list-zonal-shifts does)";
pub(super) const MITIGATED: &str = "it finds that this node errs more than the others and sends it fewer requests \
    (anomaly mitigation); look for answers of 5xx and for refused connections in Rundeck's logs";
pub(super) const ANOMALOUS: &str = "it finds that this node errs more than the others, and does nothing about it; look \
    for answers of 5xx";
pub(super) const ASKS_ANOTHER: &str = "its health check does not ask this agent, so the answer counts for nothing \
    there";
pub(super) const FAILS_OPEN: &str = "it sends requests here only where no target is healthy at all (it fails open)";
pub(super) const BALANCER_ERROR: &str = "its health checks fail by an error of its own; if it lasts, look at the AWS \
    Health Dashboard";
pub(super) const HEALTH_UNAVAILABLE: &str = "it does not know the health of its targets, by an error of its own; if it \
    lasts, look at the AWS Health Dashboard";
pub(super) const REGISTERING: &str = "AWS still registers it";
pub(super) const REGISTRATION_SLOW: &str = "AWS has not come to an end with the registration for minutes; look at the \
    AWS Health Dashboard";
pub(super) const NOT_CHECKED: &str = "no health check of it has come to anything; see whether the load balancer is \
    active and has a node in this zone";
pub(super) const COMES_BACK: &str = "it was taken out, and this agent puts it back";
pub(super) const LEFT_ALONE: &str = "somebody else took it out, and this agent leaves it alone for now; see the \
    finding taken-out, or put it back with `resume`";
pub(super) const NOT_YET_REGISTERED: &str = "it is not in the group yet";
pub(super) const NO_LISTENER: &str = "no listener or rule of a load balancer leads to the group; add one";
pub(super) const ZONE_OFF: &str = "the load balancer is not in this node's availability zone; enable that zone, with a \
    subnet of it";
pub(super) const NOT_IN_USE: &str = "no listener leads to the group, or the load balancer is not in this node's \
    availability zone; add a rule, or enable the zone";
pub(super) const ADDRESS_TAKEN: &str = "a load balancer has this address; register the node by its own";
pub(super) const CHECKS_OFF: &str = "the group's health check is switched off, so the answer counts for nothing; \
    switch it on";

pub(super) fn wants_failures(facts: Option<&GroupFacts>) -> Text {
    counts(facts, |f| format!("wants {} failures in a row", f.unhealthy_threshold))
}

pub(super) fn wants_passes(facts: Option<&GroupFacts>) -> Text {
    counts(facts, |f| format!("wants {} good answers in a row", f.healthy_threshold))
}

pub(super) fn wants_one(facts: Option<&GroupFacts>) -> Text {
    counts(facts, |_| "wants one good answer from each of its nodes".into())
}

fn counts(facts: Option<&GroupFacts>, wants: impl FnOnce(&GroupFacts) -> String) -> Text {
    match facts {
        Some(facts) => format!("it asks every {} s and {}", facts.check_interval_secs, wants(facts)).into(),
        None => "it is still counting, and its health check could not be read: AWS's defaults are assumed".into(),
    }
}

pub(super) fn asks_elsewhere(facts: &GroupFacts, answering: Answering<'_>) -> Text {
    format!("its health check asks {}, not this agent; set it to {}", asked(facts), served(answering)).into()
}

/// Where the health check asks. Of a query is not told what it says: it may hold a token.
pub(super) fn asked(facts: &GroupFacts) -> String {
    let port = facts.check_port.map_or_else(|| "the traffic port".into(), |port| format!("port {port}"));
    let query = if facts.check_has_query { " with a query" } else { "" };
    format!("{port} and path {}{query}", facts.check_path)
}

fn served(answering: Answering<'_>) -> String {
    let path = answering.paths.first().map(String::as_str).unwrap_or_default();
    format!("port {} and path {path}", answering.port)
}

pub(super) fn answers_for_us(answering: Answering<'_>) -> Text {
    format!(
        "it has had its time to see the 503: something else answers its health check; look for a proxy or another \
         program on port {}, or for another node with this target's address",
        answering.port
    )
    .into()
}

pub(super) fn gets_codes(codes: &[u16], answering: Answering<'_>) -> Text {
    let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
    let got = if codes.is_empty() { "another status".into() } else { codes.join(", ") };
    format!(
        "it gets {got} where this agent answers 200: something else answers; look for a proxy or another program on \
         port {}",
        answering.port
    )
    .into()
}

pub(super) fn takes_no_200(facts: &GroupFacts) -> Text {
    format!("its health check takes {} for good and this agent answers 200; set its matcher to 200", facts.matcher)
        .into()
}

pub(super) fn speaks_https(facts: &GroupFacts) -> Text {
    let port = facts.check_port.unwrap_or(facts.port);
    format!("its health check speaks HTTPS to port {port}, this agent HTTP alone; set its protocol to HTTP").into()
}

pub(super) fn times_out(answering: Answering<'_>) -> Text {
    format!("its health checks get no answer in time; {}", let_in(answering)).into()
}

pub(super) fn times_out_anyway(answering: Answering<'_>) -> Text {
    format!("by time-outs, not by the 503: it would say so of an up node, too; {}", let_in(answering)).into()
}

fn let_in(answering: Answering<'_>) -> String {
    format!(
        "let the load balancer's security group in to port {} in the node's own, and look at network ACLs and the \
         machine's firewall",
        answering.port
    )
}

pub(super) fn connects_in_vain(answering: Answering<'_>) -> Text {
    format!(
        "its health checks are refused, cut off or not understood; see that health.listen covers the target's \
         address at port {}, and that no firewall refuses it",
        answering.port
    )
    .into()
}

pub(super) fn taken_out(owned: bool) -> Text {
    let text = if owned {
        "it was taken out and did not come back; see this agent's findings and log"
    } else {
        "somebody takes it out while this node is up; ask whoever registers it (the Auto Scaling group, a deployment)"
    };
    text.into()
}

pub(super) fn not_registered(owned: bool) -> Text {
    let text = if owned {
        "it is not in the group; see this agent's findings and log for what keeps it from registering the node"
    } else {
        "nobody has registered it; whoever owns the group has to (the Auto Scaling group, an operator)"
    };
    text.into()
}

pub(super) fn not_running(seen: &TargetSeen) -> Text {
    let words = if seen.description.is_empty() { "the instance does not run" } else { &seen.description };
    format!("AWS says: {words}; start it, or see whether this machine is the instance that its metadata name").into()
}

pub(super) fn unknown_state(word: &str) -> Text {
    format!("this version does not know the state {word}; see AWS's page of target states").into()
}

pub(super) fn unknown_reason(seen: &TargetSeen) -> Text {
    let reason = if seen.reason.is_empty() { "none" } else { &seen.reason };
    format!("AWS gives a reason that this version does not know ({reason}); see AWS's page of target states").into()
}

pub(super) fn unknown_override(word: &str) -> Text {
    format!(
        "an administrative override that this version does not know ({word}) may keep requests away; see AWS's \
             page of them"
    )
    .into()
}

pub(super) fn unknown_anomaly(word: &str) -> Text {
    format!("this version does not know what anomaly detection says ({word}); see AWS's page of it").into()
}
