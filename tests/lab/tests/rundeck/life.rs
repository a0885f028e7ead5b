//! The life cycle: boot, bootstrap and its failure, SIGTERM with and without jobs, SIGKILL and return.

use std::time::Duration;

use rundeck_alb_lab::rundeck::{Bootstrap, Config, End, Life, Mode, Phases, Rundeck, Version};

use crate::client::{Ask, Failure, Line, ask};
use crate::situation::{FILE, READY, at, failing};

fn health() -> Ask {
    Ask::get("/health")
}

fn status(version: Version) -> Ask {
    Ask::get(format!("/api/{}/system/executions/status", version.api())).token(FILE)
}

#[tokio::test]
async fn the_api_turns_from_nothing_over_503_and_403_to_200() {
    let order = [Err(Failure::Refused), Ok(503), Ok(403), Ok(200)];
    let early = |version: &Version| version.opens_port_before_bootstrap();
    for version in Version::ALL.into_iter().filter(early) {
        let phases = Phases::new(Duration::from_millis(50), Duration::from_millis(150));
        let config = Config { phases, ..Config::new(version, FILE) };
        let node = Rundeck::start(config).expect("a free port");
        let mut seen = 0;
        while seen < order.len() - 1 {
            let now = ask(node.addr(), &status(version)).await.map(|reply| reply.status);
            let place = order.iter().position(|known| *known == now);
            // A busy machine may miss a phase; none comes back and none is unknown.
            assert!(place.is_some_and(|place| place >= seen), "{version}: {now:?} after {:?}", order[seen]);
            seen = place.unwrap_or(seen);
        }
    }
}

#[tokio::test]
async fn a_bootstrap_that_fails_answers_well_and_then_closes_its_port() {
    for (how, lingers) in [(Bootstrap::FailsAndExits, false), (Bootstrap::FailsAndLingers, true)] {
        let mut node = Rundeck::start(failing(Version::V5_20, how)).expect("a free port");
        node.reach(Life::Rest).await;
        assert_eq!(ask(node.addr(), &status(Version::V5_20)).await.map(|reply| reply.status), Ok(200));
        node.reach(Life::Wreck).await;
        while ask(node.addr(), &health()).await != Err(Failure::Refused) {
            tokio::task::yield_now().await;
        }
        if lingers {
            assert_eq!(node.state().life(), Life::Wreck, "the process lives on");
            node.terminate();
        }
        assert_eq!(node.gone().await, End::BootstrapFailed);
    }
}

#[tokio::test]
async fn sigterm_during_the_bootstrap_acts_only_after_it() {
    let phases = Phases::new(Duration::ZERO, Duration::from_millis(300));
    let mut node = Rundeck::start(Config { phases, ..Config::new(Version::V5_20, FILE) }).expect("a free port");
    node.reach(Life::Plugins).await;
    node.terminate();
    node.reach(Life::Rest).await;
    assert_eq!(ask(node.addr(), &status(Version::V5_20)).await.map(|reply| reply.status), Ok(200));
    assert_eq!(node.gone().await, End::Stopped);
}

#[tokio::test]
async fn a_stopping_node_answers_until_its_last_job_has_ended() {
    for version in Version::ALL {
        let mut node = READY.bring(version).await;
        let job = node.state().jobs.start("demo", "admin", Duration::from_secs(600));
        node.terminate();
        node.reach(Life::Stopping).await;
        assert_eq!(ask(node.addr(), &health()).await.expect("an answer").body, "ok");
        assert_eq!(ask(node.addr(), &status(version)).await.map(|reply| reply.status), Ok(200));
        let run = Ask::get(format!("/api/{}/job/demo/run", version.api())).method("POST").token(FILE);
        assert_eq!(ask(node.addr(), &run).await.map(|reply| reply.status), Ok(500), "Quartz takes no more");
        assert_eq!(node.state().life(), Life::Stopping);
        node.state().jobs.finish(job.id);
        assert_eq!(node.gone().await, End::Stopped);
        let stats = node.state().stats();
        assert_eq!((stats.finished, stats.killed, stats.running), (1, 0, 0), "{version}");
        assert_eq!(ask(node.addr(), &health()).await, Err(Failure::Refused));
    }
}

