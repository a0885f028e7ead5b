//! Which endpoint a version has, and what its answers mean.

use super::*;
use crate::rundeck::answer::Answer;
use crate::rundeck::readiness::{Endpoint, candidates, read};
use crate::rundeck::{Failure, Readiness, ReadinessLook};

use Endpoint::{Actuator, Monitoring};

const READY_4: &str = concat!(
    r#"{"status":"UP","components":{"rundeckDataSourceHeathIndicator":{"status":"UP","details":{"#,
    r#""database":"MySQL","validationQuery":"SELECT 1","result":1}},"readinessState":{"status":"UP"}}}"#,
);
const DATABASE_DOWN_4: &str = concat!(
    r#"{"status":"DOWN","components":{"rundeckDataSourceHeathIndicator":{"status":"DOWN","details":{"#,
    r#""error":"closed"}},"readinessState":{"status":"UP"}}}"#,
);
const STARTING_4: &str = concat!(
    r#"{"status":"OUT_OF_SERVICE","components":{"readinessState":{"status":"OUT_OF_SERVICE"},"#,
    r#""rundeckDataSourceHeathIndicator":{"status":"UP"}}}"#,
);
const READY_5: &str = r#"{"status":"UP","components":{"readinessState":{"status":"UP"}}}"#;
const STARTING_5: &str = r#"{"status":"OUT_OF_SERVICE","components":{"readinessState":{"status":"OUT_OF_SERVICE"}}}"#;
const DISABLED_6: &str = concat!(
    r#"{"error":"Monitoring endpoints are disabled","endpoint":"health/readiness","#,
    r#""enable":"rundeck.metrics.monitoring.enabled=true"}"#,
);

#[test]
fn the_version_tells_which_endpoint_may_be_there() {
    for (api_version, major, expected) in [
        (39, None, &[][..]),
        (40, Some(3), &[]),
        (41, None, &[Actuator]),
        (45, Some(4), &[Actuator]),
        (57, None, &[Actuator]),
        (58, None, &[Monitoring, Actuator]),
        (58, Some(5), &[Actuator]),
        (58, Some(6), &[Monitoring]),
        (59, None, &[Monitoring, Actuator]),
        (59, Some(6), &[Monitoring]),
        (70, Some(7), &[Monitoring]),
    ] {
        assert_eq!(candidates(api_version, major), expected, "API {api_version}, major {major:?}");
    }
}

