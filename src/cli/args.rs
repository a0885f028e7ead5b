//! The command line as types: names, help texts and allowed values. Does nothing with them.
//!
//! Help lines are wrapped by hand at 100 columns: clap's own wrapping would bring a crate.

use super::iam_policy::{Feature, Tag};
use crate::config::parse_duration;
use clap::{Args, Parser, Subcommand, ValueEnum};
use rundeck_alb_core::Cause;
use std::path::PathBuf;
use std::time::Duration;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "rundeck-alb-agent",
    version,
    about = "Honest health, membership and graceful draining for a Rundeck node behind an AWS load balancer",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Arguments {
    /// Flags of every command.
    #[command(flatten)]
    pub globals: GlobalFlags,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct GlobalFlags {
    /// Configuration file [default: /etc/rundeck-alb-agent/agent.toml]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// text for people, json for programs [default: text]
    #[arg(long, value_name = "FORMAT", global = true, value_enum, default_value_t, hide_default_value = true)]
    #[arg(hide_possible_values = true)]
    pub output: Output,
    /// Print errors only; the exit code says the rest
    #[arg(long, global = true)]
    pub quiet: bool,
    /// No colours on a terminal, as with NO_COLOR
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// How a command answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people; may change between versions.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Run the agent in the foreground
    #[command(
        after_help = "Exit codes: 0 stopped as asked, 1 failed or aborted by a second signal, 78 bad configuration"
    )]
    Run(RunFlags),
    /// Look at Rundeck once, without the agent
    #[command(after_help = "Exit codes, as monitoring plugins have them: 0 up, 1 degraded, 2 down, 3 cannot tell")]
    Check(CheckFlags),
    /// Look at everything that can be wrong on this node, and say how to cure it
    #[command(after_help = "Nothing is changed, at AWS or here; the agent may run or not.\n\n\
                            Exit codes: 0 fine, 1 warnings, 2 errors")]
    Doctor,
    /// Ask the running agent: verdict, causes, target groups, drain
    #[command(after_help = "Exit codes: 0 up, 1 degraded, 2 not up, 3 agent not reachable")]
    Status(StatusFlags),
    /// Why the answer is what it is, check by check, and what would change it
    #[command(after_help = "Exit codes: 0 up, 1 degraded, 2 not up, 3 agent not reachable")]
    Explain,
    /// Take this node out: 503, passive mode, deregister, wait for requests and jobs
    #[command(
        after_help = "Exit codes: 0 accepted, or with --wait clean or unproven; 1 failed, aborted, resumed, or no \
            agent;\n\
                            3 cut short at the deadline; 4 refused"
    )]
    Drain(DrainFlags),
    /// Undo a drain: the node comes back when Rundeck is ready
    #[command(after_help = "Exit codes: 0 accepted, or nothing to resume; 1 failed, or no agent")]
    Resume(ResumeFlags),
    /// Answer 503 while this node stays a target, for work on it
    #[command(
        after_help = "Exit codes: 0 done, 1 failed, or no agent; 4 refused",
        subcommand_required = true,
        arg_required_else_help = true
    )]
    Maint {
        /// Which.
        #[command(subcommand)]
        command: MaintCommand,
    },
    /// Print the IAM policy that the node's role needs, and no more
    #[command(after_help = FEATURES)]
    IamPolicy(IamPolicyFlags),
    /// Check, show or begin a configuration
    #[command(
        after_help = "Exit codes: 0 fine, 78 bad configuration",
        subcommand_required = true,
        arg_required_else_help = true
    )]
    Config {
        /// Which.
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

/// `run`.
#[derive(Debug, Clone, Default, Args)]
pub struct RunFlags {
    /// Observe everything, change nothing at AWS or Rundeck
    #[arg(long)]
    pub dry_run: bool,
}

/// `check`.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckFlags {
    /// Rundeck's URL, instead of rundeck.url
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// `status`.
#[derive(Debug, Clone, Default, Args)]
pub struct StatusFlags {
    /// Go on until Ctrl-C: redrawn on a terminal, elsewhere the lines that changed
    #[arg(long)]
    pub watch: bool,
}

/// `drain`.
#[derive(Debug, Clone, Args)]
pub struct DrainFlags {
    /// Wait until the receipt is written, over a restart of the agent too
    #[arg(long)]
    pub wait: bool,
    /// The drain's own deadline, such as 90s [default: a limit for each step]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Why, for the receipt and for whoever looks
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Leave although too few other nodes are healthy
    #[arg(long)]
    pub force: bool,
    /// Who wants it: operator or rundeck-stopping [default: operator]
    #[arg(long, value_enum, value_name = "CAUSE", default_value_t, hide_default_value = true)]
    #[arg(hide_possible_values = true)]
    pub cause: OrderCause,
}

/// `resume`.
#[derive(Debug, Clone, Args)]
pub struct ResumeFlags {
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Whose drain is undone: operator or rundeck-stopping [default: operator]
    #[arg(long, value_enum, value_name = "CAUSE", default_value_t, hide_default_value = true)]
    #[arg(hide_possible_values = true)]
    pub cause: OrderCause,
}

/// `maint …`.
#[derive(Debug, Clone, Subcommand)]
pub enum MaintCommand {
    /// Answer 503 from now on; given again, the newer words count
    #[command(after_help = "Exit codes: 0 it is on; 1 failed, or no agent; 4 refused")]
    On(MaintFlags),
    /// End it: the node answers 200 when Rundeck is up
    #[command(after_help = "Exit codes: 0 it is over, or was not on; 1 failed, or no agent; 4 refused")]
    Off,
    /// Whether it is on, since when, until when, and why
    #[command(after_help = "Exit codes: 0 shown, on or off; 1 failed, or no agent")]
    Show,
}

/// `maint on`.
#[derive(Debug, Clone, Default, Args)]
pub struct MaintFlags {
    /// It ends by itself after this, such as 30m [default: until `maint off`]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub span: Option<Duration>,
    /// Why, for whoever looks
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Causes that can be ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum OrderCause {
    /// Somebody asks for it.
    #[default]
    Operator,
    /// The unit that runs before rundeckd stops.
    RundeckStopping,
}

impl OrderCause {
    /// The heart's cause.
    pub fn cause(self) -> Cause {
        match self {
            OrderCause::Operator => Cause::Operator,
            OrderCause::RundeckStopping => Cause::RundeckStopping,
        }
    }
}

/// `iam-policy`.
#[derive(Debug, Clone, Default, Args)]
pub struct IamPolicyFlags {
    /// What it is for, any number [default: what is configured]
    #[arg(long = "feature", value_name = "FEATURE", value_enum, hide_possible_values = true)]
    pub features: Vec<Feature>,
    /// Allow changes to what has this tag, whatever its name
    #[arg(long, value_name = "KEY=VALUE", value_parser = Tag::parse)]
    pub by_tag: Option<Tag>,
}

/// What each feature is; a test holds it to the list of them.
const FEATURES: &str = "\
Features (this version uses membership and auto-scaling always, standby where membership.standby is
on; the others are for roles made in advance):
  membership    register and deregister this node, look at it and at its target groups
  auto-scaling  see which Auto Scaling group has the node, and what it is like
  standby       move the node into Standby and back
  hooks         answer lifecycle hooks
  verify        compare the load balancer with what Rundeck needs
  fix           change the settings that verify finds wrong
What sets up a load balancer is in none of them.

ARNs come from the configuration and, on a node, from instance metadata; words in capitals stand for
the rest. Standard output is the policy alone, whatever --output says.

Exit codes: 0 printed, 78 bad configuration";

/// `config …`.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration is valid, and every mistake with its place and cure
    Validate,
    /// Print the settings in force; secrets are never shown
    Show {
        /// Add where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Print the commented default configuration
    Default,
}

fn duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("it has to be some time: at least \"1s\"".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("the duration {error}; write it as \"90s\", \"10m\" or \"1h30m\"")),
    }
}
