//! The fleet's say: how many others could take this node's place, by the load balancer's word.
//!
//! It knows the health of each target in the node's groups as it was last told, and when that was asked for. It says
//! whether enough others are left for a choice, with the numbers and who was counted. What is asked, and what follows
//! from the answer, others decide: it neither ejects nor refuses.

use super::Membership;
use super::group::Group;
use crate::contract::{
    Call, Fleet, FleetSeen, GuardSays, Identity, MembershipPolicy, Moment, Span, TargetState, Trouble,
};
use crate::desk::{Desk, Pace, Topic};
use std::collections::{BTreeMap, BTreeSet};

/// Limit of one look at all groups, each a call of its own.
const LIMIT: Span = Span::secs(25);
/// Names of others that are told; how many there are is told anyway.
const MOST_NAMES: usize = 5;

#[derive(Clone, Debug)]
pub(super) struct Guard {
    /// Somebody waits for an answer.
    wanted: bool,
    pace: Pace,
    /// The last answer, and when it was asked for.
    answer: Option<(Moment, Result<Fleet, String>)>,
}

impl Guard {
    pub(super) fn new(now: Moment) -> Guard {
        Guard { wanted: false, pace: Pace::from(now), answer: None }
    }

    /// Somebody wants an answer that is asked for now, once: whether one that failed is asked for again, he decides.
    pub(super) fn ask(&mut self, desk: &mut Desk) {
        self.wanted = true;
        // One that is under way was asked for too early.
        desk.disown(&mut self.pace);
        self.pace.plan(desk.now());
    }

    /// `groups`: the ARNs of those in which the node is, or may be.
    pub(super) fn step(&mut self, groups: Vec<String>, desk: &mut Desk) {
        if !self.wanted || groups.is_empty() || !desk.due(&self.pace) {
            return;
        }
        match desk.may_look(Topic::Fleet, groups.len()) {
            Ok(()) => desk.ask(&mut self.pace, Topic::Fleet, Call::AskFleet(groups), LIMIT),
            Err(at) => self.pace.plan(at),
        }
    }

    /// The load balancer has answered, or not.
    pub(super) fn on_reply(&mut self, answer: Result<Vec<FleetSeen>, Trouble>, me: Option<&Identity>, desk: &mut Desk) {
        let asked = self.pace.begun();
        let answer = match (answer, me) {
            (Ok(groups), Some(me)) => Ok(fleet(&groups, me)),
            (Ok(_), None) => Err("which machine this is is not known".into()),
            (Err(trouble), _) => Err(trouble.text),
        };
        self.wanted = false;
        self.pace.done(desk.now());
        self.answer = Some((asked, answer));
    }

    /// When the answer that is there was asked for, if that was at `since` or later.
    pub(super) fn asked_since(&self, since: Moment) -> Option<Moment> {
        self.answer.as_ref().map(|(asked, _)| *asked).filter(|asked| *asked >= since)
    }

    /// Who else is there, or why nobody tells, by an answer that was asked for at `since` or later.
    pub(super) fn fleet(&self, since: Moment) -> Option<Result<&Fleet, &str>> {
        let (_, answer) = self.answer.as_ref().filter(|(asked, _)| *asked >= since)?;
        Some(answer.as_ref().map_err(String::as_str))
    }

    /// What the fleet says to a choice, by an answer that was asked for at `since` or later; `None`: it has not come.
    /// `needed`: so many others must be healthy.
    pub(super) fn says(&self, since: Moment, needed: u32) -> Option<GuardSays> {
        Some(match self.fleet(since)? {
            Ok(fleet) if fleet.others.len() >= needed as usize => GuardSays::Enough(words(fleet, needed)),
            Ok(fleet) => GuardSays::TooFew { healthy: fleet.others.len(), text: words(fleet, needed) },
            Err(why) => GuardSays::NoAnswer(why.to_owned()),
        })
    }
}

