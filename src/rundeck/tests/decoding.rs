//! Each answer that Rundeck is known to give becomes one fact.

use super::Tested;
use crate::rundeck::answer::Answer;
use crate::rundeck::{Boot, Database, Failure, Info, Mode, ModeSet, SystemInfo, decode};

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, location: None, body: body.to_owned().into() }
}

fn info(status: u16, body: &str) -> Info {
    decode::info(&answer(status, body)).0
}

fn seen(body: &str) -> Result<SystemInfo, String> {
    match info(200, body) {
        Info::Seen(info) => Ok(info),
        other => Err(format!("{other:?} from {body}")),
    }
}

const REJECTED: &str =
    r#"{"error":true,"apiversion":58,"errorCode":"unauthorized","message":"(Token:inval****) is not authorized"}"#;
const NO_RIGHT: &str =
    r#"{"error":true,"apiversion":41,"errorCode":"api.error.item.unauthorized","message":"Not authorized"}"#;
const VERSION: &str =
    r#"{"error":true,"apiversion":58,"errorCode":"api.error.api-version.unsupported","message":"Current version: 58"}"#;

#[test]
fn system_info_of_every_dialect() -> Tested {
    let of_3_4 = seen(
        r#"{"system":{"timestamp":{"epoch":1},"rundeck":{"version":"3.4.10","apiversion":40,"serverUUID":null},
            "executions":{"active":true,"executionMode":"active"},
            "stats":{"scheduler":{"running":0,"threadPoolSize":10}}}}"#,
    )?;
    let expected = SystemInfo {
        mode: Some(Mode::Active),
        running: Some(0),
        version: Some("3.4.10".into()),
        api_version: Some(40),
        server_uuid: None,
    };
    assert_eq!(of_3_4, expected);

    let of_6 = seen(super::INFO_6)?;
    assert_eq!((of_6.mode, of_6.running, of_6.api_version), (Some(Mode::Passive), Some(2), Some(59)));
    assert_eq!(of_6.server_uuid.as_deref(), Some("u-1"));
    Ok(())
}

#[test]
fn numbers_and_flags_may_be_strings() -> Tested {
    let info = seen(
        r#"{"system":{"rundeck":{"apiversion":" 59 "},"executions":{"active":"false"},
            "stats":{"scheduler":{"running":"3"}}}}"#,
    )?;
    assert_eq!((info.mode, info.running, info.api_version), (Some(Mode::Passive), Some(3), Some(59)));
    let info = seen(
        r#"{"system":{"rundeck":{"apiversion":5.5},"executions":{"executionMode":"resting","active":true},
            "stats":{"scheduler":{"running":-1}}}}"#,
    )?;
    assert_eq!((info.mode, info.running, info.api_version), (Some(Mode::Active), None, None));
    Ok(())
}

