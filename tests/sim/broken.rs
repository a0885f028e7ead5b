//! Hearts that were broken on purpose: the simulator is as strong as its oracle, and this is the oracle's test.
//!
//! Each is the real heart behind a door that changes one thing that goes in or comes out.

use crate::DECISIONS;
use crate::rule::Violation;
use crate::runner::schedule;
use crate::subject::{Make, Subject};
use crate::tape::Tape;
use rundeck_alb_core::{
    Answer, ApiSeen, BootSeen, Call, CallId, Command, DatabaseSeen, Degraded, Event, Finding, FleetSeen, GroupFacts,
    GroupSeen, Heart, Info, JvmSeen, Kept, Mode, Moment, Outcome, Policy, ProcessSeen, Readiness, ReadySeen, Reason,
    Receipt, Reply, ScalingSeen, Snapshot, Span, State, Target, TargetSeen, TargetState, TroubleKind, Unjudged,
    WebSeen,
};
use std::collections::{BTreeMap, BTreeSet};

listed! {
    pub enum Flaw {
        /// Reconciles a leaving node back into its group.
        RejoinsWhileDraining,
        /// Answers 200 however old the verdict is.
        BelievesAStaleVerdict,
        /// Takes the node out when AWS cannot be asked.
        DeregistersWhenAwsIsUnreachable,
        /// Believes that a target that is still `initial` need not be taken out.
        ForgetsInitialTargets,
        /// Counts "cannot judge" as a good round.
        CountsUnknownAsPass,
        /// Switches a Rundeck back to active that somebody else made passive.
        UndoesOthersPassive,
        /// Awaits each call for ever.
        NeverTimesOut,
        /// Wakes up each millisecond.
        BusyLoop,
        /// Does not read what an earlier run wrote down.
        ForgetsIntent,
        /// Does not read what an earlier run had registered.
        ForgetsRegistered,
        /// Takes no target out but for a drain.
        LeavesOldGroupsAlone,
        /// Takes a late reply for that of the call that is open now.
        BelievesOldReplies,
        /// Says 200 while leaving.
        Says200WhileDraining,
        /// Does not listen when the process ends.
        DeafToProcessEnd,
        /// Takes the group's default port for ours.
        WrongPort,
        /// Never writes a receipt.
        LosesReceipts,
        /// Takes a readiness state that says no for a yes.
        IgnoresReadiness,
        /// Does not hear that Rundeck was told to end.
        DeafToSigterm,
        /// Counts others that are out of service among those that could take the node's place.
        CountsTheUnhealthy,
        /// Takes what it was told first of the others for what is so now.
        RemembersTheFleet,
        /// Believes that it is in Standby as soon as it has asked for it.
        HurriesIntoStandby,
        /// Comes out of Standby while Rundeck is down.
        LeavesStandbyDown,
        /// Goes for what is wrong with it, whatever the others are.
        NeedsNobody,
        /// Takes a database that is down for this node's own trouble.
        BlamesTheNodeForItsDatabase,
        /// Asks what needs the database while such a call is open.
        AsksTwiceAtATime,
        /// Counts a failed look as one that said nothing.
        CountsAnotherOutcome,
        /// Takes itself for no target of any group while it leaves.
        SeesItselfOut,
        /// Takes "there is no such group" for a deregistration.
        TakesNotFoundForDone,
        /// Puts each silence of `/health` down to the database.
        ExcusesSilence,
        /// Shows the token to whoever listens on Rundeck's port.
        TrustsStrangers,
        /// Says a later moment than the one at which it has something to do.
        SleepsTooLong,
        /// Sees nothing in flight, ever.
        CountsNothing,
        /// Writes that nothing was cut where nobody could tell.
        WritesThatNothingWasCut,
        /// Takes each balancer for one that notices a 503 at once.
        TrustsTheBalancer,
        /// Takes a leaving Rundeck for one that has ended.
        TakesALeavingRundeckForGone,
        /// Believes that Rundeck is passive, and never switches it.
        DreamsOfPassive,
        /// Writes each target down as deregistered.
        WritesThatAllIsDeregistered,
        /// Asks no second time for a deregistration that failed.
        DeregistersOnce,
        /// Takes each state that an Auto Scaling group moves it to for in service.
        JoinsInStandby,
        /// Takes each Rundeck for an active one.
        HearsNoPassive,
        /// Puts silence down to the database for as long as that is flagged.
        ExcusesSilenceForEver,
        /// Flags the database for good.
        NeverClearsTheDatabase,
        /// Takes a rejected token for trouble with the database.
        TakesARejectedTokenForItsDatabase,
        /// Believes that passive mode was undone, and never undoes it.
        LeavesPassiveModeBehind,
        /// Takes its own want of descriptors for a name that it cannot resolve.
        TrustsWhatItCannotSee,
        /// Takes a call that hangs for one that was answered.
        TakesAHangForAnAnswer,
        /// Puts a target back at once that somebody else has taken out.
        FightsWhoeverTakesItOut,
        /// Does not read that an earlier run was in maintenance.
        ForgetsMaintenance,
        /// Takes "in service" for Standby while it is in maintenance.
        MaintainsWithoutPermission,
        /// Registers while the operator's commands still run.
        WaitsForNoCommand,
    }
}