impl Membership {
    /// The target groups in which the node is or may be, each once, whoever owns them.
    pub(super) fn fleet(&self) -> Vec<String> {
        let arns: BTreeSet<&String> = self.each().filter_map(|group| Some(&group.target.as_ref()?.group)).collect();
        arns.into_iter().cloned().collect()
    }

    /// There is a fleet to be asked, which is asked now: the answer is one of this moment.
    pub(crate) fn ask_fleet(&mut self, desk: &mut Desk) {
        self.guard.ask(desk);
    }

    /// Others may be in the node's groups.
    pub(crate) fn has_fleet(&self) -> bool {
        self.each().any(|group| group.target.is_some())
    }

    /// A target that leaves cannot come back before its delay is over.
    pub(crate) fn has_address(&self) -> bool {
        self.each().any(Group::is_address)
    }

    /// What the fleet says to a choice, by an answer that was asked for at `since` or later; `None`: none has come.
    pub(crate) fn fleet_says(&self, since: Moment, policy: &MembershipPolicy) -> Option<GuardSays> {
        self.guard.says(since, policy.min_other_healthy)
    }

    /// The load balancer was asked who else is there.
    pub(crate) fn on_fleet(&mut self, answer: Result<Vec<FleetSeen>, Trouble>, desk: &mut Desk) {
        self.guard.on_reply(answer, self.instance.identity(), desk);
    }
}

/// Who else is there. *Others* are distinct instances, healthy in every group, that get the traffic they would get: no
/// zonal shift and no anomaly. Instances and addresses cannot be told to be one: the fewer of the two count.
fn fleet(groups: &[FleetSeen], me: &Identity) -> Fleet {
    let mine = |id: &str| me.is(id);
    let mut healthy: BTreeMap<bool, BTreeSet<String>> = BTreeMap::new();
    let mut all: BTreeMap<bool, BTreeSet<String>> = BTreeMap::new();
    for group in groups {
        let others = group.targets.iter().filter(|peer| !mine(&peer.id));
        // The same instance under two ports is one, and healthy where both are.
        let mut here: BTreeMap<&str, bool> = BTreeMap::new();
        for peer in others.filter(|peer| peer.state != TargetState::Absent) {
            let well = peer.state == TargetState::Healthy && !peer.sidelined;
            here.entry(&peer.id).and_modify(|all| *all &= well).or_insert(well);
        }
        let by_instance = here.keys().next().map_or_else(|| instances(group, me), |id| is_instance(id));
        let well = here.iter().filter(|(_, well)| **well).map(|(id, _)| (*id).to_owned()).collect();
        all.entry(by_instance).or_default().extend(here.keys().map(|id| (*id).to_owned()));
        match healthy.get_mut(&by_instance) {
            Some(known) => known.retain(|id| BTreeSet::contains(&well, id)),
            None => {
                healthy.insert(by_instance, well);
            }
        }
    }
    let others = healthy.into_values().min_by_key(BTreeSet::len).unwrap_or_default();
    Fleet { others, known: all.into_values().map(|ids| ids.len()).max().unwrap_or_default() }
}

fn is_instance(id: &str) -> bool {
    id.starts_with("i-")
}

/// A group without others: by the kind of our own target in it.
fn instances(group: &FleetSeen, me: &Identity) -> bool {
    group.targets.iter().all(|peer| peer.id == me.instance_id)
}

