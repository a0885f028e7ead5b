//! Citations of documents that a clone lacks: a reader who cannot open what a comment leans on has no reason at all.
//! The reason itself is stated, or a page under `docs/` is named.
//!
//! Read are all texts, but of Rust's code only comments and literals: `facts` may be a name there. A bare `#9` may be a
//! colour or a place in a list: it counts where a bracket or a word makes it an issue's.

use super::source::{File, is_word, line};

/// Words that cite when a number of a section follows; over the end of a line too.
const NUMBERED: [&str; 4] = [DESIGN, INTERFACE, ISSUE, FACTS];
const DESIGN: &str = concat!("des", "ign");
const INTERFACE: &str = concat!("inter", "face");
const ISSUE: &str = concat!("iss", "ue");
const FACTS: &str = concat!("fac", "ts");

/// What cites wherever it stands as a word's start.
const NAMED: [&str; 7] = [
    concat!("fac", "ts/"),
    concat!("lo", "ok.md"),
    concat!("ro", "oms.md"),
    concat!("des", "ign.md"),
    concat!("inter", "face.md"),
    concat!("../sha", "red"),
    concat!("/wo", "rk/"),
];

/// What makes a number an issue's.
const NUMBER_OF: [&str; 5] = ["(#", "see #", "fixes #", "closes #", "gh-"];

/// What breaks the rule in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    files.iter().filter(|file| !file.path.ends_with(".lock")).flat_map(of_file).collect()
}

fn of_file(file: &File) -> Vec<String> {
    let text = file.text.to_ascii_lowercase();
    let numbered = NUMBERED.iter().flat_map(|word| places(&text, word).map(move |at| (at, *word)));
    let numbered = numbered.filter(|(at, word)| cites_section(&text, *at, word));
    let named = NAMED.iter().flat_map(|word| places(&text, word).map(move |at| (at, *word)));
    // Our own pages and folders may be called so.
    let named = named.filter(|(at, word)| match word.ends_with(".md") {
        true => !text[..*at].ends_with("docs/"),
        false => !text[..*at].ends_with('/'),
    });
    let issues = NUMBER_OF.iter().flat_map(|word| places(&text, word).map(move |at| (at, *word)));
    let issues = issues.filter(|(at, word)| begins_with_digit(&text[at + word.len()..]));
    let sections = places(&text, SECTION).filter(|&at| names_document(&text[at + SECTION.len()..]));
    let found = numbered.chain(named).chain(issues).chain(sections.map(|at| (at, SECTION)));
    let mut found: Vec<(usize, &str)> = found.filter(|(at, _)| is_prose(file, *at)).collect();
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
    let of_design = behind.strip_prefix("'s").filter(|_| word == DESIGN).unwrap_or(behind);
    let next = behind_gap(of_design);
    let section = behind_gap(of_design.trim_start_matches(',')).strip_prefix(SECTION);
    let is_numbered = next.len() < of_design.len() && begins_with_digit(next)
        || section.is_some_and(|section| begins_with_digit(behind_gap(section)));
    // A call's bracket follows its name at once.
    let aside = text[..at].strip_suffix('(').is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric()));
    let is_told = match word {
        DESIGN => behind.starts_with([':', ',']),
        FACTS => behind.starts_with(": "),
        _ => false,
    };
    is_numbered || aside && is_told
}

const SECTION: &str = "section";

/// Whether what follows the word "section" makes it one of a document that a clone lacks.
fn names_document(behind: &str) -> bool {
    let number = behind_gap(behind);
    let of = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let document = ["of", "the"].iter().try_fold(of, |text, word| behind_gap(text).strip_prefix(word)).map(behind_gap);
    begins_with_digit(number) && document.is_some_and(|it| [DESIGN, INTERFACE, FACTS].iter().any(|w| it.starts_with(w)))
}

/// Without what stands between two words, over the end of a line of a comment too.
fn behind_gap(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || "/!*#|>".contains(c))
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
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
            format!("in {}", NAMED[3]),
            format!("as ../{} says", NAMED[4]),
            format!("in {}/hooks", NAMED[5]),
            format!("run {}main/x", NAMED[6]),
            format!("by the {DESIGN}'s 4.1"),
            format!("the {DESIGN}, section 4"),
            format!("{INTERFACE} section 9"),
            format!("section 4.1 of the {DESIGN}"),
            format!("see section 9 of\n/// the {INTERFACE}"),
            format!("it was so ({}9)", "#"),
            format!("closes {}9", "#"),
        ] {
            assert_eq!(of("src/a.rs", &format!("/// {cited}\n")), 1, "{cited}");
            assert_eq!(of("docs/A.md", &cited), 1, "{cited}");
        }
        assert_eq!(of("src/a.rs", &format!("const WHY: &str = \"so ({FACTS} 2.1)\";")), 1);
        assert_eq!(of("LICENSE", &format!("{INTERFACE} 2")), 1);
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
            "docs/design.md, and ../docs/interface.md",
            "RFC 9110, section 9, and section 4 of the licence",
            "the interface's 4 methods",
            "target/work/a and homework/b",
            "colour: #333; item # 4, a#9",
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
