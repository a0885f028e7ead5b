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
}
