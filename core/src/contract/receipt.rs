//! The written end of a drain: what was done, how long it took, what was given up.

use super::moment::Moment;
use super::words::{Cause, words};
use serde::{Deserialize, Serialize};
use std::fmt;

words! {
    /// How a drain ended.
    DrainResult {
        /// Everything was done and proven.
        Clean = "clean",
        /// Nobody could tell whether jobs ran or requests were in flight.
        Unproven = "unproven",
        /// Something was given up or could not be done.
        CutShort = "cut-short",
        /// Taken back before its end.
        Resumed = "resumed",
        /// A second signal ended it.
        Aborted = "aborted",
    }
}

words! {
    /// Who or what has ended a drain.
    EndedBy {
        /// It came to its own end.
        End = "end",
        /// Somebody took it back.
        Resume = "resume",
        /// Too few others were left.
        Guard = "guard",
        /// Standby was refused, or not reached in time.
        Standby = "standby",
        /// An Auto Scaling group would replace the node for it now.
        Permission = "permission",
        /// A second signal.
        Abort = "abort",
    }
}

impl Default for EndedBy {
    /// What older receipts do not say.
    fn default() -> EndedBy {
        EndedBy::End
    }
}

words! {
    /// A step of a drain.
    StepName {
        /// Going into the Auto Scaling group's Standby, before anything else.
        Standby = "standby",
        /// Saying 503.
        Advertise = "advertise",
        /// Switching Rundeck to passive mode.
        Passive = "passive",
        /// Leaving the target groups.
        Deregister = "deregister",
        /// Waiting until nothing is in flight.
        Quiet = "quiet",
        /// Waiting for running jobs.
        Jobs = "jobs",
    }
}

words! {
    /// What came of deregistering, once there is nothing left to be done.
    Deregistered {
        /// No target group is named.
        NoGroup = "nothing to do: no target group is named",
        /// Somebody else owns the groups.
        Observed = "not ours to do: the groups are only observed",
        /// Nothing is changed.
        DryRun = "dry run",
        /// AWS says that a group does not exist; each other was confirmed.
        GroupGone = "done, but for a target group that does not exist",
        /// AWS confirmed each, or the node was in none.
        Done = "done",
    }
}

words! {
    /// Why a drain leaves the execution mode alone.
    ModeLeft {
        /// The configuration does not want it.
        NotWanted = "not wanted (drain.passive is false)",
        /// Nobody can switch it.
        NoToken = "skipped: there is no token to switch the mode",
        /// Nothing is changed.
        DryRun = "dry run",
    }
}

/// What came of a step; its text is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepResult {
    /// The Auto Scaling group has the node in Standby.
    InStandby,
    /// `/health` says 503.
    Answers503,
    /// An Auto Scaling group might replace the node: `/health` says 200 until the jobs are done.
    Answers200,
    /// Rundeck is in passive mode.
    Passive,
    /// The mode was left alone.
    ModeLeft(ModeLeft),
    /// There is no Rundeck to switch, or to wait for.
    RundeckGone,
    /// It still starts: there is nothing to switch, or to wait for.
    RundeckStarts,
    /// Nothing was there to be waited for, and nobody has seen its end.
    RundeckUnseen,
    /// The groups were left, or there was nothing to leave.
    Deregistered(Deregistered),
    /// Nobody had been sent here.
    NotInService,
    /// Nothing is in flight any more.
    NothingInFlight,
    /// So many connections were in flight when the wait ended.
    InFlight(u32),
    /// Nobody could tell what was in flight.
    InFlightUnknown,
    /// The configuration does not wait for jobs.
    JobsNotWaitedFor,
    /// Two answers in a row showed no running job.
    NoneRunning,
    /// Rundeck ended while so many jobs ran.
    RundeckEnded(u32),
    /// Nobody could tell whether jobs ran.
    JobsUnknown,
    /// So many jobs ran when the wait ended; `None`: nobody can tell.
    JobsLeft(Option<u32>),
    /// The drain's deadline cut it off.
    GivenUp,
    /// Everything else was over, and it still was not done.
    NotDone,
}

impl fmt::Display for StepResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepResult::InStandby => f.write_str("in Standby"),
            StepResult::Answers503 => f.write_str("503"),
            StepResult::Answers200 => f.write_str("200 until the jobs are done"),
            StepResult::Passive => f.write_str("passive mode"),
            StepResult::ModeLeft(why) => f.write_str(why.word()),
            StepResult::RundeckGone => f.write_str("Rundeck is not running"),
            StepResult::RundeckStarts => f.write_str("Rundeck is still starting"),
            StepResult::RundeckUnseen => f.write_str("unproven: Rundeck's port is closed, and nobody saw its end"),
            StepResult::Deregistered(how) => f.write_str(how.word()),
            StepResult::NotInService => f.write_str("skipped: this node was not in service"),
            StepResult::NothingInFlight => f.write_str("nothing in flight"),
            StepResult::InFlight(n) => write!(f, "{n} still in flight"),
            StepResult::InFlightUnknown => f.write_str("unproven: nobody could tell what was in flight"),
            StepResult::JobsNotWaitedFor => f.write_str("not waited for (drain.jobs_timeout is 0s)"),
            StepResult::NoneRunning => f.write_str("none running"),
            StepResult::RundeckEnded(n) => write!(f, "Rundeck ended while {n} ran"),
            StepResult::JobsUnknown => f.write_str("unproven: the token cannot see running jobs"),
            StepResult::JobsLeft(Some(n)) => write!(f, "{n} still running"),
            StepResult::JobsLeft(None) => f.write_str("an unknown number still running"),
            StepResult::GivenUp => f.write_str("given up at the drain's deadline"),
            StepResult::NotDone => f.write_str("could not be done"),
        }
    }
}

/// One step of a drain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// When it began.
    pub started: Moment,
    /// How long it took; `None` while it runs.
    pub took_ms: Option<u64>,
    /// What came of it; `None` while it runs.
    pub result: Option<StepResult>,
    /// It was ended before its aim was reached.
    pub gave_up: bool,
}

impl Step {
    /// What came of it, for people; empty while it runs.
    pub fn said(&self) -> String {
        self.result.map_or_else(String::new, |result| result.to_string())
    }
}

/// One target group in a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupLeft {
    /// ARN.
    pub arn: String,
    /// Traffic port.
    pub port: u16,
    /// AWS confirmed the deregistration.
    pub deregistered: bool,
    /// AWS's request id.
    pub request_id: Option<String>,
}

/// The receipt. Moments become wall-clock times when it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Names the file.
    pub id: String,
    /// The cause that leads: the stopping agent, else the oldest.
    pub cause: Cause,
    /// Free text of the operator.
    pub reason: String,
    /// When the drain began.
    pub started: Moment,
    /// When it had to end, if anything said so.
    pub deadline: Option<Moment>,
    /// When it ended.
    pub ended: Moment,
    /// What was done.
    pub steps: Vec<Step>,
    /// The most jobs seen running during the drain; `None`: nobody could tell.
    pub running_jobs_waited_for: Option<u32>,
    /// Jobs still running at the end; `None`: unknown.
    pub running_jobs_left: Option<u32>,
    /// Connections in flight when the quiet phase ended; `None`: unknown.
    pub inflight_at_cut: Option<u32>,
    /// The groups of this node.
    pub target_groups: Vec<GroupLeft>,
    /// In one word.
    pub result: DrainResult,
    /// Who or what has ended it. Absent in files of older agents, which knew fewer ways.
    #[serde(default)]
    pub ended_by: EndedBy,
}
