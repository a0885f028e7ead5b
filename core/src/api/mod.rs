//! What the token sees and switches: execution mode, running jobs, version, identity.
//!
//! It knows Rundeck's last answers to `system/info`, whether passive mode is ours (`claim.rs`), and which member of the
//! cluster this is. It decides how seldom the token may be used, when a mode or an idle scheduler is believed, when a
//! switch is sent, and that passive mode by somebody else takes the node out (`mode.rs`). It never decides whether the
//! token may be used at all or which mode is wanted: that needs other rooms (`heart/between.rs`). A rejected token is
//! a finding, a hanging call is shared evidence; neither makes a node unhealthy.
//!
//! The heart calls `step` and `on_reply` of `Api` and of `ModeSwitch`, `claim`, `release`, `begin`, `found`, `unseen`,
//! `port_closed` and `forget` as drains and processes come and go, `ServerIdentity::on_info`, and reads `mode`, `jobs`,
//! `info` and the rows.

mod claim;
mod identity;
mod mode;

pub(crate) use identity::{ServerIdentity, is_images};
pub(crate) use mode::{ModeSwitch, passive_ejects};

use crate::contract::{
    ApiSeen, Call, Check, CheckView, Finding, HealthPolicy, Info, Jobs, Judged, Looked, Mode, Moment, Outcome, Policy,
    Span, Text,
};
use crate::desk::{Backoff, Desk, Pace, Topic, holds};

/// While the number of running jobs decides, it is asked this often.
const JOBS_INTERVAL: Span = Span::secs(2);
/// While a drain runs, answers of no use are waited for no longer than this: it gives up on jobs within a minute.
const URGENT_PAUSE: Span = Span::secs(15);
/// Answers that contradict each other are no reason to ask more often than this, whatever else is wanted.
const LEAST_PAUSE: Span = Span::secs(2);
/// A rejected token or a hanging database is asked again at most this rarely.
const MOST_PAUSE: Span = Span::secs(300);

/// What an answer has come to.
enum Learnt {
    /// It was of no use.
    Nothing,
    /// The mode is another one than before: a second answer is wanted.
    Doubtful,
    /// What is known still holds, or is known now.
    Known,
}

#[derive(Clone, Debug)]
pub(crate) struct Api {
    pace: Pace,
    last: Option<ApiSeen>,
    look: Option<Looked>,
    /// The last answer that could be read.
    info: Option<Info>,
    /// Counted after two equal answers.
    mode: Option<Mode>,
    candidate: Option<Mode>,
    /// After answers of no use in a row.
    pause: Backoff,
    /// When the last answer that could be read had been asked for.
    answered_of: Option<Moment>,
    /// When the last two answers had been asked for, as far as both showed no running job: older one first.
    idle: [Option<Moment>; 2],
    /// Since when nobody can tell whether jobs run.
    unknown_since: Option<Moment>,
    /// In this row of answers of no use one was asked for early.
    early: bool,
    /// In this row of answers that contradict each other a second one was asked for at once.
    doubted: bool,
    /// Ask at this pace: somebody waits for jobs.
    hurry: bool,
    /// A drain runs, which ends before the pauses after answers of no use have grown.
    urgent: bool,
}

impl Api {
    pub(crate) fn new(now: Moment) -> Api {
        Api {
            pace: Pace::from(now),
            last: None,
            look: None,
            info: None,
            mode: None,
            candidate: None,
            pause: Backoff::new(MOST_PAUSE, MOST_PAUSE),
            answered_of: None,
            idle: [None; 2],
            unknown_since: Some(now),
            early: false,
            doubted: false,
            hurry: false,
            urgent: false,
        }
    }

    /// Another Rundeck process: everything that was known is void. Whoever hurries says so in each turn.
    pub(crate) fn start_over(&mut self, desk: &mut Desk) {
        desk.disown(&mut self.pace);
        *self = Api::new(desk.now());
    }

