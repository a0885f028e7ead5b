//! The end of Rundeck's process is watched, also where that could not be done at first.

use super::*;
use crate::rig::{RUNDECK, policy};
use rundeck_alb_core::{Finding, Notice};

fn is_told(rig: &Rig) -> bool {
    rig.heart.snapshot().findings.iter().any(|finding| finding.finding == Finding::ProcessUnwatched)
}

/// How often a watch is set within this time.
fn watches(rig: &mut Rig, span: Span) -> usize {
    let until = rig.now + span;
    let mut set = 0;
    while rig.now < until {
        let turn = rig.turn();
        set +=
            turn.iter().filter(|command| matches!(command, Command::WatchExit(process) if *process == RUNDECK)).count();
    }
    set
}

/// A watch that could not be set (no descriptors left, say) is set again, once for each time that it fails; once it
/// holds, the finding goes.
#[test]
fn a_watch_that_could_not_be_set_is_set_again() {
    let mut rig = settled(policy());
    assert_eq!(watches(&mut rig, Span::secs(120)), 0, "it holds");
    for _ in 0..2 {
        rig.feed(Event::Noticed(Notice::ExitWatch, Some("too many open files".into())));
        assert!(is_told(&rig));
    }
    assert_eq!(watches(&mut rig, Span::secs(120)), 1, "one look later");
    assert!(!is_told(&rig), "it holds again");
}
