//! What is wrong with a node takes it out only where the fleet can do without it; and what all members share takes out
//! one of them at most.

use crate::rig::{GROUP, Open, Rig, fleet, identity, policy};
use rundeck_alb_core::{
    Answer, ApiSeen, Call, Command, DatabaseRule, DatabaseSeen, Degraded, Event, FleetSeen, Identity, Mode, Moment,
    NoteKind, PeerSeen, Policy, Reason, Reply, Span, State, TargetState,
};

/// The group's: two checks of ten seconds, one more that times out after five, and five to spare.
const DETECTION: Span = Span::secs(30);
/// What is found out, and both answers of the fleet.
const FOUND: Span = Span::secs(35);

const DOWN: fn(Reason) -> Answer = |reason| Answer { ok: false, state: State::Down, reason };

/// Plays for so long; returns the questions about the fleet, and what people were told by the guard.
fn plays(rig: &mut Rig, span: Span) -> (Vec<Moment>, Vec<String>) {
    let end = rig.now + span;
    let (mut asked, mut told) = (Vec::new(), Vec::new());
    while rig.now < end && rig.heart.next_deadline().is_none_or(|at| at <= end) {
        for command in rig.turn() {
            match command {
                Command::Call { call: Call::AskFleet(_), .. } => asked.push(rig.now),
                Command::Tell(note) if note.kind == NoteKind::Notice && note.text.starts_with("fleet guard") => {
                    told.push(note.text);
                }
                _ => {}
            }
        }
    }
    rig.now = end;
    (asked, told)
}

fn held(rig: &Rig) -> bool {
    rig.heart.snapshot().degraded.contains(&Degraded::GuardHold)
}

#[test]
fn a_node_that_somebody_made_passive_goes_once_the_fleet_has_agreed_twice() {
    for seed in 0..20 {
        let mut rig = Rig::new(policy(), seed);
        assert!(rig.until(|rig| rig.heart.answer().ok && rig.registered), "never in service");
        plays(&mut rig, Span::secs(60));
        rig.mode = Mode::Passive;
        let since = rig.now;
        assert!(rig.until(held), "it is flagged while the others are asked");
        assert!(rig.heart.answer().ok);
        let (asked, told) = plays(&mut rig, DETECTION + FOUND);
        assert_eq!(rig.heart.answer(), DOWN(Reason::Passive), "since {since:?}");
        assert!(!held(&rig) && asked.len() <= 2 && !asked.is_empty(), "{asked:?}");
        assert!(told.iter().all(|text| text.contains("can do without this node: 2 of 2 others healthy")), "{told:?}");
        // It is out: nobody is asked any more, whatever becomes of them.
        rig.others = Some(0);
        assert_eq!(plays(&mut rig, Span::secs(300)).0, []);
        assert_eq!(rig.heart.answer(), DOWN(Reason::Passive));
        rig.mode = Mode::Active;
        assert!(rig.until(|rig| rig.heart.answer().ok), "it comes back");
    }
}

#[test]
fn without_others_or_without_an_answer_it_stays_flagged_and_they_are_asked_every_half_minute() {
    for reason in [Reason::Passive, Reason::Disk] {
        for (others, says) in [(Some(0), "0 of 0 others healthy, 1 needed"), (None, "nobody tells how the others are")]
        {
            let mut rig = Rig::in_service(policy());
            rig.others = others;
            match reason {
                Reason::Passive => rig.mode = Mode::Passive,
                _ => rig.free = 5,
            }
            assert!(rig.until(held), "flagged");
            let (asked, told) = plays(&mut rig, Span::secs(600));
            assert!(rig.heart.answer().ok && held(&rig), "{reason}: {others:?}");
            assert!((15..=23).contains(&asked.len()), "{} questions in ten minutes", asked.len());
            assert!(told.len() <= 1, "told once: {told:?}");
            let view = rig.heart.snapshot().hold;
            assert!(view.is_some_and(|view| view.refused && view.text.contains(says)), "{says}");
            rig.others = Some(1);
            plays(&mut rig, Span::secs(40) + DETECTION + FOUND);
            assert_eq!(rig.heart.answer(), DOWN(reason));
        }
    }
}

