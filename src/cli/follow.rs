//! `drain --wait`: follows a drain until its receipt, over restarts of the agent, showing its steps. Every wait is
//! bounded. Does not order anything.
//!
//! A drain that was cut short and taken up again by whoever joins it has one receipt, under one id: until it ends once
//! more, the one of its first end lies there. So a receipt counts only if it ended after the order, or if the agent
//! says that the drain is over by the very same steps.

use super::console::Console;
use super::control::{Control, ControlError};
use super::error::{CliError, FAILED, REFUSED};
use super::paint::{Paint, Sign};
use super::steps::Row;
use super::view::{Receipt, Status, Step};
use super::{steps, text};
use hyper::StatusCode;
use rundeck_alb_core::{DrainPhase, DrainResult, EndedBy, StepName};
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// A receipt's largest file: some hundred target groups.
const MAX_RECEIPT: u64 = 1024 * 1024;

/// The bounds of following.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two looks.
    pub poll: Duration,
    /// Looks without an agent before it counts as gone: systemd has given up restarting it by then (five starts in a
    /// minute).
    pub away: u32,
    /// Looks at a drain that is over before its receipt counts as missing: it is written within 2 s.
    pub missing: u32,
    /// The whole wait.
    pub longest: Duration,
}

impl Pace {
    /// For a drain with this deadline of its own; without one a day is long enough for any job.
    pub fn of(deadline: Option<Duration>) -> Pace {
        const GRACE: Duration = Duration::from_secs(60);
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let longest = deadline.map_or(DAY, |deadline| deadline + GRACE);
        Pace { poll: Duration::from_secs(1), away: 120, missing: 5, longest }
    }
}

#[derive(Debug, Clone)]
pub struct Following {
    /// The agent.
    pub control: Control,
    /// Receipt id.
    pub id: String,
    /// When the drain was ordered, as receipts write times: by this machine's clock, which is the agent's.
    pub ordered: String,
    /// Where the agent leaves receipts: one that has stopped cannot be asked for it any more.
    pub receipts: PathBuf,
    /// The bounds.
    pub pace: Pace,
}

/// What one look gave.
enum Look {
    Receipt(Value),
    Running(Box<Status>),
    /// The drain is over or was never there, and so far there is no receipt.
    Over,
    Away(ControlError),
}

impl Following {
    /// Waits until the receipt is there.
    ///
    /// # Errors
    /// The agent stays away, the drain leaves no receipt, the bound has passed, or Ctrl-C: exit code 1.
    pub async fn wait(&self, console: &mut Console<'_>, show: bool) -> Result<Value, CliError> {
        let waited = timeout(self.pace.longest, self.looks(console, show));
        tokio::select! {
            receipt = waited => receipt.unwrap_or_else(|_| {
                let longest = text::lasting(u64::try_from(self.pace.longest.as_millis()).unwrap_or(u64::MAX));
                Err(CliError::text(format!("no receipt {} after {longest}", self.id)).with_cure("see `status`"))
            }),
            _ = tokio::signal::ctrl_c() => Err(CliError::text("no longer waiting; the drain goes on")
                .with_cure("`status --watch` follows it, `resume` takes it back")),
        }
    }

    async fn looks(&self, console: &mut Console<'_>, show: bool) -> Result<Value, CliError> {
        let mut ticks = interval(self.pace.poll);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut progress = Progress::new(console.paint);
        let (mut away, mut over) = (0, 0);
        loop {
            ticks.tick().await;
            match self.look().await? {
                Look::Receipt(receipt) => {
                    if show {
                        console.say(&progress.finish(&receipt))?;
                    }
                    return Ok(receipt);
                }
                Look::Running(status) => {
                    (away, over) = (0, 0);
                    if show {
                        console.say(&progress.step(&status))?;
                    }
                }
                Look::Over => {
                    (away, over) = (0, over + 1);
                    if over >= self.pace.missing {
                        return Err(CliError::text(format!("the drain {} is over, but left no receipt", self.id))
                            .with_cure("see `status`, its findings and the agent's log"));
                    }
                }
                Look::Away(error) => {
                    away += 1;
                    if away >= self.pace.away {
                        return Err(error.into_cli(FAILED));
                    }
                    if away == 1 && show {
                        console.say(&progress.note("the agent does not answer: waiting for it to come back"))?;
                    }
                }
            }
        }
    }

    async fn look(&self) -> Result<Look, CliError> {
        match self.ask().await {
            Ok(look) => Ok(look),
            Err(error) if error.may_pass() => Ok(self.receipt_on_disk().map_or(Look::Away(error), Look::Receipt)),
            Err(error) => Err(error.into_cli(FAILED)),
        }
    }

