//! Rundeck's process by itself: when it is looked for, watched, told to end, ended and replaced.

use super::super::process::{Jvm, judged_process, unsound};
use crate::contract::{
    Call, Command, Finding, HealthPolicy, JvmSeen, Moment, Outcome, Process, ProcessSeen, Reason, Span,
};
use crate::desk::Desk;

const NOW: Moment = Moment(1_000_000);
const RUNDECK: Process = Process { pid: 4440, start: 1 };
const OTHER: Process = Process { pid: 4441, start: 2 };
const STOPPING: JvmSeen = JvmSeen { memory: 0, threads: 0, stopping: Some(true), stranger: None };
const STRANGER: JvmSeen = JvmSeen { memory: 0, threads: 0, stopping: Some(false), stranger: Some(1000) };
const SOUND: JvmSeen = JvmSeen { memory: 0, threads: 0, stopping: Some(false), stranger: None };

struct Stand(Jvm, Desk, HealthPolicy);

fn stand() -> Stand {
    Stand(Jvm::new(NOW), Desk::new(1, NOW), HealthPolicy::default())
}

impl Stand {
    fn found(&mut self, process: Process) -> bool {
        self.0.found(process, &mut self.1)
    }

    fn judge(&mut self, jvm: JvmSeen) -> bool {
        self.0.judge(jvm, &self.2, &mut self.1)
    }

    /// Looks that go out so long after the beginning; `round`: with a round.
    fn looks(&mut self, after: Span, round: bool) -> usize {
        self.1.begin_turn(NOW + after);
        self.0.step(round, &mut self.1);
        let look = |command: &Command| matches!(command, Command::Call { call: Call::FindProcess { .. }, .. });
        self.1.take().into_iter().filter(look).count()
    }

    fn watches(&mut self) -> usize {
        self.1.take().into_iter().filter(|command| matches!(command, Command::WatchExit(_))).count()
    }
}

#[test]
fn told_to_end_and_a_stranger_make_it_unsound() {
    assert_eq!(
        [SOUND, STOPPING, STRANGER].map(unsound),
        [None, Some(Reason::RundeckStopping), Some(Reason::WrongProcess)]
    );
    for (seen, outcome) in [
        (Some(ProcessSeen::One(RUNDECK, SOUND)), Outcome::Pass),
        (Some(ProcessSeen::One(RUNDECK, STOPPING)), Outcome::Fail),
        (Some(ProcessSeen::Several(2)), Outcome::Unknown),
        (Some(ProcessSeen::None), Outcome::Unknown),
        (None, Outcome::Unknown),
    ] {
        assert_eq!(judged_process(seen).outcome, outcome, "{seen:?}");
    }
}

#[test]
fn one_that_is_known_is_looked_at_with_each_round_and_else_every_half_minute() {
    let mut stand = stand();
    assert_eq!(stand.looks(Span::ZERO, false), 1);
    assert_eq!(stand.looks(Span(1), true), 0, "one is under way");
    assert!(stand.0.on_look(Some(ProcessSeen::None), &mut stand.1).is_none());
    assert_eq!(stand.looks(Span::secs(2), true), 0, "nobody is known who could be looked at");
    assert_eq!(stand.looks(Span(8_900), false), 0);
    assert_eq!(stand.looks(Span(11_101), false), 1);
    assert_eq!(stand.0.on_look(Some(ProcessSeen::One(RUNDECK, SOUND)), &mut stand.1), Some((RUNDECK, SOUND)));
    assert!(!stand.found(RUNDECK), "it takes nobody's place");
    assert_eq!(stand.looks(Span::secs(12), true), 1);
    stand.0.on_look(None, &mut stand.1);
    assert_eq!(stand.looks(Span(38_900), false), 0);
    assert_eq!(stand.looks(Span(45_001), false), 1);
}

