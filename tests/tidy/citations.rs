//! Citations of documents that a clone lacks: a reader who cannot open what a comment leans on has no reason at all.
//! The reason itself is stated, or a page under `docs/` is named.
//!
//! Read are all texts, but of Rust's code only comments and literals: `facts` may be a name there.

use super::source::{File, is_word, line};

/// Words that cite when a number of a section follows; over the end of a line too.
const NUMBERED: [&str; 4] = [DESIGN, INTERFACE, ISSUE, FACTS];
const DESIGN: &str = concat!("des", "ign");
const INTERFACE: &str = concat!("inter", "face");
const ISSUE: &str = concat!("iss", "ue");
const FACTS: &str = concat!("fac", "ts");

/// What cites wherever it stands as a word's start.
const NAMED: [&str; 4] =
    [concat!("fac", "ts/"), concat!("lo", "ok.md"), concat!("ro", "oms.md"), concat!("../sha", "red")];

/// What breaks the rule in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    files.iter().filter(|file| !file.path.ends_with(".lock") && file.path.contains('.')).flat_map(of_file).collect()
}

fn of_file(file: &File) -> Vec<String> {
    let text = file.text.to_ascii_lowercase();
    let numbered = NUMBERED.iter().flat_map(|word| places(&text, word).map(move |at| (at, *word)));
    let numbered = numbered.filter(|(at, word)| cites_section(&text, *at, word));
    let named = NAMED.iter().flat_map(|word| places(&text, word).map(move |at| (at, *word)));
    let named = named.filter(|(at, _)| *at == 0 || text.as_bytes()[at - 1] != b'/');
    let mut found: Vec<(usize, &str)> = numbered.chain(named).filter(|(at, _)| is_prose(file, *at)).collect();
    found.sort_unstable();
    found.dedup_by_key(|(at, _)| *at);
    let told = found.into_iter().map(|(at, word)| {
        format!(
            "{}:{}: `{word}` cites what a clone lacks: state the reason, or name a page of docs/",
            file.path,
            line(&text, at)
        )
    });
    told.collect()
}

/// Where a word begins in a text.
fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(|&at| at == 0 || !is_word(text.as_bytes()[at - 1]))
}

/// Whether what follows a word makes it a citation: the number of a section or, at the start of an aside, what is
/// cited.
fn cites_section(text: &str, at: usize, word: &str) -> bool {
    let behind = &text[at + word.len()..];
    let next = behind.trim_start_matches(|c: char| c.is_whitespace() || "/!*#|>".contains(c));
    let is_numbered = next.len() < behind.len() && next.starts_with(|c: char| c.is_ascii_digit());
    // A call's bracket follows its name at once.
    let aside = text[..at].strip_suffix('(').is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric()));
    let is_told = match word {
        DESIGN => behind.starts_with([':', ',']),
        FACTS => behind.starts_with(": "),
        _ => false,
    };
    is_numbered || aside && is_told
}

/// Whether this place is no code of Rust: code with comments and literals blanked out is the text itself there.
fn is_prose(file: &File, at: usize) -> bool {
    !file.is_rust() || file.code.as_bytes()[at] == b' '
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> usize {
        findings(&[File::new(path, text)]).len()
    }

    #[test]
    fn what_a_clone_lacks_is_found() {
        for cited in [
            format!("it is so ({DESIGN} 4.1)"),
            format!("it is so ({DESIGN}: two axes)"),
            format!("the words ({DESIGN} 4, and more)"),
            format!("{} 9 and more", INTERFACE.replace('i', "I")),
            format!("as {DESIGN}\n/// 4.1 says"),
            format!("see {ISSUE} 9"),
            format!("see {ISSUE} #9"),
            format!("read {FACTS}/aws.md 2.4"),
            format!("read ({FACTS}/stack.md\n//! 8)"),
            format!("so ({FACTS}: Rundeck 1.3)"),
            format!("so ({FACTS} 2.1)"),
            format!("in `{}`", NAMED[1]),
            format!("in {}", NAMED[2]),
            format!("in {}/hooks", NAMED[3]),
        ] {
            assert_eq!(of("src/a.rs", &format!("/// {cited}\n")), 1, "{cited}");
            assert_eq!(of("docs/A.md", &cited), 1, "{cited}");
        }
        assert_eq!(of("src/a.rs", &format!("const WHY: &str = \"so ({FACTS} 2.1)\";")), 1);
        assert_eq!(of("config/agent.toml", &format!("# {INTERFACE} 2")), 1);
        assert_eq!(of("docs/A.md", &format!("({INTERFACE} 9, {FACTS}/rundeck.md 5)")), 2);
    }

    #[test]
    fn ordinary_english_is_fine() {
        for text in [
            "a fact about AWS, and two facts (facts that count)",
            "these are the facts: two of them",
            "refused by design, and (designed to be small) for 4 nodes",
            "the interface of the kernel, interface eth0, interfaces 4 and 5",
            "an issue of taste; issues 12 nodes have",
            "src/rundeck/facts/mod.rs and facts.rs",
            "outlook.md and classrooms.md",
            "design. 4 nodes",
        ] {
            assert_eq!(of("docs/A.md", text), 0, "{text}");
            assert_eq!(of("src/a.rs", &format!("/// {text}\n")), 0, "{text}");
        }
        for code in [format!("fn f({FACTS}: Facts) {{ ({FACTS}, 1) }}"), format!("return ({FACTS}, 1)")] {
            assert_eq!(of("src/a.rs", &code), 0, "{code}");
            assert_eq!(of("tests/outside/a.py", &code), 0, "{code}");
        }
    }
}
