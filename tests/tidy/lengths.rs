//! How long files and functions may grow. A ratchet: what outgrows its limit is split, not excused.

use super::source::{File, block_end, leading_word, line, occurrences};

/// Lines of a function, from its `fn` to its closing brace.
const FUNCTION: usize = 70;
/// Lines of a file, its inline tests too.
const FILE: usize = 500;
/// Files with a limit of their own: the two that everything else is kept out of.
const OWN_LIMITS: [(&str, usize); 2] = [("src/main.rs", 60), ("src/agent/mod.rs", 300)];

/// What is too long in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        let limit = OWN_LIMITS.iter().find(|(path, _)| *path == file.path).map_or(FILE, |(_, limit)| *limit);
        if lines > limit {
            findings.push(format!("{}: {lines} lines, at most {limit}", file.path));
        }
        for (name, start, length) in functions(&file.code) {
            if length > FUNCTION {
                findings.push(format!("{}:{start}: fn {name}: {length} lines, at most {FUNCTION}", file.path));
            }
        }
    }
    findings
}

/// Name, first line and length of each function that has a body.
fn functions(code: &str) -> Vec<(&str, usize, usize)> {
    let named = occurrences(code, "fn ").map(|at| (at, leading_word(code[at + "fn ".len()..].trim_start())));
    let with_body =
        named.filter(|(_, name)| !name.is_empty()).filter_map(|(at, name)| Some((at, name, block_end(code, at)?)));
    with_body.map(|(at, name, end)| (name, line(code, at), 1 + line(code, end) - line(code, at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("fn long(x: [u8; 2]) -> Option<u8>\nwhere\n    u8: Copy,\n{{\n{}}}\n", "    // {\n".repeat(lines - 5))
    }

    #[test]
    fn a_function_may_reach_its_limit_and_not_pass_it() {
        assert_eq!(findings(&[File::new("src/a.rs", &function(FUNCTION))]), [""; 0]);
        let too_long = findings(&[File::new("src/a.rs", &format!("\n{}", function(FUNCTION + 1)))]);
        assert_eq!(too_long, ["src/a.rs:2: fn long: 71 lines, at most 70"]);
    }

    #[test]
    fn a_method_inside_a_block_and_a_function_of_a_test_count_too() {
        let text = format!("impl A {{ {} }}", function(FUNCTION + 1));
        assert_eq!(findings(&[File::new("core/src/a.rs", &text)]).len(), 1);
        let text = format!("#[cfg(test)] mod tests {{ {} }}", function(FUNCTION + 1));
        assert_eq!(findings(&[File::new("tests/it/a.rs", &text)]).len(), 1);
    }

    #[test]
    fn a_file_may_reach_its_limit_and_not_pass_it() {
        for (path, limit) in OWN_LIMITS.into_iter().chain([("src/a.rs", FILE), ("tests/it/a.rs", FILE)]) {
            assert_eq!(findings(&[File::new(path, &"\n".repeat(limit))]), [""; 0]);
            assert_eq!(findings(&[File::new(path, &"\n".repeat(limit + 1))]).len(), 1, "{path}");
        }
    }
}
