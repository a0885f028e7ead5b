//! No line is wider than the page, prose too: what rustfmt does not wrap, people do.
//!
//! Not held to it are rows of Markdown tables, words that nothing can break, and data that is compared byte for byte.

use super::source::File;

/// Characters of a line.
const WIDTH: usize = 120;
/// From how many characters on a word without spaces may push its line beyond the width.
const UNBREAKABLE: usize = 80;

const KINDS: [&str; 5] = [".rs", ".md", ".toml", ".sh", ".yml"];
const DATA: [&str; 5] =
    ["tests/golden/", "tests/fixtures/", "tests/lab/data/", "tests/fuzz/request/", "tests/fuzz/answer/"];

/// What breaks the rule in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    let held = files.iter().filter(|file| KINDS.iter().any(|kind| file.path.ends_with(kind)) && !file.is_in(&DATA));
    held.flat_map(of_file).collect()
}

fn of_file(file: &File) -> impl Iterator<Item = String> {
    let wide = file.text.lines().enumerate().filter(|(_, line)| line.len() > WIDTH && is_too_wide(line));
    wide.map(|(at, line)| format!("{}:{}: {} characters, at most {WIDTH}", file.path, at + 1, line.chars().count()))
}

fn is_too_wide(line: &str) -> bool {
    line.chars().count() > WIDTH && !is_table(line) && !is_unbreakable(line)
}

/// A row of a table, in a comment too.
fn is_table(line: &str) -> bool {
    let row = line.trim_start().trim_start_matches(['/', '!']).trim();
    row.len() > 1 && row.starts_with('|') && row.ends_with('|')
}

/// A line of one long word with at most what stands before it: a comment's mark, an item's, a key.
fn is_unbreakable(line: &str) -> bool {
    let words: Vec<usize> = line.split_whitespace().map(|word| word.chars().count()).collect();
    let long = words.iter().copied().max().unwrap_or_default();
    long >= UNBREAKABLE && words.iter().sum::<usize>() - long <= WIDTH - UNBREAKABLE && words.last() == Some(&long)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, line: &str) -> usize {
        findings(&[File::new(path, &format!("short\n{line}\n"))]).len()
    }

    /// A line of prose of so many characters.
    fn prose(characters: usize) -> String {
        "word ".repeat(characters / 5) + &"d".repeat(characters % 5)
    }

    #[test]
    fn a_line_may_reach_the_width_and_not_pass_it() {
        for path in ["src/a.rs", "docs/A.md", "README.md", "config/agent.toml", "deb/a.sh", "config/rules.yml"] {
            assert_eq!(of(path, &prose(119)), 0, "{path}");
            assert_eq!(of(path, &prose(121)), 1, "{path}");
        }
        let found = findings(&[File::new("src/a.rs", &format!("\n// {}\n", prose(122)))]);
        assert_eq!(found, ["src/a.rs:2: 125 characters, at most 120"]);
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(of("docs/A.md", &"ä ".repeat(60)), 0);
        assert_eq!(of("docs/A.md", &"ä ".repeat(61)), 1);
    }

    #[test]
    fn a_long_text_is_wrapped_wherever_it_stands() {
        assert_eq!(of("src/a.rs", &format!("    text: \"{}\",", prose(121))), 1);
        assert_eq!(of("src/a.rs", &format!("//! {}", prose(121))), 1);
        assert_eq!(of("docs/A.md", &format!("- {} https://a.example/{}", prose(60), "x".repeat(90))), 1);
        assert_eq!(of("docs/A.md", &format!("| {}", prose(121))), 1);
    }

    #[test]
    fn what_cannot_be_wrapped_is_fine() {
        assert_eq!(of("docs/A.md", &format!("| {} | {} |", prose(100), prose(100))), 0);
        assert_eq!(of("src/lib.rs", &format!("//! | {} | b |", prose(121))), 0);
        assert_eq!(of("docs/A.md", &format!("- <https://a.example/{}>", "x".repeat(120))), 0);
        assert_eq!(of("src/a.rs", &format!("const A: &str = r#\"{{{}}}\"#;", "x".repeat(120))), 0);
    }

    #[test]
    fn data_and_other_kinds_of_files_are_fine() {
        for path in ["tests/golden/a.md", "tests/fixtures/a.toml", "tests/lab/data/a.rs", "Cargo.lock", "src/page.html"]
        {
            assert_eq!(of(path, &prose(121)), 0, "{path}");
        }
        assert_eq!(of("tests/fuzz/mod.rs", &prose(121)), 1);
    }
}
