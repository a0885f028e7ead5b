//! What documents and module headers must say: every module its purpose, the architecture page every room, each file of
//! core once and functions that exist, and every promise of `docs/SEMANTICS.md` the test that holds it.
//!
//! On the architecture page the first cell of a row of core's table names files below `core/src`; a room stands for its
//! `mod.rs`. Where backticks hold `file.rs::function`, the path is one from the root.
//!
//! A promise is an item of a list or a row of a table on that page, but for the section "What is not promised". A name
//! in backticks that has at least two underscores is taken for a test's, with or without its module path.

use std::collections::{BTreeMap, BTreeSet};

use super::rooms::CORE;
use super::source::{File, is_word, leading_word, occurrences};

/// The map of the house.
const MAP: &str = "docs/ARCHITECTURE.md";

/// Modules that do not begin with what they are for.
pub fn undocumented_modules(files: &[File]) -> Vec<String> {
    let undocumented = files.iter().filter(|file| file.is_rust() && !file.text.starts_with("//! "));
    undocumented.map(|file| format!("{}: the first line is not `//! what it is for`", file.path)).collect()
}

/// Rooms of the agent that the architecture page does not name.
pub fn unnamed_rooms(files: &[File]) -> Vec<String> {
    let Some(page) = files.iter().find(|file| file.path == MAP) else {
        return vec![format!("{MAP} is not there")];
    };
    let words: BTreeSet<&str> = page.text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    let rooms: BTreeSet<&str> = files.iter().filter_map(room).collect();
    rooms
        .into_iter()
        .filter(|room| !words.contains(room))
        .map(|room| format!("{MAP} does not name src/{room}"))
        .collect()
}

fn room(file: &File) -> Option<&str> {
    let inside = file.path.strip_prefix("src/")?;
    inside.split('/').next()?.split('.').next().filter(|&room| room != "lib")
}

/// The section of the map that has a row for each file of core.
const CORE_TABLE: &str = "\n## Core, file by file\n";

/// Files of core without a row in the map, those with several, and rows for files that are not there.
pub fn files_off_the_map(files: &[File]) -> Vec<String> {
    let Some(map) = files.iter().find(|file| file.path == MAP) else {
        return vec![format!("{MAP} is not there")];
    };
    let section = map.text.split(CORE_TABLE).nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut rows: BTreeMap<String, usize> =
        files.iter().filter_map(mapped_as).map(|name| (name.to_owned(), 0)).collect();
    let mut findings = Vec::new();
    for name in section.lines().filter(|line| line.starts_with("| `")).flat_map(first_cell) {
        match rows.get_mut(name) {
            Some(count) => *count += 1,
            None => findings.push(format!("{MAP} has a row for {name}, and no file of core is called that")),
        }
    }
    let wrong = rows.into_iter().filter(|(_, count)| *count != 1);
    findings.extend(wrong.map(|(name, count)| format!("{MAP} has {count} rows for {name} of core, not one")));
    findings
}

/// How the map names a file of core: a face by its room. None for tests, `lib.rs`, and what lies in no room.
fn mapped_as(file: &File) -> Option<&str> {
    let inside = file.path.strip_prefix(CORE.root)?;
    let is_mapped = file.is_rust() && CORE.knows(CORE.room(&file.path)) && inside.contains('/');
    let is_test = file.production.trim().is_empty() && !file.code.trim().is_empty();
    (is_mapped && !is_test).then(|| inside.strip_suffix("mod.rs").unwrap_or(inside))
}

fn first_cell(row: &str) -> impl Iterator<Item = &str> {
    row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2)
}

/// Functions that the map names by their files, and that are not there.
pub fn lost_functions(files: &[File]) -> Vec<String> {
    let map = files.iter().filter(|file| file.path == MAP);
    let named = map.flat_map(|map| map.text.split('`').skip(1).step_by(2));
    let steps: BTreeSet<(&str, &str)> = named.filter_map(|named| named.split_once(".rs::")).collect();
    let lost = steps.into_iter().filter_map(|(stem, function)| {
        let path = format!("{stem}.rs");
        match files.iter().find(|file| file.path == path) {
            None => Some(format!("{MAP} names {path}::{function}, and there is no such file")),
            Some(file) => (!declares(file, function)).then(|| format!("{MAP}: {path} has no function {function}")),
        }
    });
    lost.collect()
}

