//! `drain` and `resume`: what is ordered, what is told, and `--wait` through everything that can happen meanwhile.

use super::super::args::Output;
use super::super::console::Console;
use super::super::control::Control;
use super::super::drain::waited;
use super::super::error::CliError;
use super::super::follow::{Following, Pace};
use super::super::paint::Paint;
use super::agent::{Act, Agent};
use super::{Ran, Tested, golden, run, run_in};
use serde_json::{Value, json};
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::sync::mpsc;
use std::time::Duration;

const ID: &str = "20261122T122426-operator";
const ACCEPTED: &str = r#"{"drain": "20261122T122426-operator"}"#;

/// One look of the waiting command, as the agent sees it.
#[derive(Clone)]
enum Look {
    /// The drain is under way.
    Status(Value),
    /// The receipt is there.
    Receipt(Value),
    /// The connection breaks.
    HangUp,
}

/// The status after that many steps, with that many jobs running.
fn after(steps: usize, jobs: u64) -> Result<Look, Box<dyn Error>> {
    let mut status: Value = serde_json::from_str(&fs::read_to_string("tests/golden/cli/status/draining.json")?)?;
    let all = status["drain"]["steps"].as_array().ok_or("steps")?;
    let mut some: Vec<Value> = all.iter().take(steps + 1).cloned().collect();
    if let Some(open) = some.last_mut() {
        open["took_ms"] = Value::Null;
        open["result"] = "".into();
    }
    status["drain"]["steps"] = some.into();
    status["drain"]["in_flight"] = 3.into();
    status["rundeck"]["running"] = jobs.into();
    Ok(Look::Status(status))
}