#[test]
fn each_answer_is_one_state_of_the_node_and_one_of_the_database() {
    let (ready, not_ready, absent) = (Readiness::Ready, Readiness::NotReady, Readiness::Absent);
    for (endpoint, status, body, expected, database) in [
        (Actuator, 200, READY_4, &ready, Some(true)),
        (Actuator, 503, DATABASE_DOWN_4, &ready, Some(false)),
        (Actuator, 503, STARTING_4, &not_ready, Some(true)),
        (Actuator, 200, READY_5, &ready, None),
        (Actuator, 503, STARTING_5, &not_ready, None),
        (Actuator, 404, "<h1>Not Found</h1>", &absent, None),
        (Actuator, 302, "", &absent, None),
        (Actuator, 200, r#"{"status":"UP"}"#, &Readiness::NoState(200), None),
        (
            Actuator,
            503,
            r#"{"status":"DOWN","components":{"livenessState":{"status":"DOWN"}}}"#,
            &Readiness::NoState(503),
            None,
        ),
        (
            Actuator,
            503,
            r#"{"components":{"readinessState":{"status":"DOWN"},"rundeckDataSource":{"status":"DOWN"}}}"#,
            &not_ready,
            Some(false),
        ),
        (
            Actuator,
            200,
            concat!(
                r#"{"components":{"readinessState":{"status":"UP"},"rundeckDataSourceHealthIndicator":{"#,
                r#""status":"UNKNOWN"}}}"#,
            ),
            &ready,
            None,
        ),
        (Monitoring, 200, r#"{"status":"UP"}"#, &ready, None),
        (Monitoring, 503, r#"{"status":"DOWN","readiness":"REFUSING_TRAFFIC"}"#, &not_ready, None),
        (Monitoring, 404, DISABLED_6, &absent, None),
        (Monitoring, 302, "", &absent, None),
        (Monitoring, 200, "<html>Login</html>", &Readiness::NoState(200), None),
        (Monitoring, 503, "", &Readiness::NoState(503), None),
        (Monitoring, 500, "<html>", &Readiness::Failed(Failure::BadStatus(500)), None),
        (Monitoring, 403, "", &Readiness::Failed(Failure::BadStatus(403)), None),
        (Monitoring, 400, "<h1>Bad Host</h1>", &Readiness::Failed(Failure::HostRefused), None),
    ] {
        let answer = Answer { status, location: None, body: body.to_owned().into() };
        assert_eq!(read(endpoint, &answer), (expected.clone(), database), "{endpoint:?} {status} {body}");
    }
}

fn version(api: u32) -> Reply {
    Reply::Bytes(http("400 Bad Request", &VERSION_59.replace("59", &api.to_string())))
}

fn answers(status: &str, body: &str) -> Reply {
    Reply::Bytes(http(status, body))
}

#[tokio::test]
async fn before_the_version_is_known_nothing_is_asked_that_makes_a_session() -> Tested {
    let server = Server::play(vec![vec![answers("503 Unavailable", ""), version(40)]]).await?;
    let client = server.client()?;
    assert_eq!(client.readiness(true).await.readiness, Readiness::VersionUnknown);
    let absent = ReadinessLook { readiness: Readiness::Absent, database: None, bound: false };
    assert_eq!(client.readiness(true).await, absent);
    assert_eq!(client.readiness(false).await, absent);
    assert!(server.requests().iter().all(|r| r.starts_with("GET /api/1/")), "{:?}", server.requests());
    Ok(())
}

#[tokio::test]
async fn an_upgrade_is_learnt_and_an_absent_endpoint_is_asked_once() -> Tested {
    let server = Server::play(vec![
        vec![version(45), answers("404 Not Found", "")],
        vec![version(58), answers("302 Found", ""), answers("200 OK", READY_5), answers("200 OK", READY_5)],
    ])
    .await?;
    let client = server.client()?;
    assert_eq!(client.readiness(true).await.readiness, Readiness::Absent);
    assert_eq!(client.readiness(false).await.readiness, Readiness::Absent);
    assert_eq!(server.requests().len(), 2, "kept in mind");
    let seen = ReadinessLook { readiness: Readiness::Ready, database: None, bound: false };
    assert_eq!(client.readiness(true).await, seen);
    assert_eq!(client.readiness(false).await, seen);
    let requests = server.requests();
    assert!(requests[3].starts_with("GET /monitoring/health/readiness"), "{requests:?}");
    assert!(requests[4].starts_with("GET /actuator/health/readiness"), "{requests:?}");
    assert!(requests.iter().all(|r| !r.contains("s3cret")), "no token where none is needed");
    Ok(())
}

#[tokio::test]
async fn silence_before_the_first_answer_may_be_the_databases() -> Tested {
    let silent = || vec![Reply::Silence];
    let script = vec![version(45), Reply::Silence];
    let server = Server::play(vec![script, vec![version(45), answers("200 OK", READY_5)], silent(), silent()]).await?;
    let client = Client::new(Options { timeout: SOON * 4, ..options(server.address)? })?;
    let look = client.readiness(true).await;
    assert_eq!((look.readiness, look.bound), (Readiness::Failed(Failure::Timeout), true));
    assert!(!client.readiness(true).await.bound, "its answer holds no database");
    let look = client.readiness(false).await;
    assert_eq!((look.readiness, look.bound), (Readiness::Failed(Failure::Timeout), false));
    Ok(())
}

#[tokio::test]
async fn a_component_that_was_there_once_keeps_it_bound() -> Tested {
    let replies = vec![version(45), answers("200 OK", READY_4), answers("503 Unavailable", STARTING_5)];
    let server = Server::play(vec![replies]).await?;
    let client = server.client()?;
    assert!(client.readiness(true).await.bound);
    let look = client.readiness(false).await;
    assert_eq!((look.readiness, look.database, look.bound), (Readiness::NotReady, None, true));
    Ok(())
}

#[tokio::test]
async fn a_closed_port_is_refused_while_learning() -> Tested {
    let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let look = Client::new(options(address)?)?.readiness(true).await;
    assert_eq!(look.readiness, Readiness::Failed(Failure::Refused));
    Ok(())
}
