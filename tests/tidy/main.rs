//! The rules of this repository about its own text, held by reading it: who may import whom, what is banned where, how
//! long things may grow, and that the documents name what exists.
//!
//! Each rule is a function from files to findings in a module of its own, tried there on planted offences: a check that
//! cannot fail is worth nothing. Here they meet the real files. Patterns that other tools grep for are put together
//! from pieces.

#![cfg(test)]

mod attributes;
mod bans;
mod changelog;
mod circles;
mod citations;
mod documents;
mod house;
mod imports;
mod layout;
mod lengths;
mod modules;
mod paths;
mod planted;
mod privacy;
mod purity;
mod rooms;
mod source;
mod width;
mod words;

use source::{File, repository};

/// A rule: from files to what breaks it in them.
type Rule = fn(&[File]) -> Vec<String>;

/// A rule holds if it has nothing to say; else all that it says is shown at once.
fn none(findings: Vec<String>) {
    assert!(findings.is_empty(), "{} findings:\n{}\n", findings.len(), findings.join("\n"));
}

/// Each rule meets the real files in a test of its name, and stands in the list that `planted.rs` tries.
macro_rules! rules {
    ($($name:ident: $rule:path,)+) => {
        /// All rules, each with the name of what it holds.
        const RULES: &[(&str, Rule)] = &[$((stringify!($name), $rule)),+];

        $(
            #[test]
            fn $name() {
                none($rule(repository()));
            }
        )+
    };
}

rules! {
    rooms_import_only_to_the_right: imports::findings,
    rooms_of_core_import_only_to_the_right: rooms::findings,
    no_files_name_each_other_in_a_circle: circles::findings,
    rooms_of_core_keep_their_state: privacy::findings,
    core_depends_on_nothing_but_serde: purity::findings,
    core_names_each_case: purity::wildcards,
    banned_words_are_not_used: bans::findings,
    words_of_core_are_compared_by_their_lists: words::findings,
    no_citation_of_what_a_clone_lacks: citations::findings,
    a_lint_is_expected_with_its_reason: attributes::findings,
    nothing_outgrows_its_limit: lengths::findings,
    no_line_is_wider_than_the_page: width::findings,
    a_folder_holds_all_of_its_module: layout::findings,
    every_module_says_what_it_is_for: documents::undocumented_modules,
    the_architecture_page_names_every_room: documents::unnamed_rooms,
    the_map_has_each_file_of_core_once: documents::files_off_the_map,
    the_map_names_functions_that_exist: documents::lost_functions,
    every_promise_names_a_test_that_exists: documents::unheld_promises,
    the_changelog_tells_nothing_twice: changelog::findings,
}

#[test]
fn the_repository_is_found() {
    let files = repository();
    for path in ["Cargo.toml", "src/lib.rs", "core/src/lib.rs", "tests/tidy/main.rs", "xtask/src/main.rs", ".ci/run"] {
        assert!(files.iter().any(|file| file.path == path), "{path} is not among the files that are checked");
    }
}