#[test]
fn others_that_go_while_it_waits_hold_it() {
    for seed in 0..20 {
        let mut rig = Rig::new(policy(), seed);
        assert!(rig.until(|rig| rig.heart.answer().ok && rig.registered), "never in service");
        plays(&mut rig, Span::secs(60));
        rig.mode = Mode::Passive;
        let asks = |rig: &Rig| rig.open.iter().any(|open| matches!(open.call, Call::AskFleet(_)));
        assert!(rig.until(asks) && rig.until(|rig| !asks(rig)), "asked and answered");
        rig.others = Some(0);
        plays(&mut rig, DETECTION + FOUND);
        assert!(rig.heart.answer().ok && held(&rig), "seed {seed}");
    }
}

#[test]
fn where_nobody_need_agree_it_goes_at_once() {
    let mut none = policy();
    none.membership.groups.clear();
    let mut whatever = policy();
    whatever.membership.min_other_healthy = 0;
    for policy in [none, whatever] {
        let mut rig = Rig::new(policy, 1);
        assert!(rig.until(|rig| rig.heart.answer().ok), "never up");
        plays(&mut rig, Span::secs(60));
        rig.others = None;
        rig.mode = Mode::Passive;
        let (asked, _) = plays(&mut rig, Span::secs(30));
        assert_eq!((rig.heart.answer(), asked), (DOWN(Reason::Passive), vec![]));
    }
}

#[test]
fn a_node_that_was_never_in_service_is_no_loss() {
    let mut rig = Rig::new(policy(), 1);
    rig.mode = Mode::Passive;
    rig.others = Some(0);
    assert!(rig.until(|rig| rig.heart.answer() == DOWN(Reason::Passive) || rig.heart.answer().ok));
    assert!(!rig.heart.answer().ok, "nobody is sent to it first");
}

/// What a Rundeck answers whose database is as the rig says: the API needs it, too.
fn reply(rig: &mut Rig, call: &Call) -> Reply {
    match (call, &rig.database) {
        (Call::ProbeApi, DatabaseSeen::Failed(status)) => Reply::Api(ApiSeen::Failed(*status)),
        _ => rig.reply(call),
    }
}

/// The oldest call that is answered: what needs a database that hangs is not.
fn answered(rig: &Rig) -> Option<Open> {
    let hangs = |call: &Call| {
        rig.database == DatabaseSeen::TimedOut && matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. })
    };
    rig.open.iter().find(|open| !hangs(&open.call)).cloned()
}

/// One of several nodes of one group, whose balancer sees a 503 after its detection time.
struct Node {
    rig: Rig,
    id: String,
    out_since: Option<Moment>,
}

/// Ten nodes with one database.
struct Fleet {
    nodes: Vec<Node>,
    now: Moment,
}

impl Fleet {
    fn new(count: usize, policy: &Policy, seed: u64) -> Fleet {
        let node = |n: usize| Node {
            rig: Rig::new(policy.clone(), seed * 100 + n as u64),
            id: format!("i-{n:017}"),
            out_since: None,
        };
        let nodes: Vec<Node> = (0..count).map(node).collect();
        let now = nodes.iter().map(|node| node.rig.now).max().unwrap_or_default();
        Fleet { nodes, now }
    }

    /// What the load balancer says of all of them.
    fn seen(&self) -> Vec<FleetSeen> {
        let peer = |node: &Node| {
            let ill = node.out_since.is_some_and(|since| self.now.since(since) >= DETECTION);
            let state = if ill { TargetState::Unhealthy } else { TargetState::Healthy };
            PeerSeen { id: node.id.clone(), port: 4440, state, sidelined: false }
        };
        vec![FleetSeen { group: GROUP.into(), targets: self.nodes.iter().map(peer).collect() }]
    }

