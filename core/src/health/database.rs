//! The database behind Rundeck, as far as calls that need it show it. Every member shares it: it takes no node out,
//! and a `/health` that falls silent while such a call hangs is excused by it.
//!
//! Only the agent's own limit counts: a dead database is answered after 20 ms, after 30 s, or never.

use super::phrases::database_words;
use crate::contract::{
    ApiSeen, Call, Check, CheckView, DatabaseSeen, Finding, HealthPolicy, Judged, Looked, Moment, Outcome, Span,
};
use crate::desk::{Desk, Gate, Pace, Topic};

/// Limit of the timed call: above the 30 s after which HikariCP gives up.
const LIMIT: Span = Span::secs(40);
/// What hung so long ago, and was asked of nobody since, says nothing more: the longest pause after calls that hang,
/// and its jitter.
const HANG_AGES: Span = Span::secs(360);
/// After a silence of `/health` it is asked again at once, but not more often than this: each that hangs holds a thread
/// over there.
const ASK_AFTER: Span = Span::secs(300);
/// `/health` that answers so long after a call was sent, and before that was given up, shows that the server lives
/// while the call hangs; any sooner, and both might have stopped at once.
pub(super) fn evident_after(policy: &HealthPolicy) -> Span {
    // Of a probe's limit, or calls that are given up at it could never show anything, however short it is.
    Span(policy.timeout.0 / 3)
}

/// What an answer of the API tells of the database, where it tells anything: a call that needs it hangs or fails.
pub(crate) fn blames_database(seen: &ApiSeen) -> bool {
    matches!(seen, ApiSeen::TimedOut | ApiSeen::Failed(_))
}

/// One timed call, judged.
pub(super) fn judged_database(seen: &DatabaseSeen, took: Span) -> Judged {
    let outcome = match seen {
        DatabaseSeen::Answered => Outcome::Pass,
        DatabaseSeen::Failed(_) | DatabaseSeen::TimedOut => Outcome::Fail,
        DatabaseSeen::Refused | DatabaseSeen::Unclear(_) => Outcome::Unknown,
    };
    Judged::new(outcome, database_words(seen, took))
}

/// That calls hang for the database and not because the JVM stands still, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hang {
    /// As far as is known nothing hangs.
    No,
    /// `/health` answered while a call hung that is still under way, or was until now.
    Open,
    /// That call was given up, and the next one has to show which of both it is: the JVM may have stopped in between.
    GivenUp,
    /// And while a later one hung, `/health` answered again, or it was answered that the database fails.
    Proven,
}

#[derive(Clone, Debug)]
pub(super) struct Database {
    pace: Pace,
    last: Option<Looked>,
    gate: Gate<()>,
    /// Calls that need the database hang, and none was answered since.
    hang: Hang,
    /// When that was last shown, or `/health` answered again after a silence.
    hang_shown: Moment,
    /// `/health` gives nothing, by the last look.
    silent: bool,
    /// The readiness call, which needs it, hung last, while `/health` answered. Flagged only: other calls are answered.
    readiness_hangs: bool,
    /// The last timed call was given up.
    timed_out: bool,
    /// In this silence of `/health` it was asked again.
    asked_again: bool,
    /// When it was asked because `/health` answered again, last.
    asked_after: Option<Moment>,
    /// What came of the first of the calls that fail; `None`: the last one did not.
    failed: Option<u16>,
    /// The readiness endpoint shows it down.
    component_down: bool,
    /// Answers of that endpoint in a row that show nothing of it.
    unshown: u32,
}

impl Database {
    pub(super) fn new(now: Moment) -> Database {
        Database {
            pace: Pace::from(now),
            last: None,
            gate: Gate::default(),
            hang: Hang::No,
            hang_shown: now,
            silent: false,
            readiness_hangs: false,
            timed_out: false,
            asked_again: false,
            asked_after: None,
            failed: None,
            component_down: false,
            unshown: 0,
        }
    }

    /// Another Rundeck process: what hung or failed was the old one.
    pub(super) fn start_over(&mut self, desk: &mut Desk) {
        desk.disown(&mut self.pace);
        *self = Database::new(desk.now());
        self.tell(desk);
        desk.renew_pause();
    }

    /// `asks`: a token is there and not rejected, and Rundeck can be reached.
    pub(super) fn step(&mut self, policy: &HealthPolicy, asks: bool, desk: &mut Desk) {
        // Not while `/health` is silent: nobody asks then, and how long that is excused has an end of its own.
        let ages = self.hangs() && !self.silent && desk.database_since().is_none();
        if ages && desk.reached(self.hang_shown + HANG_AGES) {
            self.hang = Hang::No;
        }
        self.tell(desk);
        if asks && desk.worth(&self.pace) && desk.lane_free(Topic::Database) {
            desk.ask(&mut self.pace, Topic::Database, Call::ProbeDatabase { limit: LIMIT }, LIMIT + policy.timeout);
        }
    }

