//! What is held, on one page: offences, each with the rule that finds it. No other rule finds it, and none has anything
//! to say of the small repository in which they are planted.
//!
//! Spellings and near misses are tried beside each rule. Words that a rule would find in this file are put together
//! from pieces.

use std::collections::BTreeSet;

use super::RULES;
use super::source::File;

/// A repository in order.
const ORDER: [(&str, &str); 12] = [
    ("core/Cargo.toml", "[dependencies]\nserde.workspace = true\n"),
    ("core/src/lib.rs", "#![deny(clippy::wildcard_enum_match_arm)]\nmod health; mod heart;"),
    ("core/src/audit/verify.rs", "struct Verify;"),
    ("core/src/contract/words.rs", "words! { State { Up = \"up\", } }"),
    ("core/src/desk/mod.rs", "struct Desk;"),
    ("core/src/health/mod.rs", "pub struct Health { up: bool }"),
    ("core/src/health/web.rs", "struct Web;"),
    ("core/src/heart/view.rs", "struct View;"),
    ("docs/ARCHITECTURE.md", MAP),
    ("docs/SEMANTICS.md", "- It holds (`a_promise_is_held`).\n"),
    ("src/host/stat.rs", "use super::own::Own;\npub struct Stat(Own);"),
    ("tests/it/main.rs", "#[test]\nfn a_promise_is_held() {}"),
];

/// The map of that repository.
const MAP: &str = "The rooms: cli, agent, effect, host, clock, main, helpers.

## Core, file by file

| `desk/` | |
| `audit/verify.rs`, `contract/words.rs`, `health/`, `health/web.rs`, `heart/view.rs` | |
";

/// Rule, place and text of each offence.
const PLANTED: &[(&str, &str, &str)] = &[
    // Who may import whom.
    ("rooms_import_only_to_the_right", "src/host/own.rs", "use crate::cli::Globals;"),
    ("rooms_import_only_to_the_right", "src/host/own.rs", "fn f() { crate::clock::now() }"),
    ("rooms_import_only_to_the_right", "src/cli/check/told.rs", "use super::super::run;"),
    ("rooms_import_only_to_the_right", "src/effect/mode.rs", "fn f(_: aws_sdk_autoscaling::Client) {}"),
    ("rooms_import_only_to_the_right", "src/helpers/mod.rs", ""),
    ("rooms_of_core_import_only_to_the_right", "core/src/health/web.rs", "use crate::heart::Heart;"),
    ("rooms_of_core_import_only_to_the_right", "core/src/health/web.rs", "use super::super::leaving::Drain;"),
    ("rooms_of_core_import_only_to_the_right", "core/src/audit/verify.rs", "use crate::desk::Desk;"),
    ("rooms_of_core_import_only_to_the_right", "core/src/health/web.rs", "use crate::Event;"),
    ("rooms_of_core_import_only_to_the_right", "core/src/helpers/mod.rs", ""),
    ("rooms_of_core_import_only_to_the_right", "core/src/asg.rs", ""),
    ("no_files_name_each_other_in_a_circle", "src/host/own.rs", "use super::stat::Stat;\npub struct Own;"),
    // What a room keeps for itself.
    ("rooms_of_core_keep_their_state", "core/src/health/web.rs", "struct Web { pub(crate) at: u8 }"),
    ("rooms_of_core_keep_their_state", "core/src/desk/mod.rs", "pub struct Desk(pub u8);"),
    ("rooms_of_core_keep_their_state", "core/src/heart/view.rs", "impl crate::health::Health {}"),
    ("rooms_of_core_keep_their_state", "core/src/heart/view.rs", "type View = crate::health::Health;\nimpl View {}"),
    ("rooms_of_core_keep_their_state", "core/src/heart/view.rs", "impl crate::contract::words::State {}"),
    // What core may do.
    ("core_depends_on_nothing_but_serde", "core/Cargo.toml", "[dependencies]\ntokio.workspace = true"),
    ("core_depends_on_nothing_but_serde", "core/src/desk/mod.rs", "use std::time::Instant;"),
    ("core_depends_on_nothing_but_serde", "core/src/desk/mod.rs", "use serde::Serializer;"),
    ("core_names_each_case", "core/src/lib.rs", "#![warn(clippy::wildcard_enum_match_arm)]"),
    (
        "core_names_each_case",
        "core/src/desk/mod.rs",
        "#[expect(clippy::wildcard_enum_match_arm, reason = \"many\")]\nstruct Desk;",
    ),
    // Words.
    ("banned_words_are_not_used", "src/host/own.rs", "fn f() { Instant::now(); }"),
    ("banned_words_are_not_used", "src/host/own.rs", "fn f() { x.unwrap(); }"),
    ("banned_words_are_not_used", "src/host/own.rs", "fn f() { println!(); }"),
    ("banned_words_are_not_used", "src/host/own.rs", "fn f() { std::env::var(NAME); }"),
    ("banned_words_are_not_used", "src/host/own.rs", "fn f() { std::process::exit(1); }"),
    ("banned_words_are_not_used", "src/host/own.rs", "fn f() { std::thread::sleep; }"),
    ("banned_words_are_not_used", "tests/it/wait.rs", concat!("fn f() { sle", "ep(1); }")),
    ("banned_words_are_not_used", "xtask/src/main.rs", concat!("// TO", "DO: later")),
    ("banned_words_are_not_used", "README.md", concat!("https", "://cra", "tes.io/x")),
    ("banned_words_are_not_used", "README.md", concat!("It is on docs", ".rs.")),
    ("banned_words_are_not_used", "src/host/own.rs", "fn since_boot() {}"),
    ("banned_words_are_not_used", "core/src/desk/mod.rs", "const A: &str = \"elasticloadbalancing:RegisterTargets\";"),
    ("words_of_core_are_compared_by_their_lists", "src/host/own.rs", "fn f() { state == \"up\" }"),
    ("words_of_core_are_compared_by_their_lists", "src/host/own.rs", "fn f() { match state { \"up\" => 1 } }"),
    ("no_citation_of_what_a_clone_lacks", "src/host/own.rs", concat!("/// So it is (des", "ign 4.1).\nstruct Own;")),
    ("no_citation_of_what_a_clone_lacks", "src/host/own.rs", concat!("// See inter", "face 9.")),
    ("no_citation_of_what_a_clone_lacks", "src/host/own.rs", concat!("// Seen (fac", "ts: Rundeck 1.3).")),
    ("no_citation_of_what_a_clone_lacks", "docs/HEALTH.md", concat!("As fac", "ts/aws.md says.")),
    ("no_citation_of_what_a_clone_lacks", "docs/HEALTH.md", concat!("Section 4 of the des", "ign.")),
    ("no_citation_of_what_a_clone_lacks", ".ci/run", concat!("cd /wo", "rk/main")),
    ("no_citation_of_what_a_clone_lacks", "config/agent.toml", concat!("# As iss", "ue 9 wants it.")),
    (
        "no_citation_of_what_a_clone_lacks",
        "docs/HEALTH.md",
        concat!("See ../sha", "red and lo", "ok.md, ro", "oms.md."),
    ),
    ("a_lint_is_expected_with_its_reason", "src/host/own.rs", "#[allow(clippy::panic)]\nfn f() {}"),
    ("a_lint_is_expected_with_its_reason", "src/host/own.rs", "# [allow (clippy::panic)]\nfn f() {}"),
    ("a_lint_is_expected_with_its_reason", "Cargo.toml", "[workspace.lints.clippy]\npanic = \"allow\""),
    ("a_lint_is_expected_with_its_reason", "tests/it/wait.rs", "#![expect(clippy::panic)]"),
    // Sizes and places. Longer ones: `sizes`.
    ("no_line_is_wider_than_the_page", "docs/HEALTH.md", WIDE),
    ("no_line_is_wider_than_the_page", "deb/postinst.sh", WIDE),
    ("a_folder_holds_all_of_its_module", "src/host.rs", ""),
    ("a_folder_holds_all_of_its_module", "tests/it.rs", ""),
    // Documents. Those of the map: `maps`.
    ("every_module_says_what_it_is_for", "src/host/own.rs", SILENT),
    ("the_map_has_each_file_of_core_once", "core/src/health/start.rs", "struct Start;"),
    ("every_promise_names_a_test_that_exists", "docs/SEMANTICS.md", "- It holds (`nobody_holds_it_at_all`)."),
    ("every_promise_names_a_test_that_exists", "docs/SEMANTICS.md", "- It holds."),
    ("the_changelog_tells_nothing_twice", "CHANGELOG.md", "- Mended.\n- Mended."),
];

