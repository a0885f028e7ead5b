//! The words of core's closed lists are told apart by the lists themselves, not by texts that say them a second time: a
//! word that changes would leave those comparisons behind, in silence.
//!
//! Read is what the agent ships: a literal that is compared (`==`, `!=`, an arm of a match, `matches!`) and is a word
//! of a list (`words! { .. }`) or of a type's `fn word` in core. Words that are only written are none of its business,
//! and what a constant hides it does not see.

use std::collections::BTreeSet;

use super::source::{File, balanced, block_end, line, occurrences};

/// Where words look alike and are Rundeck's, or codes of calls to the instance metadata.
const FOREIGN: [&str; 2] = ["src/rundeck/", "src/aws/imds.rs"];

/// What breaks the rule in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    let core = files.iter().filter(|file| file.path.starts_with("core/src/"));
    let words: BTreeSet<&str> = core.flat_map(words).collect();
    let agent = files.iter().filter(|file| file.is_rust() && file.path.starts_with("src/") && !file.is_in(&FOREIGN));
    agent.flat_map(|file| of_file(file, &words)).collect()
}

fn of_file(file: &File, words: &BTreeSet<&str>) -> Vec<String> {
    let compared = literals(&file.spoken).filter(|(at, word)| words.contains(word) && is_compared(file, *at, word));
    let told = compared.map(|(at, word)| {
        format!("{}:{}: \"{word}\" is a word of core: compare by its list", file.path, line(&file.spoken, at))
    });
    told.collect()
}

/// The words that a file of core declares.
fn words(file: &File) -> Vec<&str> {
    let code = &file.production;
    let lists = occurrences(code, "words! {").map(|at| (at + "words! ".len(), "= "));
    let told = occurrences(code, "fn word(").map(|at| (at, "=> "));
    let blocks = lists.chain(told).filter_map(|(at, sign)| {
        let end = if code[at..].starts_with('{') { balanced(code, at) } else { block_end(code, at) }?;
        Some((&file.spoken[at..end], sign))
    });
    let words = blocks.flat_map(|(block, sign)| {
        literals(block).filter(move |(at, _)| block[..*at].ends_with(sign)).map(|(_, word)| word)
    });
    words.collect()
}

/// Literals without escapes: where each begins, and what it says.
fn literals(spoken: &str) -> impl Iterator<Item = (usize, &str)> {
    spoken.match_indices('"').filter_map(|(at, _)| Some((at, spoken[at + 1..].split_once('"')?.0)))
}

/// Whether the code around a literal compares it.
fn is_compared(file: &File, at: usize, word: &str) -> bool {
    let behind = file.production[at + word.len() + 2..].trim_start();
    let before = file.production[..at].trim_end();
    let whole = without_wrapping(before);
    let is_alternative = |code: &str| code.starts_with('|') && !code.starts_with("||");
    let of_tuple = behind.trim_start_matches([')', ' ']);
    whole.ends_with("==")
        || whole.ends_with("!=")
        || [".eq(", ".ne("].iter().any(|call| before.ends_with(call))
        || ["==", "!=", "=>", "if "].iter().any(|sign| behind.starts_with(sign))
        || of_tuple.starts_with("=>")
        || is_alternative(of_tuple)
        || is_matched(before)
}

/// What stands before the brackets and signs that only wrap a value.
fn without_wrapping(before: &str) -> &str {
    let wrapping = ["Some(", "Ok(", "&", "*", "("];
    match wrapping.iter().find_map(|wrap| before.strip_suffix(wrap)) {
        Some(outside) => without_wrapping(outside.trim_end()),
        None => before,
    }
}

/// Whether a place lies inside the brackets of a `matches!`.
fn is_matched(before: &str) -> bool {
    let Some((_, inside)) = before.rsplit_once("matches!(") else { return false };
    let depths = inside.chars().scan(1_i32, |depth, c| {
        *depth += i32::from(c == '(') - i32::from(c == ')');
        Some(*depth)
    });
    inside.contains(',') && depths.min().is_none_or(|least| least > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: &str = r#"
        words! {
            /// Not "this".
            State {
                /// In.
                Up = "up",
                Down = "cut-short",
            }
        }
        impl Target { pub fn word(&self) -> &str { match self { Target::In => "healthy" } } }
        fn other() -> &'static str { "other" }
    "#;

    fn of(path: &str, text: &str) -> Vec<String> {
        findings(&[File::new("core/src/contract/words.rs", CORE), File::new(path, text)])
    }

    #[test]
    fn a_word_of_a_list_that_is_compared_is_found() {
        for text in [
            "fn f() { state == \"up\" }",
            "fn f() { state.as_str()\n != \"healthy\" }",
            "fn f() { \"up\" == state }",
            "fn f() { state == Some(\"up\") }",
            "fn f() { *state == *\"up\" && x.eq(&state) }",
            "fn f() { state.eq(\"up\") }",
            "fn f() { match state { \"cut-short\" => 1, _ => 2 } }",
            "fn f() { match state { Some(\"up\") => 1, _ => 2 } }",
            "fn f() { match state { (true, \"up\") => 1, _ => 2 } }",
            "fn f() { match state { \"up\" if good => 1, _ => 2 } }",
            "fn f() { match state { \"up\" | \"new\" => 1, _ => 2 } }",
            "fn f() { matches!(state.word(), \"up\") }",
            "fn f() { matches!(state, \"new\" | \"up\") }",
        ] {
            assert_eq!(of("src/cli/report.rs", text).len(), 1, "{text}");
        }
        assert_eq!(
            of("src/cli/report.rs", "\nfn f() { state == \"up\" }"),
            ["src/cli/report.rs:2: \"up\" is a word of core: compare by its list"]
        );
    }

    #[test]
    fn a_word_that_is_only_written_and_another_one_are_fine() {
        for text in [
            "fn f() { state == State::Up.word() }",
            "fn f() { say(\"up\"); x == y }",
            "fn f() { let a = \"up\"; a || b }",
            "fn f() -> Hue { tint(state, \"up\") }",
            "fn f() { match x { 1 => \"up\", _ => \"healthy\" } }",
            "fn f() { state == \"this\" || state == \"other\" || state == \"upper\" }",
            "// state == \"up\"",
            "#[cfg(test)] mod tests { fn f() { state == \"up\" } }",
            "fn f() { if matches!(x, Y) { say(\"up\") } }",
        ] {
            assert_eq!(of("src/cli/report.rs", text), [""; 0], "{text}");
        }
        assert_eq!(of("src/cli/tests/looking.rs", "fn f() { state == \"up\" }"), [""; 0]);
        assert_eq!(of("src/rundeck/decode.rs", "fn f() { state == \"up\" }"), [""; 0]);
        assert_eq!(of("core/src/look/mod.rs", "fn f() { state == \"up\" }"), [""; 0]);
    }
}