    /// The mode is known, or an answer has shown that it cannot be: a passive node is not taken for an active one.
    pub(crate) fn asked(&self) -> bool {
        match &self.last {
            Some(ApiSeen::Info(info)) => info.mode.is_none() || self.mode.is_some(),
            Some(_) => true,
            None => false,
        }
    }

    /// The mode was seen, or an answer has shown that this token cannot see it.
    pub(crate) fn mode_settled(&self) -> bool {
        self.hides_mode() || self.mode.is_some()
    }

    /// The last answer shows that this token may not see the mode.
    pub(crate) fn hides_mode(&self) -> bool {
        matches!(&self.last, Some(ApiSeen::Info(info)) if info.mode.is_none())
    }

    /// The mode was asked for in vain: this token may not see it, or nobody tells it.
    pub(crate) fn mode_unseen(&self) -> bool {
        self.mode.is_none() && self.asked()
    }

    /// An answer that was asked for after `moment` confirms this mode.
    pub(crate) fn confirms(&self, mode: Mode, moment: Moment) -> bool {
        let fresh = self.answered_of.is_some_and(|asked| asked >= moment);
        fresh && self.mode == Some(mode) && self.info.as_ref().is_some_and(|info| info.mode == Some(mode))
    }

    /// When the last question was sent.
    pub(crate) fn sent(&self) -> Moment {
        self.pace.begun()
    }

    /// The last answer that could be read.
    pub(crate) fn info(&self) -> Option<&Info> {
        self.info.as_ref()
    }

    /// The execution mode, after two equal answers.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// The mode, unless the last answer contradicts it.
    pub(crate) fn undisputed(&self) -> Option<Mode> {
        self.mode.filter(|mode| self.candidate == Some(*mode))
    }

    /// It is this mode, or the last answer that could be read says so by itself: one that was lost decides nothing.
    pub(crate) fn may_be(&self, mode: Mode) -> bool {
        self.mode == Some(mode) || self.candidate == Some(mode)
    }

    /// The last question was refused: by this token, or so early in a start, nothing is switched either.
    pub(crate) fn refuses(&self) -> bool {
        matches!(&self.last, Some(ApiSeen::Rejected | ApiSeen::Booting))
    }

    /// The last question was answered.
    pub(crate) fn answers(&self) -> bool {
        matches!(&self.last, Some(ApiSeen::Info(_)))
    }

    /// Somebody waits for jobs.
    pub(crate) fn hurries(&self) -> bool {
        self.hurry
    }

    /// The token is known to Rundeck, as far as the last answer tells.
    pub(crate) fn token_accepted(&self) -> bool {
        matches!(&self.last, Some(ApiSeen::Info(_) | ApiSeen::TimedOut | ApiSeen::Failed(_) | ApiSeen::Unreadable(_)))
    }

    /// The row for people; `ejects`: passive mode by somebody else takes the node out.
    pub(crate) fn row(&self, ejects: bool) -> CheckView {
        let change = match (ejects, self.mode) {
            (true, Some(Mode::Passive)) => "active mode, seen twice, brings the node back",
            (true, _) => "passive mode set by somebody else, seen twice, takes the node out",
            (false, _) => "passive mode only flags the node",
        };
        CheckView { next: self.pace.next(), ..CheckView::of(Check::Api, self.look.as_ref(), change) }
    }

    /// What is known of running jobs.
    pub(crate) fn jobs(&self) -> Jobs {
        Jobs { running: self.running(), idle_since: self.idle[0], unknown_since: self.unknown_since }
    }

    pub(crate) fn running(&self) -> Option<u32> {
        if let Some(ApiSeen::Info(info)) = &self.last { info.running } else { None }
    }

