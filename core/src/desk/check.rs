//! What holds at the desk after each turn, whatever has happened.

use super::{Desk, Open, Topic};

/// Calls that are open at once: one of each kind, three for each target group, and the last receipts. More means that
/// somebody forgets what is under way.
const MOST_OPEN: usize = 200;
/// Findings at once: each of the list with some subjects.
const MOST_FINDINGS: usize = 500;

/// An invariant that does not hold, in words.
pub(crate) fn holds(it: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if it { Ok(()) } else { Err(what()) }
}

impl Desk {
    /// What holds after each turn.
    pub(crate) fn check(&self) -> Result<(), String> {
        let open: Vec<&Open> = self.open.values().collect();
        let late = open.iter().find(|open| open.deadline <= self.now);
        holds(late.is_none(), || format!("a call is open past its deadline: {late:?} at {:?}", self.now))?;
        holds(open.iter().all(|open| open.sent <= self.now), || "a call was sent in the future".into())?;
        holds(open.len() <= MOST_OPEN, || format!("{} calls are open", open.len()))?;
        holds(self.findings.len() <= MOST_FINDINGS, || format!("{} findings", self.findings.len()))?;
        // Each is of a kind that may be open.
        let waiting = self.lookers.waiting().max(self.changers.waiting());
        holds(waiting <= MOST_OPEN, || format!("{waiting} wait for a call"))?;
        holds(self.wake().is_some(), || "nothing is waited for".into())?;
        for (at, one) in open.iter().enumerate() {
            let other = open.iter().skip(at + 1).find(|other| {
                other.topic.crosses(one.topic) || (other.topic == one.topic && one.topic != Topic::LastReceipt)
            });
            holds(other.is_none(), || format!("two at a time: {one:?} and {other:?}"))?;
        }
        Ok(())
    }
}
