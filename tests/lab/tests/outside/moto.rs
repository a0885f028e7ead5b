//! moto and the lab's own fake, asked the same questions through boto3: moto departs from AWS where the table says, the
//! fake nowhere.

use std::collections::BTreeMap;

use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::{GroupSettings, TargetType};
use rundeck_alb_lab::outside::{self, CONTRACT, Departure, Moto, fake_facts, run_contract};

/// What should have been seen, for the scenarios that were run, and what was.
fn compare(seen: &BTreeMap<String, String>, expected: fn(&Departure) -> &'static str) {
    let asked = CONTRACT.iter().filter(|row| seen.contains_key(row.scenario));
    let wanted: BTreeMap<String, String> =
        asked.map(|row| (row.scenario.to_owned(), expected(row).to_owned())).collect();
    assert_eq!(seen, &wanted);
}

#[tokio::test]
async fn departs_from_aws_only_where_the_table_says() {
    let Some(programs) = outside::python() else { return };
    let moto = Moto::start(&programs).await.expect("moto starts");
    let seen = run_contract(&programs, moto.endpoint(), &moto.facts()).expect("every scenario has an answer");
    assert_eq!(seen.len(), CONTRACT.len(), "every row of the table is asked");
    compare(&seen, |row| row.moto);
    assert!(outside::departures().count() > 0);
}

#[tokio::test]
async fn the_labs_own_fake_departs_from_aws_nowhere() {
    let Some(programs) = outside::python() else { return };
    let group = |name: &str| GroupSettings { port: 4440, ..GroupSettings::named(name) };
    let addresses = GroupSettings { target_type: TargetType::Ip, ..group("addresses") };
    let world = World::builder().nodes(1).group(group("rundeck")).group(addresses).start().expect("a world");
    let (url, facts) = (world.api_url(), fake_facts(&world, "rundeck", "addresses"));
    let seen = tokio::task::spawn_blocking(move || run_contract(&programs, &url, &facts)).await.expect("no panic");
    let seen = seen.expect("every scenario has an answer");
    assert!(seen.len() >= 10, "{seen:?}");
    compare(&seen, |row| row.aws);
}

#[tokio::test]
async fn the_account_can_be_changed_behind_the_agents_back() {
    let Some(programs) = outside::python() else { return };
    let moto = Moto::start(&programs).await.expect("moto starts");
    let node = moto.world().instances.first().expect("an instance").id.clone();
    assert_eq!(moto.targets().expect("asked"), []);
    moto.register(&node, 4440).expect("registered");
    let targets = moto.targets().expect("asked");
    assert_eq!(targets.iter().map(|target| (target.0.as_str(), target.1)).collect::<Vec<_>>(), [(node.as_str(), 4440)]);
    moto.stop(&node).expect("stopped");
    assert_eq!(moto.targets().expect("asked").first().map(|target| target.2.as_str()), Some("unused"));
    moto.deregister(&node, 4440).expect("taken out");
    assert_eq!(moto.targets().expect("asked"), []);
}
