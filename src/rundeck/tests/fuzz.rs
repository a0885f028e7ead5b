//! Any answer at all becomes a fact: the decoders of every question, fed with changed copies of real answers.
//!
//! An input is the status on a line, the `Location` on the next (empty: none), then the body.

use crate::fuzz::Target;
use crate::rundeck::answer::{Answer, Failure};
use crate::rundeck::readiness::{self, Endpoint};
use crate::rundeck::{Boot, Database, Info, Mode, ModeSet, Readiness, Web, decode};

const ANSWERS: Target = Target {
    name: "answer",
    runs: 8_000,
    words: &[
        b"200\n\n",
        b"403\n\n",
        b"503\n\n",
        b"404\n\n",
        b"400\n\n",
        b"ok",
        b"{",
        b"}",
        b"[",
        b"null",
        b"true",
        b"false",
        b"\"",
        b"\"executionMode\":",
        b"\"passive\"",
        b"\"active\"",
        b"\"errorCode\":",
        b"\"api.error.item.unauthorized\"",
        b"\"system\":",
        b"\"rundeck\":{}",
        b"\"executions\":",
        b"\"running\":",
        b"-1",
        b"1e999",
        b"99999999999999999999",
        b"\"UP\"",
        b"\"DOWN\"",
        b"\\u0000",
        b"\xff",
        b"<html>",
        b"\"components\":",
        b"\"status\":",
        b"\"readinessState\":",
    ],
};

#[test]
fn any_answer_is_a_fact_and_a_403_is_never_unhealthy_and_passive_needs_its_word() {
    ANSWERS.run(|input| judge(&read(input)));
}

/// A decoder that cannot bear a 503 with a body in which `null` stands beside a byte that is no UTF-8 would be found
/// out.
#[test]
fn a_planted_fault_is_found() {
    let planted = |input: &[u8]| {
        let answer = read(input);
        let null = answer.body.windows(4).any(|word| word == b"null");
        let broken = answer.status == 503 && null && std::str::from_utf8(&answer.body).is_err();
        if broken { Err("planted".to_owned()) } else { Ok(()) }
    };
    assert!(ANSWERS.finds(planted));
    assert!(!ANSWERS.finds(|_| Ok(())));
}

fn read(input: &[u8]) -> Answer {
    let mut parts = input.splitn(3, |byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (status, location) = (line().parse().unwrap_or(200), line());
    let body = parts.next().unwrap_or_default().to_vec().into();
    Answer { status, location: Some(location).filter(|to| !to.is_empty()), body }
}

fn judge(answer: &Answer) -> Result<(), String> {
    let (info, _) = decode::info(answer);
    let (database, _) = decode::database(answer);
    let (web, boot) = (decode::web(answer), decode::boot(answer));
    let set = decode::mode_set(answer, Mode::Passive);
    let looks = [Endpoint::Monitoring, Endpoint::Actuator].map(|endpoint| readiness::read(endpoint, answer));
    let all = format!("{info:?} {database:?} {web:?} {boot:?} {set:?} {looks:?}");
    let holds = [
        (
            all.len() <= 12 * (answer.body.len() + answer.location.iter().map(String::len).sum::<usize>()) + 2_000,
            "bounded",
        ),
        (answer.status != 403 || harmless(&info, &database, &set), "a 403 is about the token alone"),
        (said(answer, &["passive", "false"]) || !passive(&info, &set), "passive needs its word"),
        (web != Web::Ok || (answer.status == 200 && *answer.body == *b"ok"), "alive is 200 ok"),
        (!matches!(boot, Boot::Past { .. }) || matches!(answer.status, 400 | 403), "past the bootstrap is 400 or 403"),
        (looks.iter().all(|(look, _)| *look != Readiness::NotReady || not_ready(answer)), "not ready needs its word"),
        (looks.iter().all(|(look, _)| *look != Readiness::Ready || said(answer, &["up"])), "ready needs its word"),
        (answer.status / 100 != 3 || matches!(info, Info::Failed(Failure::Redirect(_))), "a redirect is a redirect"),
    ];
    match holds.iter().find(|(held, _)| !held) {
        None => Ok(()),
        Some((_, rule)) => Err(format!("{rule}: {all}")),
    }
}

fn harmless(info: &Info, database: &Database, set: &ModeSet) -> bool {
    matches!(info, Info::WithoutRights(_) | Info::Rejected)
        && matches!(database, Database::Answered | Database::Rejected)
        && matches!(set, ModeSet::WithoutRights | ModeSet::Rejected)
}

fn passive(info: &Info, set: &ModeSet) -> bool {
    let mode = match info {
        Info::Seen(seen) | Info::WithoutRights(seen) => seen.mode,
        _ => None,
    };
    mode == Some(Mode::Passive) || matches!(set, ModeSet::Done | ModeSet::Unconfirmed(Some(Mode::Passive)))
}

fn not_ready(answer: &Answer) -> bool {
    said(answer, &["refusing_traffic", "out_of_service", "down"])
}

/// Whether the body holds one of these words, or an escape that may spell it.
fn said(answer: &Answer, words: &[&str]) -> bool {
    let body = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    body.contains("\\u") || words.iter().any(|word| body.contains(word))
}
