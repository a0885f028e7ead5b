//! A node joins: the operator's own commands run before its first target is registered, and after AWS has accepted.
//!
//! It knows whether the node is in as a target of any of its own groups, and how far its joining is. It decides when
//! the commands run: once for each joining, for all groups together, never twice at a time, and not for a node that
//! leaves. A command that fails or hangs is told and keeps nobody out. Registering stands in `group.rs`.

use super::Membership;
use super::group::{Group, Standing};
use crate::contract::{Call, Finding, GroupInputs, Hook, HookRun, HookView, Moment, NoteKind, Span, TargetState, Wish};
use crate::desk::{Desk, Pace, Topic};

/// Whoever runs the commands ends them at their limit; so much later nobody waits for that any more.
const GRACE: Span = Span::secs(5);
/// Once AWS has accepted one registration the others are waited for so long: one that is refused for good must not keep
/// `post_register` from running.
const OTHERS: Span = Span::secs(60);

#[derive(Clone, Debug)]
pub(super) struct Joining {
    stage: Stage,
    run: Pace,
    /// What runs, or ran last.
    hook: Hook,
    /// How many commands that are, and how long they may take.
    size: (usize, Span),
    told_dry: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is no target, as far as is known.
    Out,
    /// `pre_register` runs.
    Before,
    /// Targets may be registered; since when one was in.
    Registers(Option<Moment>),
    /// It is in.
    In,
}

impl Joining {
    pub(super) fn new(now: Moment) -> Joining {
        let (run, hook) = (Pace::from(now), Hook::PreRegister);
        Joining { stage: Stage::Out, run, hook, size: (0, Span::ZERO), told_dry: false }
    }
}

impl Group {
    /// Named, and ours to act in.
    fn acts(&self) -> bool {
        self.standing == Standing::Named && self.owned && !self.double && self.target.is_some()
    }

    /// It would be registered now.
    fn would_join(&self, inputs: &GroupInputs<'_>, desk: &Desk) -> bool {
        self.wants_change(Wish::Join, inputs.refusing) && !self.drains(desk)
    }

    /// A look that is under way, or about to be, may show that it is in.
    fn looks_first(&self, desk: &Desk) -> bool {
        self.look.is_open() || desk.due(&self.look)
    }

    /// It was seen out, and nothing is under way that may bring it in.
    fn stands_out(&self) -> bool {
        let out = matches!(self.state(), Some(TargetState::Absent | TargetState::Leaving));
        out && !self.awaited && !self.change.is_open()
    }
}

impl Membership {
    /// How far the joining is. True where targets may be registered.
    pub(super) fn step_joining(&mut self, inputs: &GroupInputs<'_>, wish: Wish, desk: &mut Desk) -> bool {
        if self.leaving || matches!(wish, Wish::Leave | Wish::Eject | Wish::Away) {
            (self.joining.stage, self.joining.told_dry) = (Stage::Out, false);
            return true;
        }
        if self.ejects().is_some() {
            // It comes back because too many have left, as dead as it is: nothing can be made ready.
            return true;
        }
        let acting = || self.groups.iter().filter(|group| group.acts());
        let inside = acting().any(|group| !group.is_out());
        let wants = wish == Wish::Join && acting().any(|group| group.would_join(inputs, desk));
        let open = acting().any(|group| group.change.is_open());
        let registers = acting().any(|group| group.change.is_open() && group.joining);
        let unsure = open || acting().any(|group| group.awaited);
        if self.joining.stage == Stage::In && acting().all(Group::stands_out) {
            self.joining.stage = Stage::Out;
        }
        match self.joining.stage {
            Stage::Out if inside => self.joining.stage = Stage::In,
            // Nothing runs before: it joins with the first registration that goes out.
            Stage::Out if registers => self.joining.stage = Stage::Registers(None),
            Stage::Out if !wants => {}
            Stage::Out if inputs.dry_run => self.tell_dry(inputs, desk),
            Stage::Out if inputs.hooks.pre_register.is_empty() => {}
            Stage::Out => {
                let unseen = |g: &Group| g.state().is_none() || g.would_join(inputs, desk);
                let waits = acting().any(|group| unseen(group) && group.looks_first(desk));
                if !waits && !self.joining.run.is_open() {
                    let groups = self.arns(|group| group.would_join(inputs, desk));
                    self.run_hook(Hook::PreRegister, groups, inputs, desk);
                    self.joining.stage = Stage::Before;
                }
            }
            // Whoever goes down meanwhile may be up again when it has ended.
            Stage::Before | Stage::In => {}
            Stage::Registers(_) if wish != Wish::Join && !inside && !unsure => self.joining.stage = Stage::Out,
            Stage::Registers(since) if inside && !open => {
                let since = since.unwrap_or(desk.now());
                self.joining.stage = Stage::Registers(Some(since));
                if (!wants || desk.reached(since + OTHERS)) && !self.joining.run.is_open() {
                    self.joining.stage = Stage::In;
                    let groups = self.arns(|group| !group.is_out());
                    self.run_hook(Hook::PostRegister, groups, inputs, desk);
                }
            }
            Stage::Registers(_) => {}
        }
        match self.joining.stage {
            Stage::Out => inputs.hooks.pre_register.is_empty() || inputs.dry_run,
            Stage::Before => false,
            Stage::Registers(_) | Stage::In => true,
        }
    }

