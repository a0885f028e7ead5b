//! What comes in: each event and reply goes to the room that waits for it, and what one room's answer means to
//! another is passed on: a closed port voids what the API had said, an answered call makes the API worth asking
//! again, a found process asks whose passive mode it has.
//!
//! Nothing is decided here that belongs to one room alone.

use super::{Heart, between};
use crate::contract::{
    Answering, ApiSeen, BootSeen, DatabaseSeen, Event, GroupFacts, Process, ProcessSeen, ReadySeen, Reply, TargetSeen,
    Trouble, TroubleKind, WebSeen,
};
use crate::desk::Topic;

impl Heart {
    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Kept(kept) => self.restore(kept),
            Event::Reply(id, reply) => {
                if let Some(topic) = self.desk.close(id) {
                    self.reply(topic, reply);
                }
            }
            Event::ProcessEnded(process) => self.process_ended(process),
            Event::Order(number, order) => self.order(number, order),
            Event::Stop { id } => self.stop(id),
            Event::Abort => self.abort(),
            Event::Noticed(notice, Some(text)) if notice.brings_its_cure() => {
                self.desk.noticed(notice.finding(), text);
            }
            Event::Noticed(notice, Some(what)) => self.desk.finding(notice.finding(), what),
            Event::Noticed(notice, None) => self.desk.cured(notice.finding()),
            Event::Tick => {}
        }
    }

    fn reply(&mut self, topic: Topic, reply: Reply) {
        match (topic, reply) {
            (Topic::Web, Reply::Web(web, boot)) => self.on_web(Some((web, boot))),
            (Topic::Api, Reply::Api(seen)) => self.on_api(Some(seen)),
            (Topic::Process, Reply::Process(seen)) => self.on_process(seen),
            (Topic::Ready, Reply::Ready(seen)) => self.on_ready(Some(seen)),
            (Topic::Database, Reply::Database(seen)) => self.on_database(Some(seen)),
            (Topic::Disks, Reply::Disks(seen)) => {
                self.health.on_disks(Some(seen), &self.policy.health, &mut self.desk);
            }
            (Topic::Host, Reply::Host(seen)) => self.health.on_host(seen, &self.policy.health, &mut self.desk),
            (Topic::Mode, Reply::Mode(answer)) => self.mode.on_reply(answer, &mut self.api, &mut self.desk),
            (Topic::InFlight, Reply::InFlight(count)) => self.on_count(count),
            (Topic::Identity, Reply::Identity(answer)) => self.membership.on_identity(answer, &mut self.desk),
            (Topic::Lifecycle, Reply::Lifecycle(answer)) => self.on_lifecycle(answer),
            (Topic::Tag, Reply::Tag(answer)) => self.membership.on_tag(answer, &mut self.desk),
            (Topic::Groups, Reply::Groups(answer)) => self.on_groups(answer),
            (Topic::Target(i), Reply::Target(answer)) => self.on_target(i, answer),
            (Topic::Change(i), Reply::Changed(answer)) => self.membership.on_change(i, answer, &mut self.desk),
            (Topic::Intent, Reply::Written(written)) => self.intent_written(written),
            (Topic::Receipt, Reply::Written(written)) => self.receipt_written(written),
            (Topic::LastReceipt, Reply::Written(written)) => self.last_receipt_written(written),
            // A reply of another kind than was asked for says nothing: it counts as none.
            (topic, _) => self.lost(topic),
        }
    }

    /// A call that nobody answered in time.
    pub(super) fn lost(&mut self, topic: Topic) {
        let why = || "no answer in time".to_string();
        let trouble = || Trouble { kind: TroubleKind::Unavailable, action: String::new(), text: why() };
        match topic {
            Topic::Web => self.on_web(None),
            Topic::Api => self.on_api(None),
            Topic::Process => self.health.on_process(None, &self.policy.health, &mut self.desk),
            Topic::Ready => self.on_ready(None),
            Topic::Database => self.on_database(None),
            Topic::Disks => self.health.on_disks(None, &self.policy.health, &mut self.desk),
            Topic::Host => self.health.on_host(None, &self.policy.health, &mut self.desk),
            Topic::Mode => self.mode.on_reply(Err(why()), &mut self.api, &mut self.desk),
            Topic::InFlight => self.on_count(None),
            Topic::Identity => self.membership.on_identity(Err(why()), &mut self.desk),
            Topic::Lifecycle => self.on_lifecycle(Err(why())),
            Topic::Tag => self.membership.on_tag(Err(why()), &mut self.desk),
            Topic::Groups => self.on_groups(Err(trouble())),
            Topic::Target(i) => self.on_target(i, Err(trouble())),
            Topic::Change(i) => self.membership.on_change(i, Err(trouble()), &mut self.desk),
            Topic::Intent => self.intent_written(Err(why())),
            Topic::Receipt => self.receipt_written(Err(why())),
            Topic::LastReceipt => self.last_receipt_written(Err(why())),
        }
    }

    fn on_web(&mut self, seen: Option<(WebSeen, Option<BootSeen>)>) {
        let was_up = self.health.base_up();
        self.health.on_web(seen, self.asg.in_group(), &self.policy.health, &mut self.desk);
        if self.health.port_closed() {
            // Whether the process and its mode are gone too is another question.
            self.forget_answers();
        }
        self.hold_first_up(was_up);
    }

    fn hold_first_up(&mut self, was_up: bool) {
        let rose = !was_up && self.health.base_up();
        if between::holds_first_up(rose, self.api.asked(), &self.policy) {
            self.health.hold_first_up();
        }
    }

    fn on_ready(&mut self, seen: Option<ReadySeen>) {
        let was_up = self.health.base_up();
        self.health.on_ready(seen, self.asg.in_group(), &self.policy.health, &mut self.desk);
        self.hold_first_up(was_up);
    }

    fn on_database(&mut self, seen: Option<DatabaseSeen>) {
        if self.health.on_database(seen, &self.policy.health, &mut self.desk) && self.api.missed() {
            self.api.ask_again(self.desk.now());
        }
    }

    fn on_api(&mut self, seen: Option<ApiSeen>) {
        let seen = seen.unwrap_or(ApiSeen::TimedOut);
        self.health.on_api(&seen, &mut self.desk);
        if let ApiSeen::Info(info) = &seen
            && self.identity.on_info(info, &mut self.desk)
        {
            self.health.learn_readiness();
        }
        self.api.on_reply(seen, &self.policy.health, self.health.proven(), &mut self.desk);
    }

    fn on_lifecycle(&mut self, answer: Result<Option<String>, String>) {
        self.asg.on_lifecycle(answer, self.membership.identity().is_some(), &mut self.desk);
    }

    fn on_groups(&mut self, answer: Result<Vec<GroupFacts>, Trouble>) {
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

    fn on_process(&mut self, seen: ProcessSeen) {
        let before = self.health.process();
        self.health.on_process(Some(seen), &self.policy.health, &mut self.desk);
        let process = self.health.process();
        if before.is_some() && before != process {
            self.rundeck_gone();
        } else if before.is_none() && process.is_some() {
            // Restarted while no agent looked: its mode is its own again.
            self.mode.found(process, &mut self.desk);
        }
    }

    fn process_ended(&mut self, process: Process) {
        if self.health.on_process_ended(process, &mut self.desk) {
            self.rundeck_gone();
        }
    }

    fn rundeck_gone(&mut self) {
        self.forget_answers();
        self.mode.forget(&mut self.desk);
    }

    /// What the server that was there has answered says nothing about the next one.
    fn forget_answers(&mut self) {
        self.api.start_over(&mut self.desk);
        self.health.forget_answers(&mut self.desk);
    }
}
