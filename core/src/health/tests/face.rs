//! All parts of the room together: how far Rundeck can be asked by what was seen, and what must hold after each turn.

use super::super::{Health, Verdict};
use crate::contract::{
    BootSeen, HealthPolicy, JvmSeen, Life, Moment, Process, ProcessSeen, Readiness, ReadySeen, Reason, Span, WebSeen,
};
use crate::desk::Desk;

const NOW: Moment = Moment(1_000_000);
const RUNDECK: Process = Process { pid: 4440, start: 1 };
const OTHER: Process = Process { pid: 4441, start: 2 };
const SOUND: JvmSeen = JvmSeen { memory: 0, threads: 0, stopping: Some(false), stranger: None };
const STOPPING: JvmSeen = JvmSeen { stopping: Some(true), ..SOUND };

struct Stand(Health, Desk, HealthPolicy);

fn stand() -> Stand {
    Stand(Health::new(NOW), Desk::new(1, NOW), HealthPolicy::default())
}

/// What happens to a node.
#[derive(Clone, Copy, Debug)]
enum Seen {
    /// A look for the process finds this one.
    Found(Process, JvmSeen),
    /// The process that is known has ended.
    Ended(Process),
    /// A round.
    Web(WebSeen),
    /// A round that meets a start.
    Boots,
}

impl Stand {
    fn sees(&mut self, seen: Seen) -> &mut Stand {
        let Stand(health, desk, policy) = self;
        desk.begin_turn(desk.now() + Span::secs(1));
        match seen {
            Seen::Found(process, jvm) => health.on_process(Some(ProcessSeen::One(process, jvm)), policy, desk),
            Seen::Ended(process) => assert!(health.on_process_ended(process, desk)),
            Seen::Web(web) => health.on_web(Some((web, None)), desk.now(), false, policy, desk),
            Seen::Boots => {
                let seen = (WebSeen::Ok, Some(BootSeen::StillBooting));
                health.on_web(Some(seen), desk.now(), false, policy, desk);
            }
        }
        assert_eq!(health.check(), Ok(()));
        self
    }

    fn ready(&mut self, readiness: Readiness) {
        let seen = ReadySeen { readiness, database: None, bound: false };
        self.0.on_ready(Some(seen), false, &self.2, &mut self.1);
    }
}

#[test]
fn what_has_become_of_rundeck_is_told_by_its_port_and_its_process() {
    use Seen::{Boots, Ended, Found, Web};
    let [serves, refused, wrong] = [WebSeen::Ok, WebSeen::Refused, WebSeen::Status(500)].map(Web);
    let (found, other) = (Found(RUNDECK, SOUND), Found(OTHER, SOUND));
    for (seen, life) in [
        (vec![], Life::There),
        (vec![refused], Life::There),
        (vec![refused, refused], Life::Closed),
        (vec![serves, refused, refused], Life::Finishing),
        (vec![wrong, refused, refused], Life::Finishing),
        (vec![found, refused], Life::There),
        (vec![found, refused, refused], Life::Closed),
        (vec![found, refused, refused, Web(WebSeen::CannotConnect)], Life::There),
        (vec![found, serves, refused, refused], Life::Finishing),
        (vec![found, Found(RUNDECK, STOPPING), refused, refused], Life::Finishing),
        (vec![found, other, refused, refused], Life::Starting),
        (vec![found, other, serves, refused, refused], Life::Finishing),
        (vec![found, Found(OTHER, STOPPING), refused, refused], Life::Finishing),
        (vec![found, Ended(RUNDECK)], Life::There),
        (vec![found, Ended(RUNDECK), refused], Life::Gone),
        (vec![found, Ended(RUNDECK), wrong], Life::Closed),
        (vec![found, Ended(RUNDECK), other, refused], Life::There),
        (vec![found, Ended(RUNDECK), other, refused, refused], Life::Starting),
        (vec![Boots], Life::Starting),
        (vec![found, refused, Boots], Life::Starting),
        (vec![found, Boots, Found(RUNDECK, STOPPING)], Life::There),
        (vec![found, serves, Boots], Life::There),
        (vec![Boots, wrong], Life::There),
        (vec![Boots, Web(WebSeen::CannotConnect)], Life::There),
    ] {
        let mut stand = stand();
        for one in &seen {
            stand.sees(*one);
        }
        assert_eq!(stand.0.reach(&stand.1).life, life, "{seen:?}");
    }
}

#[test]
fn a_node_that_is_up_without_a_proof_is_a_contradiction() {
    let mut stand = stand();
    assert_eq!(stand.0.check(), Ok(()));
    stand.0.standing.take_up();
    assert!(stand.0.check().is_err());
}

/// A contradicting look at the process is followed by a round, with which the next one comes, at the fast pace.
#[test]
fn a_stranger_on_the_port_is_looked_at_again_after_the_fast_interval() {
    let mut stand = stand();
    stand.sees(Seen::Found(RUNDECK, SOUND));
    for _ in 0..20 {
        stand.sees(Seen::Web(WebSeen::Ok));
    }
    assert_eq!(stand.0.verdict(), Verdict::Up);
    stand.sees(Seen::Found(RUNDECK, JvmSeen { stranger: Some(1000), ..SOUND }));
    let next = stand.0.process_row().next.map_or(0, |at| at.since(stand.1.now()).0);
    assert_eq!(next, 1_000);
}

/// What ended is news of its own: the verdict is as young as that, however old the last round.
#[test]
fn an_end_makes_the_verdict_young() {
    let mut stand = stand();
    stand.sees(Seen::Found(RUNDECK, SOUND)).sees(Seen::Web(WebSeen::Ok));
    stand.1.begin_turn(NOW + Span::secs(30));
    stand.sees(Seen::Ended(RUNDECK));
    assert_eq!((stand.0.verdict(), stand.0.looked_at()), (Verdict::Down(Reason::Exited), stand.1.now()));
}

/// Enough good rounds that waited for the readiness state alone wait no longer than for its answer.
#[test]
fn a_start_is_over_with_the_answer_that_says_so() {
    let mut stand = stand();
    stand.sees(Seen::Found(RUNDECK, SOUND));
    stand.ready(Readiness::NotReady);
    for _ in 0..20 {
        stand.sees(Seen::Web(WebSeen::Ok));
    }
    assert_eq!(stand.0.verdict(), Verdict::Booting(Reason::NotReady));
    stand.ready(Readiness::Ready);
    assert_eq!(stand.0.verdict(), Verdict::Up);
}
