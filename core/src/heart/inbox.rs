//! What comes in: each event and reply goes to the room that waits for it, and what one room's answer means to
//! another is passed on: a closed port voids what the API had said, an answered call makes the API worth asking
//! again, a found process asks whose passive mode it has.
//!
//! Nothing is decided here that belongs to one room alone.

use super::{Heart, between};
use crate::contract::{
    Answering, ApiSeen, BootSeen, DatabaseSeen, Event, GroupSeen, ModeTrouble, Moment, Notice, Process, ProcessSeen,
    ReadySeen, Reply, TargetSeen, Trouble, TroubleKind, WebSeen,
};
use crate::desk::Topic;

/// What a reply of this kind holds; `None` for none, and for one of another kind.
macro_rules! only {
    ($reply:ident, $pattern:pat => $value:expr) => {
        if let Some($pattern) = $reply { Some($value) } else { None }
    };
}

/// What counts as the error of a call that nobody answered.
const UNANSWERED: &str = "no answer in time";

fn unanswered() -> Trouble {
    Trouble { kind: TroubleKind::Unavailable, action: String::new(), text: UNANSWERED.into() }
}

fn written(reply: Option<Reply>) -> Result<(), String> {
    only!(reply, Reply::Written(written) => written).unwrap_or_else(|| Err(UNANSWERED.into()))
}

