//! What the load balancer says against what the node says: read from AWS, judged, shown and told once.

use crate::support::{GROUP, Scene, get, until};
use rundeck_alb_lab::alb::{Anomaly, GroupSettings, Power, ZonalShift};

/// One thing that is wrong at AWS's side, and the cause that the agent names for it.
type Case = (&'static str, fn(&mut GroupSettings), fn(&mut GroupSettings));

const CASES: [Case; 6] = [
    ("zonal-shift", |group| group.zonal_shift = Some(ZonalShift::Active), |group| group.zonal_shift = None),
    ("anomaly-mitigation", |group| group.anomaly = Some(Anomaly::Mitigated), |group| group.anomaly = None),
    ("zone-off", |group| group.zone_enabled = false, |group| group.zone_enabled = true),
    ("no-listener", |group| group.in_use = false, |group| group.in_use = true),
    (
        "health-check-matcher",
        |group| group.health_check.matcher = "201".into(),
        |group| group.health_check.matcher = "200".into(),
    ),
    (
        "health-check-path",
        |group| group.health_check.path = "/elsewhere".into(),
        |group| group.health_check.path = "/health".into(),
    ),
];

async fn agreement(scene: &Scene) -> (String, String) {
    let target = scene.agent.status().await["targets"][0].clone();
    let word = |key: &str| target[key].as_str().unwrap_or_default().to_owned();
    (word("agreement"), word("cause"))
}

async fn settles(scene: &Scene, agreement_word: &str, cause: &str) {
    until(&format!("{agreement_word} {cause}"), async || {
        agreement(scene).await == (agreement_word.to_owned(), cause.to_owned())
    })
    .await;
}

#[tokio::test]
async fn each_thing_that_is_wrong_with_the_load_balancer_is_named_and_told_once() {
    let scene = Scene::new(|_| (), |c| c).await;
    scene.healthy().await;
    settles(&scene, "agrees", "").await;
    for (cause, wrong, right) in CASES {
        scene.world.group(GROUP).change(wrong);
        settles(&scene, "differs", cause).await;
        let page = get(scene.agent.admin, "/metrics").await.body;
        assert!(
            page.lines().any(|row| row.starts_with("rdalb_target_disagreement{") && row.ends_with(" 1.0")),
            "{page}"
        );
        let (code, shown) = scene.agent.command(&["explain"]).await;
        assert!(code == 0 && shown.contains(&format!("differs, {cause}: ")), "{shown}");
        assert_eq!(scene.agent.ask().await.line(), "200 ok", "{cause}: what the balancer says changes no verdict");
        scene.world.group(GROUP).change(right);
        settles(&scene, "agrees", "").await;
        let log = scene.agent.log();
        assert_eq!(log.matches(&format!(": {cause}: ")).count(), 1, "{cause}: {log}");
    }
    scene.world.fleet().set_power(&scene.key().id, Power::Stopped);
    settles(&scene, "differs", "instance-stopped").await;
    let target = scene.agent.status().await["targets"][0].clone();
    assert_eq!((&target["state"], &target["reason"]), (&"unused".into(), &"Target.InvalidState".into()), "{target}");
    assert!(target["why"].as_str().is_some_and(|why| why.contains("stopped state")), "{target}");
}
