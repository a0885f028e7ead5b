//! `explain`: why the answer is what it is, check by check, what would change it, and why the balancer may see
//! something else. Judges nothing: every word is the running agent's own (`GET /status`).

use super::args::Output;
use super::console::Console;
use super::error::CliError;
use super::paint::{Hue, Paint};
use super::report::{
    answer, balancer_hue, differs, findings, hooks, maintenance, named, plain, puzzles, reason, said, why,
};
use super::runtime::runtime;
use super::status::{UNREACHABLE, ask, exit_code};
use super::view::{Check, Status, Target};
use super::{Globals, text};
use rundeck_alb_core::{Agreement, Outcome, TargetState};
use std::process::ExitCode;

/// Columns of a check's name, and of its result.
const COLUMN: usize = 11;

/// Explains it.
///
/// # Errors
/// No agent, exit code 3.
pub fn explain(globals: &Globals, console: &mut Console<'_>) -> Result<ExitCode, CliError> {
    let control = globals.control(console);
    let output = globals.output();
    runtime()?.block_on(async {
        let (status, value) = ask(&control).await.map_err(|error| error.into_cli(UNREACHABLE))?;
        match output {
            Output::Text => console.say(&explained(&status, console.paint))?,
            Output::Json => console.say_json(&value)?,
        }
        Ok(ExitCode::from(exit_code(&status)))
    })
}

fn explained(status: &Status, paint: Paint) -> String {
    let mut out = format!("{}\n", answer(status, paint));
    if let Some(why) = why(&status.health) {
        out.push_str(&text::hanging("why", &why, COLUMN));
    }
    if let Some(guard) = &status.guard {
        out.push_str(&text::hanging("guard", &said(guard), COLUMN));
    }
    out.push_str(&hooks(status));
    out.push_str(&maintenance(status));
    if let Some(standing) = &status.standing {
        out.push_str(&text::hanging("group", &plain(standing), COLUMN));
    }
    out.push('\n');
    for check in &status.checks {
        out.push_str(&row(check, paint));
    }
    let balancers: String = status.targets.iter().map(|target| balancer(target, status, paint)).collect();
    if !balancers.is_empty() {
        out.push('\n');
        out.push_str(&balancers);
    }
    out.push_str(&findings(status, paint));
    out
}

/// Name, result and what was seen; below it how old that is and what would change the verdict.
fn row(check: &Check, paint: Paint) -> String {
    let hue = match Outcome::from_word(&check.result) {
        Some(Outcome::Pass) => Hue::Good,
        Some(Outcome::Fail) => Hue::Bad,
        Some(Outcome::Unknown) | None => Hue::Warn,
    };
    let result = paint.tint(hue, &format!("{:<COLUMN$}", plain(&check.result)));
    let class = if check.class.is_empty() { String::new() } else { format!(" ({})", plain(&check.class)) };
    let seen = text::hanging("", &format!("{}{class}", plain(&check.seen)), 2 * COLUMN);
    let more = text::hanging("", &detail(check), 2 * COLUMN);
    format!("{:<COLUMN$}{result}{}{more}", plain(&check.check), seen.trim_start())
}

fn detail(check: &Check) -> String {
    let mut facts = Vec::new();
    if let Some(age) = check.age_ms {
        facts.push(format!("{} ago", text::measured(age)));
    }
    if let Some(took) = check.took_ms {
        facts.push(format!("took {}", text::measured(took)));
    }
    match (check.passes, check.fails) {
        (_, fails) if fails > 1 => facts.push(format!("{} in a row", text::nth(fails))),
        (passes, 0) if passes > 1 => facts.push(format!("{} in a row", text::nth(passes))),
        _ => {}
    }
    if let Some(next) = check.next_ms {
        facts.push(format!("next look in {}", text::measured(next)));
    }
    let change = if check.change.is_empty() { String::new() } else { format!("; {}", plain(&check.change)) };
    format!("{}{change}", facts.join(", ")).trim_start_matches("; ").to_owned()
}

/// What the balancer says, and below it what the node makes of that.
fn balancer(target: &Target, status: &Status, paint: Paint) -> String {
    let says = plain(&target.state);
    let tinted = paint.tint(balancer_hue(&target.state), &says);
    let told = format!("{} says {says}{}", named(target), reason(target));
    let told =
        text::hanging("balancer", &told, COLUMN).replacen(&format!(" says {says}"), &format!(" says {tinted}"), 1);
    let view = text::hanging("", &view(target, status), COLUMN);
    let word = Agreement::Differs.word();
    let view = if differs(target) { view.replacen(word, &paint.tint(Hue::Warn, word), 1) } else { view };
    told + &view
}

/// What the node makes of the balancer's word; empty where they say the same, and there is no more to it.
fn view(target: &Target, status: &Status) -> String {
    let why = plain(target.why.as_deref().unwrap_or_default());
    let word = |agreement: Agreement| target.agreement.as_deref() == Some(agreement.word());
    if differs(target) || puzzles(target) {
        let cause = target.cause.as_deref().map_or_else(String::new, |cause| format!(", {}", plain(cause)));
        format!("{}{cause}: {why}", target.agreement.as_deref().unwrap_or_default())
    } else if word(Agreement::Counting) {
        format!("counting: {why}{}", expected(target, status))
    } else {
        why
    }
}

/// When it will say the same.
fn expected(target: &Target, status: &Status) -> String {
    let healthy = target.state == TargetState::Healthy.word();
    let then = if healthy { TargetState::Unhealthy } else { TargetState::Healthy };
    match target.expected_ms {
        None => String::new(),
        Some(0) => "; it has had its time by now, and the agent looks again soon".to_owned(),
        Some(left) => {
            format!("; expect {} within {}, by {} UTC", then.word(), text::lasting(left), by(status, left))
        }
    }
}

/// The clock in so many milliseconds.
fn by(status: &Status, ms: u64) -> String {
    let later = status.now() + std::time::Duration::from_millis(ms);
    text::clock(later, status.now())
}