    async fn ask(&self) -> Result<Look, ControlError> {
        // A drain that goes on for whoever has joined it still has the receipt of its first end.
        let status = super::status::ask(&self.control).await?.0;
        let drain = status.drain.as_ref().filter(|drain| drain.id == self.id);
        if drain.is_some_and(|drain| drain.phase != DrainPhase::Done.word()) {
            return Ok(Look::Running(Box::new(status)));
        }
        let path = format!("/receipts/{}", self.id);
        let receipt = self.control.get(&path).await?;
        match receipt.status {
            StatusCode::OK => {
                let receipt: Value = receipt.json(&path)?;
                let ours = self.is_new(&receipt) || drain.is_some_and(|drain| tells(&receipt, &drain.steps));
                Ok(if ours { Look::Receipt(receipt) } else { Look::Over })
            }
            StatusCode::NOT_FOUND => Ok(Look::Over),
            _ => Err(receipt.unexpected(&path)),
        }
    }

    fn receipt_on_disk(&self) -> Option<Value> {
        // The id came from the agent; it must not lead anywhere else.
        if !self.id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return None;
        }
        let path = self.receipts.join(format!("{}.json", self.id));
        if std::fs::metadata(&path).ok()?.len() > MAX_RECEIPT {
            return None;
        }
        let receipt = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        Some(receipt).filter(|receipt| self.is_new(receipt))
    }

    /// Whether it was written after the order. All times of receipts have one width: they sort as they are.
    fn is_new(&self, receipt: &Value) -> bool {
        receipt.get("ended").and_then(Value::as_str).is_some_and(|ended| ended >= self.ordered.as_str())
    }
}

/// Whether a receipt is about exactly these steps. When they began is told anew at each look, and may differ by a
/// millisecond.
fn tells(receipt: &Value, steps: &[Step]) -> bool {
    let written = receipt.get("steps").and_then(|steps| Vec::<Step>::deserialize(steps).ok());
    let what = |step: &Step| Step { started: String::new(), ..step.clone() };
    written.is_some_and(|written| written.iter().map(what).eq(steps.iter().map(what)))
}

/// The steps as they are shown: one block that is redrawn on a terminal, elsewhere a line for each that is new.
struct Progress {
    paint: Paint,
    drawn: usize,
    told: Vec<String>,
    /// The last status, to which the receipt adds the steps that ended since.
    last: Option<Status>,
}

impl Progress {
    fn new(paint: Paint) -> Progress {
        Progress { paint, drawn: 0, told: Vec::new(), last: None }
    }

    /// What to print for this status.
    fn step(&mut self, status: &Status) -> String {
        let Some(drain) = &status.drain else { return String::new() };
        let head = match &self.last {
            None => format!("{}\n\n", steps::headline(drain, status.now())),
            Some(_) => String::new(),
        };
        self.last = Some(status.clone());
        head + &self.draw(&steps::rows(status, drain))
    }

    /// What to print when the receipt is there: the steps as they ended.
    fn finish(&mut self, receipt: &Value) -> String {
        let steps = receipt.get("steps").cloned().and_then(|steps| serde_json::from_value(steps).ok());
        let (Some(mut status), Some(steps)) = (self.last.take(), steps) else { return String::new() };
        let Some(drain) = &mut status.drain else { return String::new() };
        drain.steps = steps;
        let drain = drain.clone();
        let mut rows = steps::rows(&status, &drain);
        rows.retain(|row| row.sign != Sign::Ahead || row.label == steps::RECEIPT);
        if let Some(receipt) = rows.last_mut() {
            receipt.sign = Sign::Done;
        }
        self.draw(&rows) + "\n"
    }

    fn draw(&mut self, rows: &[Row]) -> String {
        if self.paint.redraws {
            return redraw(&steps::block(rows, self.paint), &mut self.drawn);
        }
        let mut out = String::new();
        for row in rows.iter().filter(|row| row.sign != Sign::Ahead) {
            // What is in flight changes each second and is not worth a line; the number of jobs is.
            let changing = if row.label == StepName::Jobs.word() { row.detail.as_str() } else { "" };
            let key = format!("{:?} {} {changing}", row.sign, row.label);
            if !self.told.contains(&key) {
                self.told.push(key);
                out.push_str(&steps::block(std::slice::from_ref(row), self.paint));
            }
        }
        out
    }

    /// A line between the steps; a block drawn before it stays.
    fn note(&mut self, line: &str) -> String {
        self.drawn = 0;
        format!("{line}\n")
    }
}

/// Replaces the block of `drawn` lines above the cursor. Automatic line wrap is off meanwhile, so that each line takes
/// exactly one row however narrow the terminal is.
fn redraw(block: &str, drawn: &mut usize) -> String {
    let up = if *drawn > 0 { format!("\x1b[{drawn}A\x1b[J") } else { String::new() };
    *drawn = block.lines().count();
    format!("{up}\x1b[?7l{block}\x1b[?7h")
}

/// The exit code of a receipt (docs/CLI.md).
pub fn exit_code(receipt: &Receipt) -> u8 {
    let forbidden =
        [EndedBy::Guard, EndedBy::Standby, EndedBy::Permission].iter().any(|by| by.word() == receipt.ended_by);
    match DrainResult::from_word(&receipt.result) {
        Some(DrainResult::Resumed) if forbidden => REFUSED,
        Some(DrainResult::Clean | DrainResult::Unproven) => 0,
        Some(DrainResult::CutShort) => 3,
        Some(DrainResult::Resumed | DrainResult::Aborted) | None => FAILED,
    }
}