#[test]
fn its_end_is_watched_once_and_again_where_that_could_not_be() {
    let mut stand = stand();
    stand.found(RUNDECK);
    assert_eq!(stand.watches(), 1);
    stand.found(RUNDECK);
    assert_eq!(stand.watches(), 0);
    stand.1.noticed(Finding::ProcessUnwatched, "no descriptors".into());
    stand.0.unwatched();
    stand.found(RUNDECK);
    assert_eq!(stand.watches(), 1);
    assert_eq!(stand.1.findings().len(), 1, "whether it holds shows at the next look");
    stand.found(RUNDECK);
    assert_eq!((stand.watches(), stand.1.findings().len()), (0, 0));
}

#[test]
fn another_one_takes_its_place_and_an_end_leaves_an_orphan() {
    let mut stand = stand();
    stand.found(RUNDECK);
    assert!(!stand.0.is_new() && !stand.0.is_orphan());
    assert!(stand.found(OTHER));
    assert!(stand.0.is_new());
    assert!(!stand.0.ended(RUNDECK), "not the one that is watched");
    assert_eq!(stand.0.process(), Some(OTHER));
    stand.judge(STOPPING);
    assert_eq!(stand.0.shown(), STOPPING);
    assert!(stand.0.ended(OTHER) && stand.0.is_orphan());
    assert_eq!((stand.0.process(), stand.0.shown()), (None, JvmSeen::default()));
    assert!(!stand.found(RUNDECK), "nobody is there whose place it takes");
    assert!(stand.0.is_new() && !stand.0.is_orphan());
}

#[test]
fn sigterm_is_believed_after_one_more_look_and_a_stranger_after_three() {
    let mut stand = stand();
    stand.found(RUNDECK);
    assert!(!stand.judge(SOUND));
    assert!(!stand.judge(STOPPING), "looked at again at once, without a round");
    assert_eq!(stand.looks(Span::ZERO, false), 1);
    stand.judge(STOPPING);
    assert_eq!(stand.0.sound().shut(), Some(Reason::RundeckStopping));
    assert!(stand.judge(SOUND), "contradicts what was believed");
    assert!(!stand.judge(SOUND));
    assert_eq!(stand.0.sound().shut(), None);
    for shut in [None, None, Some(Reason::WrongProcess)] {
        assert_eq!(stand.judge(STRANGER), shut.is_none());
        assert_eq!(stand.0.sound().shut(), shut);
    }
    stand.0.start_over(&mut stand.1);
    assert_eq!(stand.0.sound().shut(), None);
}

#[test]
fn one_whose_end_is_not_watched_has_ended_after_two_looks_in_a_row_that_find_none() {
    let nothing = Some(ProcessSeen::None);
    for (watched, looks, gone) in [
        (false, vec![nothing], false),
        (false, vec![nothing, nothing], true),
        (false, vec![nothing, nothing, nothing], true),
        (false, vec![nothing, Some(ProcessSeen::Hidden), nothing], false),
        (false, vec![Some(ProcessSeen::Hidden), Some(ProcessSeen::Several(2))], false),
        (false, vec![None, Some(ProcessSeen::Hung)], false),
        (true, vec![nothing, nothing, nothing], false),
    ] {
        let mut stand = stand();
        stand.found(RUNDECK);
        if !watched {
            stand.0.unwatched();
        }
        for look in &looks {
            stand.0.on_look(*look, &mut stand.1);
        }
        assert_eq!(stand.0.vanished(), gone.then_some(RUNDECK), "{watched} {looks:?}");
    }
}

#[test]
fn one_that_begins_to_answer_is_looked_for_at_once() {
    let mut stand = stand();
    assert_eq!(stand.looks(Span::ZERO, false), 1);
    stand.0.on_look(Some(ProcessSeen::None), &mut stand.1);
    assert_eq!(stand.looks(Span::secs(1), false), 0);
    stand.0.look_now(NOW + Span::secs(1));
    assert_eq!(stand.looks(Span::secs(1), false), 1);
}

#[test]
fn its_row_says_when_it_is_looked_at_next() {
    let mut stand = stand();
    let round = Some(NOW + Span::secs(5));
    assert_eq!(stand.0.row(round).next, Some(NOW), "one that is not known is looked for by itself");
    stand.found(RUNDECK);
    assert_eq!((stand.0.row(None).next, stand.0.row(round).next), (Some(NOW + Span::secs(30)), round));
}
