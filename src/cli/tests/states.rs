//! `status`: golden texts of every state, exit codes, `--watch`.

use super::super::args::Output;
use super::super::console::Console;
use super::super::control::Control;
use super::super::paint::Paint;
use super::super::status::watch;
use super::super::text::WIDTH;
use super::agent::{Act, Agent};
use super::{Tested, golden, run, run_in};
use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::Duration;

const STATES: [(&str, u8); 8] = [
    ("up", 0),
    ("degraded", 1),
    ("down", 2),
    ("draining", 2),
    ("drained", 2),
    ("maintenance", 2),
    ("stale", 2),
    ("booting", 2),
];
const UTF8: [(&str, &str); 1] = [("LANG", "C.UTF-8")];

fn fixture(name: &str) -> Result<String, Box<dyn Error>> {
    Ok(fs::read_to_string(format!("tests/golden/cli/status/{name}.json"))?)
}

#[test]
fn each_state_has_its_golden_text_and_exit_code() -> Tested {
    for (name, code) in STATES {
        let agent = Agent::saying(200, &fixture(name)?)?;
        let plain = run(&agent, "status")?;
        let coloured = run_in(agent.folder(), &UTF8, true, "status")?;
        assert!(plain.code(code) && coloured.code(code), "{name}: {plain:?}");
        assert_eq!(plain.err, "");
        for line in plain.out.lines() {
            assert!(line.chars().count() <= WIDTH, "{name}: wider than {WIDTH}: {line}");
            assert_eq!(line.trim_end(), line, "{name}");
        }
        golden(&format!("status/{name}.txt"), &format!("{}\n--- on a terminal ---\n{}", plain.out, coloured.out))?;
        assert_eq!(agent.requests(), ["GET /status", "GET /status"]);
    }
    Ok(())
}

#[test]
fn each_state_is_explained_check_by_check() -> Tested {
    for (name, code) in STATES {
        let agent = Agent::saying(200, &fixture(name)?)?;
        let plain = run(&agent, "explain")?;
        assert!(plain.code(code), "{name}: {plain:?}");
        for line in plain.out.lines() {
            assert!(line.chars().count() <= WIDTH, "{name}: wider than {WIDTH}: {line}");
            assert_eq!(line.trim_end(), line, "{name}");
        }
        golden(&format!("explain/{name}.txt"), &plain.out)?;
    }
    Ok(())
}

#[test]
fn one_group_under_two_ports_is_shown_as_two_targets() -> Tested {
    let said = fixture("down")?.replacen("rundeck-api", "rundeck-prod", 1).replacen(
        "\"port\": 4440,\n      \"owned\": false",
        "\"port\": 4443,\n      \"owned\": false",
        1,
    );
    let agent = Agent::saying(200, &said)?;
    let (status, explained) = (run(&agent, "status")?, run(&agent, "explain")?);
    for line in ["rundeck-prod   i-0a1b2c3d4e5f60718:4440   us", "rundeck-prod   i-0a1b2c3d4e5f60718:4443   other"] {
        assert!(status.out.contains(line), "{status:?}");
    }
    assert!(status.out.contains("\nrundeck-prod:4440: Health checks failed"), "{status:?}");
    for line in ["balancer   rundeck-prod:4440 says unhealthy", "balancer   rundeck-prod:4443 says healthy"] {
        assert!(explained.out.contains(line), "{explained:?}");
    }
    Ok(())
}

/// Why a node that is up is no target yet.
#[test]
fn a_node_that_waits_for_its_own_commands_says_so() -> Tested {
    let hook = serde_json::json!({"hook": "pre_register", "commands": 2, "since_ms": 12_000, "left_ms": 18_000,
        "waits": true});
    let mut said: serde_json::Value = serde_json::from_str(&fixture("up")?)?;
    said["hook"] = hook;
    for line in ["status", "explain"] {
        let ran = run(&Agent::saying(200, &said.to_string())?, line)?;
        let told = concat!(
            "hooks      pre_register: 2 commands run, for 12 s by now, 18 s left; the node is registered once\n",
            "           that is over\n"
        );
        assert!(ran.out.contains(told), "{ran:?}");
    }
    (said["hook"]["hook"], said["hook"]["commands"], said["hook"]["waits"]) =
        ("post_register".into(), 1.into(), false.into());
    let ran = run(&Agent::saying(200, &said.to_string())?, "status")?;
    assert!(ran.out.contains("\nhooks      post_register: 1 command runs, for 12 s by now, 18 s left\n"), "{ran:?}");
    Ok(())
}

#[test]
fn the_colours_can_be_switched_off() -> Tested {
    let agent = Agent::saying(200, &fixture("down")?)?;
    for (variables, line) in [(&[("NO_COLOR", "1")][..], "status"), (&[], "status --no-color")] {
        let ran = run_in(agent.folder(), variables, true, line)?;
        assert!(ran.out.starts_with("DOWN since") && !ran.out.contains('\x1b'), "{ran:?}");
    }
    Ok(())
}

#[test]
fn json_is_the_agents_own_word_and_quiet_says_nothing() -> Tested {
    let (agent, said) = (Agent::saying(200, &fixture("degraded")?)?, fixture("degraded")?);
    let json = run(&agent, "status --output json")?;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json.out)?,
        serde_json::from_str::<serde_json::Value>(&said)?
    );
    let quiet = run(&agent, "status --quiet")?;
    assert!(json.code(1) && quiet.code(1) && quiet.out.is_empty());
    Ok(())
}