    /// The timed call has ended; `None`: nothing came back in time. `answered`: when `/health` was last seen to answer.
    pub(super) fn on_reply(
        &mut self,
        seen: Option<DatabaseSeen>,
        answered: Option<Moment>,
        policy: &HealthPolicy,
        desk: &mut Desk,
    ) {
        let seen = seen.unwrap_or(DatabaseSeen::TimedOut);
        let took = desk.now().since(self.pace.begun());
        let again = self.timed_out;
        self.timed_out = seen == DatabaseSeen::TimedOut;
        let judged = judged_database(&seen, took);
        self.gate.count(judged.outcome, policy);
        self.last = Some(desk.looked(Check::Database, judged, &self.pace));
        let sent = self.pace.begun();
        let wait = desk.around(policy.database_interval);
        self.pace.done(desk.now() + wait);
        if seen != DatabaseSeen::TimedOut {
            desk.database_answered();
        }
        match &seen {
            DatabaseSeen::Answered => self.answers(desk),
            DatabaseSeen::Failed(status) => self.fails(*status, sent, policy, desk),
            DatabaseSeen::TimedOut => {
                self.hung(sent, answered, policy, desk);
                if again {
                    // Once is enough: each that hangs holds a thread over there, whatever other calls are answered.
                    self.pace.plan(desk.now() + wait);
                }
            }
            // Whatever it says, this call did not hang.
            DatabaseSeen::Unclear(_) => self.hang = Hang::No,
            DatabaseSeen::Refused => {}
        }
    }

    /// `system/info` has ended: it needs the database as the timed call does.
    pub(super) fn on_api(
        &mut self,
        seen: &ApiSeen,
        sent: Moment,
        answered: Option<Moment>,
        policy: &HealthPolicy,
        desk: &mut Desk,
    ) {
        if *seen != ApiSeen::TimedOut {
            desk.database_answered();
        }
        match seen {
            ApiSeen::TimedOut => self.hung(sent, answered, policy, desk),
            ApiSeen::Failed(status) => self.fails(*status, sent, policy, desk),
            ApiSeen::Info(_) => self.answers(desk),
            ApiSeen::Rejected | ApiSeen::Booting | ApiSeen::Refused | ApiSeen::Unreadable(_) => self.hang = Hang::No,
        }
    }

    /// A call was given up: shared evidence only if `/health` answered while it hung, for else the JVM itself may have
    /// stood still. And it may have stopped after that answer: so the call is made again at once, for what hung may be
    /// over, and where `/health` gives nothing while that one hangs too, nothing tells a hanging database from a JVM
    /// that stands still.
    fn hung(&mut self, sent: Moment, answered: Option<Moment>, policy: &HealthPolicy, desk: &mut Desk) {
        self.hang = match (self.hang, meanwhile(Some(sent), answered, policy)) {
            (Hang::Proven, _) | (Hang::GivenUp, true) => Hang::Proven,
            (Hang::No | Hang::Open, true) => Hang::GivenUp,
            (Hang::No | Hang::Open | Hang::GivenUp, false) => Hang::No,
        };
        self.hang_shown = desk.now();
        desk.database_hung();
        self.pace.hasten(desk.now());
    }

    /// A call failed. One that had waited for the database first says that others still wait, and that the JVM lives:
    /// what hung goes on.
    fn fails(&mut self, status: u16, sent: Moment, policy: &HealthPolicy, desk: &Desk) {
        let waited = desk.now().since(sent) >= evident_after(policy);
        self.hang = if waited && self.hangs() { Hang::Proven } else { Hang::No };
        self.failed.get_or_insert(status);
    }

    /// The readiness call, which needs it, was given up.
    pub(super) fn readiness_hung(
        &mut self,
        sent: Moment,
        answered: Option<Moment>,
        policy: &HealthPolicy,
        desk: &mut Desk,
    ) {
        self.readiness_hangs = meanwhile(Some(sent), answered, policy);
        self.hung(sent, answered, policy, desk);
    }