fn declares(file: &File, function: &str) -> bool {
    let declaration = format!("fn {function}");
    occurrences(&file.production, &declaration)
        .any(|at| !file.production.as_bytes().get(at + declaration.len()).copied().is_some_and(is_word))
}

/// The last section of that page tells what users must not rely on: no test holds that.
const NOT_PROMISED: &str = "\n## What is not promised\n";

/// Promises without a test, and names of tests that are not there.
pub fn unheld_promises(files: &[File]) -> Vec<String> {
    const PAGE: &str = "docs/SEMANTICS.md";
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        return vec![format!("{PAGE} is not there")];
    };
    let tests: BTreeSet<&str> = files.iter().filter(|file| file.is_rust()).flat_map(|file| tests(&file.code)).collect();
    let promised = page.text.split(NOT_PROMISED).next().unwrap_or_default();
    let promises = promises(promised);
    if promises.is_empty() {
        return vec![format!("{PAGE} promises nothing")];
    }
    let mut findings = Vec::new();
    for promise in &promises {
        let named: Vec<&str> = test_names(promise).collect();
        if named.is_empty() {
            findings.push(format!("{PAGE}: no test is named for: {}", promise.trim()));
        }
        let unknown = named.into_iter().filter(|name| !tests.contains(name));
        findings.extend(unknown.map(|name| format!("{PAGE}: there is no test {name}")));
    }
    findings
}

/// The items of lists with their further lines, and the rows of tables without their heads.
fn promises(page: &str) -> Vec<String> {
    let mut promises: Vec<String> = Vec::new();
    let mut open = false;
    let lines: Vec<&str> = page.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let is_rule = |line: &str| line.starts_with('|') && line.trim_matches(['|', '-', ':', ' ']).is_empty();
        let is_head = lines.get(number + 1).is_some_and(|next| is_rule(next));
        if line.starts_with("- ") || (line.starts_with('|') && !is_rule(line) && !is_head) {
            promises.push((*line).to_owned());
            open = line.starts_with("- ");
        } else if open && line.starts_with("  ") {
            if let Some(promise) = promises.last_mut() {
                promise.push_str(line);
            }
        } else {
            open = false;
        }
    }
    promises
}

/// The names of tests in a promise, without their module paths.
fn test_names(promise: &str) -> impl Iterator<Item = &str> {
    let quoted = promise.split('`').skip(1).step_by(2);
    let names = quoted.filter(|quoted| {
        quoted.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_:".contains(&byte))
    });
    names.filter_map(|path| path.rsplit("::").next()).filter(|name| name.matches('_').count() >= 2)
}

