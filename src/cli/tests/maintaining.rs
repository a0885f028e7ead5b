//! `maint`: what is ordered, what is told, and how each end exits.

use super::super::text::WIDTH;
use super::agent::Agent;
use super::{Tested, golden, run, run_in};
use serde_json::{Value, json};
use std::error::Error;
use std::fs;

fn fixture() -> Result<String, Box<dyn Error>> {
    Ok(fs::read_to_string("tests/golden/cli/status/maintenance.json")?)
}

#[test]
fn maintenance_is_ordered_as_the_flags_say() -> Tested {
    let agent = Agent::saying(200, r#"{"maintenance": true}"#)?;
    let ran = run(&agent, "maint on --for 90m --reason kernel_update")?;
    assert!(ran.code(0) && ran.err.is_empty(), "{ran:?}");
    let told = "maintenance is on for 1 h 30 min: `status` tells what /health answers, `maint off` ends it\n";
    assert_eq!(ran.out, told);
    let ran = run(&agent, "maint on")?;
    assert!(ran.out.starts_with("maintenance is on: `status` tells"), "{ran:?}");
    let ran = run(&agent, "maint off")?;
    assert!(ran.code(0));
    assert_eq!(ran.out, "maintenance is over: /health answers 200 when Rundeck is up\n");
    let orders = [
        r#"POST /maintenance {"for":"1h30m","on":true,"reason":"kernel update"}"#,
        r#"POST /maintenance {"for":null,"on":true,"reason":null}"#,
        r#"POST /maintenance {"on":false}"#,
    ];
    assert_eq!(agent.requests(), orders);
    let json = run(&agent, "maint on --output json")?;
    assert_eq!(serde_json::from_str::<Value>(&json.out)?, json!({"maintenance": true}));
    let ran = run(&Agent::saying(200, r#"{"maintenance": false}"#)?, "maint off")?;
    assert!(ran.code(0));
    assert_eq!(ran.out, "maintenance was not on\n");
    Ok(())
}

#[test]
fn refused_maintenance_is_4_and_a_failure_1() -> Tested {
    let body = r#"{"refused": "the node is in an Auto Scaling group: put it into Standby there", "why": "asg"}"#;
    for line in ["maint on", "maint off"] {
        let ran = run(&Agent::saying(409, body)?, line)?;
        assert!(ran.code(4) && ran.out.is_empty(), "{ran:?}");
        assert_eq!(ran.err, "error: refused: the node is in an Auto Scaling group: put it into Standby there\n");
    }
    let ran = run(&Agent::saying(404, r#"{"error": "no such page"}"#)?, "maint on")?;
    assert!(ran.code(1) && ran.err.starts_with("error: the agent answered /maintenance with 404 "), "{ran:?}");
    let folder = tempfile::tempdir()?;
    for line in ["maint on", "maint off", "maint show"] {
        let ran = run_in(folder.path(), &[], false, line)?;
        assert!(ran.code(1) && ran.err.starts_with("error: no agent answers on RUN/control.sock: "), "{ran:?}");
    }
    Ok(())
}

#[test]
fn what_is_shown_says_since_when_until_when_and_why() -> Tested {
    let said = fixture()?;
    let status: Value = serde_json::from_str(&said)?;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut status = status.clone();
        change(&mut status);
        status.to_string()
    };
    let mut told = String::new();
    for said in [
        said.clone(),
        with(&|status| {
            status["maintenance"]["until"] = Value::Null;
            status["maintenance"]["left_ms"] = Value::Null;
        }),
        with(&|status| status["maintenance"]["reason"] = "a\u{1b}[2J\n".into()),
        with(&|status| status["maintenance"]["reason"] = "".into()),
        with(&|status| status["drain"] = json!({"id": "d", "cause": "spot-interruption", "started": ""})),
        with(&|status| status["maintenance"] = Value::Null),
    ] {
        let ran = run(&Agent::saying(200, &said)?, "maint show")?;
        assert!(ran.code(0) && ran.err.is_empty(), "{ran:?}");
        assert!(ran.out.lines().all(|line| line.chars().count() <= WIDTH), "{ran:?}");
        told.push_str(&ran.out);
    }
    golden("maint-show.txt", &told)?;
    for (said, wanted) in
        [(said, status["maintenance"].clone()), (with(&|status| status["maintenance"] = Value::Null), Value::Null)]
    {
        let ran = run(&Agent::saying(200, &said)?, "maint show --output json")?;
        assert_eq!(serde_json::from_str::<Value>(&ran.out)?, json!({"maintenance": wanted}));
    }
    Ok(())
}

#[test]
fn an_agent_that_knows_no_maintenance_shows_none() -> Tested {
    let ran = run(&Agent::saying(200, &fs::read_to_string("tests/golden/cli/status/up.json")?)?, "maint show")?;
    assert!(ran.code(0));
    assert_eq!(ran.out, "maintenance is off\n");
    Ok(())
}