    /// A look at `/health` has ended: it answers as it should, or is silent and excused.
    pub(super) fn on_web(
        &mut self,
        answers: bool,
        excused: bool,
        answered: Option<Moment>,
        policy: &HealthPolicy,
        desk: &mut Desk,
    ) {
        if std::mem::replace(&mut self.silent, !answers) && answers {
            self.hang_shown = desk.now();
            self.ask_after_silence(desk);
        }
        if answers {
            self.asked_again = false;
            self.hang = match (self.hang, self.hangs_meanwhile(answered, policy, desk)) {
                // Calls go one by one: this one was sent after the other had been given up.
                (Hang::GivenUp, true) => Hang::Proven,
                (Hang::No, true) => Hang::Open,
                (as_before, _) => as_before,
            };
            if self.hang == Hang::Open {
                self.hang_shown = desk.now();
            }
        } else if excused && !std::mem::replace(&mut self.asked_again, true) {
            // What is known of the database is older than the silence.
            desk.database_once();
            self.pace.hasten(desk.now());
        }
    }

    /// `/health` answers again: whether what was given up before still hangs is older than the silence.
    fn ask_after_silence(&mut self, desk: &mut Desk) {
        let now = desk.now();
        let lately = self.asked_after.is_some_and(|at| now.since(at) < ASK_AFTER);
        if self.hangs() && desk.database_since().is_none() && !lately {
            self.asked_after = Some(now);
            desk.database_once();
            self.pace.hasten(now);
        }
    }

    /// A call that needs the database has been under way for longer than a probe may take, and `/health` answered
    /// meanwhile.
    fn hangs_meanwhile(&self, answered: Option<Moment>, policy: &HealthPolicy, desk: &Desk) -> bool {
        let since = desk.database_since().filter(|sent| desk.now().since(*sent) >= policy.timeout);
        meanwhile(since, answered, policy)
    }

    /// The component that a readiness answer shows. Where `fall` answers in a row show none, what was shown before
    /// holds no longer: the endpoint may never be asked again.
    pub(super) fn component(&mut self, up: Option<bool>, policy: &HealthPolicy, desk: &mut Desk) {
        self.unshown = if up.is_none() { self.unshown.saturating_add(1) } else { 0 };
        self.readiness_hangs = false;
        let was_down = self.component_down;
        match up {
            Some(up) => self.component_down = !up,
            None if self.unshown >= policy.fall => self.component_down = false,
            None => {}
        }
        if up == Some(true) && (was_down || self.hangs()) {
            self.hang = Hang::No;
            desk.database_answered();
            self.pace.hasten(desk.now());
        }
    }

    /// A call that needs it was answered as it should be.
    pub(super) fn answers(&mut self, desk: &mut Desk) {
        desk.database_answered();
        self.hang = Hang::No;
        self.failed = None;
    }

    /// What is wrong now, each way of it for as long as it lasts: two at once do not take turns.
    fn tell(&self, desk: &mut Desk) {
        let hangs = self.hangs() || self.readiness_hangs;
        let ways = [
            ("fails", self.failed.map(|status| format!("a call with the token answers {status}"))),
            ("hangs", hangs.then(|| "a call that needs it hangs".to_string())),
            ("shown", self.component_down.then(|| "the readiness endpoint shows it down".to_string())),
        ];
        for (way, what) in ways {
            match what {
                Some(what) => {
                    let what = format!("{what}: every member shares it, so it takes no node out");
                    desk.finding_of(Finding::DatabaseFailing, way, what);
                }
                None => desk.cured_of(Finding::DatabaseFailing, way),
            }
        }
    }

    /// Calls that need the database hang or fail.
    pub(super) fn troubled(&self) -> bool {
        self.hangs() || self.readiness_hangs || self.failed.is_some() || self.component_down
    }

    fn hangs(&self) -> bool {
        self.hang != Hang::No
    }

    /// Silence of `/health` may be the database's: the server answered while a call that needs it hung, and one is
    /// still under way; or it answered again after one had been given up, while others hung.
    pub(super) fn excuses_silence(&self, answered: Option<Moment>, policy: &HealthPolicy, desk: &Desk) -> bool {
        let open = desk.database_since().is_some();
        self.hang == Hang::Proven || (self.hangs() && open) || self.hangs_meanwhile(answered, policy, desk)
    }

    /// Rundeck answered the last timed call as it does with its database there.
    pub(super) fn answered_last(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.judged.outcome == Outcome::Pass)
    }

    pub(super) fn row(&self, desk: &Desk) -> CheckView {
        let change = "shared by all members: reported, takes no node out";
        CheckView {
            passes: self.gate.passes(),
            fails: self.gate.fails(),
            next: desk.database_next(&self.pace),
            ..CheckView::of(Check::Database, self.last.as_ref(), change)
        }
    }
}

fn meanwhile(sent: Option<Moment>, answered: Option<Moment>, policy: &HealthPolicy) -> bool {
    matches!((sent, answered), (Some(sent), Some(answered)) if answered >= sent + evident_after(policy))
}
