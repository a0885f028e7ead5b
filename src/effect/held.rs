//! `held.json`: what holds over reboots, with times of the wall clock, for moments mean something within one boot only.
//!
//! What follows from it is decided in the heart.

use super::state::{VERSION, first_version};
use crate::clock::{Clock, rfc3339};
use rundeck_alb_core::{Held, Maintenance};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The file.
#[derive(Debug, Deserialize)]
pub struct HeldFile {
    /// Of the format.
    #[serde(default = "first_version")]
    version: u32,
    /// The kernel's id of the boot in which it was written; none of what is not known to be this machine's.
    boot_id: Option<String>,
    instance: Option<String>,
    #[serde(default)]
    maintenance: Value,
    #[serde(default)]
    standby: Value,
}

#[derive(Deserialize)]
struct MaintenanceFile {
    #[serde(default)]
    reason: String,
    since: String,
    until: Option<String>,
}

impl HeldFile {
    /// What it says in this boot, and what of it cannot be understood.
    #[must_use]
    pub fn read(self, boot_id: &str, clock: &Clock) -> (Held, Option<String>) {
        let mut lost = Vec::new();
        let maintenance = match self.maintenance {
            Value::Null => None,
            value => {
                let read = serde_json::from_value(value).ok().and_then(|file| maintenance(file, clock));
                read.or_else(|| {
                    lost.push("maintenance");
                    None
                })
            }
        };
        let standby = match self.standby {
            Value::Null => None,
            Value::String(group) => Some(group),
            _ => {
                lost.push("standby");
                None
            }
        };
        let trouble = (!lost.is_empty()).then(|| {
            let (version, lost) = (self.version, lost.join(", "));
            format!("held.json (version {version}, this agent writes {VERSION}) was not wholly understood: {lost}")
        });
        (
            Held { instance: self.instance, same_boot: self.boot_id.as_deref() == Some(boot_id), maintenance, standby },
            trouble,
        )
    }
}

fn maintenance(file: MaintenanceFile, clock: &Clock) -> Option<Maintenance> {
    let moment = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok().map(|at| clock.moment_at(at.into()));
    let until = match &file.until {
        None => None,
        // An end that cannot be read is no maintenance without an end.
        Some(text) => Some(moment(text)?),
    };
    Some(Maintenance { reason: file.reason, since: moment(&file.since)?, until })
}

/// What is written.
pub fn held_json(boot_id: &str, held: &Held, clock: &Clock) -> Vec<u8> {
    let wall = |at| rfc3339(clock.wall_at(at));
    let maintenance = held
        .maintenance
        .as_ref()
        .map(|on| json!({ "reason": on.reason, "since": wall(on.since), "until": on.until.map(wall) }));
    // Written anew before metadata have told, it is no more this machine's than it was.
    let boot_id = held.same_boot.then_some(boot_id);
    super::state::to_json(&json!({
        "version": VERSION, "boot_id": boot_id, "instance": held.instance, "maintenance": maintenance,
        "standby": held.standby,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rundeck_alb_core::{Moment, Span};
    use std::time::Duration;

    fn held(clock: &Clock) -> Held {
        let now = clock.now();
        let maintenance = Maintenance { reason: "kernel".into(), since: now, until: Some(now + Span::secs(600)) };
        let instance = Some("i-1".into());
        Held { instance, same_boot: true, maintenance: Some(maintenance), standby: Some("rundeck-asg".into()) }
    }

    fn read(bytes: &[u8], boot: &str, clock: &Clock) -> (Held, Option<String>) {
        serde_json::from_slice::<HeldFile>(bytes).expect("a file").read(boot, clock)
    }

    #[test]
    fn it_is_read_back_and_its_times_are_those_of_the_wall_clock() {
        let clock = Clock::manual();
        let held = held(&clock);
        let bytes = held_json("boot-1", &held, &clock);
        assert_eq!(read(&bytes, "boot-1", &clock), (held.clone(), None));
        clock.advance(Duration::from_secs(60));
        let (later, _) = read(&bytes, "boot-2", &clock);
        assert!(!later.same_boot);
        let left = |held: &Held, clock: &Clock| {
            held.maintenance.as_ref().and_then(|on| on.until).map(|at| at.since(clock.now()))
        };
        assert_eq!(left(&later, &clock), Some(Span::secs(540)));
        assert_eq!(read(&held_json("b", &Held::default(), &clock), "b", &clock).0.maintenance, None);
        // What an earlier boot has kept, written anew, is not this boot's.
        assert!(!read(&held_json("boot-2", &later, &clock), "boot-2", &clock).0.same_boot);
    }

    #[test]
    fn what_cannot_be_understood_costs_only_itself_and_is_told() {
        let clock = Clock::manual();
        for (of, wrong) in [("maintenance", json!({"since": "yesterday"})), ("standby", json!(7))] {
            let mut file: Value = serde_json::from_slice(&held_json("b", &held(&clock), &clock)).expect("json");
            file[of] = wrong;
            file["version"] = json!(2);
            let (read, trouble) = read(&serde_json::to_vec(&file).expect("json"), "b", &clock);
            assert!(trouble.is_some_and(|text| text.contains(of) && text.contains("version 2")));
            assert_eq!((read.maintenance.is_none(), read.standby.is_none()), (of == "maintenance", of == "standby"));
        }
        let clock = Clock::manual();
        assert_eq!(clock.moment_at(clock.wall_at(Moment(5_000_000))), Moment(5_000_000));
    }
}
