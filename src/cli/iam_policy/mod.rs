//! `iam-policy`: the least that the node's role needs, as IAM reads it. On standard output the policy alone, so that it
//! can be piped; what is to be known of it goes to standard error. Calls nothing of AWS's but instance metadata.

mod feature;
mod needs;
mod place;
mod policy;

pub use feature::{Action, Feature};
pub use needs::needed;
pub use policy::{Known, Policy, Tag, policy};

use super::args::IamPolicyFlags;
use super::console::Console;
use super::error::CliError;
use super::runtime::runtime;
use super::{Globals, text};
use feature::USED;
use policy::of_features;
use std::collections::BTreeSet;
use std::process::ExitCode;

/// What IAM takes as a policy of its own, in characters that are no white space (IAM: "IAM and AWS STS quotas").
const MOST_CHARACTERS: usize = 6144;

/// Prints the policy.
///
/// # Errors
/// A bad configuration, exit code 78; or the output cannot be written.
pub fn iam_policy(globals: &Globals, flags: &IamPolicyFlags, console: &mut Console<'_>) -> Result<ExitCode, CliError> {
    let settings = globals.load(Vec::new())?.settings;
    let given: BTreeSet<Feature> = flags.features.iter().copied().collect();
    let actions = if given.is_empty() { needed(&settings) } else { of_features(&given) };
    let mut known = place::configured(&settings, &globals.surroundings);
    let mut drawn = policy(&actions, &known, flags.by_tag.as_ref());
    let mut remarks = Vec::new();
    let missing = drawn.placeholders();
    if !missing.is_empty() {
        let tag = settings.membership.discover_tag.as_deref();
        let outside = globals.surroundings.outside();
        remarks = runtime()?.block_on(place::fill(&mut known, &missing, outside, tag));
        drawn = policy(&actions, &known, flags.by_tag.as_ref());
    }
    let printed = serde_json::to_string_pretty(&drawn).map_err(|error| CliError::failed(&error))?;
    remarks.extend(said(&given, &drawn, flags.by_tag.is_some(), &printed));
    console.say(&format!("{printed}\n"))?;
    for remark in remarks {
        console.remark(&text::hanging("note: ", &text::harmless(&remark), "note: ".len()));
    }
    Ok(ExitCode::SUCCESS)
}

/// What somebody ought to know before using it.
fn said(given: &BTreeSet<Feature>, drawn: &Policy, by_tag: bool, printed: &str) -> Vec<String> {
    let mut remarks = Vec::new();
    let placeholders = drawn.placeholders();
    if !placeholders.is_empty() {
        remarks.push(format!("fill in {}", placeholders.join(", ")));
    }
    if drawn.registers() {
        remarks.push(
            "no condition key limits which target: each node with this policy can register and deregister any target \
             of these groups, other nodes too"
                .to_owned(),
        );
    }
    if by_tag && drawn.changes() {
        remarks.push("who may change that tag of a resource decides what this policy allows".to_owned());
    }
    if given.is_empty() && !drawn.changes() {
        remarks.push(
            "this configuration changes nothing at AWS (membership.ownership, aws.dry_run), so it reads alone"
                .to_owned(),
        );
    }
    let later: Vec<&str> =
        given.iter().filter(|feature| !USED.contains(feature)).map(|feature| feature.word()).collect();
    if !later.is_empty() {
        remarks.push(format!("this version of the agent does not use yet: {}", later.join(", ")));
    }
    let characters = printed.chars().filter(|c| !c.is_whitespace()).count();
    if characters > MOST_CHARACTERS {
        remarks.push(format!(
            "{characters} characters: a managed policy holds {MOST_CHARACTERS}; a tag on the groups and --by-tag make \
             it short"
        ));
    }
    remarks
}
