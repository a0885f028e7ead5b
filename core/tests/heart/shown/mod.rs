//! What people are shown: answer, evidence, rows and findings, situation by situation, as golden files.
//!
//! `BLESS=1` writes them anew; the difference is then to be read, line by line.

mod findings;
mod rows;

use crate::rig::Rig;
use rundeck_alb_core::{Call, Command, Event, Reply, Span};
use std::path::Path;

/// What the world answers instead of the rig; `None`: the rig answers.
type Answers = fn(&Rig, &Call) -> Option<Reply>;

fn calm(_: &Rig, _: &Call) -> Option<Reply> {
    None
}

/// The next thing that happens in this world: the oldest open call is answered, or time passes.
fn turn(rig: &mut Rig, world: Answers) -> Vec<Command> {
    let mute = rig.mute;
    if let Some(open) = rig.open.iter().find(|open| !mute(&open.call)).cloned() {
        rig.now = rig.now + Span(1);
        let reply = world(rig, &open.call).unwrap_or_else(|| rig.reply(&open.call));
        return rig.feed(Event::Reply(open.id, reply));
    }
    rig.now = rig.heart.next_deadline().unwrap_or(rig.now + Span(1));
    rig.feed(Event::Tick)
}

fn pass(rig: &mut Rig, span: Span, world: Answers) {
    let end = rig.now + span;
    while rig.now < end {
        turn(rig, world);
    }
}

/// Compares with a file of `tests/golden`, or writes it.
fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        assert!(std::fs::write(&path, text).is_ok(), "cannot write {}", path.display());
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = text.lines().zip(golden.lines()).find(|(now, then)| now != then);
    assert!(differs.is_none(), "first difference (now, golden): {differs:#?}; BLESS=1 writes the file anew");
    assert_eq!(text.lines().count(), golden.lines().count(), "BLESS=1 writes the file anew");
}
