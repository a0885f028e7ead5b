//! Who may import whom inside the agent: an arrow goes only to the right, and the rooms of one column never know each
//! other.
//!
//! ```text
//! main -> cli -> agent -> { effect, watch, server, store, telemetry }
//!                      -> { rundeck, aws, host, systemd, config, clock }
//! ```
//!
//! The AWS crates' types stop inside `aws`. How paths are read: `house.rs`.

use super::house::{self, House};
use super::source::{File, leading_word, line, occurrences};

/// The rooms of the agent.
const AGENT: House = House {
    root: "src/",
    names: &["rundeck_alb_agent"],
    rows: &[&[
        &["main"],
        &["cli"],
        &["agent"],
        &["effect", "watch", "server", "store", "telemetry"],
        &["rundeck", "aws", "host", "systemd", "config", "clock"],
    ]],
    // A look at Rundeck, or at the node, needs no agent, and none of the command that starts one.
    without: &[
        ("src/cli/check", &["agent"]),
        ("src/cli/check", &["cli", "run"]),
        ("src/cli/doctor", &["agent"]),
        ("src/cli/doctor", &["cli", "run"]),
    ],
    told: "tests/tidy/imports.rs, docs/ARCHITECTURE.md",
};

/// What breaks the rule in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    let others = files.iter().filter(|file| file.path.starts_with(AGENT.root) && AGENT.room(&file.path) != "aws");
    let aws = others.flat_map(aws_types);
    house::findings(&AGENT, files).into_iter().chain(aws).collect()
}

fn aws_types(file: &File) -> Vec<String> {
    let uses = occurrences(&file.code, "aws_").filter(|&at| is_crate(&file.code[at..]));
    uses.map(|at| format!("{}:{}: AWS types stop inside `aws`", file.path, line(&file.code, at))).collect()
}

/// Whether a name is used as a crate's.
fn is_crate(code: &str) -> bool {
    code[leading_word(code).len()..].starts_with("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        findings(&[File::new(path, text)])
    }

    #[test]
    fn an_arrow_to_the_right_is_fine() {
        assert_eq!(of("src/watch/web.rs", "use crate::rundeck::Client;\nuse crate::watch::pace;"), [""; 0]);
        assert_eq!(of("src/main.rs", "use rundeck_alb_agent::{cli, telemetry::{self, Log}};"), [""; 0]);
        assert_eq!(of("src/cli/check.rs", "fn f() { crate::watch::web::look() }"), [""; 0]);
        assert_eq!(of("src/lib.rs", "pub use crate::agent::run;"), [""; 0]);
    }

    #[test]
    fn siblings_never_know_each_other() {
        assert_eq!(
            of("src/watch/web.rs", "\nuse crate::effect::Effect;"),
            ["src/watch/web.rs:2: `watch` must not import `effect`"]
        );
        assert_eq!(of("src/cli/run.rs", "use crate::agent::start;"), [""; 0]);
        assert_eq!(of("src/cli/check.rs", "use crate::agent::start;").len(), 1);
        assert_eq!(of("src/host.rs", "use crate::clock;"), ["src/host.rs:1: `host` must not import `clock`"]);
    }

    #[test]
    fn a_look_at_rundeck_needs_no_agent() {
        for text in [
            "use crate::agent::start;",
            "use super::run;",
            "use super::{run::run, text};",
            "fn f() { super::run::run() }",
            "use super::*;",
            "use crate::cli;",
            "use rundeck_alb_agent::agent;",
        ] {
            assert_eq!(of("src/cli/check.rs", text).len(), 1, "{text}");
            let inside = text.replace("super::", "super::super::");
            assert_eq!(of("src/cli/check/told.rs", &inside).len(), 1, "{inside}");
        }
        assert_eq!(of("src/cli/check/mod.rs", "use super::run;").len(), 1);
        for text in ["use super::runtime::runtime;", "use super::{Globals, text};", "use crate::watch::web;"] {
            assert_eq!(of("src/cli/check.rs", text), [""; 0], "{text}");
        }
        assert_eq!(of("src/cli/checks.rs", "use super::run;"), [""; 0]);
    }

    #[test]
    fn an_arrow_to_the_left_is_found_in_every_spelling() {
        for text in [
            "use crate::server::Health;",
            "use crate::{words, server::{Health, admin}};",
            "use crate::{\n    words::{self, Word},\n    server,\n};",
            "fn f() { crate::server::health() }",
            "type T = rundeck_alb_agent::server::Health;",
            "use super::super::server::Health;",
            "#[cfg(test)] mod tests { use crate::server::Health; }",
        ] {
            assert_eq!(of("src/config/file.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_chain_that_stays_in_its_room_is_no_import() {
        assert_eq!(of("src/config/file.rs", "use super::server::Section;"), [""; 0]);
        assert_eq!(of("src/config/mod.rs", "use super::server::Section;").len(), 1);
    }

    #[test]
    fn a_room_without_a_place_is_found() {
        assert!(of("src/helpers.rs", "")[0].contains("`helpers` has no place in the house"));
    }

    #[test]
    fn aws_types_outside_aws_are_found() {
        assert_eq!(of("src/effect/balancer.rs", "fn f(x: aws_sdk_elasticloadbalancingv2::Client) {}").len(), 1);
        assert_eq!(of("src/aws/elbv2.rs", "use aws_sdk_elasticloadbalancingv2::Client;"), [""; 0]);
        assert_eq!(of("src/effect/balancer.rs", "let aws_client = crate::aws::Client::new();"), [""; 0]);
    }
}