#[test]
fn null_is_no_permission_and_never_idle() -> Tested {
    let info_with_mode =
        seen(r#"{"system":{"rundeck":{"version":"5.20.1"},"executions":{"executionMode":"active"},"stats":null}}"#)?;
    assert_eq!(info_with_mode.running, None);
    let Info::WithoutRights(known) =
        info(200, r#"{"system":{"rundeck":{"version":"5.20.1"},"executions":null,"stats":null,"os":null}}"#)
    else {
        return Err("without rights".into());
    };
    assert_eq!(known.version.as_deref(), Some("5.20.1"));
    assert!(matches!(info(403, NO_RIGHT), Info::WithoutRights(_)), "before 4.4");
    Ok(())
}

#[test]
fn refusals_are_told_apart() -> Tested {
    assert_eq!(info(403, REJECTED), Info::Rejected);
    assert_eq!(info(403, "<html>requiredRole</html>"), Info::Rejected);
    assert_eq!(info(401, r#"{"error":true,"errorCode":"api.error.execution.project.notfound"}"#), Info::NoProject);
    assert_eq!(info(401, ""), Info::Failed(Failure::BadStatus(401)));
    assert_eq!(decode::info(&answer(400, VERSION)), (Info::OtherVersion, Some(58)));
    assert_eq!(info(400, "<h1>Bad Host</h1>"), Info::Failed(Failure::HostRefused));
    assert_eq!(info(503, ""), Info::StillBooting);
    assert_eq!(info(503, r#"{"executionMode":"passive"}"#), Info::Failed(Failure::BadStatus(503)));
    assert_eq!(info(500, r#"{"error":"A server error occurred"}"#), Info::Failed(Failure::BadStatus(500)));
    assert_eq!(info(500, "<html>"), Info::Failed(Failure::BadStatus(500)));
    Ok(())
}

#[test]
fn bodies_that_are_no_answer() -> Tested {
    assert_eq!(info(200, "\n<!DOCTYPE html>"), Info::Html);
    assert_eq!(info(200, r#"{"system":{"rundeck":{"vers"#), Info::Failed(Failure::Truncated));
    for body in ["", "[]", "null", "{}", "true false", r#"{"system":7}"#, r#"{"system":{"rundeck":null}}"#] {
        assert_eq!(info(200, body), Info::BadJson, "{body}");
    }
    Ok(())
}

#[test]
fn boot_needs_the_api_itself() -> Tested {
    let boot = |status, body| decode::boot(&answer(status, body));
    assert_eq!(boot(400, VERSION), Boot::Past { api_version: Some(58) });
    assert_eq!(boot(403, REJECTED), Boot::Past { api_version: Some(58) });
    assert_eq!(boot(503, ""), Boot::StillBooting);
    assert_eq!(boot(503, "busy"), Boot::Failed(Failure::BadStatus(503)));
    assert_eq!(boot(400, "<h1>Bad Host</h1>"), Boot::Failed(Failure::HostRefused));
    assert_eq!(boot(404, r#"{"message":"Not Found","status":"404"}"#), Boot::Failed(Failure::BadStatus(404)));
    assert_eq!(boot(200, "ok"), Boot::Failed(Failure::BadStatus(200)));
    assert_eq!(boot(302, ""), Boot::Failed(Failure::Redirect(String::new())));
    Ok(())
}

#[test]
fn a_switch_is_done_only_when_rundeck_says_so() -> Tested {
    let set = |status, body| decode::mode_set(&answer(status, body), Mode::Passive);
    assert_eq!(set(200, r#"{"executionMode":"passive"}"#), ModeSet::Done);
    assert_eq!(set(200, r#"{"executionMode":"active"}"#), ModeSet::Unconfirmed(Some(Mode::Active)));
    assert_eq!(set(200, "<html>"), ModeSet::Unconfirmed(None));
    assert_eq!(set(403, REJECTED), ModeSet::Rejected);
    assert_eq!(set(403, NO_RIGHT), ModeSet::WithoutRights);
    assert_eq!(set(503, ""), ModeSet::StillBooting);
    assert_eq!(set(405, ""), ModeSet::Failed(Failure::BadStatus(405)));
    Ok(())
}

#[test]
fn every_fact_has_words_with_a_cure() -> Tested {
    let words = info(403, REJECTED).to_string();
    assert!(words.contains("expired"), "{words}");
    let words = decode::web(&answer(302, "")).to_string();
    assert!(words.contains("context path"), "{words}");
    assert_eq!(Info::Seen(seen(super::INFO_6)?).to_string(), "Rundeck 6.1.0, passive, 2 running");
    Ok(())
}

#[test]
fn the_timed_call_says_something_of_the_database_only_where_the_token_was_accepted() {
    let database = |status, body| decode::database(&answer(status, body)).0;
    assert_eq!(database(200, r#"{"executionMode":"active"}"#), Database::Answered);
    assert_eq!(database(503, r#"{"executionMode":"passive"}"#), Database::Answered);
    assert_eq!(database(403, NO_RIGHT), Database::Answered);
    assert_eq!(database(403, REJECTED), Database::Rejected);
    assert_eq!(database(403, "<html>requiredRole</html>"), Database::Rejected);
    assert_eq!(database(503, ""), Database::StillBooting);
    assert_eq!(database(500, r#"{"error":"A server error occurred"}"#), Database::ServerError(500));
    assert_eq!(database(500, "<html>"), Database::ServerError(500));
    assert_eq!(database(502, ""), Database::ServerError(502));
    assert_eq!(database(200, "<html>Login</html>"), Database::Unreadable);
    assert_eq!(database(401, ""), Database::Failed(Failure::BadStatus(401)));
    assert_eq!(database(302, ""), Database::Failed(Failure::Redirect(String::new())));
    assert_eq!(decode::database(&answer(400, VERSION)), (Database::Failed(Failure::BadStatus(400)), Some(58)));
}