impl Heart {
    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Kept(kept) => self.restore(kept),
            Event::Reply(id, reply) => {
                if let Some(topic) = self.desk.close(id) {
                    self.ended_call(topic, Some(reply), self.desk.now());
                }
            }
            Event::ProcessEnded(process) => self.process_ended(process),
            Event::Order(number, order) => self.order(number, order),
            Event::Stop { id } => self.signal(id),
            Event::Noticed(notice, Some(text)) if notice.brings_its_cure() => {
                self.desk.noticed(notice.finding(), text);
            }
            Event::Noticed(notice, Some(what)) => {
                if matches!(notice, Notice::ExitWatch) {
                    self.health.on_unwatched();
                }
                self.desk.finding(notice.finding(), what);
            }
            Event::Noticed(notice, None) => self.desk.cured(notice.finding()),
            Event::Tick => {}
        }
    }

    /// A call has ended at that moment: with this reply, or `None`: nobody answered in time. A reply of another kind
    /// than was asked for says nothing: it counts as none.
    pub(super) fn ended_call(&mut self, topic: Topic, reply: Option<Reply>, at: Moment) {
        let policy = &self.policy.health;
        match topic {
            Topic::Web => self.on_web(only!(reply, Reply::Web(web, boot) => (web, boot)), at),
            Topic::Api => self.on_api(only!(reply, Reply::Api(seen) => seen)),
            Topic::Process => self.on_process(only!(reply, Reply::Process(seen) => seen)),
            Topic::Ready { .. } => self.on_ready(only!(reply, Reply::Ready(seen) => seen)),
            Topic::Database => self.on_database(only!(reply, Reply::Database(seen) => seen)),
            Topic::Disks => self.health.on_disks(only!(reply, Reply::Disks(seen) => seen), policy, &mut self.desk),
            Topic::Host => {
                self.health.on_host(only!(reply, Reply::Host(seen) => seen).flatten(), policy, &mut self.desk)
            }
            Topic::Mode => {
                let answer =
                    only!(reply, Reply::Mode(answer) => answer).unwrap_or_else(|| Err(ModeTrouble::unsure(UNANSWERED)));
                if answer.is_ok() && !self.mode.is_astray() {
                    self.health.on_mode_switched(&mut self.desk);
                }
                let (process, answers) = (self.health.process(), self.health.reach(&self.desk).answers);
                self.mode.on_reply(answer, process, answers, &mut self.api, &mut self.desk);
            }
            Topic::InFlight => self.on_count(only!(reply, Reply::InFlight(count) => count).flatten()),
            Topic::Identity => {
                let answer = only!(reply, Reply::Identity(answer) => answer).unwrap_or_else(|| Err(UNANSWERED.into()));
                self.membership.on_identity(answer, &mut self.desk);
            }
            Topic::Lifecycle => {
                self.on_lifecycle(only!(reply, Reply::Lifecycle(it) => it).unwrap_or_else(|| Err(UNANSWERED.into())));
            }
            Topic::Scaling => {
                let answer = only!(reply, Reply::Scaling(answer) => answer).unwrap_or_else(|| Err(unanswered()));
                self.asg.on_scaling(answer, &mut self.desk);
            }
            Topic::Tag => {
                let answer = only!(reply, Reply::Tag(answer) => answer).unwrap_or_else(|| Err(UNANSWERED.into()));
                self.membership.on_tag(answer, &mut self.desk);
            }
            Topic::Groups => {
                let answer = only!(reply, Reply::Groups(answer) => answer).unwrap_or_else(|| Err(unanswered()));
                self.on_groups(answer);
            }
            Topic::Fleet => {
                let answer = only!(reply, Reply::Fleet(answer) => answer).unwrap_or_else(|| Err(unanswered()));
                self.membership.on_fleet(answer, &mut self.desk);
            }
            Topic::Target(key) => {
                let answer = only!(reply, Reply::Target(answer) => answer).unwrap_or_else(|| Err(unanswered()));
                self.on_target(key, answer);
            }
            Topic::Change(key) => {
                let answer = only!(reply, Reply::Changed(answer) => answer).unwrap_or_else(|| Err(unanswered()));
                self.membership.on_change(key, answer, &mut self.desk);
            }
            Topic::Hook => {
                let answer = only!(reply, Reply::Hook(answer) => answer).unwrap_or_else(|| Err(UNANSWERED.into()));
                self.membership.on_hook(answer, &mut self.desk);
            }
            Topic::Intent => self.intent_written(written(reply)),
            Topic::Registered => self.membership.on_written(written(reply), &mut self.desk),
            Topic::Standby => {
                let answer = only!(reply, Reply::Standby(answer) => answer).unwrap_or_else(|| Err(unanswered()));
                self.standby.on_answer(answer, self.desk.now());
            }
            Topic::Move => self.standby.on_moved(only!(reply, Reply::Moved(answer) => answer), &mut self.desk),
            Topic::Held => self.held_written(written(reply)),
            Topic::Receipt => self.receipt_written(written(reply)),
            Topic::LastReceipt => self.last_receipt_written(written(reply)),
        }
    }

    fn on_web(&mut self, seen: Option<(WebSeen, Option<BootSeen>)>, at: Moment) {
        let was_proven = self.health.proven();
        let replaces = between::may_replace(self.asg.replaces());
        self.health.on_web(seen, at, replaces, &self.policy.health, &mut self.desk);
        if self.health.port_closed() {
            // Whether the process and its mode are gone too is another question, where that process is known.
            self.forget_answers();
            if self.health.process().is_none() {
                self.mode.port_closed(&mut self.desk);
            }
        }
        self.hold_first_up(was_proven);
    }

    /// A first `up` that has to wait for something else; for so long that nobody is kept out by it.
    fn hold_first_up(&mut self, was_proven: bool) {
        let first = !was_proven && self.health.proven();
        let mode = between::waits_for_mode(self.api.mode_settled(), self.undoes_passive(), &self.policy);
        // A node that would go out again with the next look at its disk does not come in first.
        let disk = between::ejects_full_disk(self.health.disk_may_be_full(&self.policy.health), self.asg.replaces());
        if !first || !(mode || disk) {
            return;
        }
        let full = between::ejects_full_disk(true, self.asg.replaces());
        if !self.health.hold_first_up(full, &self.policy.health, &self.desk) && mode {
            // What keeps the mode from being seen becomes a finding now.
            self.api.ask_again(self.desk.now());
        }
    }

    fn on_ready(&mut self, seen: Option<ReadySeen>) {
        let was_proven = self.health.proven();
        let replaces = between::may_replace(self.asg.replaces());
        self.health.on_ready(seen, replaces, &self.policy.health, &mut self.desk);
        self.hold_first_up(was_proven);
    }

    fn on_database(&mut self, seen: Option<DatabaseSeen>) {
        if self.health.on_database(seen, &self.policy.health, &mut self.desk) {
            self.api.ask_early(self.desk.now());
        }
    }

    fn on_api(&mut self, seen: Option<ApiSeen>) {
        let seen = seen.unwrap_or(ApiSeen::TimedOut);
        self.health.on_api(&seen, self.api.sent(), &self.policy.health, &mut self.desk);
        if let ApiSeen::Info(info) = &seen
            && self.identity.on_info(info, &mut self.desk)
        {
            self.health.learn_readiness();
        }
        let answered = self.api.answers();
        self.api.on_reply(seen, &self.policy.health, self.health.proven(), &mut self.desk);
        if !answered && self.api.answers() {
            self.mode.try_again(self.desk.now());
        }
    }

    fn on_lifecycle(&mut self, answer: Result<Option<String>, String>) {
        self.asg.on_lifecycle(answer, self.membership.identity().is_some(), &mut self.desk);
    }

    fn on_groups(&mut self, answer: Result<Vec<GroupSeen>, Trouble>) {
        let policy = &self.policy;
        self.membership.on_groups(answer, &policy.membership, Answering::by(policy), &mut self.desk);
    }

    fn on_target(&mut self, key: u32, answer: Result<TargetSeen, Trouble>) {
        self.membership.on_target(key, answer, &self.policy.membership, &mut self.desk);
    }

    fn on_count(&mut self, count: Option<u32>) {
        if let Some(drain) = &mut self.drain {
            drain.on_count(count, self.desk.now());
        }
    }

    fn on_process(&mut self, seen: Option<ProcessSeen>) {
        let before = self.health.process();
        self.health.on_process(seen, &self.policy.health, &mut self.desk);
        let process = self.health.process();
        if before.is_some() && before != process {
            self.rundeck_gone();
        } else if before.is_none() && process.is_some() {
            // Restarted while no agent looked: its mode is its own again.
            self.mode.found(process, &mut self.desk);
        } else if process.is_none() {
            self.mode.unseen(seen);
        }
    }

    fn process_ended(&mut self, process: Process) {
        if self.health.on_process_ended(process, &mut self.desk) {
            self.rundeck_gone();
        }
    }

    fn rundeck_gone(&mut self) {
        if let Some(drain) = &mut self.drain {
            drain.on_rundeck_ended();
        }
        self.forget_answers();
        self.mode.forget(&mut self.desk);
    }

    /// What the server that was there has answered says nothing about the next one.
    fn forget_answers(&mut self) {
        self.api.start_over(&mut self.desk);
        self.health.forget_answers(&mut self.desk);
    }
}
