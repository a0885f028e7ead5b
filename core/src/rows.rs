//! One row per check: what was seen, when, how often in a row, and what would change the verdict. It decides nothing.

use crate::contract::{Check, CheckView, HostSeen, Mode, Moment, sooner};
use crate::desk::{Gate, Pace};
use crate::health::Verdict;
use crate::heart::Heart;
use crate::machine::{LOAD_ABOVE, MEMORY_BELOW, percent};
use crate::member::Likeness;
use crate::seen::{
    Words, api_words, database_words, disk_words, load_words, memory_words, not_asked, process_words, ready_words,
    web_words,
};

impl Heart {
    /// Every check that is made, in the documented order.
    pub(crate) fn rows(&self) -> Vec<CheckView> {
        let mut rows = vec![self.process_row(), self.web_row(), self.readiness_row()];
        if self.policy.health.has_token {
            rows.extend([self.api_row(), self.database_row()]);
        }
        rows.extend([self.disk_row(), self.memory_row(), self.load_row()]);
        if self.policy.health.has_token {
            rows.push(self.clone_row());
        }
        rows
    }

    fn process_row(&self) -> CheckView {
        let health = &self.health;
        let words =
            health.process.map_or(("unknown", "not found".into()), |process| process_words(process, health.jvm));
        let change = match health.process {
            Some(_) => "its end is seen at once, and so is SIGTERM at the next look".to_owned(),
            None => "found once a java process with Rundeck's arguments serves the port of rundeck.url".to_owned(),
        };
        let (passes, fails) = (health.sound.passes(), health.sound.fails());
        let row = row(Check::Process, words, health.process_at, health.looking, change);
        // A known process is looked at with each round.
        let round = health.round.wake().filter(|_| health.process.is_some());
        CheckView { passes, fails, next: sooner(row.next, round), ..row }
    }

    fn web_row(&self) -> CheckView {
        let (health, policy) = (&self.health, &self.policy.health);
        let words = health.last_web.map_or(not_asked(), |(seen, _)| web_words(seen));
        let at = health.last_web.map(|(_, at)| at);
        let (passes, fails) = (health.run.passes, health.run.fails);
        let change = match health.base {
            Verdict::Up => format!("{} take the node out", more(policy.fall, fails, "bad answer")),
            _ if health.proven() => format!("{} bring it back", more(policy.rise, passes, "good answer")),
            _ => format!(
                "a first up wants {}, then {}",
                more(policy.rise_initial, passes, "good round"),
                if health.ready.absent() {
                    format!("{} s of nothing else", policy.settle.0 / 1000)
                } else {
                    "the readiness state".to_owned()
                }
            ),
        };
        CheckView { took: health.web_took, passes, fails, ..row(Check::Web, words, at, health.round, change) }
    }

    fn readiness_row(&self) -> CheckView {
        let (ready, policy) = (&self.health.ready, &self.policy.health);
        let words = ready.last.as_ref().map_or(not_asked(), |(seen, _)| ready_words(seen));
        let at = ready.last.as_ref().map(|(_, at)| *at);
        let change = if ready.absent() {
            "asked again when Rundeck is restarted; until then SIGTERM shows by its process only".to_owned()
        } else {
            gate_change(&ready.gate, policy.rise, policy.fall, "take the node out")
        };
        let next = if ready.absent() { None } else { self.health.round.wake().filter(|_| !ready.pace.is_open()) };
        let (passes, fails) = (ready.gate.passes(), ready.gate.fails());
        let row = row(Check::Readiness, words, at, self.health.round, change);
        CheckView { next, took: ready.took, passes, fails, ..row }
    }

    fn api_row(&self) -> CheckView {
        let api = &self.api;
        let words = api.last.as_ref().map_or(not_asked(), |(seen, _)| api_words(seen));
        let change = match (self.policy.health.passive_out, self.node.in_group(), api.mode) {
            (true, false, Some(Mode::Passive)) => "active mode, seen twice, brings the node back",
            (true, false, _) => "passive mode set by somebody else, seen twice, takes the node out",
            _ => "passive mode only flags the node",
        };
        let at = api.last.as_ref().map(|(_, at)| *at);
        CheckView { took: api.took, ..row(Check::Api, words, at, api.pace, change.to_owned()) }
    }