/// The first id of calls that the heart knows nothing of.
const FOREIGN: u64 = 1 << 40;

struct Broken {
    flaw: Flaw,
    heart: Heart,
    now: Moment,
    extra: Vec<Command>,
    foreign: u64,
    /// Open calls, as the door sees them.
    open: BTreeMap<CallId, (Call, Moment)>,
    /// What was last seen of each target.
    seen: BTreeMap<String, TargetState>,
    /// Groups that a deregistration failed in.
    refused: BTreeSet<String>,
    /// The database was flagged once.
    flagged: bool,
    /// What it was told first of the others.
    fleet: Option<Vec<FleetSeen>>,
}

impl Broken {
    fn wants(&mut self, call: Call) {
        self.foreign += 1;
        let deadline = self.now + Span::secs(25);
        self.extra.push(Command::Call { id: CallId(FOREIGN + self.foreign), deadline, call });
    }

    /// The event as the broken heart takes it; `None`: it does not listen.
    fn misheard(&mut self, event: Event) -> Option<Event> {
        match (self.flaw, event) {
            (Flaw::ForgetsRegistered, Event::Kept(kept)) => Some(Event::Kept(Kept { registered: None, ..kept })),
            (Flaw::ForgetsMaintenance, Event::Kept(kept)) => Some(Event::Kept(Kept { held: None, ..kept })),
            (Flaw::ForgetsIntent, Event::Kept(kept)) => Some(Event::Kept(Kept { intent: None, ..kept })),
            (Flaw::DeregistersOnce, Event::Reply(id, Reply::Changed(Err(why)))) => {
                if let Some((Call::Deregister { target, .. }, _)) = self.open.get(&id) {
                    self.refused.insert(target.group.clone());
                }
                Some(Event::Reply(id, Reply::Changed(Err(why))))
            }
            (Flaw::RemembersTheFleet, Event::Reply(id, Reply::Fleet(Ok(groups)))) => {
                let first = self.fleet.get_or_insert(groups).clone();
                Some(Event::Reply(id, Reply::Fleet(Ok(first))))
            }
            (Flaw::DeafToProcessEnd, Event::ProcessEnded(_)) => None,
            (Flaw::BelievesOldReplies, Event::Reply(id, reply)) => Some(Event::Reply(self.like(id), reply)),
            (Flaw::NeverTimesOut, event) => {
                let mut overdue = self.open.iter().filter(|(_, (_, deadline))| *deadline <= self.now).map(|(id, _)| id);
                let waits = overdue.next().copied();
                let answered = matches!(&event, Event::Reply(id, _) if Some(*id) == waits);
                let spoken = matches!(event, Event::Order(..));
                (waits.is_none() || answered || spoken).then_some(event)
            }
            (Flaw::HurriesIntoStandby, Event::Reply(id, reply)) if self.leaves() => {
                Some(Event::Reply(id, hurried(reply)))
            }
            (Flaw::MaintainsWithoutPermission, Event::Reply(id, reply)) if self.maintains() => {
                Some(Event::Reply(id, in_standby(reply)))
            }
            (_, Event::Reply(id, reply)) => Some(Event::Reply(id, self.misread(reply))),
            (_, event) => Some(event),
        }
    }

