//! The repository's files, and as much of Rust's lexical rules as the checks need: comments and literals blanked out,
//! test code told from production code, blocks matched by their braces.
//!
//! It is no parser: it knows nothing of macros or types. Blanked text keeps its line breaks, so that lines can be
//! counted.

use std::path::Path;
use std::sync::LazyLock;

/// What makes an item test code.
const TEST_MARK: &str = "#[cfg(test)]";

/// One text file of the repository.
pub struct File {
    /// Its path from the root, with `/`.
    pub path: String,
    /// All of its text.
    pub text: String,
    /// For Rust: the text with comments and the insides of literals blanked out. Else the text.
    pub code: String,
    /// For Rust: the code without what is compiled for tests only; empty in files that are test code as a whole.
    pub production: String,
    /// The same with its literals.
    pub spoken: String,
}

impl File {
    /// A file of this path and text.
    pub fn new(path: &str, text: &str) -> File {
        let rust = path.ends_with(".rs");
        let code = if rust { without_comments_and_literals(text) } else { text.to_owned() };
        let shipped = rust && !is_test_file(path);
        let tests = if shipped { test_items(&code) } else { Vec::new() };
        let without_tests = |text: &str| if shipped { blanked(text, &tests) } else { String::new() };
        let (production, spoken) = (without_tests(&code), without_tests(&without_comments(text)));
        File { path: path.to_owned(), text: text.to_owned(), code, production, spoken }
    }

    /// Whether it is a program of ours in Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it lies in one of these folders, or is one of these files.
    pub fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| if place.ends_with('/') { self.path.starts_with(place) } else { self.path == *place })
    }
}

/// All text files of the repository, read once; what cargo built and what git keeps for itself are none.
pub fn repository() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(read);
    &FILES
}

fn read() -> Vec<File> {
    let mut files = Vec::new();
    walk(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files);
    without_test_modules(&mut files);
    files
}

/// Takes the production code from files that their parents declare for tests only (`#[cfg(test)] mod sample;`).
pub fn without_test_modules(files: &mut [File]) {
    let modules: Vec<String> = files.iter().flat_map(test_modules).collect();
    for file in files.iter_mut() {
        let stem = file.path.trim_end_matches(".rs");
        if modules.iter().any(|module| {
            stem.strip_prefix(module.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }) {
            (file.production, file.spoken) = (String::new(), String::new());
        }
    }
}

/// The modules in files of their own that a file declares for tests only: their paths without `.rs`.
fn test_modules(file: &File) -> Vec<String> {
    let own = file.path.trim_end_matches(".rs");
    let folder = match own.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder,
        _ => own,
    };
    let declared = file.code.match_indices(TEST_MARK).filter_map(|(at, mark)| {
        let item = without_attributes(&file.code[at + mark.len()..]);
        let item =
            ["pub(crate) ", "pub(super) ", "pub "].into_iter().find_map(|word| item.strip_prefix(word)).unwrap_or(item);
        Some(format!("{folder}/{}", leading_word(item.strip_prefix("mod ")?)))
    });
    declared.collect()
}

fn walk(root: &Path, folder: &str, files: &mut Vec<File>) {
    let entries = std::fs::read_dir(root.join(folder)).expect("a folder of the repository can be read");
    for entry in entries {
        let entry = entry.expect("a folder of the repository can be read");
        let name = entry.file_name().into_string().expect("names in the repository are UTF-8");
        let path = format!("{folder}{name}");
        if entry.file_type().expect("the file system knows its entries").is_dir() {
            if ![".git", "target"].contains(&name.as_str()) {
                walk(root, &format!("{path}/"), files);
            }
        } else if name != ".git"
            && let Ok(text) = std::fs::read_to_string(entry.path())
        {
            files.push(File::new(&path, &text));
        }
    }
}

/// An item without the attributes before it.
fn without_attributes(code: &str) -> &str {
    let item = code.trim_start();
    match item.strip_prefix("#[").and_then(|attribute| attribute.split_once(']')) {
        Some((_, rest)) => without_attributes(rest),
        None => item,
    }
}

