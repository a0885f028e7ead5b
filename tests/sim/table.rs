//! A schedule as a table that a person can read: moment, event, state, commands.

use crate::invariants::name;
use rundeck_alb_core::{Command, Event, Moment, Reply, Snapshot};
use std::fmt;
use std::io::Write;

/// One turn of the heart, or something that happened beside it.
#[derive(Debug)]
pub struct Row {
    at: Moment,
    event: String,
    state: String,
    commands: Vec<String>,
}

impl Row {
    pub fn of(at: Moment, event: &Event, after: &Snapshot, commands: &[Command]) -> Row {
        let answer = after.answer;
        let status = if answer.ok { 200 } else { 503 };
        let phase = after.drain.as_ref().map_or(String::new(), |d| format!(" {}", d.phase));
        let state = format!("{status} {}/{}{phase}", answer.state, answer.reason);
        Row { at, event: short(event), state, commands: commands.iter().map(name).collect() }
    }

    pub fn note(at: Moment, what: &str, why: &str) -> Row {
        Row { at, event: format!("-- {what} {why}"), state: String::new(), commands: Vec::new() }
    }
}

fn short(event: &Event) -> String {
    match event {
        Event::Reply(id, reply) => format!("{} {}", id.0, cut(reply)),
        other => {
            let mut text = format!("{other:?}");
            text.truncate(70);
            text
        }
    }
}

fn cut(reply: &Reply) -> String {
    let mut text = format!("{reply:?}");
    text.truncate(60);
    text
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.0 as f64 / 1000.0;
        write!(f, "{seconds:>10.3}  {:<72} {:<30} {}", self.event, self.state, self.commands.join(", "))
    }
}

/// Not captured by the test harness: these lines are for whoever runs the tests.
pub fn say(text: &str) {
    // Nobody reads standard error: nothing to be done about it.
    let _ = writeln!(std::io::stderr(), "{text}");
}