    /// The reply as the broken heart reads it.
    fn misread(&self, reply: Reply) -> Reply {
        match (self.flaw, reply) {
            (Flaw::CountsUnknownAsPass, Reply::Web(web, _)) if unknown(web) => {
                Reply::Web(WebSeen::Ok, Some(BootSeen::Past))
            }
            (Flaw::ExcusesSilence, Reply::Web(WebSeen::TimedOut, boot)) => {
                Reply::Web(WebSeen::CannotJudge(Unjudged::Host), boot)
            }
            (Flaw::IgnoresReadiness, Reply::Ready(seen)) if seen.readiness == Readiness::NotReady => {
                Reply::Ready(ReadySeen { readiness: Readiness::Ready, ..seen })
            }
            (Flaw::BlamesTheNodeForItsDatabase, Reply::Ready(seen)) if seen.database == Some(false) => {
                Reply::Ready(ReadySeen { readiness: Readiness::NotReady, ..seen })
            }
            (Flaw::DeafToSigterm, Reply::Process(ProcessSeen::One(process, jvm))) => {
                let jvm = JvmSeen { stopping: Some(false), ..jvm };
                Reply::Process(ProcessSeen::One(process, jvm))
            }
            (Flaw::TrustsStrangers, Reply::Process(ProcessSeen::One(process, jvm))) => {
                let jvm = JvmSeen { stranger: None, ..jvm };
                Reply::Process(ProcessSeen::One(process, jvm))
            }
            (Flaw::SeesItselfOut, Reply::Target(Ok(seen))) if self.heart.snapshot().drain.is_some() => {
                Reply::Target(Ok(TargetSeen { state: TargetState::Absent, ..seen }))
            }
            (Flaw::TakesNotFoundForDone, Reply::Changed(Err(why))) if why.kind == TroubleKind::NotFound => {
                Reply::Changed(Ok("none".into()))
            }
            (Flaw::CountsTheUnhealthy, Reply::Fleet(Ok(mut groups))) => {
                let all = groups.iter_mut().flat_map(|group| &mut group.targets);
                all.for_each(|peer| peer.state = TargetState::Healthy);
                Reply::Fleet(Ok(groups))
            }
            (Flaw::CountsNothing, Reply::InFlight(Some(_))) => Reply::InFlight(Some(0)),
            (Flaw::TrustsTheBalancer, Reply::Groups(Ok(facts))) => {
                let sees =
                    |g| GroupFacts { unhealthy_threshold: 1, check_interval_secs: 1, check_timeout_secs: 0, ..g };
                let seen = |g: GroupSeen| GroupSeen { facts: g.facts.map(sees), ..g };
                Reply::Groups(Ok(facts.into_iter().map(seen).collect()))
            }
            (Flaw::TakesALeavingRundeckForGone, Reply::Web(..)) if self.leaves() => Reply::Web(WebSeen::Refused, None),
            (Flaw::TakesALeavingRundeckForGone, Reply::Process(_)) if self.leaves() => {
                Reply::Process(ProcessSeen::None)
            }
            (Flaw::DreamsOfPassive, Reply::Api(ApiSeen::Info(info))) if self.leaves() => {
                Reply::Api(ApiSeen::Info(Info { mode: Some(Mode::Passive), ..info }))
            }
            (Flaw::JoinsInStandby, Reply::Lifecycle(Ok(Some(_)))) => Reply::Lifecycle(Ok(Some("InService".into()))),
            (Flaw::HearsNoPassive, Reply::Api(ApiSeen::Info(info))) => {
                Reply::Api(ApiSeen::Info(Info { mode: Some(Mode::Active), ..info }))
            }
            (Flaw::ExcusesSilenceForEver, Reply::Web(WebSeen::TimedOut, boot))
                if self.heart.snapshot().degraded.contains(&Degraded::Database) =>
            {
                Reply::Web(WebSeen::CannotJudge(Unjudged::Host), boot)
            }
            (Flaw::TakesARejectedTokenForItsDatabase, Reply::Api(ApiSeen::Rejected)) => {
                Reply::Api(ApiSeen::Failed(500))
            }
            (Flaw::TrustsWhatItCannotSee, Reply::Web(WebSeen::CannotConnect, boot)) => {
                Reply::Web(WebSeen::CannotJudge(Unjudged::Name), boot)
            }
            (Flaw::TakesAHangForAnAnswer, Reply::Api(ApiSeen::TimedOut)) => Reply::Api(ApiSeen::Booting),
            (Flaw::TakesAHangForAnAnswer, Reply::Database(DatabaseSeen::TimedOut)) => {
                Reply::Database(DatabaseSeen::Failed(500))
            }
            (_, reply) => reply,
        }
    }

    fn maintains(&self) -> bool {
        self.heart.snapshot().maintenance.is_some()
    }

    fn leaves(&self) -> bool {
        self.heart.snapshot().drain.is_some()
    }

    /// The open call of the same kind, where this one is no longer open.
    fn like(&self, id: CallId) -> CallId {
        let known = self.open.contains_key(&id);
        let web = self.open.iter().find(|(_, (call, _))| matches!(call, Call::ProbeWeb { .. })).map(|(id, _)| *id);
        web.filter(|_| !known).unwrap_or(id)
    }

