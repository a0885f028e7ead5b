//! One look judged by itself, for `check`: what a single answer of each kind says about Rundeck, without counters,
//! settling or memory. It leads to nothing: verdicts that count are made in `health.rs`.

use crate::answer::{api_words, web_words};
use crate::event::{ApiSeen, BootSeen, Info, ProcessSeen, WebSeen};
use crate::health::{Round, judge};
use crate::words::{Check, Degraded, Mode, Reason};

/// What was seen at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The search for Rundeck's process.
    pub process: ProcessSeen,
    /// `GET /health`.
    pub web: WebSeen,
    /// The token-free API step, where it was asked.
    pub boot: Option<BootSeen>,
    /// `system/info`; `None`: there is no token.
    pub api: Option<ApiSeen>,
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
    /// The verdict; `passive_out`: a passive Rundeck gets no requests (`health.passive`).
    pub fn judge(&self, passive_out: bool) -> Looks {
        match judge(self.web, self.boot, false) {
            Round::Fail(reason, _) => return Looks::Down(reason),
            Round::Unknown => return Looks::Unknown,
            Round::Pass => {}
        }
        match &self.api {
            Some(ApiSeen::Info(Info { mode: Some(Mode::Passive), .. })) if passive_out => Looks::Down(Reason::Passive),
            Some(ApiSeen::Info(Info { mode: Some(Mode::Passive), .. })) => Looks::Degraded(Degraded::Passive),
            Some(ApiSeen::Booting) => Looks::Down(Reason::Waiting),
            // `/health` answers and a call that needs the database does not.
            Some(ApiSeen::TimedOut) => Looks::Degraded(Degraded::Database),
            Some(ApiSeen::Info(_) | ApiSeen::Rejected | ApiSeen::Refused | ApiSeen::Unreadable(_)) | None => Looks::Up,
        }
    }

    /// Each check in words, in their documented order.
    pub fn rows(&self) -> Vec<LookRow> {
        let (result, seen) = match self.process {
            ProcessSeen::One(process, _) => ("pass", format!("pid {}", process.pid)),
            ProcessSeen::None => ("unknown", "not found".into()),
            ProcessSeen::Several(n) => ("unknown", format!("{n} processes fit")),
        };
        let process = LookRow { check: Check::Process, result, seen };
        let (result, seen) = match (web_words(self.web), self.boot) {
            ((_, seen), Some(BootSeen::StillBooting)) => ("fail", format!("{seen}, but the API is still starting")),
            ((_, seen), Some(BootSeen::Failed)) => ("fail", format!("{seen}, but the API does not answer")),
            (words, Some(BootSeen::Past) | None) => words,
        };
        let web = LookRow { check: Check::Web, result, seen };
        let (result, seen) = match &self.api {
            Some(seen) => api_words(seen),
            None => ("unknown", "not asked without a token: set rundeck.token_file".into()),
        };
        vec![process, web, LookRow { check: Check::Api, result, seen }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Process, Unjudged};

    fn look(web: WebSeen, boot: Option<BootSeen>, api: Option<ApiSeen>) -> Look {
        Look { process: ProcessSeen::One(Process { pid: 4121, start: 1 }, 0), web, boot, api }
    }

    fn mode(mode: Mode) -> Option<ApiSeen> {
        Some(ApiSeen::Info(Info { mode: Some(mode), running: Some(2), ..Info::default() }))
    }

    #[test]
    fn one_look_is_judged_as_a_round_would_be() {
        use {ApiSeen as A, BootSeen as B, Looks as L, WebSeen as W};
        for (web, boot, api, want) in [
            (W::Ok, Some(B::Past), mode(Mode::Active), L::Up),
            (W::Ok, Some(B::Past), None, L::Up),
            (W::Disabled, None, Some(A::Rejected), L::Up),
            (W::Ok, Some(B::Past), Some(A::Unreadable("HTML".into())), L::Up),
            (W::Ok, Some(B::Past), Some(A::TimedOut), L::Degraded(Degraded::Database)),
            (W::Ok, Some(B::Past), mode(Mode::Passive), L::Down(Reason::Passive)),
            (W::Ok, Some(B::StillBooting), None, L::Down(Reason::Waiting)),
            (W::Ok, Some(B::Past), Some(A::Booting), L::Down(Reason::Waiting)),
            (W::Refused, None, Some(A::Refused), L::Down(Reason::Refused)),
            (W::Redirect, None, mode(Mode::Active), L::Down(Reason::Redirect)),
            (W::TimedOut, None, Some(A::TimedOut), L::Down(Reason::Timeout)),
            (W::CannotJudge(Unjudged::Name), None, None, L::Unknown),
            (W::CannotConnect, None, None, L::Unknown),
        ] {
            assert_eq!(look(web, boot, api.clone()).judge(true), want, "{web:?} {boot:?} {api:?}");
        }
        let passive = look(W::Ok, Some(B::Past), mode(Mode::Passive));
        assert_eq!(passive.judge(false), L::Degraded(Degraded::Passive));
    }

    #[test]
    fn rows_tell_what_was_seen() {
        let rows = look(WebSeen::Ok, Some(BootSeen::StillBooting), None).rows();
        let told: Vec<String> = rows.iter().map(|r| format!("{} {} {}", r.check, r.result, r.seen)).collect();
        assert_eq!(
            told,
            [
                "process pass pid 4121",
                "web fail 200 ok, but the API is still starting",
                "api unknown not asked without a token: set rundeck.token_file"
            ]
        );
    }
}
