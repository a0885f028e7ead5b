//! The stand-in's table held against the real frameworks: where they are real (wire, `/health`, readiness) there must
//! be no difference that `tests/golden/conformance-rig.txt` does not tell. The rig's API is a stub: its rows differ,
//! and stand there as such.

use super::scenario::{Act, Life};
use super::subject::{JvmRig, Subject};
use super::{Flavour, PLAIN, SIX};
use crate::support::until;
use rundeck_alb_lab::conformance::{Address, Options, Trust, run};
use rundeck_alb_lab::outside::{self, RigTools};

const QUICK: Life = Life { plugins: 0, token_file: 0, rest: 0, fails: false, lingers: false };
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/conformance-rig.txt");

#[tokio::test]
async fn the_frameworks_conform_where_they_are_real() {
    let (Some(java), Some(rigs), Some(postgres)) = (outside::java(), outside::rig(), outside::postgres()) else {
        return;
    };
    let tools = RigTools { java, rigs };
    let mut told =
        String::from("# What the stand-in answers otherwise than the JVM rig; BLESS=1 writes this file anew.\n");
    for flavour in [PLAIN, SIX] {
        told.push_str(&report(&tools, &postgres, &flavour).await);
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(GOLDEN, &told).expect("the golden file");
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    assert_eq!(told, golden, "BLESS=1 writes {GOLDEN} anew");
}

async fn report(tools: &RigTools, postgres: &std::path::Path, (name, boot, properties): &Flavour) -> String {
    let mut rig = JvmRig::new(tools.clone(), postgres.into(), *boot, properties, QUICK).await.expect("a database");
    rig.act(Act::Start).await;
    until("the rig to be ready", async || rig.is_ready()).await;
    let address = Address::parse(&format!("http://{}", rig.addr()), None, Trust::Nothing).expect("an address");
    let token = "file-token".to_owned();
    let report = run(&Options { address, token, switch_mode: false }).await.expect("a report");
    let same = report
        .outcomes
        .iter()
        .filter(|row| row.differences.is_empty())
        .map(|row| format!("  same       {}\n", row.row));
    let other = report.outcomes.iter().filter(|row| !row.differences.is_empty());
    let other = other.map(|row| format!("  different  {}: {}\n", row.row, row.differences.join("; ")));
    let port = rig.addr().port().to_string();
    format!("\n{name}\n{}{}", same.collect::<String>(), other.collect::<String>()).replace(&port, "PORT")
}