    /// The next thing that happens to anybody.
    fn turn(&mut self) {
        let due = |rig: &Rig| if answered(rig).is_none() { rig.heart.next_deadline() } else { Some(rig.now) };
        let next = (0..self.nodes.len()).min_by_key(|at| due(&self.nodes[*at].rig).unwrap_or(Moment(u64::MAX)));
        let Some(at) = next else { return };
        let seen = self.seen();
        let node = &mut self.nodes[at];
        if let Some(open) = answered(&node.rig) {
            node.rig.now = node.rig.now + Span(1);
            let reply = match &open.call {
                Call::AskFleet(_) => Reply::Fleet(Ok(seen)),
                Call::AskIdentity => Reply::Identity(Ok(Identity { instance_id: node.id.clone(), ..identity() })),
                call => reply(&mut node.rig, call),
            };
            node.rig.feed(Event::Reply(open.id, reply));
        } else {
            node.rig.now = node.rig.heart.next_deadline().unwrap_or(node.rig.now + Span(1));
            node.rig.feed(Event::Tick);
        }
        self.now = self.now.max(node.rig.now);
        let ok = node.rig.heart.answer().ok;
        node.out_since = if ok { None } else { node.out_since.or(Some(node.rig.now)) };
    }

    fn plays(&mut self, span: Span) -> usize {
        let end = self.now + span;
        let mut most = 0;
        while self.now < end {
            self.turn();
            most = most.max(self.nodes.iter().filter(|node| !node.rig.heart.answer().ok).count());
        }
        most
    }
}

/// A database that is gone for all takes out one node at most, in whatever order they find out; one that a single node
/// has lost takes out that one.
#[test]
fn of_ten_nodes_that_share_a_dead_database_one_leaves_at_most() {
    let mut policy = policy();
    policy.health.database = DatabaseRule::Eject;
    for seed in 0..6 {
        for dead in [DatabaseSeen::Failed(500), DatabaseSeen::TimedOut] {
            let mut ten = Fleet::new(10, &policy, seed);
            ten.plays(Span::secs(120));
            assert!(ten.nodes.iter().all(|node| node.rig.heart.answer().ok), "all are in service");
            for node in &mut ten.nodes {
                node.rig.database = dead.clone();
            }
            assert_eq!(ten.plays(Span::secs(45 * 60)), 1, "seed {seed}, {dead:?}");
        }
        let mut ten = Fleet::new(10, &policy, seed);
        ten.plays(Span::secs(120));
        ten.nodes[9].rig.database = DatabaseSeen::Failed(500);
        ten.plays(Span::secs(45 * 60));
        let out: Vec<usize> = (0..10).filter(|n| !ten.nodes[*n].rig.heart.answer().ok).collect();
        assert_eq!(out, [9], "seed {seed}");
        assert_eq!(ten.nodes[9].rig.heart.answer(), DOWN(Reason::Database));
    }
}

/// Fewer than half are never left by it.
#[test]
fn what_is_shared_leaves_no_half_of_the_fleet() {
    let mut policy = policy();
    policy.health.database = DatabaseRule::Eject;
    for (well, goes) in [(2, true), (1, false)] {
        let mut rig = Rig::in_service(policy.clone());
        rig.database = DatabaseSeen::Failed(500);
        let mut four = fleet(3);
        for peer in four[0].targets.iter_mut().skip(well) {
            peer.state = TargetState::Unhealthy;
        }
        let end = rig.now + Span::secs(20 * 60);
        while rig.now < end {
            match rig.open.first().cloned() {
                Some(open) => {
                    rig.now = rig.now + Span(1);
                    let asked = matches!(open.call, Call::AskFleet(_));
                    let reply = if asked { Reply::Fleet(Ok(four.clone())) } else { reply(&mut rig, &open.call) };
                    rig.feed(Event::Reply(open.id, reply));
                }
                None => drop(rig.turn()),
            }
        }
        assert_eq!(rig.heart.answer().ok, !goes, "{well} of three others are well");
        let text = rig.heart.snapshot().hold.map(|view| view.text);
        assert_eq!(text.is_some_and(|text| text.contains("1 of 4 members would be left")), !goes);
    }
}
