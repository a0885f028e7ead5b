//! The web check: one round of `/health` (and, until the first `up`, of the token-free API step), what its answer
//! comes to, and the counters of such rounds.
//!
//! The weights of evidence. What follows from the counters is decided in `verdict.rs` (down), `start.rs` (a first `up`)
//! and the room's face (up again).

use super::phrases::web_words;
use crate::contract::{
    BootSeen, Call, Check, CheckView, Finding, HealthPolicy, Judged, Looked, Moment, Outcome, Reason, Span, Unjudged,
    WebSeen,
};
use crate::desk::{Desk, Gate, Pace, Topic};

/// `/health` is slow from this part of the probe's limit on.
const SLOW_PART: u64 = 3;

/// What one round came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    Pass,
    /// The flag marks strong evidence: believed at once, after one confirming probe.
    Fail(Reason, bool),
    Unknown,
}

impl Round {
    /// What people are told.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Round::Pass => Outcome::Pass,
            Round::Fail(..) => Outcome::Fail,
            Round::Unknown => Outcome::Unknown,
        }
    }
}

/// One round, judged for people; as [`judge`].
pub(crate) fn judged_web(web: WebSeen, boot: Option<BootSeen>, excused: bool) -> Judged {
    Judged::new(judge(web, boot, excused).outcome(), web_words(web, boot, excused))
}

/// The weight of one round's answers; `excused`: silence is put down to the database.
pub(crate) fn judge(web: WebSeen, boot: Option<BootSeen>, excused: bool) -> Round {
    match web {
        WebSeen::Ok | WebSeen::Disabled => match boot {
            None | Some(BootSeen::Past) => Round::Pass,
            Some(BootSeen::StillBooting) => Round::Fail(Reason::Waiting, false),
            Some(BootSeen::Failed) => Round::Fail(Reason::Timeout, false),
        },
        WebSeen::Redirect => Round::Fail(Reason::Redirect, false),
        WebSeen::Status(_) => Round::Fail(Reason::BadStatus, false),
        WebSeen::Body | WebSeen::Truncated => Round::Fail(Reason::BadBody, false),
        WebSeen::Refused => Round::Fail(Reason::Refused, true),
        WebSeen::Elsewhere => Round::Fail(Reason::WrongProcess, false),
        // A frozen database silences `/health` on every member once 200 requests wait for it: shared, not ours.
        WebSeen::TimedOut if excused => Round::Unknown,
        WebSeen::TimedOut => Round::Fail(Reason::Timeout, false),
        WebSeen::CannotConnect | WebSeen::CannotJudge(_) => Round::Unknown,
    }
}

/// Consecutive equal results; `unknown` never moves them.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    passes: u32,
    fails: u32,
    /// Of these the last ones in a row that are strong evidence.
    strong: u32,
    /// Rounds in a row that said nothing.
    unknown: u32,
    /// When the unbroken good run began.
    good_since: Option<Moment>,
    last_pass: Moment,
}

/// The rounds of this Rundeck process.
#[derive(Clone, Debug)]
pub(super) struct Web {
    run: Run,
    pace: Pace,
    last: Option<Looked>,
    /// `/health` answered as it should in the last round.
    answers: bool,
    /// Answering as it should, but slowly.
    slow: Gate<()>,
    /// `rundeck.url` leads to another machine, by the last round that knew.
    elsewhere: bool,
    /// When `/health` was last seen to answer as it should.
    answered: Option<Moment>,
    /// When the last round ended, whatever it saw: the age of the verdict.
    looked_at: Moment,
    /// Since when the agent itself cannot connect.
    blind_since: Option<Moment>,
    /// When it could not, last; and no other round has come to nothing since, for want of the name's address.
    blind_at: Moment,
    nameless: bool,
    /// Since when `/health` gives nothing but silence.
    silent_since: Option<Moment>,
    /// Every round of this process met a port that refuses; `None`: there was none yet.
    mute: Option<bool>,
    /// When the last round met an API that is still starting, if it did.
    boots: Option<Moment>,
    /// Some round of this process showed more than a start.
    past: bool,
    /// The last round said something of the port.
    told: bool,
    /// It was that it refuses.
    refused: bool,
}

impl Web {
    pub(super) fn new(now: Moment) -> Web {
        Web {
            run: Run::default(),
            pace: Pace::from(now),
            last: None,
            answers: false,
            slow: Gate::default(),
            elsewhere: false,
            answered: None,
            looked_at: now,
            blind_since: None,
            blind_at: now,
            nameless: false,
            silent_since: None,
            mute: None,
            boots: None,
            past: false,
            told: false,
            refused: false,
        }
    }

    /// Another Rundeck process, or none: what an open round still says is about the old one.
    pub(super) fn start_over(&mut self, desk: &mut Desk) {
        desk.disown(&mut self.pace);
        self.run = Run::default();
        self.pace.plan(desk.now());
        self.slow = Gate::default();
        self.answered = None;
        self.mute = None;
        (self.boots, self.past) = (None, false);
        self.told = false;
        self.refused = false;
    }

