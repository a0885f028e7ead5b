//! A lint that is switched off says why, and is noticed when it need not be any more: `expect` with a reason, never
//! `allow`; in a manifest neither, where it would hold for a whole crate.

use super::source::{File, attributes, balanced, line, occurrences};

/// What breaks the rule in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    let code = files.iter().filter(|file| file.is_rust()).flat_map(of_file);
    code.chain(files.iter().filter(|file| file.path.ends_with("Cargo.toml")).flat_map(of_manifest)).collect()
}

fn of_file(file: &File) -> Vec<String> {
    let code = &file.code;
    let mut findings = Vec::new();
    for place in attributes(code) {
        let mut found =
            |at: usize, what: &str| findings.push(format!("{}:{}: {what}", file.path, line(code, place.start + at)));
        let attribute = &code[place.clone()];
        calls(attribute, "allow").for_each(|(at, _)| found(at, "`allow` is an `expect` with its reason"));
        for (at, open) in calls(attribute, "expect") {
            let end = balanced(attribute, open).unwrap_or(attribute.len());
            let has_reason = occurrences(&attribute[open..end], "reason = ").any(|reason| {
                let text = &file.text[place.start + open + reason..place.start + end];
                text.split_once('"').is_some_and(|(_, reason)| !reason.trim_start().starts_with('"'))
            });
            if !has_reason {
                found(at, "`expect` without a reason");
            }
        }
    }
    findings
}

/// Where a word stands with an opening bracket behind it, and where that is.
fn calls<'a>(attribute: &'a str, word: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    occurrences(attribute, word).filter_map(move |at| {
        let behind = attribute[at + word.len()..].trim_start();
        behind.starts_with('(').then_some((at, attribute.len() - behind.len()))
    })
}

/// Lints that a manifest switches off.
fn of_manifest(file: &File) -> Vec<String> {
    let mut section = "";
    let mut findings = Vec::new();
    for (at, text) in file.text.lines().enumerate() {
        let text = text.split('#').next().unwrap_or_default().trim();
        if text.starts_with('[') {
            section = text.trim_matches(['[', ']', ' ']);
        }
        let of_lints = [section, text].iter().any(|name| {
            let name = name.strip_prefix("workspace").map_or(*name, |name| name.trim_start_matches([' ', '.']));
            name.starts_with("lints")
        });
        if of_lints && ["\"allow\"", "'allow'"].iter().any(|level| text.contains(level)) {
            findings.push(format!("{}:{}: a lint that is allowed for a whole crate", file.path, at + 1));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        findings(&[File::new(path, text)])
    }

    #[test]
    fn an_allow_is_found_with_a_reason_too() {
        for text in [
            "#[allow(clippy::panic)] fn f() {}",
            "#![allow(missing_docs)]",
            "#[allow(clippy::panic, reason = \"it may\")] mod x {}",
            "#[cfg_attr(test, allow(clippy::panic))] fn f() {}",
            "#[cfg(test)]\n#[allow(\n    clippy::panic,\n)]\nmod tests {}",
            "#[allow (clippy::panic)] fn f() {}",
            "# [allow(clippy::panic)] fn f() {}",
            "# ! [ allow\n(missing_docs)]",
        ] {
            for path in ["src/a.rs", "core/src/a.rs", "tests/it/a.rs", "benches/figures/a.rs"] {
                assert_eq!(of(path, text).len(), 1, "{text}");
            }
        }
    }

    #[test]
    fn an_expect_without_a_reason_is_found() {
        assert_eq!(of("src/a.rs", "\n#[expect(clippy::panic)] fn f() {}"), ["src/a.rs:2: `expect` without a reason"]);
        assert_eq!(of("src/a.rs", "#![expect(missing_docs, reason = \"\")]").len(), 1);
        assert_eq!(of("src/a.rs", "#[cfg_attr(test, expect(clippy::panic))] // reason = \"x\"\nfn f() {}").len(), 1);
    }

    #[test]
    fn a_manifest_that_allows_a_lint_is_found() {
        for text in [
            "[lints.clippy]\npanic = \"allow\"",
            "[workspace.lints.clippy]\npanic = { level = \"allow\", priority = 1 }",
            "[lints]\nclippy.panic = 'allow'",
            "[lints.clippy.panic]\nlevel = \"allow\"",
            "lints.clippy.panic = \"allow\"",
            "[workspace]\nlints.rust.missing_docs = \"allow\"",
        ] {
            for path in ["Cargo.toml", "core/Cargo.toml"] {
                assert_eq!(of(path, text).len(), 1, "{text}");
            }
        }
        for text in ["[lints.clippy]\npanic = \"warn\" # not \"allow\"", "[bans]\nmultiple = \"allow\"", "[lints]"] {
            assert_eq!(of("Cargo.toml", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn an_expect_with_its_reason_is_fine_and_so_are_words_that_look_alike() {
        for text in [
            "#[expect(clippy::panic, reason = \"a test ends by it\")] fn f() {}",
            "#![cfg_attr(test, expect(clippy::panic, reason = \"a test ends by it\"))]",
            "#[expect(\n    clippy::panic,\n    reason = \"a test ends by it\"\n)]\nfn f() {}",
            "#[test] fn f() { x.expect(\"why\"); allow(x); }",
            "// #[allow(clippy::panic)]\nconst A: &str = \"#[allow(x)]\";",
            "#[arg(allow_hyphen_values = true)] struct A;",
        ] {
            assert_eq!(of("src/a.rs", text), [""; 0], "{text}");
        }
        assert_eq!(of("clippy.toml", "allow-unwrap-in-tests = true"), [""; 0]);
    }
}