    fn after(&mut self, event: &Event) {
        let snapshot = self.heart.snapshot();
        if self.flaw == Flaw::AsksTwiceAtATime && self.open.values().any(|(call, _)| *call == Call::ProbeApi) {
            self.wants(Call::ProbeDatabase { limit: Span::secs(40) });
        }
        if self.flaw == Flaw::TakesALeavingRundeckForGone
            && let Some(process) = snapshot.rundeck.process.filter(|_| snapshot.drain.is_some())
        {
            self.heart.handle(Event::ProcessEnded(process), self.now);
        }
        if self.flaw == Flaw::LeavesStandbyDown && snapshot.standing.is_some_and(|it| it.ends_with("once it is up")) {
            let (instance, group, reason) = ("i-0123456789abcdef0".into(), "asg".into(), String::new());
            self.wants(Call::ExitStandby { instance, group, reason });
        }
        let Event::Reply(id, reply) = event else {
            if self.flaw == Flaw::UndoesOthersPassive && snapshot.answer.reason == Reason::Passive {
                self.wants(Call::SetMode(Mode::Active));
            }
            return;
        };
        let Some((Call::DescribeTarget(target), _)) = self.open.get(id).cloned() else { return };
        match (self.flaw, reply) {
            (Flaw::RejoinsWhileDraining, Reply::Target(Ok(seen))) => {
                let gone = matches!(seen.state, TargetState::Absent | TargetState::Leaving);
                if gone && snapshot.drain.is_some() && snapshot.targets.iter().any(|t| t.owned) {
                    self.wants(Call::Register { target, outside: false, reason: "drift".into() });
                }
            }
            (Flaw::DeregistersWhenAwsIsUnreachable, Reply::Target(Err(t))) if t.kind == TroubleKind::Unavailable => {
                self.wants(Call::Deregister { target, reason: "unreachable".into() });
            }
            (Flaw::FightsWhoeverTakesItOut, Reply::Target(Ok(_)))
                if snapshot.findings.iter().any(|view| view.finding == Finding::TakenOut)
                    && snapshot.answer.state == State::Up
                    && snapshot.targets.iter().all(|t| t.owned && t.word != "healthy") =>
            {
                self.wants(Call::Register { target, outside: false, reason: "drift".into() });
            }
            (_, Reply::Target(Ok(seen))) => {
                self.seen.insert(target.group, seen.state.clone());
            }
            _ => {}
        }
    }

    /// The command as it leaves the broken heart; `None`: it never does, and the heart believes that it was done.
    fn misspoken(&mut self, command: Command) -> Option<Command> {
        if let (Flaw::CountsAnotherOutcome, Command::Looked { check, outcome: Outcome::Fail, took }) =
            (self.flaw, &command)
        {
            return Some(Command::Looked { check: *check, outcome: Outcome::Unknown, took: *took });
        }
        let Command::Call { id, deadline, call } = command else { return Some(command) };
        let call = match (self.flaw, call) {
            (Flaw::ForgetsInitialTargets, Call::Deregister { target, reason }) => {
                if self.seen.get(&target.group) == Some(&TargetState::Arriving) {
                    self.heart.handle(Event::Reply(id, Reply::Changed(Ok("none".into()))), self.now);
                    return None;
                }
                Call::Deregister { target, reason }
            }
            (Flaw::LeavesOldGroupsAlone, Call::Deregister { .. }) if self.heart.snapshot().drain.is_none() => {
                self.heart.handle(Event::Reply(id, Reply::Changed(Ok("none".into()))), self.now);
                return None;
            }
            (Flaw::WaitsForNoCommand, Call::RunHook(run)) => {
                self.heart.handle(Event::Reply(id, Reply::Hook(Ok(()))), self.now);
                Call::RunHook(run)
            }
            (Flaw::WrongPort, Call::Register { target, outside, reason }) => {
                Call::Register { target: Target { port: 4440, ..target }, outside, reason }
            }
            (Flaw::LosesReceipts, Call::WriteReceipt(_)) => {
                self.heart.handle(Event::Reply(id, Reply::Written(Ok(()))), self.now);
                return None;
            }
            (Flaw::DeregistersOnce, Call::Deregister { target, .. }) if self.refused.contains(&target.group) => {
                return None;
            }
            (Flaw::LeavesPassiveModeBehind, Call::SetMode(Mode::Active)) => {
                self.heart.handle(Event::Reply(id, Reply::Mode(Ok(Mode::Active))), self.now);
                return None;
            }
            (Flaw::DreamsOfPassive, Call::SetMode(mode)) => {
                self.heart.handle(Event::Reply(id, Reply::Mode(Ok(mode))), self.now);
                return None;
            }
            (Flaw::WritesThatNothingWasCut, Call::WriteReceipt(receipt)) => {
                let inflight_at_cut = Some(receipt.inflight_at_cut.unwrap_or(0));
                Call::WriteReceipt(Box::new(Receipt { inflight_at_cut, ..*receipt }))
            }
            (Flaw::WritesThatAllIsDeregistered, Call::WriteReceipt(mut receipt)) => {
                receipt.target_groups.iter_mut().for_each(|group| group.deregistered = true);
                Call::WriteReceipt(receipt)
            }
            (_, call) => call,
        };
        self.open.insert(id, (call.clone(), deadline));
        Some(Command::Call { id, deadline, call })
    }
}

