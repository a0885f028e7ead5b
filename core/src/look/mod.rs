//! One look judged by itself, for `check`: what a single answer of each kind says about Rundeck, without counters,
//! settling or memory. It leads to nothing: verdicts that count are made in the health room.

use crate::api::{api_words, passive_ejects};
use crate::contract::{
    ApiSeen, BootSeen, Check, Degraded, DiskSeen, HealthPolicy, HostSeen, Info, Mode, ProcessSeen, Readiness,
    ReadySeen, Reason, WebSeen, Words, not_asked,
};
use crate::health::{
    Round, disk_words, judge, load_words, memory_words, overloaded, process_words, ready_words, short_of_memory,
    web_words, worst,
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
    /// `pass`, `fail` or `unknown`.
    pub result: &'static str,
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
        let full = worst(&self.disks).is_some_and(|(_, share)| share < u64::from(policy.disk.down_below.0));
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
        let low = worst(&self.disks).is_some_and(|(_, share)| share < u64::from(policy.disk.degraded_below.0));
        // `/health` answers and a call that needs the database does not.
        let call = matches!(&self.api, Some(ApiSeen::TimedOut | ApiSeen::Failed(_)));
        if component || call {
            Some(Degraded::Database)
        } else if low {
            Some(Degraded::Disk)
        } else if self.host.as_ref().is_some_and(short_of_memory) {
            Some(Degraded::Memory)
        } else if self.host.as_ref().is_some_and(overloaded) {
            Some(Degraded::Load)
        } else {
            None
        }
    }

    /// Each check in words, in their documented order.
    pub fn rows(&self, policy: &HealthPolicy) -> Vec<LookRow> {
        let row = |check, (result, seen): Words| LookRow { check, result, seen };
        let api = match &self.api {
            Some(seen) => api_words(seen),
            None => ("unknown", "not asked without a token: set rundeck.token_file".into()),
        };
        let memory = |host: &HostSeen| memory_words(host, short_of_memory(host));
        let load = |host: &HostSeen| load_words(host, overloaded(host));
        vec![
            row(Check::Process, self.process_words()),
            row(Check::Web, self.web_words()),
            row(Check::Readiness, self.ready.as_ref().map_or(not_asked(), ready_words)),
            row(Check::Api, api),
            row(Check::Disk, disk_words(&self.disks, worst(&self.disks), policy.disk.degraded_below)),
            row(Check::Memory, self.host.as_ref().map_or(not_asked(), memory)),
            row(Check::Load, self.host.as_ref().map_or(not_asked(), load)),
        ]
    }

    fn process_words(&self) -> Words {
        match self.process {
            ProcessSeen::One(process, jvm) => process_words(process, jvm),
            ProcessSeen::None => ("unknown", "not found".into()),
            ProcessSeen::Several(n) => ("unknown", format!("{n} processes fit")),
        }
    }

    fn web_words(&self) -> Words {
        match (web_words(self.web), self.boot) {
            ((_, seen), Some(BootSeen::StillBooting)) => ("fail", format!("{seen}, but the API is still starting")),
            ((_, seen), Some(BootSeen::Failed)) => ("fail", format!("{seen}, but the API does not answer")),
            (words, Some(BootSeen::Past) | None) => words,
        }
    }
}

#[cfg(test)]
mod tests;
