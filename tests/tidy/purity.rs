//! The heart is pure: `core` depends on serde's derives alone, and takes nothing from the standard library that touches
//! the world.

use super::paths::leaves;
use super::source::{File, attributes, leading_word, line, occurrences};

/// What `std::` paths of core may not begin with.
const IMPURE: [&str; 11] = [
    "fs",
    "env",
    "net",
    "process",
    "thread",
    "io",
    "os",
    "time::Instant",
    "time::SystemTime",
    "collections::HashMap",
    "collections::HashSet",
];

/// What makes core impure.
pub fn findings(files: &[File]) -> Vec<String> {
    let manifest = files.iter().filter(|file| file.path == "core/Cargo.toml").flat_map(dependencies);
    let code = files.iter().filter(|file| file.is_rust() && file.path.starts_with("core/src/")).flat_map(impurities);
    manifest.chain(code).collect()
}

fn dependencies(manifest: &File) -> Vec<String> {
    let mut section = "";
    let mut findings = Vec::new();
    for (number, line) in manifest.text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
            if section.starts_with("dependencies.")
                || section.starts_with("target.")
                || section.starts_with("build-dependencies")
            {
                findings.push(format!(
                    "{}:{}: [{section}]: core has one table of dependencies",
                    manifest.path,
                    number + 1
                ));
            }
        } else if section == "dependencies"
            && !line.is_empty()
            && !line.starts_with('#')
            && leading_word(line) != "serde"
        {
            findings.push(format!("{}:{}: `{line}`: core depends on serde's derives alone", manifest.path, number + 1));
        }
    }
    findings
}

fn impurities(file: &File) -> Vec<String> {
    let code = &file.production;
    let mut findings = Vec::new();
    for at in occurrences(code, "std::") {
        let names = leaves(code, at).0.into_iter().map(|leaf| leaf.names[1..].join("::"));
        let impure = names.filter(|name| IMPURE.iter().any(|impure| is_below(name, impure)));
        findings.extend(impure.map(|name| format!("{}:{}: `std::{name}` in core", file.path, line(code, at))));
    }
    for at in occurrences(code, "serde::") {
        let names = leaves(code, at).0.into_iter().filter_map(|leaf| leaf.names.get(1).copied());
        let others = names.filter(|name| !["Serialize", "Deserialize"].contains(name));
        findings.extend(
            others
                .map(|name| format!("{}:{}: `serde::{name}`: core uses the derives alone", file.path, line(code, at))),
        );
    }
    findings
}