    fn database_row(&self) -> CheckView {
        let database = &self.database;
        let words = database.last.as_ref().map_or(not_asked(), |(seen, _)| database_words(seen, database.took));
        let at = database.last.as_ref().map(|(_, at)| *at);
        let (passes, fails) = (database.gate.passes(), database.gate.fails());
        let change = "shared by all members: reported, takes no node out".to_owned();
        let next = database.slot.wake(database.pace.wake());
        let row = row(Check::Database, words, at, database.pace, change);
        CheckView { next, took: database.took, passes, fails, ..row }
    }

    fn disk_row(&self) -> CheckView {
        let (machine, policy) = (&self.machine, &self.policy.health);
        let words =
            machine.disks.as_ref().map_or(not_asked(), |(seen, _)| disk_words(seen, policy.disk_degraded_below));
        let floor = match (policy.disk_down_below, self.node.in_group()) {
            (0, _) => String::new(),
            (_, true) => ", nothing takes it out in an Auto Scaling group".to_owned(),
            (mark, false) => format!(", less than {} takes it out", percent(mark)),
        };
        let change = format!("less than {} flags the node{floor}", percent(policy.disk_degraded_below));
        let (passes, fails) = (machine.low.passes(), machine.low.fails());
        let at = machine.disks.as_ref().map(|(_, at)| *at);
        CheckView { passes, fails, ..row(Check::Disk, words, at, machine.disk_pace, change) }
    }

    fn memory_row(&self) -> CheckView {
        let change = format!("less than {} flags the node", percent(MEMORY_BELOW));
        self.host_row(Check::Memory, memory_words, &self.machine.memory, change)
    }

    fn load_row(&self) -> CheckView {
        let change = format!("more than {} per processor flags the node", LOAD_ABOVE / 100);
        self.host_row(Check::Load, load_words, &self.machine.load, change)
    }

    fn host_row(&self, check: Check, words: fn(&HostSeen) -> Words, gate: &Gate<()>, change: String) -> CheckView {
        let machine = &self.machine;
        let words = machine.host.as_ref().map_or(not_asked(), |(seen, _)| words(seen));
        let at = machine.host.map(|(_, at)| at);
        let (passes, fails) = (gate.passes(), gate.fails());
        CheckView { passes, fails, ..row(check, words, at, machine.host_pace, change) }
    }

    fn clone_row(&self) -> CheckView {
        let words = match self.member.seen {
            Some((Likeness::Own, _)) => ("pass", "the server UUID is the one first seen".to_owned()),
            Some((Likeness::Constant, _)) => ("fail", "the server UUID is the container image's constant".to_owned()),
            Some((Likeness::Changed, _)) => ("fail", "the server UUID has changed".to_owned()),
            None => not_asked(),
        };
        let change = "tells people, takes no node out".to_owned();
        row(Check::Clone, words, self.member.seen.map(|(_, at)| at), self.api.pace, change)
    }
}

fn row(check: Check, (result, seen): Words, at: Option<Moment>, pace: Pace, change: String) -> CheckView {
    let next = pace.wake();
    CheckView { check, class: check.class(), result, seen, at, took: None, passes: 0, fails: 0, next, change }
}

fn gate_change(gate: &Gate, rise: u32, fall: u32, consequence: &str) -> String {
    if gate.shut().is_some() {
        format!("{} bring the node back", more(rise, gate.passes(), "good answer"))
    } else {
        format!("{} {consequence}", more(fall, gate.fails(), "bad answer"))
    }
}

/// `2 more good answers`; at least one, for what is wanted has not come yet.
fn more(wanted: u32, have: u32, what: &str) -> String {
    let left = wanted.saturating_sub(have).max(1);
    let plural = if left == 1 { "" } else { "s" };
    format!("{left} more {what}{plural}")
}
