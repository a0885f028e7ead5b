//! `status` and `explain` for everything that the balancer may say against the node's own answer: the rows of
//! tests/golden/balancer.txt, which a test of the heart writes, as one golden file.

use super::super::text::WIDTH;
use super::agent::Agent;
use super::{Tested, golden, run, run_in};
use rundeck_alb_core::Agreement;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write;
use std::fs;

/// One row of the heart's table: its cells, without those that are empty.
fn rows() -> Result<Vec<Vec<Option<String>>>, Box<dyn Error>> {
    let table = fs::read_to_string("tests/golden/balancer.txt")?;
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cells = |line: &str| line.split(" | ").map(|cell| Some(cell.to_owned()).filter(|cell| cell != "-")).collect();
    Ok(lines.map(cells).collect())
}

/// The node's account of itself with this row as its only target.
fn status(row: &[Option<String>]) -> Result<Value, Box<dyn Error>> {
    let [own, state, reason, description, over, anomaly, agreement, cause, expected, why] = row else {
        return Err(format!("ten cells: {row:?}").into());
    };
    let refuses = own.as_deref().is_some_and(|own| own.starts_with("503"));
    let name = if refuses { "down" } else { "up" };
    let mut status: Value = serde_json::from_str(&fs::read_to_string(format!("tests/golden/cli/status/{name}.json"))?)?;
    let mut target = status["targets"][0].clone();
    let expected_ms = expected.as_ref().map(|ms| ms.parse::<u64>()).transpose()?;
    for (key, value) in [
        ("state", json!(state)),
        ("reason", json!(reason)),
        ("description", json!(description)),
        ("administrative_override", json!(over)),
        ("anomaly", json!(anomaly)),
        ("agreement", json!(agreement)),
        ("cause", json!(cause)),
        ("why", json!(why)),
        ("expected_ms", json!(expected_ms)),
    ] {
        target[key] = value;
    }
    status["targets"] = json!([target]);
    Ok(status)
}

/// From the table of targets, or the first `balancer` row, on.
fn part(out: &str, from: &str) -> String {
    let lines = out.lines().skip_while(|line| !line.starts_with(from));
    lines.map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect()
}

#[test]
fn each_disagreement_has_its_golden_text() -> Tested {
    let (mut text, mut shown) = (String::new(), BTreeSet::new());
    for row in rows()? {
        let (own, agreement, cause) = (&row[0], row[6].clone().unwrap_or_default(), &row[7]);
        // Once each: where they agree there is nothing to be told but a note.
        let key = (row[1].clone(), agreement.clone(), cause.clone(), row[9].clone());
        if agreement == Agreement::Agrees.word() && row[9].is_none() || !shown.insert(key) {
            continue;
        }
        let agent = Agent::saying(200, &status(&row)?.to_string())?;
        let (status, explained) = (run(&agent, "status")?, run(&agent, "explain")?);
        for line in status.out.lines().chain(explained.out.lines()) {
            assert!(line.chars().count() <= WIDTH && line.trim_end() == line, "{line}");
        }
        for (word, shown) in [(Agreement::Differs, "\ndiffers    "), (Agreement::Unknown, "\nunknown    ")] {
            assert_eq!(status.out.contains(shown), agreement == word.word(), "{row:?}: {status:?}");
        }
        let head = format!("{}: {agreement}{}", own.as_deref().unwrap_or_default(), {
            cause.as_ref().map_or_else(String::new, |cause| format!(", {cause}"))
        });
        write!(text, "{head}\n  status\n{}", part(&status.out, "TARGET GROUP"))?;
        writeln!(text, "  explain\n{}", part(&explained.out, "balancer"))?;
    }
    golden("balancer.txt", &text)
}

#[test]
fn a_difference_is_coloured_and_named_once() -> Tested {
    let row = rows()?.into_iter().find(|row| row[7].as_deref() == Some("unreachable")).ok_or("a row")?;
    let agent = Agent::saying(200, &status(&row)?.to_string())?;
    for line in ["status", "explain"] {
        let ran = run_in(agent.folder(), &[("LANG", "C.UTF-8")], true, line)?;
        assert_eq!(ran.out.matches("\u{1b}[33mdiffers\u{1b}[0m").count(), 1, "{ran:?}");
    }
    Ok(())
}

/// An agent that is older than this program tells nothing of what it makes of the balancer's word.
#[test]
fn an_older_agent_is_shown_without() -> Tested {
    let mut old = status(&rows()?[3])?;
    let target = old["targets"][0].as_object_mut().ok_or("a target")?;
    target.retain(|key, _| !["agreement", "cause", "why", "expected", "expected_ms"].contains(&key.as_str()));
    let agent = Agent::saying(200, &old.to_string())?;
    let (status, explained) = (run(&agent, "status")?, run(&agent, "explain")?);
    assert!(!status.out.contains("differs") && explained.out.contains("rundeck-prod:4440 says healthy"), "{status:?}");
    Ok(())
}