/// 121 characters.
const WIDE: &str = "a line of one hundred and twenty-one characters is wider than the page, and whoever reads it \
                    beside another has to scroll";

/// Offences that are too long for the table.
fn sizes() -> [(&'static str, &'static str, String); 3] {
    let rule = "nothing_outgrows_its_limit";
    [
        (rule, "src/host/own.rs", "\n".repeat(500)),
        (rule, "src/main.rs", "\n".repeat(60)),
        (rule, "src/host/own.rs", format!("fn f() {{{}}}", "\n".repeat(70))),
    ]
}

/// Offences of the map, the rest of which is in order.
fn maps() -> [(&'static str, &'static str, String); 4] {
    let page = "docs/ARCHITECTURE.md";
    [
        ("the_architecture_page_names_every_room", page, MAP.replace("host", "")),
        ("the_map_has_each_file_of_core_once", page, MAP.replace("`desk/`", "`desk/gate.rs`, `desk/`")),
        ("the_map_has_each_file_of_core_once", page, MAP.replace("`health/`, ", "")),
        ("the_map_names_functions_that_exist", page, format!("{MAP}\n1. `src/host/stat.rs::read`\n")),
    ]
}

/// The text of a module that does not say what it is for; all others here do.
const SILENT: &str = "// Nothing.";

fn file(path: &str, text: &str) -> File {
    let header = if path.ends_with(".rs") && text != SILENT { "//! Planted.\n" } else { "" };
    File::new(path, &format!("{header}{text}"))
}

/// The rules that have something to say of the repository in order with these files put into it.
fn broken(planted: &[(&str, &str)]) -> BTreeSet<&'static str> {
    let kept = ORDER.iter().filter(|(path, _)| planted.iter().all(|(other, _)| other != path));
    let files: Vec<File> = kept.chain(planted).map(|(path, text)| file(path, text)).collect();
    RULES.iter().filter(|(_, rule)| !rule(&files).is_empty()).map(|(name, _)| *name).collect()
}

#[test]
fn a_repository_in_order_breaks_no_rule() {
    assert_eq!(broken(&[]), BTreeSet::new());
}

#[test]
fn each_planted_offence_is_found_by_its_rule_and_by_no_other() {
    let (sizes, maps) = (sizes(), maps());
    let made = sizes.iter().chain(&maps).map(|(rule, path, text)| (*rule, *path, text.as_str()));
    let mut tried = BTreeSet::new();
    for (rule, path, text) in PLANTED.iter().copied().chain(made) {
        assert_eq!(broken(&[(path, text)]), BTreeSet::from([rule]), "{path}: {text}");
        tried.insert(rule);
    }
    assert_eq!(tried, RULES.iter().map(|(name, _)| *name).collect(), "each rule has an offence");
}
