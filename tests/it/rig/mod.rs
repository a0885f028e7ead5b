//! One list of lives, played by the JVM rig and by the Rundeck stand-in, with the real agent watching: both must lead
//! it to the same verdicts. Each timeline is printed, and held against what was expected.

mod conformance;
mod play;
mod scenario;
mod subject;
mod timeline;

use play::Plays;
use rundeck_alb_lab::outside::{self, Boot, RigTools};
use scenario::{DATABASE_FREEZES, DATABASE_REFUSES, DATABASE_STOPS, ENDS_EARLY, FAILS, LIFE, LINGERS, STOPS, Scenario};
use subject::{JvmRig, StandIn};
use tokio::task::LocalSet;

/// What makes the rig a version of Rundeck: name, frameworks, properties.
type Flavour = (&'static str, Boot, &'static [(&'static str, &'static str)]);

/// The pool's own patience, shortened from 30 s: longer than the agent's limit, as it is on a real node.
const HIKARI: (&str, &str) = ("spring.datasource.hikari.connection-timeout", "5000");

/// 5.20 as it is shipped: no readiness endpoint. What tells of a stop is the JVM itself.
const PLAIN: Flavour = ("rig 2.7, Hikari, no actuator", Boot::V2_7, &[HIKARI]);
/// 5.17 to 5.20 with the actuator on: readiness without the database.
const ACTUATOR: Flavour = (
    "rig 2.7, Hikari, readiness without database",
    Boot::V2_7,
    &[HIKARI, ("rig.actuator", "true"), ("rig.indicator", "rundeckDataSourceHealthIndicator")],
);
/// 4.12 to 5.16 with the actuator on: readiness that asks the database.
const TOMCAT: Flavour = (
    "rig 2.7, Tomcat pool, readiness with database",
    Boot::V2_7,
    &[
        ("spring.datasource.type", "org.apache.tomcat.jdbc.pool.DataSource"),
        ("rig.version", "4.17.6-20260101"),
        ("rig.api", "45"),
        ("rig.actuator", "true"),
        ("rig.indicator", "rundeckDataSourceHeathIndicator"),
    ],
);
/// 6.x.
const SIX: Flavour = (
    "rig 3.5, Hikari, monitoring",
    Boot::V3_5,
    &[HIKARI, ("rig.version", "6.1.0-20260101"), ("rig.api", "59"), ("rig.monitoring", "true"), ("rig.hidden", "*")],
);

/// Which flavours each life is played by; long ones first.
const RIG: &[(Scenario, &[Flavour])] = &[
    (DATABASE_FREEZES, &[TOMCAT, ACTUATOR, SIX]),
    (LIFE, &[PLAIN, SIX]),
    (DATABASE_STOPS, &[PLAIN, TOMCAT, SIX]),
    (DATABASE_REFUSES, &[TOMCAT, SIX]),
    (STOPS, &[PLAIN, ACTUATOR, SIX]),
    (ENDS_EARLY, &[PLAIN, SIX]),
    (FAILS, &[PLAIN]),
    (LINGERS, &[SIX]),
];

/// JVMs at a time: a start keeps a processor busy for four seconds, and whoever waits for a database needs none.
const JVMS: usize = 4;

#[tokio::test]
async fn the_frameworks_lead_to_the_expected_verdicts() {
    let (Some(java), Some(rigs), Some(postgres)) = (outside::java(), outside::rig(), outside::postgres()) else {
        return;
    };
    let tools = RigTools { java, rigs };
    let play = async {
        let mut plays = Plays::of(JVMS);
        for (scenario, flavours) in RIG {
            for (name, boot, properties) in *flavours {
                let made = JvmRig::new(tools.clone(), postgres.clone(), *boot, properties, scenario.life);
                plays.add(*scenario, name, async move { made.await.expect("a database") });
            }
        }
        plays.end().await;
    };
    LocalSet::new().run_until(play).await;
}

/// Version, actuator on, and how a dead database shows.
const STAND_INS: [(&str, &str, bool, &str); 3] = [
    ("stand-in 4.17, actuator", "4.17", true, "fails-at-once"),
    ("stand-in 5.20, actuator", "5.20", true, "fails-late"),
    ("stand-in 6.1", "6.1", false, "fails-late"),
];
/// A stand-in costs next to nothing.
const STAND_INS_AT_A_TIME: usize = 8;

#[tokio::test]
async fn the_stand_in_leads_to_the_same_verdicts() {
    let play = async {
        let mut plays = Plays::of(STAND_INS_AT_A_TIME);
        for (scenario, _) in RIG {
            for (name, version, actuator, database) in STAND_INS {
                plays.add(*scenario, name, async move { StandIn::new(version, actuator, database, scenario.life) });
            }
        }
        plays.end().await;
    };
    LocalSet::new().run_until(play).await;
}