    pub(crate) fn step(&mut self, policy: &Policy, reachable: bool, desk: &mut Desk) {
        if !policy.circumstances.has_token {
            desk.finding(Finding::TokenMissing, "no API token: mode and running jobs cannot be seen");
            return;
        }
        let free = if self.urgent { desk.lane_clear(Topic::Api) } else { desk.lane_free(Topic::Api) };
        if reachable && free && desk.worth(&self.pace) {
            desk.ask(&mut self.pace, Topic::Api, Call::ProbeApi, policy.health.timeout.times(2));
        }
    }

    /// One question is allowed now, whatever the pause after answers of no use and after calls that hung.
    pub(crate) fn ask_once(&mut self, desk: &mut Desk) {
        self.pace.hasten(desk.now());
        desk.database_once();
    }

    /// What made the last answers useless may be over: one early question in a row of them. Each that hangs holds a
    /// thread over there, and the next sign may be as wrong as this one.
    pub(crate) fn ask_early(&mut self, now: Moment) {
        if self.pause.failing() && !std::mem::replace(&mut self.early, true) {
            self.pace.hasten(now);
        }
    }

    /// What made the last answer useless is over.
    pub(crate) fn ask_again(&mut self, now: Moment) {
        self.pause.reset();
        self.pace.hasten(now);
    }

    /// A drain runs: one question is wanted at its beginning, whatever was answered before, and none waits for long.
    pub(crate) fn set_urgent(&mut self, urgent: bool, now: Moment) {
        if urgent && !self.urgent {
            self.pace.hasten(now);
        }
        self.urgent = urgent;
    }

    /// Ask faster while somebody waits for jobs, and once at the beginning, whatever was answered before.
    pub(crate) fn set_hurry(&mut self, hurry: bool, desk: &mut Desk) {
        if hurry && !self.hurry {
            self.ask_once(desk);
        }
        self.hurry = hurry;
    }

    /// The call has ended.
    pub(crate) fn on_reply(&mut self, seen: ApiSeen, policy: &HealthPolicy, proven: bool, desk: &mut Desk) {
        self.look = Some(desk.looked(Check::Api, judged_api(&seen), &self.pace));
        let learnt = self.learn(&seen, proven, desk);
        self.last = Some(seen);
        let wait = match learnt {
            Learnt::Nothing => {
                // A starting Rundeck rejects a file token until it has read it: start small, then grow.
                let first = if proven { policy.api_interval } else { policy.fast_interval };
                let most = if self.urgent { URGENT_PAUSE } else { MOST_PAUSE };
                desk.around(self.pause.grow_from(first).min(most))
            }
            // The second answer is wanted at once; where that contradicts too, none is worth more than any other.
            Learnt::Doubtful if !std::mem::replace(&mut self.doubted, true) => Span::ZERO,
            Learnt::Doubtful => desk.around(policy.fast_interval.max(LEAST_PAUSE)),
            Learnt::Known if self.hurry => desk.around(JOBS_INTERVAL.min(policy.api_interval)),
            Learnt::Known => desk.around(policy.api_interval),
        };
        self.pace.done(desk.now() + wait);
    }

    fn learn(&mut self, seen: &ApiSeen, proven: bool, desk: &mut Desk) -> Learnt {
        let ApiSeen::Info(info) = seen else {
            self.count_jobs(None, desk.now());
            note_miss(seen, proven, desk);
            return Learnt::Nothing;
        };
        desk.cured(Finding::TokenRejected);
        desk.cured(Finding::ApiUnreadable);
        desk.cured(Finding::ApiTimeout);
        desk.cured(Finding::ApiFailing);
        self.pause.reset();
        self.early = false;
        self.count_jobs(info.running, desk.now());
        if info.running.is_none() {
            desk.finding(Finding::TokenWithoutRights, "the token may not see mode and jobs: a drain will be unproven");
        } else {
            desk.cured(Finding::TokenWithoutRights);
        }
        let changed = info.mode.is_some() && info.mode != self.mode;
        let second = changed && self.candidate != info.mode;
        if changed && !second {
            self.mode = info.mode;
        }
        // Two equal answers end a row of contradicting ones; one that says again what was known before does not.
        self.doubted &= self.candidate != info.mode;
        self.candidate = info.mode;
        self.answered_of = Some(self.pace.begun());
        self.info = Some(info.clone());
        if second { Learnt::Doubtful } else { Learnt::Known }
    }

