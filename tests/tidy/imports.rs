//! Who may import whom inside the agent: an arrow goes only to the right, and the rooms of one column never know each other.
//!
//! ```text
//! main -> cli -> agent -> { effect, watch, server, store, telemetry } -> { rundeck, aws, host, systemd, config, clock } -> core
//! ```
//!
//! It reads every `crate::…` and `rundeck_alb_agent::…`, with or without braces, in `use` lines and inline, and `super::` chains
//! that climb out of a room. The AWS crates' types stop inside `aws`.

use super::source::{File, leading_word, line, occurrences};

/// The columns of the house, from left to right.
const COLUMNS: [&[&str]; 5] = [
    &["main"],
    &["cli"],
    &["agent"],
    &["effect", "watch", "server", "store", "telemetry"],
    &["rundeck", "aws", "host", "systemd", "config", "clock"],
];

/// Files that know less than their room: a look at Rundeck needs no agent.
const WITHOUT: [(&str, &str); 1] = [("src/cli/check.rs", "agent")];

/// What an outer name of the agent's own library is written as.
const ROOTS: [&str; 2] = ["crate::", "rundeck_alb_agent::"];

/// What breaks the rule in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    files
        .iter()
        .filter(|file| file.is_rust() && file.path.starts_with("src/") && file.path != "src/lib.rs")
        .flat_map(of_file)
        .collect()
}

fn of_file(file: &File) -> Vec<String> {
    let own = room(&file.path);
    let Some(from) = column(own) else {
        return vec![format!(
            "{}: `{own}` has no place in the house (tests/tidy/imports.rs, docs/ARCHITECTURE.md)",
            file.path
        )];
    };
    let mut findings = Vec::new();
    for (at, name) in imported(file) {
        let allowed =
            (name == own || column(name).is_none_or(|to| to > from)) && !WITHOUT.contains(&(&*file.path, name));
        if !allowed {
            findings.push(format!("{}:{}: `{own}` must not import `{name}`", file.path, line(&file.code, at)));
        }
    }
    if own != "aws" {
        let uses =
            occurrences(&file.code, "aws_").filter(|&at| file.code[at..].contains("::") && is_crate(&file.code[at..]));
        findings.extend(uses.map(|at| format!("{}:{}: AWS types stop inside `aws`", file.path, line(&file.code, at))));
    }
    findings
}

/// Whether a name is used as a crate's.
fn is_crate(code: &str) -> bool {
    code[leading_word(code).len()..].starts_with("::")
}

/// The room of a file: the first name below `src/`.
fn room(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

fn column(room: &str) -> Option<usize> {
    COLUMNS.iter().position(|rooms| rooms.contains(&room))
}

/// The rooms that a file names, each with its place.
fn imported(file: &File) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for root in ROOTS {
        for at in occurrences(&file.code, root) {
            found.extend(first_names(&file.code[at + root.len()..]).into_iter().map(|name| (at, name)));
        }
    }
    let climbing = "super::".repeat(depth(&file.path));
    for at in occurrences(&file.production, &climbing) {
        if !file.production[..at].ends_with("super::") {
            found.extend(first_names(&file.production[at + climbing.len()..]).into_iter().map(|name| (at, name)));
        }
    }
    found
}

/// How many `super::` lead from a file's module to the root: `src/watch.rs` and `src/watch/mod.rs` one, `src/watch/web.rs` two.
fn depth(path: &str) -> usize {
    path.matches('/').count() - usize::from(path.ends_with("/mod.rs"))
}

/// The first name of a path, or of each path in a group of braces.
fn first_names(code: &str) -> Vec<&str> {
    let Some(group) = code.strip_prefix('{') else {
        return vec![leading_word(code)];
    };
    let (mut depth, mut expecting, mut names) = (0_usize, true, Vec::new());
    for (at, byte) in group.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b',' if depth == 0 => expecting = true,
            byte if expecting && !byte.is_ascii_whitespace() => {
                names.push(leading_word(&group[at..]));
                expecting = false;
            }
            _ => {}
        }
    }
    names
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