/// For people: who is counted, of how many, and what is needed.
pub(super) fn words(fleet: &Fleet, needed: u32) -> String {
    let count = fleet.others.len();
    let names: Vec<&str> = fleet.others.iter().take(MOST_NAMES).map(String::as_str).collect();
    let more = if count > MOST_NAMES { format!(" and {} more", count - MOST_NAMES) } else { String::new() };
    let who = if names.is_empty() { String::new() } else { format!(" ({}{more})", names.join(", ")) };
    format!("{count} of {} others healthy{who}, {needed} needed (membership.min_other_healthy)", fleet.known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::PeerSeen;

    fn me() -> Identity {
        Identity {
            instance_id: "i-me".into(),
            private_ip: Some("10.0.0.7".into()),
            region: "eu-central-1".into(),
            zone: "eu-central-1a".into(),
            ..Identity::default()
        }
    }

    fn peer(id: &str, port: u16, state: TargetState) -> PeerSeen {
        PeerSeen { id: id.into(), port, state, sidelined: false }
    }

    fn group(targets: &[(&str, u16, TargetState)]) -> FleetSeen {
        let targets = targets.iter().map(|(id, port, state)| peer(id, *port, state.clone())).collect();
        FleetSeen { group: "arn:g".into(), targets }
    }

    fn counted(groups: &[FleetSeen]) -> Vec<String> {
        fleet(groups, &me()).others.into_iter().collect()
    }

    const WELL: TargetState = TargetState::Healthy;
    const ILL: TargetState = TargetState::Unhealthy;

    #[test]
    fn others_are_distinct_instances_that_are_not_this_one() {
        let two_ports = [("i-me", 4440, WELL), ("i-me", 4441, WELL), ("i-a", 4440, WELL), ("i-a", 4441, WELL)];
        assert_eq!(counted(&[group(&two_ports)]), ["i-a"], "a second port is no second instance");
        let one_ill = [("i-a", 4440, WELL), ("i-a", 4441, ILL), ("i-b", 4440, WELL)];
        assert_eq!(counted(&[group(&one_ill)]), ["i-b"]);
        let addresses = [("10.0.0.7", 4440, WELL), ("10.0.0.8", 4440, WELL)];
        assert_eq!(counted(&[group(&addresses)]), ["10.0.0.8"]);
    }

    #[test]
    fn others_are_healthy_in_every_group_and_get_their_traffic() {
        let first = group(&[("i-a", 1, WELL), ("i-b", 1, WELL), ("i-c", 1, TargetState::Leaving)]);
        let second = group(&[("i-a", 2, WELL), ("i-b", 2, ILL), ("i-c", 2, WELL)]);
        assert_eq!(counted(&[first.clone(), second]), ["i-a"]);
        assert!(counted(&[first.clone(), group(&[("i-me", 2, WELL)])]).is_empty(), "nobody else is in the other group");
        let mut shifted = first;
        shifted.targets[0].sidelined = true;
        assert_eq!(counted(&[shifted]), ["i-b"]);
        for state in TargetState::KNOWN.iter().filter(|state| **state != WELL) {
            assert!(counted(&[group(&[("i-a", 1, state.clone())])]).is_empty(), "{state:?}");
        }
    }

    #[test]
    fn of_instances_and_addresses_the_fewer_count() {
        let instances = group(&[("i-a", 1, WELL), ("i-b", 1, WELL)]);
        let addresses = group(&[("10.0.0.8", 1, WELL)]);
        assert_eq!(counted(&[instances, addresses]), ["10.0.0.8"]);
    }

    #[test]
    fn the_numbers_and_who_is_counted_are_said() {
        let few = fleet(&[group(&[("i-a", 1, WELL), ("i-b", 1, ILL)])], &me());
        assert_eq!(words(&few, 2), "1 of 2 others healthy (i-a), 2 needed (membership.min_other_healthy)");
        let ids: Vec<String> = (0..7).map(|n| format!("i-{n}")).collect();
        let many: Vec<_> = ids.iter().map(|id| (id.as_str(), 1, WELL)).collect();
        let many = words(&fleet(&[group(&many)], &me()), 1);
        assert_eq!(
            many,
            "7 of 7 others healthy (i-0, i-1, i-2, i-3, i-4 and 2 more), 1 needed (membership.min_other_healthy)"
        );
        assert_eq!(words(&fleet(&[], &me()), 1), "0 of 0 others healthy, 1 needed (membership.min_other_healthy)");
    }
}
