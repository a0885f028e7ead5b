//! Rundeck's execution mode: switching it, undoing passive mode that is ours, and that passive mode which somebody else
//! set takes the node out.
//!
//! The mode is one Boolean in one JVM: a restarted Rundeck has forgotten it, and somebody else may have set it. Passive
//! mode that we did not set is never undone by us, and what nobody here undoes is told. Whose it is stands in
//! `claim.rs`.

use super::Api;
use super::claim::Claim;
use crate::contract::{
    Call, Finding, HealthPolicy, Mode, ModeTrouble, Moment, NoteKind, PassiveRule, Policy, Process, ProcessSeen, Span,
};
use crate::desk::{Backoff, Desk, Pace, Topic, holds};

/// Limit of one switch: back to active reschedules every job of the node within the request.
const LIMIT: Span = Span::secs(30);
const FIRST_RETRY: Span = Span::secs(1);
/// Where nobody can see whether a confirmed switch has held, it is sent a few times while that is in doubt.
const FIRST_BLIND: Span = Span::secs(15);
/// A switch that hangs holds a thread over there, as all calls that need the database.
const MOST_RETRY: Span = Span::secs(300);
/// A switch that nothing has undone for so long has held.
const HELD: Span = Span::secs(600);

/// Passive mode that somebody else set takes the node out, where the policy says so and nobody would replace it for
/// that.
pub(crate) fn passive_ejects(by_others: bool, may_replace: bool, policy: &HealthPolicy) -> bool {
    by_others && policy.passive == PassiveRule::Out && !may_replace
}

#[derive(Clone, Debug)]
pub(crate) struct ModeSwitch {
    claim: Claim,
    /// When the last switch ended: what was asked before does not tell whether it worked.
    ended: Moment,
    /// A switch back to active was given up, and may still take effect.
    unsure: bool,
    /// The call that is under way was sent to a process that has ended since: what it does, if anything, it has done to
    /// that one, or does to the next.
    astray: bool,
    wanted: Option<Mode>,
    pace: Pace,
    /// After switches that failed.
    backoff: Backoff,
    /// After switches that were confirmed, should they not hold: whatever undoes them, they are no busy loop.
    unheld: Backoff,
    trouble: Option<ModeTrouble>,
    told_dry: bool,
}

impl ModeSwitch {
    pub(crate) fn new(now: Moment) -> ModeSwitch {
        ModeSwitch {
            claim: Claim::new(now),
            ended: Moment(0),
            unsure: false,
            astray: false,
            wanted: None,
            pace: Pace::from(Moment(0)),
            backoff: Backoff::new(FIRST_RETRY, MOST_RETRY),
            unheld: Backoff::new(FIRST_RETRY, MOST_RETRY),
            trouble: None,
            told_dry: false,
        }
    }

    /// An earlier run of the agent had claimed passive mode of this process. `known`: the one that is there. `lands`:
    /// so long a switch which that run had given up may take effect. A slow disk tells it late: what this run knows
    /// by then stands.
    pub(crate) fn restore(&mut self, claimed: Option<Process>, known: Option<Process>, lands: Option<Moment>) {
        self.claim.restore(claimed, known, lands);
    }

    /// A switch to passive mode that was given up may still take effect until then: kept for the next run.
    pub(crate) fn may_land_until(&self, desk: &Desk) -> Option<Moment> {
        self.claim.lost_until.filter(|at| !desk.reached(*at))
    }

    /// Passive mode may be on by this claim, or may come to be.
    fn acted(&self) -> bool {
        self.claim.set || (self.pace.is_open() && !self.astray)
    }

    /// The switch that is under way was sent to a process that has ended.
    pub(crate) fn is_astray(&self) -> bool {
        self.astray
    }

    /// Passive mode was set by us, or is about to be.
    pub(crate) fn is_ours(&self) -> bool {
        self.claim.by_us
    }

    /// Rundeck is passive, and it was somebody else who switched it.
    pub(crate) fn set_by_others(&self, api: &Api) -> bool {
        api.mode() == Some(Mode::Passive) && !self.claim.by_us
    }

    /// The process whose passive mode is ours, as far as it is known.
    pub(crate) fn our_process(&self) -> Option<Process> {
        self.claim.process.filter(|_| self.claim.by_us)
    }

    /// Since when it is to be ours.
    pub(crate) fn claimed_at(&self) -> Moment {
        self.claim.since
    }

    /// A try of this drain has failed, and none has worked since.
    pub(crate) fn failed(&self) -> bool {
        self.trouble.is_some()
    }

    /// A drain begins or ends: its switch is a new one.
    pub(crate) fn begin(&mut self, desk: &mut Desk) {
        self.trouble = None;
        self.told_dry = false;
        self.backoff.reset();
        self.unheld.reset();
        if desk.take_back(&mut self.pace) {
            // Not begun yet, and not wanted any more.
            self.wanted = None;
        }
        if !self.pace.is_open() {
            self.pace.plan(desk.now());
        }
    }