    pub(super) fn due(&self, desk: &Desk) -> bool {
        desk.due(&self.pace)
    }

    /// When the next round comes; `None`: when the open one has ended.
    pub(super) fn next(&self) -> Option<Moment> {
        self.pace.next()
    }

    /// Sends a round; `with_boot` asks the token-free API step too.
    pub(super) fn ask(&mut self, with_boot: bool, policy: &HealthPolicy, desk: &mut Desk) {
        let parts = if with_boot { 2 } else { 1 };
        // Twice the probe's own limit: the adapter ends it in time, this is for one that never replies.
        let limit = policy.timeout.times(2 * parts);
        desk.ask(&mut self.pace, Topic::Web, Call::ProbeWeb { with_boot }, limit);
    }

    /// A round has ended at that moment; `None`: nothing came back in time. `excused`: silence is put down to the
    /// database.
    pub(super) fn on_round(
        &mut self,
        seen: Option<(WebSeen, Option<BootSeen>)>,
        at: Moment,
        excused: bool,
        policy: &HealthPolicy,
        desk: &mut Desk,
    ) -> Round {
        let now = desk.now();
        let came_back = seen.is_some();
        let (web, boot) = seen.unwrap_or((WebSeen::TimedOut, None));
        self.last = Some(desk.looked(Check::Web, judged_web(web, boot, excused), &self.pace));
        self.answers = matches!(web, WebSeen::Ok | WebSeen::Disabled);
        self.told = !matches!(web, WebSeen::CannotConnect | WebSeen::CannotJudge(_));
        self.refused = web == WebSeen::Refused;
        let boots = self.answers && boot == Some(BootSeen::StillBooting);
        // One that told nothing says that nobody looks any more.
        self.boots = boots.then_some(now);
        if self.told {
            self.mute = Some(self.refused && self.mute != Some(false));
            self.past |= !self.refused && !boots;
            self.elsewhere = web == WebSeen::Elsewhere;
        }
        // One good answer among others is no end of it.
        let lasts = self.answers && self.run.passes > 0;
        note_unjudged(web, lasts, desk);
        self.note_silence(web, came_back, now);
        if self.answers {
            self.answered = Some(now);
            self.note_pace(boot, policy, now);
        }
        let round = judge(web, boot, excused);
        match round {
            Round::Pass => self.count_pass(policy, now),
            Round::Fail(_, strong) => self.count_fail(strong),
            Round::Unknown => self.run.unknown = self.run.unknown.saturating_add(1),
        }
        // One bad round does not make a verdict young that nobody had looked after for too long: a node that wakes is
        // vouched for by a good one, or is out. However late the end of a lost round is noticed: nobody has looked
        // since.
        let overslept = now.since(self.looked_at) > policy.max_age && self.run.passes == 0;
        if !overslept || self.run.fails >= policy.fall || self.run.strong >= 2 || round == Round::Unknown {
            self.looked_at = at;
        }
        round
    }

    /// Silence ends with an answer, blindness with a connection: a round that came to neither ends nothing, nor does
    /// one of which nothing came back.
    fn note_silence(&mut self, web: WebSeen, came_back: bool, now: Moment) {
        self.nameless = web == WebSeen::CannotJudge(Unjudged::Name);
        match web {
            WebSeen::CannotJudge(Unjudged::Name) => {}
            WebSeen::CannotConnect => {
                self.blind_since.get_or_insert(now);
                self.blind_at = now;
            }
            WebSeen::TimedOut => {
                self.blind_since = self.blind_since.filter(|_| !came_back);
                self.silent_since.get_or_insert(now);
            }
            WebSeen::Ok
            | WebSeen::Disabled
            | WebSeen::Refused
            | WebSeen::Redirect
            | WebSeen::Status(_)
            | WebSeen::Body
            | WebSeen::Truncated
            | WebSeen::Elsewhere
            | WebSeen::CannotJudge(Unjudged::Host) => (self.blind_since, self.silent_since) = (None, None),
        }
    }

    fn count_pass(&mut self, policy: &HealthPolicy, now: Moment) {
        self.run.fails = 0;
        self.run.strong = 0;
        self.run.unknown = 0;
        self.run.passes = self.run.passes.saturating_add(1);
        // Nobody looked in between: that is no unbroken run, whatever it was before.
        if now.since(self.run.last_pass) > policy.max_age {
            self.run.good_since = None;
        }
        self.run.last_pass = now;
        self.run.good_since.get_or_insert(now);
    }

    fn count_fail(&mut self, strong: bool) {
        self.run.passes = 0;
        self.run.good_since = None;
        self.run.unknown = 0;
        self.run.fails = self.run.fails.saturating_add(1);
        self.run.strong = if strong { self.run.strong.saturating_add(1) } else { 0 };
    }

