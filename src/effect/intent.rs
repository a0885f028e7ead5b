//! `intent.json` as it is read: piece by piece, for a newer agent may have written it, and no drain in it may be lost.
//!
//! What follows from it is decided in the heart.

use super::state::{VERSION, first_version};
use rundeck_alb_core::{Cause, DrainOrder, Intent, Moment, Process, Receipt, ScalingKept};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Names a drain whose own id cannot be read.
const UNNAMED: &str = "of-another-version";

/// The file.
#[derive(Debug, Deserialize)]
pub struct IntentFile {
    /// Of the format.
    #[serde(default = "first_version")]
    version: u32,
    /// The kernel's id of the boot that its moments mean.
    pub boot_id: String,
    #[serde(default)]
    drains: Vec<Value>,
    #[serde(default)]
    passive_by_us: Value,
    #[serde(default)]
    process: Value,
    #[serde(default)]
    ended: Value,
    #[serde(default)]
    served: Value,
    #[serde(default)]
    may_land_until: Value,
    #[serde(default)]
    scaling: Value,
}

impl IntentFile {
    /// What it says, and what of it cannot be understood.
    #[must_use]
    pub fn read(self) -> (Intent, Option<String>) {
        let mut lost = Vec::new();
        let drains = self.drains.into_iter().map(|drain| order(drain, &mut lost)).collect();
        let intent = Intent {
            drains,
            passive_by_us: piece(self.passive_by_us, "passive_by_us", &mut lost).unwrap_or(false),
            process: piece::<Process>(self.process, "process", &mut lost),
            ended: piece::<Box<Receipt>>(self.ended, "ended", &mut lost),
            // Older agents did not say: assume that traffic came.
            served: piece(self.served, "served", &mut lost).unwrap_or(true),
            may_land_until: piece(self.may_land_until, "may_land_until", &mut lost),
            scaling: piece::<ScalingKept>(self.scaling, "scaling", &mut lost),
        };
        let trouble = (!lost.is_empty()).then(|| {
            format!(
                "intent.json (version {}, this agent writes {VERSION}) was not wholly understood: {}",
                self.version,
                lost.join(", ")
            )
        });
        (intent, trouble)
    }
}

/// A piece that is absent is none; one that cannot be understood is told.
fn piece<T: DeserializeOwned>(value: Value, name: &str, lost: &mut Vec<String>) -> Option<T> {
    if value.is_null() {
        return None;
    }
    let read = serde_json::from_value(value).ok();
    if read.is_none() {
        lost.push(name.to_owned());
    }
    read
}

/// A drain that is not understood is an operator's, who can take it back: the node stays out.
fn order(drain: Value, lost: &mut Vec<String>) -> DrainOrder {
    if let Ok(order) = serde_json::from_value(drain.clone()) {
        return order;
    }
    lost.push(format!("a drain ({}), which is kept as an operator's", drain["cause"]));
    let text = |name: &str| drain[name].as_str().map(str::to_owned);
    DrainOrder {
        id: text("id").unwrap_or_else(|| UNNAMED.to_owned()),
        cause: Cause::Operator,
        reason: text("reason").unwrap_or_default(),
        at: drain["at"].as_u64().map_or(Moment(0), Moment),
        deadline: None,
        force: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::state::intent_json;
    use serde_json::json;

    fn intent() -> Intent {
        let order = DrainOrder {
            id: "d1".into(),
            cause: Cause::RundeckStopping,
            reason: "an upgrade".into(),
            at: Moment(7),
            deadline: Some(Moment(9)),
            force: false,
        };
        let process = Some(Process { pid: 3, start: 4 });
        let (may_land_until, scaling) = (Some(Moment(8)), Some(ScalingKept::Alone));
        Intent { drains: vec![order], passive_by_us: true, process, ended: None, served: true, may_land_until, scaling }
    }

    fn read(file: &Value) -> (Intent, Option<String>) {
        serde_json::from_value::<IntentFile>(file.clone()).expect("a file").read()
    }

    #[test]
    fn it_is_read_back_with_and_without_a_version() {
        let mut file: Value = serde_json::from_slice(&intent_json("boot", &intent())).expect("json");
        assert_eq!(file["version"], 1);
        assert_eq!(read(&file), (intent(), None));
        let object = file.as_object_mut().expect("an object");
        object.remove("version");
        assert_eq!(read(&file), (intent(), None));
        let object = file.as_object_mut().expect("an object");
        object.remove("may_land_until");
        assert_eq!(read(&file), (Intent { may_land_until: None, ..intent() }, None));
    }

    #[test]
    fn a_newer_file_is_read_as_far_as_it_is_known_and_no_drain_is_lost() {
        let mut file: Value = serde_json::from_slice(&intent_json("boot", &intent())).expect("json");
        file["version"] = json!(2);
        file["maintenance"] = json!({"until": 5});
        file["ended"] = json!({"of": "another kind"});
        let drains = file["drains"].as_array_mut().expect("a list");
        drains.push(json!({"id": "d2", "cause": "spot-interruption", "reason": "notice", "at": 8, "deadline": 20}));
        drains.push(json!("d3"));
        let (known, trouble) = read(&file);
        let orders: Vec<(&str, Cause)> = known.drains.iter().map(|order| (order.id.as_str(), order.cause)).collect();
        let operators = [("d2", Cause::Operator), (UNNAMED, Cause::Operator)];
        assert_eq!(orders, [[("d1", Cause::RundeckStopping)].as_slice(), &operators].concat());
        assert_eq!((known.passive_by_us, known.process, known.ended), (true, intent().process, None));
        let trouble = trouble.expect("told");
        assert!(trouble.contains("version 2") && trouble.contains("spot-interruption"), "{trouble}");
        assert!(trouble.contains("ended"), "{trouble}");
    }
}