/// Files that hold nothing but test code: those of `tests/`, and test modules in files of their own. The lab is a crate
/// with tests of its own.
fn is_test_file(path: &str) -> bool {
    let path = path.strip_prefix("tests/lab/").unwrap_or(path);
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// Whether a byte can be part of a name.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The name that `text` begins with, or nothing.
pub fn leading_word(text: &str) -> &str {
    let end = text.bytes().position(|byte| !is_word(byte)).unwrap_or(text.len());
    &text[..end]
}

/// The places in `code` where `pattern` stands and is not the middle of a longer name.
pub fn occurrences<'a>(code: &'a str, pattern: &'a str) -> impl Iterator<Item = usize> + 'a {
    let starts_word = pattern.bytes().next().is_some_and(is_word);
    code.match_indices(pattern)
        .map(|(at, _)| at)
        .filter(move |&at| !starts_word || at == 0 || !is_word(code.as_bytes()[at - 1]))
}

/// The line, from 1, of a place in a text.
pub fn line(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count()
}

/// The place just behind the block that the first `{` from `from` on opens. Where a `;` comes before any `{`: nothing.
pub fn block_end(code: &str, from: usize) -> Option<usize> {
    let bytes = code.as_bytes();
    let mut nested = 0_usize;
    let open = (from..bytes.len()).find(|&at| {
        match bytes[at] {
            b'(' | b'[' => nested += 1,
            b')' | b']' => nested = nested.saturating_sub(1),
            _ => {}
        }
        nested == 0 && (bytes[at] == b'{' || bytes[at] == b';')
    })?;
    if bytes[open] == b';' {
        return None;
    }
    balanced(code, open)
}

/// The place just behind the bracket, of any kind, that closes the one at `open`.
pub fn balanced(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let close = code.bytes().enumerate().skip(open).find(|(_, byte)| {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })?;
    Some(close.0 + 1)
}

/// Where the attributes of a code stand, from `#` to `]`, with whatever space is between its signs.
pub fn attributes(code: &str) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    code.match_indices('#').filter_map(|(at, _)| {
        let rest = code[at + 1..].trim_start();
        let rest = rest.strip_prefix('!').unwrap_or(rest).trim_start();
        let end = balanced(code, code.len() - rest.len()).filter(|_| rest.starts_with('['))?;
        Some(at..end)
    })
}

/// Where items stand that are compiled for tests only.
fn test_items(code: &str) -> Vec<std::ops::Range<usize>> {
    let mut items = Vec::new();
    let mut from = 0;
    while let Some(found) = code[from..].find(TEST_MARK) {
        let start = from + found;
        let behind = start + TEST_MARK.len();
        let end = block_end(code, behind)
            .or_else(|| code[behind..].find(';').map(|at| behind + at + 1))
            .unwrap_or(code.len());
        items.push(start..end);
        from = end;
    }
    items
}

fn blanked(text: &str, places: &[std::ops::Range<usize>]) -> String {
    let mut kept = text.as_bytes().to_vec();
    places.iter().for_each(|place| blank(&mut kept[place.clone()]));
    String::from_utf8(kept).expect("blanking whole items leaves UTF-8")
}

fn blank(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

fn without_comments_and_literals(text: &str) -> String {
    blanked(text, &no_code(text))
}

fn without_comments(text: &str) -> String {
    let comments = no_code(text).into_iter().filter(|place| text[place.start..].starts_with('/'));
    blanked(text, &comments.collect::<Vec<_>>())
}

/// Where the comments and literals of a text stand.
fn no_code(text: &str) -> Vec<std::ops::Range<usize>> {
    let bytes = text.as_bytes();
    let mut places = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + skipped(&text[at..], at > 0 && is_word(bytes[at - 1]));
        if end > at {
            places.push(at..end);
            at = end;
        } else {
            at += 1;
            while !text.is_char_boundary(at) {
                at += 1;
            }
        }
    }
    places
}

/// How many bytes at the start of `text` are a comment or a literal.
fn skipped(text: &str, inside_word: bool) -> usize {
    let rest = text.trim_start_matches('b');
    let prefix = text.len() - rest.len();
    if text.starts_with("//") {
        text.find('\n').unwrap_or(text.len())
    } else if text.starts_with("/*") {
        block_comment(text)
    } else if text.starts_with('"') {
        quoted(text)
    } else if text.starts_with('\'') {
        character(text)
    } else if !inside_word && prefix <= 1 && rest.starts_with('r') {
        raw_string(&rest[1..]).map_or(0, |length| prefix + 1 + length)
    } else {
        0
    }
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        match text.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") if depth == 1 => return at + 2,
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    text.len()
}