    /// A round with the boot step is two questions: it says nothing about the pace of one.
    fn note_pace(&mut self, boot: Option<BootSeen>, policy: &HealthPolicy, now: Moment) {
        if boot.is_some() {
            return;
        }
        if now.since(self.pace.begun()).times(SLOW_PART) > policy.timeout {
            self.slow.fail((), false, policy);
        } else {
            self.slow.pass(policy);
        }
    }

    /// The next round comes then.
    pub(super) fn done(&mut self, at: Moment) {
        self.pace.done(at);
    }

    /// The next round is wanted not later than this: it tells what something else means.
    pub(super) fn hasten(&mut self, at: Moment) {
        self.pace.hasten(at);
    }

    /// Good rounds in a row.
    pub(super) fn passes(&self) -> u32 {
        self.run.passes
    }

    /// Bad rounds in a row.
    pub(super) fn fails(&self) -> u32 {
        self.run.fails
    }

    /// Of the bad rounds the last ones in a row that are strong evidence.
    pub(super) fn strong(&self) -> u32 {
        self.run.strong
    }

    /// The last rounds, or one of them, said anything: a soon one may decide. Else there is nothing to be gained by it.
    pub(super) fn telling(&self, policy: &HealthPolicy) -> bool {
        self.run.unknown < policy.fall
    }

    /// When the unbroken good run began.
    pub(super) fn good_since(&self) -> Option<Moment> {
        self.run.good_since
    }

    /// What has answered before is there no more.
    pub(super) fn forget_answer(&mut self) {
        self.answered = None;
    }

    /// `/health` answered as it should in the last round.
    pub(super) fn answers(&self) -> bool {
        self.answers
    }

    /// When `/health` was last seen to answer as it should.
    pub(super) fn answered(&self) -> Option<Moment> {
        self.answered
    }

    pub(super) fn looked_at(&self) -> Moment {
        self.looked_at
    }

    /// Something else than a round has shown what Rundeck is.
    pub(super) fn looked(&mut self, now: Moment) {
        self.looked_at = now;
    }

    /// The agent itself has had no way to look for longer than a verdict may age. One round that had none, and a name
    /// that is not resolved from then on, say that of no more than a moment.
    pub(super) fn blind(&self, policy: &HealthPolicy, desk: &Desk) -> bool {
        let long = |since: Moment| match self.nameless {
            true => self.blind_at.since(since) > policy.max_age,
            false => desk.reached(since + policy.max_age + Span(1)),
        };
        self.blind_since.is_some_and(long)
    }

    /// For how long `/health` has given nothing but silence.
    pub(super) fn silent(&self, now: Moment) -> Option<Span> {
        self.silent_since.map(|since| now.since(since))
    }

    /// When the last round was sent.
    pub(super) fn begun(&self) -> Moment {
        self.pace.begun()
    }

    /// `/health` answers as it should, but slowly.
    pub(super) fn slow(&self) -> bool {
        self.slow.shut().is_some()
    }

    /// `rundeck.url` leads to another machine.
    pub(super) fn elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// Every round of this process met a port that refuses: it has never served, as far as anybody looked. Before the
    /// first round nobody can tell.
    pub(super) fn mute(&self) -> bool {
        self.mute == Some(true)
    }

    /// When its port was seen open, last, while its API has never been past the first step of the bootstrap, as far as
    /// anybody looked.
    pub(super) fn boots(&self) -> Option<Moment> {
        self.boots.filter(|_| !self.past)
    }

    /// The last round met a port that refuses.
    pub(super) fn refused(&self) -> bool {
        self.refused
    }

    /// Nobody has looked at this process yet, or the agent cannot look any more: what was seen of the port is old.
    pub(super) fn unseen(&self) -> bool {
        !self.told
    }

    /// The row for people; `change`: what would change the verdict.
    pub(super) fn row(&self, change: String) -> CheckView {
        CheckView {
            passes: self.run.passes,
            fails: self.run.fails,
            next: self.pace.next(),
            ..CheckView::of(Check::Web, self.last.as_ref(), change)
        }
    }
}

/// `lasts`: Rundeck has answered well in the round before, too.
fn note_unjudged(web: WebSeen, lasts: bool, desk: &mut Desk) {
    // By the login's redirect and Jetty's own 404 page with a body: nobody else answers so.
    if matches!(web, WebSeen::Redirect | WebSeen::Status(404)) {
        desk.finding(Finding::RundeckUrl, "what answers at rundeck.url has no /health there");
    } else if lasts {
        desk.cured(Finding::RundeckUrl);
    }
    let unjudged = [
        (Unjudged::Host, Finding::HostRefused, "Rundeck answers 400 to our Host header"),
        (Unjudged::Name, Finding::RundeckName, "the host of rundeck.url cannot be resolved"),
    ];
    for (why, finding, what) in unjudged {
        if web == WebSeen::CannotJudge(why) {
            desk.finding(finding, what);
        } else {
            desk.cured(finding);
        }
    }
}