#[tokio::test]
async fn a_running_request_is_cut_by_5_and_finished_by_6() {
    for (version, finished) in [(Version::V5_20, false), (Version::V6_1, true)] {
        let mut node = READY.bring(version).await;
        let session = node.state().new_session(true);
        let addr = node.addr();
        let slow = Ask::get("/slow?ms=2500").header("Cookie", &format!("JSESSIONID={session}"));
        let asking = tokio::spawn(async move { ask(addr, &slow).await });
        while node.state().stats().requests == 0 {
            tokio::task::yield_now().await;
        }
        node.terminate();
        node.reach(Life::Closing).await;
        assert_eq!(ask(addr, &health()).await, Err(Failure::Refused));
        let reply = asking.await.expect("no panic");
        assert_eq!(reply.is_ok_and(|reply| reply.status == 200), finished, "{version}");
        assert_eq!(node.gone().await, End::Stopped);
    }
}

#[tokio::test]
async fn a_killed_node_loses_its_jobs_and_comes_back_active_on_the_same_port() {
    let mut node = READY.jobs(2).bring(Version::V5_20).await;
    node.state().set_mode(Mode::Passive);
    let mut idle = Line::connect(node.addr()).await.expect("the port is open");
    idle.ask(&health().header("Connection", "keep-alive")).await.expect("an answer");
    let addr = node.addr();
    node.kill().await;
    let stats = node.state().stats();
    assert_eq!((stats.finished, stats.killed, stats.running), (0, 2, 0));
    assert_eq!(ask(addr, &health()).await, Err(Failure::Refused));
    assert!(matches!(idle.ask(&health()).await, Err(Failure::ClosedInHeaders | Failure::Reset)));
    let again = Rundeck::start(Config { listen: addr, uuid: "another".into(), ..Config::new(Version::V5_20, FILE) });
    let again = again.expect("the port is free at once");
    again.reach(Life::Ready).await;
    let info = ask(addr, &Ask::get("/api/58/system/info").token(FILE)).await.expect("an answer").json();
    assert_eq!(info["system"]["executions"]["executionMode"], "active");
    assert_eq!(info["system"]["rundeck"]["serverUUID"], "another");
}

#[tokio::test]
async fn a_booting_node_keeps_its_port_and_refuses() {
    let node = at(Life::Booting).bring(Version::V6_1).await;
    assert_ne!(node.addr().port(), 0);
    assert_eq!(ask(node.addr(), &health()).await, Err(Failure::Refused));
}

#[tokio::test]
async fn a_job_run_by_the_api_runs_ends_and_is_listed() {
    for version in Version::ALL {
        let node = READY.bring(version).await;
        let path = |below: &str| format!("/api/{}/{below}", version.api());
        let run = Ask::get(path("job/sweep/run")).method("POST").token(FILE).header("Content-Type", "application/json");
        let started = ask(node.addr(), &run.body(r#"{"options":{"ms":"600000"}}"#)).await.expect("an answer").json();
        assert_eq!((&started["status"], &started["job"]["id"]), (&"running".into(), &"sweep".into()));
        let running = Ask::get(path("project/demo/executions/running")).token(FILE);
        let list = ask(node.addr(), &running).await.expect("an answer").json();
        assert_eq!(list["executions"][0]["serverUUID"], node.state().config.uuid.as_str());
        node.state().jobs.finish(1);
        node.state().jobs.idle().await;
        let list = ask(node.addr(), &running).await.expect("an answer").json();
        assert_eq!(list["paging"]["total"], 0);
        let ended = ask(node.addr(), &Ask::get(path("project/demo/executions")).token(FILE)).await.expect("an answer");
        assert_eq!(ended.json()["executions"][0]["status"], "succeeded");
    }
}