#[test]
fn an_agent_that_cannot_be_asked_is_3() -> Tested {
    let folder = tempfile::tempdir()?;
    let mut told = String::new();
    let ran = run_in(folder.path(), &[], false, "status")?;
    assert!(ran.code(3) && ran.out.is_empty(), "{ran:?}");
    told.push_str(&ran.err);
    for (status, body) in [(200, "<html>"), (200, "{}"), (404, ""), (503, r#"{"error": "the agent is ending"}"#)] {
        let ran = run(&Agent::saying(status, body)?, "status")?;
        assert!(ran.code(3) && ran.out.is_empty(), "{ran:?}");
        told.push_str(&ran.err);
    }
    let ran = run(&Agent::start(|_| Act::HangUp)?, "status")?;
    assert!(ran.code(3), "{ran:?}");
    told.push_str(&ran.err);
    let ran = run(&Agent::saying(200, &format!("{{\"at\": \"{}\"}}", "x".repeat(2 << 20)))?, "status")?;
    assert!(ran.code(3), "{ran:?}");
    told.push_str(&ran.err);
    golden("status/no-agent.txt", &told)
}

#[test]
fn a_broken_configuration_does_not_hide_the_agent() -> Tested {
    let agent = Agent::saying(200, &fixture("up")?)?;
    fs::write(agent.folder().join("agent.toml"), "[health]\nintervall = \"5s\"\n")?;
    let ran = run(&agent, "status")?;
    assert!(ran.code(0) && ran.out.starts_with("UP since"), "{ran:?}");
    assert_eq!(
        ran.err,
        "warning: the configuration has 1 mistake (`config validate` tells); asking RUN/control.sock\n"
    );
    Ok(())
}

#[test]
fn the_configured_socket_is_asked() -> Tested {
    let agent = Agent::saying(200, &fixture("up")?)?;
    let elsewhere = tempfile::tempdir()?;
    fs::write(elsewhere.path().join("agent.toml"), format!("[admin]\nsocket = \"{}\"\n", agent.socket().display()))?;
    assert!(run_in(elsewhere.path(), &[], false, "status")?.code(0));
    Ok(())
}

/// What `--watch` writes while the agent says `up`, hangs up, says `down` twice, and then something that is no status.
fn watched(paint: Paint, output: Output) -> Result<String, Box<dyn Error>> {
    let (up, down) = (fixture("up")?, fixture("down")?);
    let mut looks = 0;
    let agent = Agent::start(move |_| {
        looks += 1;
        match looks {
            1 | 2 => Act::Answer(200, up.clone()),
            3 => Act::HangUp,
            4 | 5 => Act::Answer(200, down.clone()),
            _ => Act::Answer(200, "<html>".to_owned()),
        }
    })?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut console = Console::new(&mut out, &mut err, paint, false);
    let runtime = super::super::runtime::runtime()?;
    let control = Control::new(agent.socket());
    let ended = runtime.block_on(watch(&control, output, Duration::from_millis(1), &mut console));
    assert_eq!(ended.map_err(|error| error.exit_code()), Err(ExitCode::from(3)));
    Ok(String::from_utf8(out)?)
}

#[test]
fn watching_tells_changes_only_or_redraws_a_screen_of_its_own() -> Tested {
    golden("status/watch.txt", &watched(Paint::default(), Output::Text)?)?;
    let screen = watched(Paint { colours: false, signs: true, redraws: true }, Output::Text)?;
    assert!(screen.starts_with("\x1b[?1049h\x1b[H\x1b[JUP since"), "{screen}");
    assert_eq!(screen.matches("\x1b[H\x1b[J").count(), 5);
    let (_, left) = screen.split_once("\x1b[?1049l").ok_or("leaves the screen")?;
    assert!(left.starts_with("DOWN since"), "the last look stays: {left}");
    let json = watched(Paint::default(), Output::Json)?;
    assert_eq!(json.lines().count(), 4);
    for line in json.lines() {
        serde_json::from_str::<serde_json::Value>(line)?;
    }
    Ok(())
}

#[test]
fn the_agents_golden_status_can_be_told() -> Tested {
    let agent = Agent::saying(200, &fs::read_to_string("tests/golden/status.json")?)?;
    let ran = run(&agent, "status")?;
    assert!(ran.code(2) && ran.err.is_empty(), "{ran:?}");
    golden("status/contract.txt", &ran.out)
}

#[test]
fn what_the_auto_scaling_group_does_with_the_node_is_said() -> Tested {
    let standing = r#""standing": "in Standby by somebody else: its own target groups are left", "drain":"#;
    let said = fixture("up")?.replacen("\"drain\":", standing, 1);
    for command in ["status", "explain"] {
        let ran = run(&Agent::saying(200, &said)?, command)?;
        let line = "\ngroup      in Standby by somebody else: its own target groups are left\n";
        assert!(ran.out.contains(line), "{command}: {}", ran.out);
    }
    Ok(())
}

#[test]
fn what_the_fleet_says_stands_below_the_answer() -> Tested {
    let guard = r#""guard": {"refused": true, "text": "stays in service: 0 of 1 others healthy", "next_ms": 21000},"#;
    let said = fixture("degraded")?.replacen("\"drain\":", &format!("{guard} \"drain\":"), 1);
    for command in ["status", "explain"] {
        let ran = run(&Agent::saying(200, &said)?, command)?;
        let line = "\nguard      stays in service: 0 of 1 others healthy; asked again in 21 s\n";
        assert!(ran.out.contains(line), "{command}: {}", ran.out);
    }
    Ok(())
}