    fn arns(&self, about: impl Fn(&Group) -> bool) -> Vec<String> {
        let groups = self.groups.iter().filter(|group| group.acts() && about(group));
        groups.filter_map(|group| group.target.as_ref()).map(|target| target.group.clone()).collect()
    }

    /// Has the commands run, if there are any.
    fn run_hook(&mut self, hook: Hook, target_groups: Vec<String>, inputs: &GroupInputs<'_>, desk: &mut Desk) {
        let (commands, limit) = (inputs.hooks.commands(hook).to_vec(), inputs.hooks.timeout);
        let Some(identity) = self.instance.identity().filter(|_| !commands.is_empty()) else { return };
        let put_back = self.groups.iter().find(|group| group.acts() && group.is_put_back());
        let reason = put_back.map_or_else(|| inputs.why.to_owned(), |group| group.why(inputs));
        let seconds = limit.0.div_ceil(1000);
        desk.tell(NoteKind::Notice, format!("{hook}: {} to run, {seconds} s at most", counted(commands.len())));
        let instance = identity.instance_id.clone();
        let run = HookRun { hook, commands, limit, instance, target_groups, reason };
        (self.joining.hook, self.joining.size) = (hook, (run.commands.len(), limit));
        desk.ask(&mut self.joining.run, Topic::Hook, Call::RunHook(run), limit + GRACE);
    }

    /// What runs now.
    pub(crate) fn hook_view(&self) -> Option<HookView> {
        let Joining { stage, run, hook, size: (commands, limit), .. } = &self.joining;
        let (since, waits) = (run.begun(), *stage == Stage::Before);
        let view = HookView { hook: *hook, commands: *commands, since, until: since + *limit, waits };
        run.is_open().then_some(view)
    }

    fn tell_dry(&mut self, inputs: &GroupInputs<'_>, desk: &mut Desk) {
        if std::mem::replace(&mut self.joining.told_dry, true) {
            return;
        }
        for &hook in Hook::ALL {
            let commands = inputs.hooks.commands(hook).len();
            if commands > 0 {
                desk.tell(NoteKind::Notice, format!("dry run: would run {} ({hook})", counted(commands)));
            }
        }
    }

    /// The commands have ended, or their time is over.
    pub(crate) fn on_hook(&mut self, answer: Result<(), String>, desk: &mut Desk) {
        let joining = &mut self.joining;
        joining.run.done(desk.now());
        if (joining.stage, joining.hook) == (Stage::Before, Hook::PreRegister) {
            joining.stage = Stage::Registers(None);
        }
        let hook = joining.hook;
        match answer {
            Ok(()) => {
                desk.tell(NoteKind::Notice, format!("{hook}: done"));
                desk.cured_of(Finding::HookFailed, hook.word());
            }
            Err(why) => desk.finding_of(Finding::HookFailed, hook.word(), format!("{hook}: {why}")),
        }
    }
}

fn counted(commands: usize) -> String {
    if commands == 1 { "1 command".to_owned() } else { format!("{commands} commands") }
}