    /// The last try was refused: nothing was switched.
    fn refused(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.refused)
    }

    /// It is known to be the process that is there: what cannot be seen is switched in no other.
    fn is_there(&self, process: Option<Process>) -> bool {
        process.is_some() && process == self.claim.process
    }

    fn needed(&self, wanted: Mode, process: Option<Process>, api: &Api, desk: &Desk) -> bool {
        // Whoever was refused looks before he tries again: what he knows of the mode is from before, and somebody may
        // have set it since.
        let refused = self.refused() && api.refuses();
        match wanted {
            // Who is there may be another than an earlier run has named, and passive by somebody else: asked first.
            Mode::Passive if self.claim.waits() && !api.asked() => false,
            // Where one answer says that it is on already, the second one decides whose it is.
            Mode::Passive => self.claim.by_us && !api.may_be(Mode::Passive) && !refused,
            // Where nobody can see the mode, what is ours is switched back all the same: Rundeck may be passive.
            Mode::Active if !self.claim.by_us || self.claim.waits_for_look(desk) => false,
            Mode::Active => match api.mode() {
                Some(mode) => mode == Mode::Passive || api.hides_mode(),
                None => self.stays_unseen(api) && self.is_there(process) && !refused,
            },
        }
    }

    /// Passive mode of ours may be on, and nobody can tell: it is taken for on until it is undone.
    fn stays_unseen(&self, api: &Api) -> bool {
        self.claim.by_us && self.claim.set && api.mode().is_none() && (self.unsure || api.mode_unseen())
    }

    /// What keeps passive mode of ours from being undone.
    fn hindrance(&self, process: Option<Process>, api: &Api, policy: &Policy, desk: &Desk) -> Option<&str> {
        let unseen = self.stays_unseen(api);
        let on = api.mode() == Some(Mode::Passive) || unseen;
        if !policy.circumstances.has_token {
            Some("there is no token")
        } else if policy.dry_run {
            on.then_some("this is a dry run")
        } else {
            let strange = (unseen && !self.is_there(process)) || (on && self.claim.waits_long(desk));
            let strange = strange.then_some("its process is not known");
            self.trouble.as_ref().map(|trouble| trouble.text.as_str()).or(strange)
        }
    }

    /// Tells of passive mode that nobody here undoes. `leaving`: a drain runs, which wants it.
    pub(crate) fn note(&self, api: &Api, process: Option<Process>, leaving: bool, policy: &Policy, desk: &mut Desk) {
        if self.set_by_others(api) {
            desk.finding(
                Finding::PassiveMode,
                "Rundeck is passive, and by what is on record this agent did not switch it: so it does not undo it",
            );
        } else if let Some(why) = self.hindrance(process, api, policy, desk).filter(|_| self.claim.by_us && !leaving) {
            let text = format!("passive mode, which this agent set for a drain, could not be undone ({why})");
            desk.finding(Finding::PassiveMode, text);
        } else {
            desk.cured(Finding::PassiveMode);
        }
    }

    /// Passive mode will be ours to undo, unless it is on already or may be: to be kept on disk before it is set. What
    /// was refused is claimed anew with the next try.
    pub(crate) fn claim(&mut self, api: &Api, process: Option<Process>, desk: &Desk) {
        let refused = self.refused() && (api.refuses() || !desk.due(&self.pace));
        if !self.claim.by_us && api.asked() && !api.may_be(Mode::Passive) && !refused {
            self.claim.own(process, desk.now());
        } else if self.claim.by_us && !self.acted() && api.may_be(Mode::Passive) {
            // Somebody else was faster, as it seems: the second answer tells.
            self.disclaim();
        }
    }

    /// No drain wants it any more. Never set, or active again, whoever did it: nothing is left to be undone.
    pub(crate) fn release(&mut self, api: &Api) {
        self.claim.earlier_over |= api.confirms(Mode::Active, self.claim.earlier_until);
        // An answer that is older than the last moment in which a lost switch may land says nothing of that.
        let undone = || api.confirms(Mode::Active, self.ended.max(self.claim.may_land_until));
        if self.claim.by_us && (!self.acted() || (!self.pace.is_open() && undone())) {
            self.disclaim();
        }
    }

    /// A process was found where none was known: is it the one that was switched?
    pub(crate) fn found(&mut self, process: Option<Process>, desk: &mut Desk) {
        if !self.claim.found(process, desk.now()) {
            self.forget(desk);
        }
    }

    /// `process`: Rundeck's, as far as it is known.
    pub(crate) fn step(
        &mut self,
        wanted: Option<Mode>,
        process: Option<Process>,
        api: &Api,
        dry_run: bool,
        desk: &mut Desk,
    ) {
        let Some(mode) = wanted else { return };
        if dry_run {
            if !self.told_dry && api.mode() != Some(mode) {
                self.told_dry = true;
                desk.tell(NoteKind::Notice, format!("dry run: would switch Rundeck to {mode} mode"));
            }
            return;
        }
        // It waits for the call that is under way, not for the pause after one that hung: a drain needs it now.
        if !self.needed(mode, process, api, desk) || !desk.due(&self.pace) || !desk.lane_clear(Topic::Mode) {
            return;
        }
        self.wanted = Some(mode);
        if mode == Mode::Passive {
            self.claim.send(process);
        }
        desk.ask(&mut self.pace, Topic::Mode, Call::SetMode(mode), LIMIT);
    }

    /// `process`: the one that is there; `answers`: Rundeck answers at `/health`, whether its process is known or not.
    pub(crate) fn on_reply(
        &mut self,
        answer: Result<Mode, ModeTrouble>,
        process: Option<Process>,
        answers: bool,
        api: &mut Api,
        desk: &mut Desk,
    ) {
        if std::mem::take(&mut self.astray) {
            let landed = !answer.is_err_and(|trouble| trouble.refused);
            return self.on_astray(landed && (process.is_some() || answers), process, desk);
        }
        let wanted = self.wanted.take();
        let before = std::mem::replace(&mut self.ended, desk.now());
        match answer {
            Ok(mode) => {
                self.claim.set |= mode == Mode::Passive;
                api.mode_set(mode);
                // The token works, and so does the database that knows it.
                api.ask_once(desk);
                self.trouble = None;
                self.unsure = false;
                self.backoff.reset();
                if desk.now().since(before) > HELD {
                    self.unheld.reset();
                }
                let first = if api.hides_mode() { FIRST_BLIND } else { FIRST_RETRY };
                // The first need not be spread: few switches are wanted again at all.
                let again = self.unheld.failing();
                let wait = self.unheld.grow_from(first);
                self.pace.done(desk.now() + if again { desk.around(wait) } else { wait });
                // A switch to passive that was given up before may still take effect after this one.
                if mode == Mode::Active {
                    self.claim.back(self.may_land_until(desk).is_some());
                }
                if wanted == Some(mode) {
                    desk.tell(NoteKind::Notice, format!("Rundeck switched to {mode} mode"));
                }
            }
            Err(trouble) => {
                if self.trouble.as_ref() != Some(&trouble) {
                    desk.tell(NoteKind::Notice, format!("Rundeck's mode could not be switched: {}", trouble.text));
                }
                if wanted == Some(Mode::Passive) && !trouble.refused {
                    self.claim.lose(desk.now());
                }
                if wanted == Some(Mode::Active) && !trouble.refused {
                    // Passive until it takes effect, some time: only an answer can tell.
                    self.unsure = true;
                    api.doubt_mode();
                }
                self.trouble = Some(trouble);
                self.pace.done(desk.now() + desk.wait(&mut self.backoff));
                if wanted == Some(Mode::Passive) && self.refused() && !self.claim.set {
                    // It has set nothing, and will not: a record of it would make somebody else's ours after a restart.
                    self.disclaim();
                }
            }
        }
    }

    /// A switch has ended that had outlived its process. One that was refused, or ended before another Rundeck was
    /// there, has met none; else (`met`) what it may have set, of which only a look can tell, is ours, in whatever
    /// process it is found to be.
    fn on_astray(&mut self, met: bool, process: Option<Process>, desk: &mut Desk) {
        let now = desk.now();
        self.pace.done(now);
        self.ended = now;
        if self.wanted.take() == Some(Mode::Passive) && met {
            desk.tell(NoteKind::Notice, "a switch to passive mode may have met the Rundeck that was started meanwhile");
            self.claim.own(process, now);
            self.claim.send(process);
            self.claim.lose(now);
        }
    }

    /// The API answers again: what failed meanwhile is worth another try.
    pub(crate) fn try_again(&mut self, now: Moment) {
        if self.trouble.is_some() {
            self.pace.hasten(now);
        }
    }

    /// Another Rundeck process: it starts in its configured mode.
    pub(crate) fn forget(&mut self, desk: &mut Desk) {
        self.break_off(desk);
        self.disclaim();
        self.claim.earlier_over = true;
    }

    /// The port was closed, and no process is known: it may be another one that opens it anew.
    pub(crate) fn port_closed(&mut self, desk: &mut Desk) {
        self.break_off(desk);
        self.claim.port_closed();
        self.unsure &= self.claim.by_us;
    }

    /// A look has found no process, and none was known.
    pub(crate) fn unseen(&mut self, seen: Option<ProcessSeen>) {
        self.claim.unseen(seen);
        self.unsure &= self.claim.by_us;
    }

    /// What was asked, and what came of it, says nothing of the next one.
    fn break_off(&mut self, desk: &mut Desk) {
        if !desk.take_back(&mut self.pace) && self.pace.is_open() {
            // It is under way, and nobody can stop it: nothing else is asked of the next one before it has ended.
            self.astray = true;
        }
        self.pace.plan(desk.now());
        self.unheld.reset();
        self.trouble = None;
    }

    /// The mode as people are shown it: passive, where it is ours and nobody can see whether it has been undone.
    pub(crate) fn shown(&self, api: &Api) -> Option<Mode> {
        api.mode().or(self.stays_unseen(api).then_some(Mode::Passive))
    }

    /// What holds after each turn.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.claim.check()?;
        holds(!self.astray || self.pace.is_open(), || "nothing is under way that could be astray".into())
    }

    fn disclaim(&mut self) {
        self.claim.disclaim();
        self.unsure = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::claim::LANDS_LATE;
    use crate::contract::{CallId, Command};

    const NOW: Moment = Moment(1_000_000);

    /// The node wants that mode at that moment: the switch to it that goes out, if one does.
    fn sends(switch: &mut ModeSwitch, wanted: Mode, api: &Api, desk: &mut Desk, at: Moment) -> Option<CallId> {
        desk.begin_turn(at);
        switch.step(Some(wanted), switch.claim.process, api, false, desk);
        desk.take().into_iter().find_map(|command| {
            if let Command::Call { id, call: Call::SetMode(_), .. } = command { Some(id) } else { None }
        })
    }

    /// Passive mode is ours, by an earlier run.
    fn ours() -> (ModeSwitch, Api, Desk) {
        let mut switch = ModeSwitch::new(NOW);
        switch.restore(None, None, None);
        (switch, Api::new(NOW), Desk::new(1, NOW))
    }

    #[test]
    fn a_switch_that_has_held_for_longer_than_ten_minutes_is_repeated_soon_when_it_is_undone() {
        for (held, soon) in [(HELD, false), (HELD + Span(1), true)] {
            let (mut switch, mut api, mut desk) = ours();
            let mut at = NOW;
            let waits = [Span::secs(10), Span::secs(10), Span::secs(10), held, Span::secs(2)];
            let sent = waits.map(|wait| {
                let sent = sends(&mut switch, Mode::Passive, &api, &mut desk, at);
                if let Some(id) = sent {
                    desk.close(id);
                    switch.on_reply(Ok(Mode::Passive), None, true, &mut api, &mut desk);
                    // Somebody undoes it.
                    api.mode_set(Mode::Active);
                }
                at = at + wait;
                sent.is_some()
            });
            assert_eq!(sent, [true; 5]);
            let again = sends(&mut switch, Mode::Passive, &api, &mut desk, at);
            assert_eq!(again.is_some(), soon, "it had held for {held:?}");
        }
    }

    #[test]
    fn a_switch_that_was_given_up_may_land_for_five_minutes_and_then_nothing_is_ours_any_more() {
        for (after, still) in [(LANDS_LATE - Span(1), true), (LANDS_LATE, false)] {
            let (mut switch, mut api, mut desk) = ours();
            let lost = sends(&mut switch, Mode::Passive, &api, &mut desk, NOW).unwrap();
            desk.close(lost);
            switch.on_reply(Err(ModeTrouble::unsure("no answer")), None, true, &mut api, &mut desk);
            api.mode_set(Mode::Passive);
            let back = sends(&mut switch, Mode::Active, &api, &mut desk, NOW + Span::secs(60)).unwrap();
            desk.close(back);
            desk.begin_turn(NOW + after);
            switch.on_reply(Ok(Mode::Active), None, true, &mut api, &mut desk);
            assert_eq!(switch.is_ours(), still, "active again {after:?} after it was given up");
        }
    }

    #[test]
    fn passive_mode_that_is_not_ours_is_not_switched_back_whoever_wants_it() {
        for by_us in [true, false] {
            let (mut switch, mut api, mut desk) = ours();
            if !by_us {
                switch.forget(&mut desk);
            }
            api.mode_set(Mode::Passive);
            let sent = sends(&mut switch, Mode::Active, &api, &mut desk, NOW);
            assert_eq!(sent.is_some(), by_us);
        }
    }

    #[test]
    fn a_process_that_is_not_ours_and_a_call_that_is_not_there_are_broken_states() {
        let process = Some(Process { pid: 4440, start: 1_700_000_000 });
        let (mut switch, ..) = ours();
        switch.claim.process = process;
        assert_eq!(switch.check(), Ok(()));
        switch.claim.by_us = false;
        assert!(switch.check().is_err());
        (switch.claim.by_us, switch.astray) = (true, true);
        assert!(switch.check().is_err());
    }
}
