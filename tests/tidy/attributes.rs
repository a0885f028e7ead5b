//! A lint that is switched off says why, and is noticed when it need not be any more: `expect` with a reason, never
//! `allow`.

use super::source::{File, balanced, line, occurrences};

/// What breaks the rule in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    files.iter().filter(|file| file.is_rust()).flat_map(of_file).collect()
}

fn of_file(file: &File) -> Vec<String> {
    let code = &file.code;
    let mut findings = Vec::new();
    for start in code.match_indices('#').map(|(at, _)| at) {
        let open = start + 1 + usize::from(code[start + 1..].starts_with('!'));
        let Some(end) = balanced(code, open).filter(|_| code[open..].starts_with('[')) else { continue };
        let mut found =
            |at: usize, what: &str| findings.push(format!("{}:{}: {what}", file.path, line(code, start + at)));
        let attribute = &code[start..end];
        occurrences(attribute, ALLOW).for_each(|at| found(at, "`allow` is an `expect` with its reason"));
        for at in occurrences(attribute, EXPECT) {
            let end = balanced(attribute, at + EXPECT.len() - 1).unwrap_or(attribute.len());
            let has_reason = occurrences(&attribute[at..end], "reason = ").any(|reason| {
                let text = &file.text[start + at + reason..start + end];
                text.split_once('"').is_some_and(|(_, reason)| !reason.trim_start().starts_with('"'))
            });
            if !has_reason {
                found(at, "`expect` without a reason");
            }
        }
    }
    findings
}

const ALLOW: &str = "allow(";
const EXPECT: &str = "expect(";

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