fn is_below(name: &str, impure: &str) -> bool {
    name.strip_prefix(impure).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The lint that makes core name each case.
const CASES: &str = "wildcard_enum_match_arm";

/// Core without that lint, or a place in it that goes without: then a new event, cause or word would be passed over in
/// silence.
pub fn wildcards(files: &[File]) -> Vec<String> {
    let denied = files.iter().any(|file| match file.path.as_str() {
        "core/src/lib.rs" => levels(&file.code).any(|(_, level, lints)| is_denied(level) && lints.contains(CASES)),
        "core/Cargo.toml" => file.text.lines().map(str::trim).any(|line| {
            leading_word(line) == CASES && ["\"deny\"", "\"forbid\""].iter().any(|level| line.contains(level))
        }),
        _ => false,
    });
    let finding = format!("core/src/lib.rs: clippy::{CASES} is not denied: each match of core names its cases");
    let core = files.iter().filter(|file| file.path.starts_with("core/src/"));
    let without = core.flat_map(|file| {
        let lowered = levels(&file.code).filter(|(_, level, lints)| {
            !is_denied(level) && [CASES, "clippy::restriction"].iter().any(|lint| lints.contains(lint))
        });
        lowered.map(|(at, _, _)| {
            format!("{}:{}: clippy::{CASES} is denied in all of core", file.path, line(&file.code, at))
        })
    });
    (!denied).then_some(finding).into_iter().chain(without).collect()
}

/// The attributes of a code that may set the level of lints: where each stands, its first word, what follows.
fn levels(code: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    attributes(code).map(|place| {
        let inside = code[place.clone()].trim_start_matches(|c: char| c.is_whitespace() || "#![".contains(c));
        let level = leading_word(inside);
        (place.start, level, &inside[level.len()..])
    })
}

fn is_denied(level: &str) -> bool {
    ["deny", "forbid"].contains(&level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(text: &str) -> usize {
        findings(&[File::new("core/Cargo.toml", text)]).len()
    }

    fn code(text: &str) -> usize {
        findings(&[File::new("core/src/a.rs", text)]).len()
    }

    #[test]
    fn a_dependency_but_serde_is_found() {
        assert_eq!(
            manifest(
                "[package]\nname = \"x\"\n[dependencies]\nserde.workspace = true\n\
                 [dev-dependencies]\nserde_json = \"1\""
            ),
            0
        );
        assert_eq!(manifest("[dependencies]\nserde.workspace = true\ntokio.workspace = true"), 1);
        assert_eq!(manifest("[dependencies]\nserde_json = \"1\""), 1);
        assert_eq!(manifest("[dependencies.tokio]\nversion = \"1\""), 1);
    }

    #[test]
    fn the_world_is_found_in_every_spelling() {
        for text in [
            "use std::fs;",
            "use std::fs::File;",
            "use std::{fmt, net::IpAddr};",
            "use std::time::{Duration, Instant};",
            "use std::{\n    collections::{BTreeMap, HashMap},\n};",
            "fn f() { std::thread::spawn(f); }",
        ] {
            assert_eq!(code(text), 1, "{text}");
        }
        assert_eq!(
            code("use std::collections::BTreeMap;\nuse std::{fmt, time::Duration};\nfn f(x: std::fmt::Result) {}"),
            0
        );
        assert_eq!(code("use std::fmt;\nuse std::{iter, ops::{Add, Sub}};"), 0);
    }

    #[test]
    fn of_serde_only_the_derives_are_used() {
        assert_eq!(code("use serde::{Deserialize, Serialize};"), 0);
        assert_eq!(code("use serde::Serializer;"), 1);
    }

    #[test]
    fn core_names_each_case() {
        let held = |path: &str, text: &str| wildcards(&[File::new(path, text)]).is_empty();
        assert!(held("core/src/lib.rs", "#![deny(clippy::wildcard_enum_match_arm)]"));
        assert!(held("core/src/lib.rs", "#![forbid(\n    clippy::panic,\n    clippy::wildcard_enum_match_arm\n)]"));
        assert!(held("core/Cargo.toml", "[lints.clippy]\nwildcard_enum_match_arm = \"deny\""));
        assert!(!held("core/src/lib.rs", "#![warn(clippy::wildcard_enum_match_arm)]\n#![deny(clippy::panic)]"));
        assert!(!held("core/src/lib.rs", "// #![deny(clippy::wildcard_enum_match_arm)]"));
        assert!(!held("core/Cargo.toml", "[lints.clippy]\n# wildcard_enum_match_arm = \"deny\""));
        assert!(!held("core/Cargo.toml", "[lints.clippy]\nwildcard_enum_match_arm = \"warn\""));
        assert!(!held("src/lib.rs", "#![deny(clippy::wildcard_enum_match_arm)]"));
    }
    #[test]
    fn a_place_of_core_that_need_not_name_its_cases_is_found() {
        let root = File::new("core/src/lib.rs", "#![deny(clippy::wildcard_enum_match_arm)]");
        for text in [
            "#[expect(clippy::wildcard_enum_match_arm, reason = \"many\")]\nfn f() {}",
            "#![warn(clippy::wildcard_enum_match_arm)]",
            "# [ allow (clippy::wildcard_enum_match_arm)]\nfn f() {}",
            "#[cfg_attr(unix, expect(clippy::wildcard_enum_match_arm, reason = \"x\"))]\nfn f() {}",
            "#[expect(clippy::restriction, reason = \"x\")]\nfn f() {}",
        ] {
            let files = [File::new("core/src/heart/mod.rs", text), File::new("core/src/lib.rs", &root.text)];
            assert_eq!(wildcards(&files).len(), 1, "{text}");
            assert_eq!(wildcards(&[File::new("src/a.rs", text), File::new("core/src/lib.rs", &root.text)]), [""; 0]);
        }
        let fine = "#[deny(clippy::wildcard_enum_match_arm)]\n#[expect(clippy::panic, reason = \"x\")]\nfn f() {}";
        assert_eq!(wildcards(&[root, File::new("core/src/heart/mod.rs", fine)]), [""; 0]);
    }
}
