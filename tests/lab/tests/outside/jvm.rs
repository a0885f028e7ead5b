//! The JVM in Rundeck's place: what the agent's tests rely on when they let an agent find, watch and lose it.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;

use rundeck_alb_lab::outside::{self, Jvm, War};
use serde_json::Value;

use crate::http::{ask, get};

const TOKEN: [(&str, &str); 2] = [("x-rundeck-auth-token", "good"), ("accept", "application/json")];
const INFO: &str = "/api/41/system/info";

async fn started() -> Option<(War, Jvm)> {
    let war = War::build(&outside::java()?).expect("it compiles");
    let jvm = war.start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("it starts");
    Some((war, jvm))
}

async fn info(jvm: &Jvm) -> Value {
    let reply = ask(jvm.addr(), "GET", INFO, &TOKEN).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_str(&reply.body).expect("JSON")
}

#[tokio::test]
async fn looks_like_rundeck_from_outside_the_process() {
    let Some((_war, jvm)) = started().await else { return };
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", jvm.id())).expect("it lives");
    let arguments = read("cmdline");
    let arguments: Vec<&str> = arguments.split('\0').collect();
    for wanted in ["-Drdeck.base=", "-Drundeck.config.location=", "-Dserver.http.port=", "-Drundeck.jaaslogin=true"] {
        assert!(arguments.iter().any(|argument| argument.starts_with(wanted)), "{wanted} in {arguments:?}");
    }
    let jar = arguments.iter().position(|argument| *argument == "-jar").expect("-jar");
    assert!(arguments[jar + 1].ends_with("/bootstrap/rundeck-5.20.1.war"), "{arguments:?}");
    assert_eq!(arguments[jar + 2], "--skipinstall");
    assert_eq!(read("comm"), "java\n");
    let own = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("we live"));
    let its = jvm.user().expect("it lives");
    assert_eq!(its, if own == 0 { 65534 } else { own }, "another user than root");
}

#[tokio::test]
async fn answers_health_and_the_api_of_an_agent() {
    let Some((_war, jvm)) = started().await else { return };
    let health = get(jvm.addr(), "/health").await;
    assert_eq!((health.status, health.body.as_str()), (200, "ok"));
    assert_eq!(get(jvm.addr(), "/api/1/system/info").await.status, 400, "the version is refused before the token");
    assert_eq!(get(jvm.addr(), INFO).await.status, 403);
    let seen = info(&jvm).await;
    assert_eq!(seen["system"]["executions"]["executionMode"], "active");
    assert_eq!(seen["system"]["stats"]["scheduler"]["running"], 0);
    let mode = ask(jvm.addr(), "POST", "/api/41/system/executions/disable", &TOKEN).await;
    assert_eq!(mode.body, r#"{"executionMode":"passive"}"#);
    assert_eq!(info(&jvm).await["system"]["executions"]["executionMode"], "passive");
}

#[tokio::test]
async fn stops_after_its_jobs_and_dies_at_once_when_killed() {
    let Some((war, mut jvm)) = started().await else { return };
    assert_eq!(ask(jvm.addr(), "POST", "/job?ms=1500", &[]).await.status, 200);
    jvm.terminate().expect("it lives");
    assert_eq!(get(jvm.addr(), "/health").await.status, 200, "it answers on while a job runs");
    assert_eq!(jvm.end().await.expect("it ends").code(), Some(143));
    assert!(jvm.output().ends_with("stopping\nstopped\n"), "{}", jvm.output());

    let mut jvm = war.start(jvm.addr()).await.expect("it starts again where it was");
    jvm.kill();
    assert_eq!(jvm.end().await.expect("it has ended").signal(), Some(9));
}
