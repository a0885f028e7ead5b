//! Faults that a close look found in the heart, each as the case that failed: the line above a test says what must
//! hold, in an operator's words. A case stands for its kind; where structure or an invariant of the simulator holds
//! the kind, the case lives on as its example. Here: the world that they share.

mod addresses;
mod calls;
mod changes;
mod claims;
mod ends;
mod exit_watch;
mod first_up;
mod groups;
mod hidden;
mod joining;
mod lanes;
mod members;
mod modes;
mod paces;
mod permissions;
mod remembered;
mod restarts;
mod silence;
mod strangers;
mod switches;
mod unread;
mod waiting;

use crate::rig::{Rig, order};
use rundeck_alb_core::{
    Call, Cause, Command, DrainOrder, DrainPhase, Event, Intent, Mode, Moment, Order, Policy, Reason, Receipt, Reply,
    Span, State,
};

/// Longer than all waits of a drain together, by this policy.
const PATIENCE: Span = Span::secs(4_000);
const HOUR: Span = Span::secs(3_600);

/// What the world answers instead of the rig; `None`: the rig answers.
type World<'a> = &'a mut dyn FnMut(&Rig, &Call) -> Option<Reply>;

fn calm(_: &Rig, _: &Call) -> Option<Reply> {
    None
}

fn is_up(rig: &Rig) -> bool {
    rig.heart.snapshot().answer.ok
}

fn answer(rig: &Rig) -> (State, Reason, bool) {
    let answer = rig.heart.snapshot().answer;
    (answer.state, answer.reason, answer.ok)
}

fn phase(rig: &Rig) -> Option<DrainPhase> {
    rig.heart.snapshot().drain.map(|drain| drain.phase)
}

fn drain(rig: &mut Rig, id: &str, cause: Cause) -> Vec<Command> {
    let order = order(id, cause, rig.now);
    rig.ordered(order)
}

fn resume(rig: &mut Rig) -> Vec<Command> {
    rig.feed(Event::Order(2, Order::Resume(Cause::Operator)))
}

/// The next thing that happens: the oldest call that is not mute is answered, or time passes.
fn next_event(rig: &mut Rig, world: World<'_>) -> Event {
    let mute = rig.mute;
    if let Some(open) = rig.open.iter().find(|open| !mute(&open.call)).cloned() {
        rig.now = rig.now + Span(1);
        let reply = world(rig, &open.call).unwrap_or_else(|| rig.reply(&open.call));
        return Event::Reply(open.id, reply);
    }
    rig.now = rig.heart.next_deadline().unwrap_or(rig.now + Span(1));
    Event::Tick
}

fn turn(rig: &mut Rig, world: World<'_>) -> Vec<Command> {
    let event = next_event(rig, world);
    rig.feed(event)
}

/// So much time passes; returns every call that was sent meanwhile.
fn pass(rig: &mut Rig, span: Span, world: World<'_>) -> Vec<Call> {
    let end = rig.now + span;
    let mut sent = Vec::new();
    while rig.now < end {
        sent.extend(calls(&turn(rig, world)));
    }
    sent
}

/// In service for a while, with no call open.
fn settled(policy: Policy) -> Rig {
    let mut rig = Rig::new(policy, 1);
    assert!(rig.until(|rig| is_up(rig) && rig.registered), "never in service");
    pass(&mut rig, Span::secs(30), &mut calm);
    assert!(rig.until(|rig| rig.open.is_empty()), "never at rest");
    rig
}

fn calls(commands: &[Command]) -> Vec<Call> {
    let call = |command: &Command| match command {
        Command::Call { call, .. } => Some(call.clone()),
        _ => None,
    };
    commands.iter().filter_map(call).collect()
}

fn receipt_in(calls: &[Call]) -> Option<Receipt> {
    let receipt = |call: &Call| match call {
        Call::WriteReceipt(receipt) => Some((**receipt).clone()),
        _ => None,
    };
    calls.iter().find_map(receipt)
}

/// The last intent that was written.
fn intent_in(sent: &[Call]) -> Option<Intent> {
    sent.iter().rev().find_map(|call| if let Call::KeepIntent(intent) = call { Some(intent.clone()) } else { None })
}

/// Turns until a receipt is written; with every call that was sent on the way.
fn until_receipt(rig: &mut Rig, world: World<'_>) -> (Receipt, Vec<Call>) {
    let end = rig.now + PATIENCE;
    let mut sent = Vec::new();
    loop {
        assert!(rig.now < end, "no receipt in {PATIENCE:?}; phase {:?}", phase(rig));
        sent.extend(calls(&turn(rig, world)));
        if let Some(receipt) = receipt_in(&sent) {
            return (receipt, sent);
        }
    }
}

fn steps(receipt: &Receipt) -> Vec<String> {
    receipt.steps.iter().map(|step| format!("{}: {} ({:?} ms)", step.name, step.said(), step.took_ms)).collect()
}

fn asks_api(call: &Call) -> bool {
    *call == Call::ProbeApi
}

fn switches_to(mode: Mode) -> impl Fn(&Call) -> bool {
    move |call| *call == Call::SetMode(mode)
}

fn count(calls: &[Call], kind: impl Fn(&Call) -> bool) -> usize {
    calls.iter().filter(|call| kind(call)).count()
}

/// Such a call may wait for Rundeck's database, which knows the token.
fn carries_token(call: &Call) -> bool {
    matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. } | Call::SetMode(_))
}