fn quoted(text: &str) -> usize {
    let mut escaped = true; // the opening quote itself closes nothing
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character literal; a lifetime is none.
fn character(text: &str) -> usize {
    let mut inside = text[1..].char_indices();
    match inside.next() {
        Some((_, '\\')) => text[3.min(text.len())..].find('\'').map_or(0, |at| 3 + at + 1),
        Some(_) => match inside.next() {
            Some((at, '\'')) => 1 + at + 1,
            _ => 0,
        },
        None => 0,
    }
}

fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.bytes().take_while(|&byte| byte == b'#').count();
    let inside = text[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    inside.find(&close).map(|at| hashes + 1 + at + close.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn production(text: &str) -> String {
        File::new("src/a.rs", text).production.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        assert_eq!(production("a // no\nb /* no /* no */ no */ c"), "a b c");
        assert_eq!(production(r##"f("no\" }", 'x', '\'', '"') + r#"no " no"# + b"no""##), "f( , , , ) + + b");
        assert_eq!(production("fn f<'a>(x: &'a str) -> char { 'ä' }"), "fn f<'a>(x: &'a str) -> char { }");
        assert_eq!(production("for \"no\" in barr"), "for in barr");
    }

    #[test]
    fn test_items_are_no_production_code() {
        assert_eq!(production("a #[cfg(test)] mod tests { fn f() { no } } b"), "a b");
        assert_eq!(production("a #[cfg(test)] mod tests; b"), "a b");
        assert_eq!(production("a #[cfg(test)] use x::{y}; fn b() {}"), "a ; fn b() {}");
        assert_eq!(File::new("src/a/tests.rs", "no").production, "");
        assert_eq!(File::new("tests/it/main.rs", "no").production, "");
    }

    #[test]
    fn what_is_spoken_keeps_literals_but_no_comments_and_no_tests() {
        let file = File::new("src/a.rs", "a(\"said\") // no\n/* no */ b #[cfg(test)] mod tests { f(\"no\") }");
        assert_eq!(file.spoken.split_whitespace().collect::<Vec<_>>(), ["a(\"said\")", "b"]);
        assert_eq!(file.spoken.len(), file.text.len());
        assert_eq!(File::new("src/a/tests.rs", "f(\"no\")").spoken, "");
    }

    #[test]
    fn an_attribute_is_found_however_it_is_spaced() {
        let code = "#[a] # [b] #![c(d[0])] # ! [e]\n#\n[f] x # y";
        let found: Vec<&str> = attributes(code).map(|place| &code[place]).collect();
        assert_eq!(found, ["#[a]", "# [b]", "#![c(d[0])]", "# ! [e]", "#\n[f]"]);
    }

    #[test]
    fn a_module_that_is_declared_for_tests_is_no_production_code() {
        let declaring =
            "mod page;\n#[cfg(test)]\n#[expect(missing_docs)] // why\nmod sample;\n#[cfg(test)] pub(crate) mod client;";
        for parent in ["src/server/mod.rs", "src/server.rs"] {
            let paths =
                ["src/server/sample.rs", "src/server/client/http.rs", "src/server/page.rs", "src/server/samples.rs"];
            let mut files: Vec<File> = paths.iter().map(|path| File::new(path, "fn f() {}")).collect();
            files.push(File::new(parent, declaring));
            without_test_modules(&mut files);
            let kept: Vec<&str> =
                files.iter().filter(|file| !file.production.is_empty()).map(|file| file.path.as_str()).collect();
            assert_eq!(kept, ["src/server/page.rs", "src/server/samples.rs", parent]);
        }
    }

    #[test]
    fn blanking_keeps_lines_and_lengths() {
        let text = "a\n\"x\ny\"\n/* \n */ b";
        assert_eq!(File::new("src/a.rs", text).code.len(), text.len());
        assert_eq!(line(text, text.len() - 1), 5);
    }

    #[test]
    fn a_block_ends_at_its_own_brace() {
        let code = "fn f(x: [u8; 2]) { a { b } } c";
        assert_eq!(block_end(code, 0).map(|end| &code[end..]), Some(" c"));
        assert_eq!(block_end("fn f(); {}", 0), None);
    }

    #[test]
    fn a_pattern_is_not_found_inside_a_longer_name() {
        assert_eq!(occurrences("my_panic!() panic!()", "panic!").collect::<Vec<_>>(), [12]);
    }
}
