//! The steps of `cargo xtask test`, in their order, and which of them a command line chooses.

use crate::parts::Part;

/// One line of the closing table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name on the command line and in the table.
    pub name: &'static str,
    /// What it does, for `--help`.
    pub what: &'static str,
    /// How it does it.
    pub kind: Kind,
    /// What must be set up before.
    pub parts: &'static [Part],
}

/// How a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Find or install the parts of the chosen steps.
    SetUp,
    /// A cargo command that passes or fails as one.
    Cargo(&'static [&'static str]),
    /// The licence, ban and source check of `deny.toml`.
    Deny,
    /// Build every test binary of the workspace.
    Build,
    /// The examples in the documentation.
    Doc,
    /// The tests of the group that has the step's name.
    Tests,
}

const FORMAT: &[&str] = &["fmt", "--all", "--check"];
const CLIPPY: &[&str] = &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];

/// All steps. Cheap and telling ones come first.
pub const STEPS: [Step; 16] = [
    step("format", "cargo fmt --check", Kind::Cargo(FORMAT)),
    step("set-up", "finds or installs what the chosen steps need, under target/parts or by apt", Kind::SetUp),
    step("deny", "bans, licences and sources of deny.toml, offline", Kind::Deny).with(&[Part::Python]),
    step("clippy", "clippy with warnings as errors", Kind::Cargo(CLIPPY)),
    step("build", "every test binary of the workspace", Kind::Build),
    step("tidy", "the rules of this repository about its own text", Kind::Tests),
    step("heart", "the tests of core", Kind::Tests),
    step("simulator", "random worlds against the heart", Kind::Tests),
    step("lab", "the tests of the world in a box", Kind::Tests),
    step("unit", "all other tests of the workspace", Kind::Tests),
    step("doc", "the examples in the documentation", Kind::Doc),
    step("moto", "an AWS wire that we did not write", Kind::Tests).with(&[Part::Python]),
    step("haproxy", "a load balancer that we did not write", Kind::Tests).with(&[Part::Haproxy]),
    step("referee", "third-party clients against the Rundeck stand-in", Kind::Tests).with(&[Part::Python]),
    step("jvm", "a JVM with Rundeck's launch arguments", Kind::Tests).with(&[Part::Java]),
    step("rig", "Rundeck's frameworks in a JVM, on a real PostgreSQL, and the stand-in beside them", Kind::Tests)
        .with(&[Part::Java, Part::Postgres, Part::Rig]),
];

const fn step(name: &'static str, what: &'static str, kind: Kind) -> Step {
    Step { name, what, kind, parts: &[] }
}

impl Step {
    const fn with(self, parts: &'static [Part]) -> Step {
        Step { parts, ..self }
    }
}

/// The steps of a command line in their own order, with those that they rest on. None named means all.
///
/// # Errors
/// A name that is no step's.
pub fn chosen(names: &[String]) -> Result<Vec<Step>, String> {
    if let Some(unknown) = names.iter().find(|name| STEPS.iter().all(|step| step.name != name.as_str())) {
        return Err(format!("no step is named {unknown}; there are:\n{}", help()));
    }
    let named = |step: &Step| names.is_empty() || names.iter().any(|name| name == step.name);
    let (needs_parts, needs_build) =
        STEPS.iter().filter(|step| named(step)).fold((false, false), |(parts, build), step| {
            (parts || !step.parts.is_empty(), build || matches!(step.kind, Kind::Tests | Kind::Doc))
        });
    let implied = |step: &Step| match step.kind {
        Kind::SetUp => needs_parts,
        Kind::Build => needs_build,
        _ => false,
    };
    Ok(STEPS.into_iter().filter(|step| named(step) || implied(step)).collect())
}

/// The steps, one a line.
pub fn help() -> String {
    STEPS.iter().map(|step| format!("  {:<10} {}\n", step.name, step.what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(arguments: &[&str]) -> Vec<&'static str> {
        let arguments: Vec<String> = arguments.iter().map(|&name| name.to_owned()).collect();
        chosen(&arguments).expect("known names").iter().map(|step| step.name).collect()
    }

    #[test]
    fn no_name_means_every_step() {
        assert_eq!(names(&[]).len(), STEPS.len());
    }

    #[test]
    fn a_step_brings_what_it_rests_on_and_nothing_else() {
        assert_eq!(names(&["format"]), ["format"]);
        assert_eq!(names(&["heart"]), ["build", "heart"]);
        assert_eq!(names(&["deny"]), ["set-up", "deny"]);
        assert_eq!(names(&["rig"]), ["set-up", "build", "rig"]);
        assert_eq!(names(&["jvm", "format"]), ["format", "set-up", "build", "jvm"]);
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_list() {
        let refusal = chosen(&["hart".to_owned()]).expect_err("a wrong name");
        assert!(refusal.contains("hart") && refusal.contains("  heart "), "{refusal}");
    }
}