/// The status once the drain is over.
fn done() -> io::Result<String> {
    Ok(fs::read_to_string("tests/golden/cli/status/draining.json")?.replace(r#""phase": "jobs""#, r#""phase": "done""#))
}

fn receipt(result: &str, left: Value, cut: Value, jobs_step: Value) -> Look {
    let step = |name: &str, took: u64, result: &str| {
        let started = "2026-11-22T12:24:26.000Z";
        json!({"name": name, "started": started, "took_ms": took, "result": result, "gave_up": false})
    };
    Look::Receipt(json!({
        "id": ID, "cause": "operator", "reason": "kernel update", "started": "2026-11-22T12:24:26.000Z",
        "deadline": null, "ended": "2026-11-22T12:28:57.000Z", "took_ms": 271_000,
        "steps": [step("advertise", 3, "503"), step("passive", 112, "passive mode"), step("deregister", 410, "done"),
            step("quiet", 25_000, "nothing in flight"), jobs_step],
        "running_jobs_waited_for": 2, "running_jobs_left": left, "inflight_at_cut": cut, "target_groups": [],
        "result": result,
    }))
}

fn jobs_step(result: &str, gave_up: bool) -> Value {
    let started = "2026-11-22T12:24:51.120Z";
    json!({"name": "jobs", "started": started, "took_ms": 245_880, "result": result, "gave_up": gave_up})
}

fn clean() -> Look {
    receipt("clean", 0.into(), 0.into(), jobs_step("none running", false))
}

/// A receipt that ended at this time.
fn ended_at(look: Look, time: &str) -> Look {
    let Look::Receipt(mut receipt) = look else { return look };
    receipt["ended"] = time.into();
    Look::Receipt(receipt)
}

/// Newer than any order of today.
const FOR_EVER: &str = "9999-12-31T23:59:59.999Z";

/// An agent that takes a drain and is then looked at; the last look stays.
fn agent(looks: Vec<Look>) -> Result<Agent, Box<dyn Error>> {
    let mut looks = looks.into_iter();
    let mut now = looks.next().ok_or("a look")?;
    let done = done()?;
    Agent::start(move |request| {
        let act = match (request, &now) {
            ("GET /status", Look::Status(status)) => Act::Answer(200, status.to_string()),
            ("GET /status", Look::Receipt(_)) => return Act::Answer(200, done.clone()),
            ("GET /receipts/20261122T122426-operator", Look::Receipt(receipt)) => Act::Answer(200, receipt.to_string()),
            ("GET /receipts/20261122T122426-operator", Look::Status(_)) => {
                return Act::Answer(404, r#"{"error": "no receipt"}"#.to_owned());
            }
            (request, _) if request.starts_with("POST /drain") => return Act::Answer(202, ACCEPTED.to_owned()),
            _ => Act::HangUp,
        };
        if let Some(next) = looks.next() {
            now = next;
        }
        act
    })
}

fn following(agent: &Agent) -> Following {
    let pace = Pace { poll: Duration::from_millis(1), away: 100_000, missing: 3, longest: Duration::from_secs(20) };
    Following {
        control: Control::new(agent.socket()),
        id: ID.to_owned(),
        ordered: "2026-11-22T12:24:26.000Z".to_owned(),
        receipts: agent.folder().join("state/receipts"),
        pace,
    }
}

/// Waits as `drain --wait` does.
fn wait(following: &Following, paint: Paint, out: &mut dyn Write) -> Result<Ran, Box<dyn Error>> {
    let mut err = Vec::new();
    let mut console = Console::new(out, &mut err, paint, false);
    let ended = super::super::runtime::runtime()?.block_on(waited(following, Output::Text, &mut console));
    let code = ended.as_ref().map_or_else(CliError::exit_code, |code| *code);
    let err = ended.err().map(|error| error.lines()).unwrap_or_default();
    Ok(Ran { out: String::new(), err, code })
}

fn wait_on(looks: Vec<Look>, paint: Paint) -> Result<Ran, Box<dyn Error>> {
    let (agent, mut out) = (agent(looks)?, Vec::new());
    let ran = wait(&following(&agent), paint, &mut out)?;
    Ok(Ran { out: String::from_utf8(out)?, ..ran })
}

fn whole_way() -> Result<Vec<Look>, Box<dyn Error>> {
    Ok(vec![after(1, 2)?, after(3, 2)?, after(3, 2)?, after(4, 2)?, after(4, 1)?, clean()])
}

#[test]
fn the_order_carries_what_the_flags_say() -> Tested {
    let agent = agent(vec![ended_at(clean(), FOR_EVER)])?;
    let line = "drain --wait --timeout 90s --reason kernel_update --cause rundeck-stopping";
    let ran = run(&agent, line)?;
    assert!(ran.code(0), "{ran:?}");
    assert_eq!(ran.out, format!("drained in 4 min 31 s: 2 jobs waited for, 0 requests cut (receipt {ID})\n"));
    let requests = agent.requests();
    let (order, looks) = requests.split_first().ok_or("an order")?;
    let body: Value = serde_json::from_str(order.strip_prefix("POST /drain ").ok_or("the order")?)?;
    let wanted = json!({"cause": "rundeck-stopping", "reason": "kernel update", "timeout": "1m30s", "force": false});
    assert_eq!(body, wanted);
    // The status comes first: a drain that goes on for a joiner still has the receipt of its first end.
    assert_eq!(looks, ["GET /status".to_owned(), format!("GET /receipts/{ID}")]);
    let json = run(&agent, "drain --wait --output json")?;
    assert_eq!(serde_json::from_str::<Value>(&json.out)?["result"], "clean");
    Ok(())
}

#[test]
fn without_wait_it_is_enough_that_the_order_is_accepted() -> Tested {
    let agent = agent(vec![clean()])?;
    let ran = run(&agent, "drain")?;
    assert!(ran.code(0));
    assert_eq!(ran.out, format!("draining (receipt {ID}): `status --watch` follows it, `resume` takes it back\n"));
    assert_eq!(agent.requests(), [r#"POST /drain {"cause":"operator","force":false,"reason":null,"timeout":null}"#]);
    let json = run(&agent, "drain --output json")?;
    assert_eq!(serde_json::from_str::<Value>(&json.out)?, json!({"drain": ID}));
    Ok(())
}

#[test]
fn a_refusal_is_4_and_a_failure_1() -> Tested {
    let body = r#"{"refused": "the node is in an Auto Scaling group: put it into Standby there", "why": "asg"}"#;
    let ran = run(&Agent::saying(409, body)?, "drain --wait")?;
    assert!(ran.code(4), "{ran:?}");
    assert_eq!(ran.err, "error: refused: the node is in an Auto Scaling group: put it into Standby there\n");
    let ran = run(&Agent::saying(503, r#"{"error": "the agent is ending and takes no order"}"#)?, "drain")?;
    assert!(ran.code(1), "{ran:?}");
    assert!(ran.err.starts_with("error: the agent answered /drain with 503 "), "{ran:?}");
    let folder = tempfile::tempdir()?;
    for line in ["drain", "drain --wait", "resume"] {
        let ran = run_in(folder.path(), &[], false, line)?;
        assert!(ran.code(1) && ran.err.starts_with("error: no agent answers on RUN/control.sock: "), "{ran:?}");
    }
    Ok(())
}

#[test]
fn waiting_shows_the_steps_as_they_happen() -> Tested {
    let plain = wait_on(whole_way()?, Paint::default())?;
    let drawn = wait_on(whole_way()?, Paint { colours: false, signs: true, redraws: true })?;
    assert!(plain.code(0) && drawn.code(0), "{plain:?}");
    golden("drain-wait.txt", &format!("{}\n--- on a terminal ---\n{}", plain.out, drawn.out))
}

#[test]
fn each_end_has_its_words_and_exit_code() -> Tested {
    let mut told = String::new();
    for (result, left, cut, step, code) in [
        ("clean", json!(0), json!(0), jobs_step("none running", false), 0),
        ("unproven", json!(null), json!(0), jobs_step("unproven: the token cannot see running jobs", false), 0),
        ("cut-short", json!(2), json!(1), jobs_step("2 still running", true), 3),
        ("cut-short", json!(null), json!(null), jobs_step("given up at the drain's deadline", true), 3),
        ("resumed", json!(2), json!(null), jobs_step("", false), 1),
        ("aborted", json!(2), json!(4), jobs_step("given up at a second signal", true), 1),
        ("vanished\u{1b}[2J", json!(2), json!(4), jobs_step("", false), 1),
    ] {
        let ran = wait_on(vec![receipt(result, left, cut, step)], Paint::default())?;
        assert!(ran.code(code), "{result}: {ran:?}");
        told.push_str(&ran.out);
    }
    golden("drain-ends.txt", &told)
}

#[test]
fn what_the_agent_took_back_by_itself_is_4() -> Tested {
    for (by, said) in [
        ("guard", "taken back after 4 min 31 s: too few others were left, "),
        ("standby", "taken back after 4 min 31 s: the node could not go into Standby"),
        ("permission", "taken back after 4 min 31 s: an Auto Scaling group has the node in service, "),
    ] {
        let Look::Receipt(mut receipt) = receipt("resumed", json!(2), json!(null), jobs_step("", false)) else {
            return Err("receipt".into());
        };
        receipt["ended_by"] = by.into();
        let ran = wait_on(vec![Look::Receipt(receipt)], Paint::default())?;
        assert!(ran.code(4) && ran.out.contains(said), "{by}: {ran:?}");
    }
    Ok(())
}

/// Tells the agent to come back once the command has said that it waits for that.
struct Sees {
    text: Vec<u8>,
    back: mpsc::SyncSender<()>,
}

impl Write for Sees {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend(bytes);
        if String::from_utf8_lossy(bytes).contains("does not answer") {
            // The agent may have come back already.
            let _ = self.back.try_send(());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_restart_of_the_agent_is_waited_over() -> Tested {
    let (back, come) = mpsc::sync_channel(1);
    let (mut found, mut gone, mut come) = (false, false, Some(come));
    let (Look::Status(status), Look::Receipt(receipt)) = (after(4, 2)?, clean()) else { return Err("looks".into()) };
    let agent = Agent::start(move |request| match (request, gone) {
        ("GET /status", false) if !std::mem::replace(&mut found, true) => Act::Answer(200, status.to_string()),
        (_, false) if come.is_none() => {
            gone = true;
            Act::HangUp
        }
        (_, false) => {
            // The first look finds the drain; with the second the agent goes away, socket and all.
            let come = come.take();
            come.map_or(Act::HangUp, Act::Leave)
        }
        ("GET /status", true) => Act::Answer(200, done().unwrap_or_default()),
        _ => Act::Answer(200, receipt.to_string()),
    })?;
    let mut sees = Sees { text: Vec::new(), back };
    let ran = wait(&following(&agent), Paint::default(), &mut sees)?;
    let text = String::from_utf8(sees.text)?;
    assert!(ran.code(0), "{ran:?} {text}");
    assert_eq!(text.matches("the agent does not answer: waiting for it to come back\n").count(), 1, "{text}");
    assert!(text.ends_with(&format!("(receipt {ID})\n")), "{text}");
    Ok(())
}

#[test]
fn a_broken_answer_is_asked_again() -> Tested {
    let ran = wait_on(vec![after(1, 0)?, Look::HangUp, Look::HangUp, after(4, 0)?, clean()], Paint::default())?;
    assert!(ran.code(0), "{ran:?}");
    Ok(())
}

#[test]
fn a_drain_that_is_over_without_a_receipt_is_a_failure() -> Tested {
    let Look::Status(mut status) = after(4, 2)? else { return Err("status".into()) };
    status["drain"]["phase"] = "done".into();
    let done = status.clone();
    status["drain"] = Value::Null;
    for over in [done, status] {
        let ran = wait_on(vec![after(4, 2)?, Look::Status(over)], Paint::default())?;
        assert!(ran.code(1), "{ran:?}");
        assert!(
            ran.err.starts_with(&format!("error: the drain {ID} is over, but left no receipt\ncure:  ")),
            "{ran:?}"
        );
    }
    Ok(())
}

#[test]
fn an_agent_that_stopped_has_left_its_receipt_on_disk() -> Tested {
    let agent = agent(vec![Look::HangUp])?;
    let mut following = following(&agent);
    following.pace.away = 3;
    let ran = wait(&following, Paint::default(), &mut Vec::new())?;
    assert!(ran.code(1) && ran.err.starts_with("error: the agent broke off its answer"), "{ran:?}");
    let Look::Receipt(receipt) = clean() else { return Err("receipt".into()) };
    fs::create_dir_all(&following.receipts)?;
    fs::write(following.receipts.join(format!("{ID}.json")), receipt.to_string())?;
    let mut out = Vec::new();
    assert!(wait(&following, Paint::default(), &mut out)?.code(0));
    assert!(String::from_utf8(out)?.contains("drained in 4 min 31 s"));
    // An id that leads out of the folder is not followed.
    following.id = "../receipts/20261122T122426-operator".to_owned();
    assert!(wait(&following, Paint::default(), &mut Vec::new())?.code(1));
    Ok(())
}

/// Who joins a drain that was cut short meets the receipt of its first end, on the agent's shelf and on disk.
#[test]
fn an_older_receipt_of_the_same_drain_is_not_taken_for_its_own() -> Tested {
    let before = "2026-11-22T12:24:25.999Z";
    let old = || ended_at(receipt("cut-short", json!(2), json!(1), jobs_step("2 still running", true)), before);
    let ran = wait_on(vec![after(4, 2)?, old(), old(), clean()], Paint::default())?;
    assert!(ran.code(0) && ran.out.contains("drained in 4 min 31 s: 2 jobs waited for"), "{ran:?}");

    // The agent ends before it could be asked.
    let gone = agent(vec![Look::HangUp])?;
    let mut following = following(&gone);
    following.pace.away = 3;
    let Look::Receipt(old) = old() else { return Err("receipt".into()) };
    fs::create_dir_all(&following.receipts)?;
    fs::write(following.receipts.join(format!("{ID}.json")), old.to_string())?;
    assert!(wait(&following, Paint::default(), &mut Vec::new())?.code(1));

    // A drain that is over and stays so has no other receipt than the old one.
    let mut over = old.clone();
    let status: Value = serde_json::from_str(&done()?)?;
    over["steps"] = status["drain"]["steps"].clone();
    let ran = wait_on(vec![Look::Receipt(over)], Paint::default())?;
    assert!(ran.code(3), "{ran:?}");
    Ok(())
}

#[test]
fn the_whole_wait_is_bounded() -> Tested {
    let agent = agent(vec![after(4, 2)?])?;
    let mut following = following(&agent);
    following.pace.longest = Duration::from_millis(30);
    let ran = wait(&following, Paint::default(), &mut Vec::new())?;
    assert!(ran.code(1) && ran.err.starts_with(&format!("error: no receipt {ID} after ")), "{ran:?}");
    assert_eq!(Pace::of(Some(Duration::from_secs(90))).longest, Duration::from_secs(150));
    assert_eq!(Pace::of(None).longest, Duration::from_secs(86_400));
    Ok(())
}

#[test]
fn resume_tells_whether_there_was_something_to_resume() -> Tested {
    let agent = Agent::saying(200, r#"{"resumed": true}"#)?;
    let ran = run(&agent, "resume --reason done")?;
    assert!(ran.code(0));
    assert_eq!(ran.out, "resumed: the node goes back into service when Rundeck is up\n");
    assert_eq!(agent.requests(), [r#"POST /resume {"cause":"operator","reason":"done"}"#]);
    let ran = run(&Agent::saying(200, r#"{"resumed": false}"#)?, "resume --cause rundeck-stopping")?;
    assert!(ran.code(0));
    assert_eq!(ran.out, "nothing to resume: no drain of cause rundeck-stopping\n");
    let json = run(&agent, "resume --output json")?;
    assert_eq!(serde_json::from_str::<Value>(&json.out)?, json!({"resumed": true}));
    Ok(())
}
