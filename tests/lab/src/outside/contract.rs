//! One list of scenarios of the target API, asked through boto3 of moto and of the lab's own fake, and what each should
//! answer.
//!
//! The fake must answer as AWS does, moto as it is known to. So the fake cannot drift, and a moto that mends a
//! departure is noticed.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::moto::{Credentials, Moto, script};
use super::program::OutsideError;
use crate::World;
use crate::aws::ScalingSettings;

/// The Auto Scaling group of the scenario that needs one.
const SCALING: &str = "contract";

/// A scenario of `tests/outside/moto_world.py` and what is seen in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// Its name in the script.
    pub scenario: &'static str,
    /// What AWS answers, by its documentation and by what was seen there.
    pub aws: &'static str,
    /// What moto 5.2.5 answers.
    pub moto: &'static str,
}

const fn both(scenario: &'static str, answer: &'static str) -> Departure {
    Departure { scenario, aws: answer, moto: answer }
}

/// All scenarios. Where the columns differ, moto departs from AWS.
pub const CONTRACT: [Departure; 15] = [
    both("describe a target that was never registered", "unused Target.NotRegistered"),
    Departure {
        scenario: "describe an address that was never registered",
        aws: "unused Target.NotRegistered",
        moto: "unavailable Target.NotRegistered",
    },
    Departure { scenario: "describe right after registering", aws: "initial", moto: "healthy" },
    both("register again", "ok"),
    Departure { scenario: "ports of one id registered on two", aws: "2", moto: "1" },
    Departure { scenario: "register an unknown instance", aws: "InvalidTarget", moto: "ok" },
    Departure {
        scenario: "describe the group after deregistering",
        aws: "draining Target.DeregistrationInProgress, draining Target.DeregistrationInProgress",
        moto: "nothing",
    },
    Departure { scenario: "deregister again", aws: "ok", moto: "InvalidTarget" },
    Departure { scenario: "targets of an instance that is put into Standby", aws: "draining", moto: "healthy" },
    both("register in an unknown group", "TargetGroupNotFound"),
    both("describe the health of an unknown group", "TargetGroupNotFound"),
    both("describe a group by a name that is not there", "TargetGroupNotFound"),
    both("register without permission", "AccessDenied"),
    both("sign with a wrong secret", "SignatureDoesNotMatch"),
    both("sign with an unknown key", "InvalidClientTokenId"),
];

/// Where moto is known to answer otherwise than AWS.
pub fn departures() -> impl Iterator<Item = &'static Departure> {
    CONTRACT.iter().filter(|row| row.aws != row.moto)
}

/// Runs all scenarios at `endpoint` and gives what was seen in each. `facts` names group, instance and keys; without a
/// stranger the scenarios about permissions and signatures are left out.
///
/// # Errors
/// boto3 met something that is no scenario's answer.
pub fn run_contract(programs: &Path, endpoint: &str, facts: &Value) -> Result<BTreeMap<String, String>, OutsideError> {
    script(&programs.join("python"), endpoint, None, &["contract", &facts.to_string()])
}

impl Moto {
    /// What [`run_contract`] needs to know of moto: the agent's user and one without rights.
    #[must_use]
    pub fn facts(&self) -> Value {
        let pair = |user: &Credentials| json!([user.key, user.secret]);
        let world = self.world();
        json!({
            "keys": pair(&world.member), "stranger": pair(&world.stranger),
            "group": world.group, "instance": world.instances.first().map(|instance| &instance.id),
            "scaling": SCALING, "administrator": pair(&world.administrator),
        })
    }
}

/// What [`run_contract`] needs to know of the lab's fake: any keys will do there, so there is no stranger.
///
/// The node is put into an Auto Scaling group that has this target group attached.
///
/// # Panics
/// The world has no node, or no group of these names.
#[must_use]
pub fn fake_facts(world: &World, group: &str, addresses: &str) -> Value {
    let (arn, node) = (world.group(group).arn(), &world.node(0).instance_id);
    let settings = ScalingSettings { target_groups: vec![arn.to_owned()], ..ScalingSettings::default() };
    world.scaling().set(SCALING, settings);
    world.scaling().place(SCALING, node, "InService");
    json!({
        "keys": ["AKIDTEST", "secret"], "group": arn, "instance": node, "scaling": SCALING,
        "addresses": world.group(addresses).arn(),
    })
}