    fn count_jobs(&mut self, running: Option<u32>, now: Moment) {
        self.idle = match running {
            Some(0) => [self.idle[1], Some(self.pace.begun())],
            Some(_) | None => [None; 2],
        };
        self.unknown_since = match running {
            Some(_) => None,
            None => self.unknown_since.or(Some(now)),
        };
    }

    /// What holds after each turn.
    pub(crate) fn check(&self) -> Result<(), String> {
        let [first, second] = self.idle;
        holds(first <= second, || format!("idle by answers in the wrong order: {:?}", self.idle))?;
        let idle = second.is_some();
        holds(!idle || self.running() == Some(0), || format!("idle, and {:?} run", self.running()))?;
        let unknown = self.unknown_since.is_some();
        holds(unknown != self.running().is_some(), || {
            format!("{:?} run, unknown since {:?}", self.running(), self.unknown_since)
        })?;
        holds(self.mode.is_none() || self.info.is_some() || self.candidate.is_some(), || "a mode of nobody's".into())
    }

    /// What was known of the mode may have changed meanwhile.
    pub(crate) fn doubt_mode(&mut self) {
        self.mode = None;
        self.candidate = None;
    }

    /// The mode that we just set ourselves needs no second answer.
    pub(crate) fn mode_set(&mut self, mode: Mode) {
        self.mode = Some(mode);
        self.candidate = Some(mode);
        // What was counted before the switch does not prove that nothing was started since.
        self.idle = [None; 2];
    }
}

/// What an answer of no use means for people; a Rundeck that is only starting is no finding.
fn note_miss(seen: &ApiSeen, proven: bool, desk: &mut Desk) {
    if !proven {
        return;
    }
    match seen {
        ApiSeen::Rejected => desk.finding(
            Finding::TokenRejected,
            "Rundeck rejects the token (wrong or expired: tokens end after 30 days by default)",
        ),
        ApiSeen::TimedOut => desk.finding(
            Finding::ApiTimeout,
            "Rundeck's API does not answer in time, often for its database: mode and jobs are not known, \
             the node stays as it is",
        ),
        ApiSeen::Failed(status) => desk.finding(
            Finding::ApiFailing,
            format!(
                "Rundeck's API answers {status}, often for its database: mode and jobs are not known, the node stays \
                 as it is"
            ),
        ),
        ApiSeen::Unreadable(why) => desk.finding(Finding::ApiUnreadable, format!("mode and jobs are not known: {why}")),
        ApiSeen::Info(_) | ApiSeen::Booting | ApiSeen::Refused => {}
    }
}

/// One answer of `system/info`, judged.
pub(crate) fn judged_api(seen: &ApiSeen) -> Judged {
    let unknown = |words: Text| Judged::new(Outcome::Unknown, words);
    match seen {
        ApiSeen::Info(Info { mode: Some(mode), running, .. }) => {
            let jobs = running.map_or("jobs not visible".to_string(), |n| format!("{n} jobs running"));
            Judged::new(Outcome::Pass, format!("{mode}, {jobs}"))
        }
        ApiSeen::Info(_) => unknown("the token has no rights on system".into()),
        ApiSeen::Rejected => unknown("token rejected".into()),
        ApiSeen::Booting => unknown("503, still starting".into()),
        ApiSeen::TimedOut => unknown("no answer in time".into()),
        ApiSeen::Refused => unknown("connection refused".into()),
        ApiSeen::Failed(status) => unknown(format!("status {status}, often for its database").into()),
        ApiSeen::Unreadable(why) => unknown(why.clone().into()),
    }
}