/// The functions that carry a test attribute.
fn tests(code: &str) -> impl Iterator<Item = &str> {
    let attributes = ["#[test]", "#[tokio::test"].into_iter().flat_map(|mark| code.match_indices(mark));
    attributes.filter_map(|(at, _)| {
        let function = code[at..].find("fn ")?;
        Some(leading_word(&code[at + function + "fn ".len()..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promised(page: &str) -> Vec<String> {
        let held = "#[test]\nfn a_stale_verdict_answers_503() {}\nfn not_a_test() {}\n\
                    #[tokio::test(start_paused = true)]\nasync fn draining_survives_a_crash() {}";
        unheld_promises(&[File::new("docs/SEMANTICS.md", page), File::new("tests/it/health.rs", held)])
    }

    #[test]
    fn a_module_without_its_purpose_is_found() {
        assert_eq!(undocumented_modules(&[File::new("src/a.rs", "//! What it is for.\n")]), [""; 0]);
        assert_eq!(undocumented_modules(&[File::new("src/a.rs", "use x;\n//! Too late.\n")]).len(), 1);
        assert_eq!(undocumented_modules(&[File::new("src/a.rs", "")]).len(), 1);
    }

    #[test]
    fn a_room_that_the_page_does_not_name_is_found() {
        let room = || File::new("src/watch/web.rs", "");
        assert_eq!(unnamed_rooms(&[room()]), ["docs/ARCHITECTURE.md is not there"]);
        assert_eq!(unnamed_rooms(&[room(), File::new("docs/ARCHITECTURE.md", "the `watch/` room")]), [""; 0]);
        assert_eq!(
            unnamed_rooms(&[room(), File::new("docs/ARCHITECTURE.md", "watched")]),
            ["docs/ARCHITECTURE.md does not name src/watch"]
        );
    }

    /// The rule's words on a core of three files, one of them a test, and on this table.
    fn mapped(rows: &str) -> Vec<String> {
        let page =
            format!("| `before/` | |\n\n## Core, file by file\n\n| File | What |\n{rows}\n## Next\n| `after/` | |");
        let mut files: Vec<File> = ["lib.rs", "health/mod.rs", "health/web.rs", "health/tests.rs"]
            .map(|path| File::new(&format!("core/src/{path}"), "#[cfg(test)] mod tests; fn f() {}"))
            .into();
        files.push(File::new(MAP, &page));
        super::super::source::without_test_modules(&mut files);
        files_off_the_map(&files)
    }

    #[test]
    fn each_file_of_core_has_one_row_of_the_map() {
        assert_eq!(mapped("| `health/` | up |\n| `health/web.rs` | answers |\n"), [""; 0]);
        assert_eq!(mapped("| `health/`, `health/web.rs` | both, and `heart/` |\n"), [""; 0]);
        assert_eq!(
            mapped("| `health/` | `health/web.rs` is no row |\n"),
            [format!("{MAP} has 0 rows for health/web.rs of core, not one")]
        );
        assert_eq!(
            mapped("| `health/` | |\n| `health/web.rs` | |\n| `health/web.rs` | |\n"),
            [format!("{MAP} has 2 rows for health/web.rs of core, not one")]
        );
        for gone in ["ready.rs", "health/ready.rs", "health/mod.rs", "health/tests.rs", "lib.rs", "heart/"] {
            assert_eq!(
                mapped(&format!("| `health/` | |\n| `health/web.rs` | |\n| `{gone}` | |\n")),
                [format!("{MAP} has a row for {gone}, and no file of core is called that")]
            );
        }
        assert_eq!(files_off_the_map(&[]), [format!("{MAP} is not there")]);
        assert_eq!(files_off_the_map(&[File::new("core/src/desk/mod.rs", ""), File::new(MAP, "")]).len(), 1);
    }

    /// The rule's words on this page, beside one file.
    fn walked(page: &str) -> Vec<String> {
        let code = "impl X { pub(super) async fn on_web<T>(&self) {} }\n// fn told() {}\n\
                    #[cfg(test)] mod tests { fn tried() {} }";
        lost_functions(&[File::new(MAP, page), File::new("core/src/health/mod.rs", code)])
    }

    #[test]
    fn a_function_that_the_map_names_is_in_its_file() {
        assert_eq!(walked("1. `core/src/health/mod.rs::on_web`, of `health/mod.rs`, `heart::next`\n"), [""; 0]);
        for gone in ["on", "on_we", "web", "told", "tried", "on_web()", ""] {
            assert_eq!(
                walked(&format!("1. `core/src/health/mod.rs::{gone}`\n")),
                [format!("{MAP}: core/src/health/mod.rs has no function {gone}")]
            );
        }
        assert_eq!(
            walked("1. `health/mod.rs::on_web`\n"),
            [format!("{MAP} names health/mod.rs::on_web, and there is no such file")]
        );
    }

    #[test]
    fn a_promise_is_held_by_a_test_that_exists() {
        assert_eq!(
            promised(
                "Text.\n\n- Old means 503\n  (`health::a_stale_verdict_answers_503`, `max_age`).\n\
                 - And `draining_survives_a_crash`.\n"
            ),
            [""; 0]
        );
        assert_eq!(
            promised("| Promise | Test |\n|---|---|\n| Old means 503 | `a_stale_verdict_answers_503` |\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_promise_without_a_test_is_found() {
        assert_eq!(
            promised("- Old means 503, `max_age` is 10 s.\n"),
            ["docs/SEMANTICS.md: no test is named for: - Old means 503, `max_age` is 10 s."]
        );
        assert_eq!(promised("| Promise | Test |\n|---|---|\n| Old means 503 | |\n").len(), 1);
        assert_eq!(promised("- Old (`a_stale_verdict_answers_503`).\n\n## What is not promised\n- Rain.\n"), [""; 0]);
        assert_eq!(promised("No list at all.\n"), ["docs/SEMANTICS.md promises nothing"]);
    }

    #[test]
    fn a_test_that_is_not_there_is_found() {
        assert_eq!(
            promised("- Old means 503 (`no_such_test_here`).\n"),
            ["docs/SEMANTICS.md: there is no test no_such_test_here"]
        );
        assert_eq!(promised("- Old means 503 (`not_a_test`).\n"), ["docs/SEMANTICS.md: there is no test not_a_test"]);
    }
}
