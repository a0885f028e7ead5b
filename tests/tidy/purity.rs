//! The heart is pure: `core` depends on serde's derives alone, and takes nothing from the standard library that touches
//! the world.

use super::paths::leaves;
use super::source::{File, leading_word, line, occurrences};

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

/// Core without the lint that makes it name each case: then a new event, cause or word would be passed over in silence.
pub fn wildcards(files: &[File]) -> Vec<String> {
    const LINT: &str = "wildcard_enum_match_arm";
    let denied = files.iter().any(|file| match file.path.as_str() {
        "core/src/lib.rs" => {
            let levels = ["#![deny(", "#![forbid("].into_iter().flat_map(|level| file.code.split(level).skip(1));
            levels.filter_map(|lints| lints.split(')').next()).any(|lints| lints.contains(LINT))
        }
        "core/Cargo.toml" => file.text.lines().map(str::trim).any(|line| {
            leading_word(line) == LINT && ["\"deny\"", "\"forbid\""].iter().any(|level| line.contains(level))
        }),
        _ => false,
    });
    let finding = format!("core/src/lib.rs: clippy::{LINT} is not denied: each match of core names its cases");
    if denied { Vec::new() } else { vec![finding] }
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
}
