//! Everything the heart can want, and what it tells people.
//!
//! A call is answered by exactly one `Event::Reply` with its id, or by nothing: then its deadline counts as the answer.

use super::aws::Target;
use super::event::CallId;
use super::hook::HookRun;
use super::moment::{Moment, Span};
use super::order::{Held, Intent, KeptVerdict, OrderAnswer, Registrations};
use super::receipt::Receipt;
use super::seen::Process;
use super::words::{Check, Mode, Outcome};
use serde::{Deserialize, Serialize};

/// One wish of the heart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Do it and reply before the deadline.
    Call {
        /// To be given back in the reply.
        id: CallId,
        /// After this moment a reply is ignored.
        deadline: Moment,
        /// What to do.
        call: Call,
    },
    /// Watch this process and report its end.
    WatchExit(Process),
    /// Write the verdict to the runtime directory; nobody waits for it.
    KeepVerdict(KeptVerdict),
    /// What was kept of the verdict is void: the node is out, and a restarted agent must see for itself.
    DropVerdict,
    /// Answer an operator's order.
    Answer(u64, OrderAnswer),
    /// A look has ended: for the figures.
    Looked {
        /// At what.
        check: Check,
        /// What it came to.
        outcome: Outcome,
        /// From the question to the answer; `None` for what is read out of another look's answer.
        took: Option<Span>,
    },
    /// Tell people.
    Tell(Note),
    /// End the process.
    Exit(Ending),
}

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// As asked: exit 0.
    Stopped,
    /// Cut by a second signal: exit 1.
    Aborted,
}

/// Something to do in the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// One round of the web check; `with_boot` asks the token-free API step too.
    ProbeWeb {
        /// Until the first `up` of this Rundeck process.
        with_boot: bool,
    },
    /// `system/info` with the token.
    ProbeApi,
    /// The readiness endpoint.
    ProbeReadiness {
        /// Find the best one anew: another process, another version, or none was there when last looked.
        learn: bool,
    },
    /// A token-authenticated call, with this limit of its own.
    ProbeDatabase {
        /// Milliseconds; above Hikari's 30 s, after which a dead database is answered.
        limit: Span,
    },
    /// The file systems that this Rundeck writes to.
    LookDisks {
        /// The process whose arguments name the directories.
        process: Option<Process>,
    },
    /// Memory and load of the machine.
    LookHost,
    /// Look for Rundeck's process; the known one needs no scan.
    FindProcess {
        /// The one that is watched.
        known: Option<Process>,
    },
    /// Count what is in flight on Rundeck's port.
    CountInFlight,
    /// Ask instance metadata who we are.
    AskIdentity,
    /// Ask instance metadata where the Auto Scaling group moves us.
    AskLifecycle,
    /// Ask Auto Scaling which group has us, and what it is like.
    AskScaling {
        /// Instance id.
        instance: String,
    },
    /// Ask Auto Scaling what the way into Standby and back depends on.
    AskStandby {
        /// The group that has the node.
        group: String,
    },
    /// Have the group take the node out of service and keep it: it deregisters it from all that it has attached.
    EnterStandby {
        /// Instance id.
        instance: String,
        /// The group that has it.
        group: String,
        /// It wants one fewer in service from now on; else it starts another one in the node's place.
        decrement: bool,
        /// Why, for the log.
        reason: String,
    },
    /// Have the group put the node into service again: it registers it, and wants one more in service.
    ExitStandby {
        /// Instance id.
        instance: String,
        /// The group that has it.
        group: String,
        /// Why, for the log.
        reason: String,
    },
    /// Read an instance tag.
    AskTag(String),
    /// Read the facts of these groups (names or ARNs).
    DescribeGroups(Vec<String>),
    /// Look at all targets of these groups (ARNs), one call each.
    AskFleet(Vec<String>),
    /// Look at our own target.
    DescribeTarget(Target),
    /// Put our own target in.
    Register {
        /// Which.
        target: Target,
        /// Its address lies outside the group's VPC.
        outside: bool,
        /// Why, for the log.
        reason: String,
    },
    /// Take our own target out.
    Deregister {
        /// Which.
        target: Target,
        /// Why, for the log.
        reason: String,
    },
    /// Run the operator's own commands.
    RunHook(HookRun),
    /// Switch Rundeck's execution mode.
    SetMode(Mode),
    /// Write the intent before acting on it.
    KeepIntent(Intent),
    /// Write down which targets are registered, before one is.
    KeepRegistered(Registrations),
    /// Write down what holds over reboots.
    KeepHeld(Held),
    /// Write the receipt of a drain.
    WriteReceipt(Box<Receipt>),
}

impl Call {
    /// True for calls that change something at AWS.
    pub fn changes_balancer(&self) -> bool {
        let registers = matches!(self, Call::Register { .. } | Call::Deregister { .. });
        registers || matches!(self, Call::EnterStandby { .. } | Call::ExitStandby { .. })
    }
}

/// One line for people, with the word that programs filter by (`event` of a JSON log line).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Which kind of line.
    pub kind: NoteKind,
    /// The line.
    pub text: String,
}

/// Kinds of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoteKind {
    /// The answer of `/health` changed.
    Transition,
    /// The target was registered.
    Registered,
    /// The target was deregistered.
    Deregistered,
    /// A drain went on.
    DrainStep,
    /// A drain ended.
    Drained,
    /// Something is wrong, with its cure, or is right again.
    Finding,
    /// Anything else worth a line.
    Notice,
}

impl NoteKind {
    /// The `event` word of a JSON log line.
    pub fn word(self) -> &'static str {
        match self {
            NoteKind::Transition => "transition",
            NoteKind::Registered => "registered",
            NoteKind::Deregistered => "deregistered",
            NoteKind::DrainStep => "drain-step",
            NoteKind::Drained => "drained",
            NoteKind::Finding => "finding",
            NoteKind::Notice => "notice",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_are_filtered_by_these_words() {
        let kinds = [
            NoteKind::Transition,
            NoteKind::Registered,
            NoteKind::Deregistered,
            NoteKind::DrainStep,
            NoteKind::Drained,
            NoteKind::Finding,
            NoteKind::Notice,
        ];
        assert_eq!(
            kinds.map(NoteKind::word),
            ["transition", "registered", "deregistered", "drain-step", "drained", "finding", "notice"]
        );
    }
}
