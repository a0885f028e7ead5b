//! One look judged by itself, for `check`: what a single answer of each kind says about Rundeck, without counters,
//! settling or memory. It leads to nothing: verdicts that count are made in the health room.

use crate::api::{judged_api, passive_ejects};
use crate::contract::{
    ApiSeen, BootSeen, Check, Degraded, DiskSeen, HealthPolicy, HostSeen, Info, Judged, Mode, Outcome, ProcessSeen,
    Readiness, ReadySeen, Reason, WebSeen,
};
use crate::health::{
    Round, judge, judged_disks, judged_load, judged_memory, judged_process, judged_readiness, judged_web,
};

/// What was seen at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The search for Rundeck's process.
    pub process: ProcessSeen,
    /// `GET /health`.
    pub web: WebSeen,
    /// The token-free API step, where it was asked.
    pub boot: Option<BootSeen>,
    /// The readiness endpoint, where it was asked.
    pub ready: Option<ReadySeen>,
    /// `system/info`; `None`: there is no token.
    pub api: Option<ApiSeen>,
    /// The file systems that Rundeck writes to.
    pub disks: Vec<DiskSeen>,
    /// Memory and load; `None`: they cannot be read.
    pub host: Option<HostSeen>,
}

/// What it amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// Nothing is wrong.
    Up,
    /// It serves, but something is wrong.
    Degraded(Degraded),
    /// It must not get requests.
    Down(Reason),
    /// What was seen says nothing about Rundeck.
    Unknown,
}

/// One check in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookRow {
    /// Which.
    pub check: Check,
    /// What it came to.
    pub result: Outcome,
    /// What was seen.
    pub seen: String,
}

impl Look {
    /// The verdict, by what the policy says of passive mode and of disks.
    pub fn judge(&self, policy: &HealthPolicy) -> Looks {
        match judge(self.web, self.boot, false) {
            Round::Fail(reason, _) => return Looks::Down(reason),
            Round::Unknown => return Looks::Unknown,
            Round::Pass => {}
        }
        if let Some(reason) = self.stops(policy) {
            return Looks::Down(reason);
        }
        let passive = matches!(&self.api, Some(ApiSeen::Info(Info { mode: Some(Mode::Passive), .. })));
        match (passive, self.flag(policy)) {
            (true, _) if passive_ejects(true, false, policy) => Looks::Down(Reason::Passive),
            (true, _) => Looks::Degraded(Degraded::Passive),
            (false, Some(flag)) => Looks::Degraded(flag),
            (false, None) => Looks::Up,
        }
    }

    /// What takes the node out although `/health` answers.
    fn stops(&self, policy: &HealthPolicy) -> Option<Reason> {
        let jvm = match self.process {
            ProcessSeen::One(_, jvm) => jvm,
            ProcessSeen::None | ProcessSeen::Several(_) => Default::default(),
        };
        let not_ready = self.ready.as_ref().is_some_and(|seen| seen.readiness == Readiness::NotReady);
        let full = judged_disks(Some(&self.disks), policy.disk.down_below).outcome == Outcome::Fail;
        match &self.api {
            _ if jvm.stopping => Some(Reason::RundeckStopping),
            _ if jvm.stranger.is_some() => Some(Reason::WrongProcess),
            _ if not_ready => Some(Reason::NotReady),
            Some(ApiSeen::Booting) => Some(Reason::Waiting),
            _ if full => Some(Reason::Disk),
            _ => None,
        }
    }

    fn flag(&self, policy: &HealthPolicy) -> Option<Degraded> {
        let component = self.ready.as_ref().is_some_and(|seen| seen.database == Some(false));
        let low = judged_disks(Some(&self.disks), policy.disk.degraded_below).outcome == Outcome::Fail;
        // `/health` answers and a call that needs the database does not.
        let call = matches!(&self.api, Some(ApiSeen::TimedOut | ApiSeen::Failed(_)));
        if component || call {
            Some(Degraded::Database)
        } else if low {
            Some(Degraded::Disk)
        } else if judged_memory(self.host.as_ref()).outcome == Outcome::Fail {
            Some(Degraded::Memory)
        } else if judged_load(self.host.as_ref()).outcome == Outcome::Fail {
            Some(Degraded::Load)
        } else {
            None
        }
    }

    /// Each check in words, in their documented order.
    pub fn rows(&self, policy: &HealthPolicy) -> Vec<LookRow> {
        let row = |check, judged: Judged| LookRow { check, result: judged.outcome, seen: judged.words };
        let no_token = || Judged::new(Outcome::Unknown, "not asked without a token: set rundeck.token_file");
        let readiness = self.ready.as_ref().map_or_else(Judged::not_yet, |seen| judged_readiness(seen, false));
        let host = self.host.as_ref();
        vec![
            row(Check::Process, judged_process(Some(self.process))),
            row(Check::Web, judged_web(self.web, self.boot, false)),
            row(Check::Readiness, readiness),
            row(Check::Api, self.api.as_ref().map_or_else(no_token, judged_api)),
            row(Check::Disk, judged_disks(Some(&self.disks), policy.disk.degraded_below)),
            row(Check::Memory, judged_memory(host)),
            row(Check::Load, judged_load(host)),
        ]
    }
}

#[cfg(test)]
mod tests;