impl Subject for Broken {
    fn handle(&mut self, event: Event, now: Moment) {
        self.now = now;
        if let Some(event) = self.misheard(event) {
            self.heart.handle(event.clone(), now);
            self.after(&event);
            if let Event::Reply(id, _) = event {
                self.open.remove(&id);
            }
        }
        self.flagged |= self.heart.snapshot().degraded.contains(&Degraded::Database);
        if self.flaw != Flaw::NeverTimesOut {
            self.open.retain(|_, (_, deadline)| *deadline > now);
        }
    }

    fn take_commands(&mut self) -> Vec<Command> {
        let mut out = std::mem::take(&mut self.extra);
        // What a swallowed command leads to is wanted in the same turn.
        for _ in 0..4 {
            let commands = self.heart.take_commands();
            out.extend(commands.into_iter().filter_map(|command| self.misspoken(command)).collect::<Vec<_>>());
        }
        out
    }

    fn next_deadline(&self) -> Option<Moment> {
        match self.flaw {
            Flaw::BusyLoop => Some(self.now + Span(1)),
            // It sleeps until the reply that it awaits.
            Flaw::NeverTimesOut => self.heart.next_deadline().map(|at| at.max(self.now + Span(100))),
            Flaw::SleepsTooLong => self.heart.next_deadline().map(|at| at + Span(700)),
            _ => self.heart.next_deadline(),
        }
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.heart.snapshot();
        if self.flaw == Flaw::Says200WhileDraining && snapshot.answer.state == State::Draining {
            snapshot.answer.ok = true;
        }
        if self.flaw == Flaw::NeverClearsTheDatabase && self.flagged {
            snapshot.degraded = vec![Degraded::Database];
        }
        snapshot
    }

    fn answer_at(&self, snapshot: &Snapshot, now: Moment) -> Answer {
        if self.flaw == Flaw::BelievesAStaleVerdict { snapshot.answer } else { snapshot.answer_at(now) }
    }
}

fn unknown(web: WebSeen) -> bool {
    matches!(web, WebSeen::CannotConnect | WebSeen::CannotJudge(_))
}

/// After how many schedules the flaw was caught, and by which promise.
pub fn caught_after(flaw: Flaw, most: u64) -> Option<(u64, Violation)> {
    let make: &Make = &move |policy: &Policy, seed: u64, now: Moment| -> Box<dyn Subject> {
        let mut policy = policy.clone();
        if flaw == Flaw::NeedsNobody {
            policy.membership.min_other_healthy = 0;
        }
        let heart = Heart::new(policy, seed, now);
        let (open, seen, refused) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Box::new(Broken {
            flaw,
            heart,
            now,
            extra: Vec::new(),
            foreign: 0,
            open,
            seen,
            refused,
            flagged: false,
            fleet: None,
        })
    };
    (1..=most).find_map(|seed| Some((seed, schedule(Tape::from_seed(seed, DECISIONS), make, false).verdict.err()?)))
}

/// Where the Auto Scaling group has the node, as who takes each place for Standby hears it.
fn in_standby(reply: Reply) -> Reply {
    let standby = Some("Standby".to_owned());
    match reply {
        Reply::Lifecycle(Ok(Some(_))) => Reply::Lifecycle(Ok(standby)),
        Reply::Scaling(Ok(Some(seen))) => Reply::Scaling(Ok(Some(ScalingSeen { state: standby, ..seen }))),
        reply => reply,
    }
}

/// As if it were there already.
fn hurried(reply: Reply) -> Reply {
    match reply {
        Reply::Lifecycle(Ok(Some(_))) => Reply::Lifecycle(Ok(Some("Standby".into()))),
        Reply::Target(Ok(seen)) => Reply::Target(Ok(TargetSeen { state: TargetState::Leaving, ..seen })),
        reply => reply,
    }
}
