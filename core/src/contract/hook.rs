//! Commands of the operator's own that run when the node joins: which, when, and what they are told.
//!
//! When they run is decided in `membership/joining.rs`, how in the adapter.

use super::moment::Span;
use super::words::words;
use serde::{Deserialize, Serialize};
use std::fmt;

words! {
    /// A moment at which the operator's own commands run.
    Hook {
        /// Before the first target of a joining node is registered.
        PreRegister = "pre_register",
        /// After AWS has accepted its registrations.
        PostRegister = "post_register",
    }
}

/// Which commands run when, `[hooks]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookPolicy {
    /// Program and arguments of each, in the order in which they run.
    pub pre_register: Vec<Vec<String>>,
    /// As [`pre_register`](Self::pre_register).
    pub post_register: Vec<Vec<String>>,
    /// How long the commands of one hook may take, all together.
    pub timeout: Span,
}

impl HookPolicy {
    /// The commands of this hook.
    pub fn commands(&self, hook: Hook) -> &[Vec<String>] {
        match hook {
            Hook::PreRegister => &self.pre_register,
            Hook::PostRegister => &self.post_register,
        }
    }
}

impl Default for HookPolicy {
    fn default() -> HookPolicy {
        HookPolicy { pre_register: Vec::new(), post_register: Vec::new(), timeout: Span::secs(30) }
    }
}

/// The commands of one hook, to be run one after another, and what they are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRun {
    /// Which.
    pub hook: Hook,
    /// Program and arguments of each.
    pub commands: Vec<Vec<String>>,
    /// For all of them together.
    pub limit: Span,
    /// Instance id.
    pub instance: String,
    /// ARNs of the target groups that it is about.
    pub target_groups: Vec<String>,
    /// Why the node joins.
    pub reason: String,
}
