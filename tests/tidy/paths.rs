//! Paths in Rust's text: the trees of names that a `use` line or a path inline stands for, in which module a place of a
//! file lies, and what `crate`, `self` and `super` mean there.
//!
//! It reads blanked code (`source.rs`) and resolves nothing beyond the words of a path: what a name stands for is told
//! by `modules.rs`.

use super::source::{File, block_end, is_word, leading_word, occurrences};

/// One path that is written out or inside a group of braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf<'a> {
    /// Its names from the first on; a glob ends with `*`, a trailing `self` is left out.
    pub names: Vec<&'a str>,
    /// What `as` calls it.
    pub alias: Option<&'a str>,
}

/// The paths that the tree of names at this place stands for, and where it ends.
pub fn leaves(code: &str, at: usize) -> (Vec<Leaf<'_>>, usize) {
    let mut found = Vec::new();
    let end = tree(code, at, Vec::new(), &mut found);
    (found, end)
}

fn tree<'a>(code: &'a str, at: usize, mut names: Vec<&'a str>, found: &mut Vec<Leaf<'a>>) -> usize {
    let mut at = behind_space(code, at);
    loop {
        let rest = &code[at..];
        if rest.starts_with('{') {
            return group(code, at + 1, &names, found);
        }
        let word = if rest.starts_with('*') { &rest[..1] } else { leading_word(rest) };
        at += word.len();
        if !word.is_empty() {
            names.push(word);
        }
        let next = code[at..].strip_prefix("::");
        match next.filter(|_| !word.is_empty()).and_then(|next| next.bytes().next()) {
            Some(byte) if is_word(byte) || byte == b'*' || byte == b'{' => at += "::".len(),
            _ => break,
        }
    }
    if names.len() > 1 && names.last() == Some(&"self") {
        names.pop();
    }
    let (alias, end) = alias(code, at);
    found.push(Leaf { names, alias });
    end
}

/// The trees of a group from behind its `{` on.
fn group<'a>(code: &'a str, mut at: usize, names: &[&'a str], found: &mut Vec<Leaf<'a>>) -> usize {
    loop {
        at = behind_space(code, at);
        match code.as_bytes().get(at) {
            None => return at,
            Some(b'}') => return at + 1,
            Some(byte) if is_word(*byte) || *byte == b'{' || *byte == b'*' => {
                at = tree(code, at, names.to_vec(), found)
            }
            Some(_) => at += 1,
        }
        while !code.is_char_boundary(at) {
            at += 1;
        }
    }
}

fn alias(code: &str, at: usize) -> (Option<&str>, usize) {
    let word = behind_space(code, at);
    let name = behind_space(code, word + "as".len().min(code.len() - word));
    let alias = if leading_word(&code[word..]) == "as" { leading_word(&code[name..]) } else { "" };
    if alias.is_empty() { (None, at) } else { (Some(alias), name + alias.len()) }
}

fn behind_space(code: &str, at: usize) -> usize {
    code.len() - code[at..].trim_start().len()
}

/// A `use` line.
pub struct Use<'a> {
    /// Where it begins and ends.
    pub at: std::ops::Range<usize>,
    /// Whether it shows what it names to others, as `pub use` and `pub(super) use` do.
    pub shows: bool,
    /// What it names.
    pub leaves: Vec<Leaf<'a>>,
}

/// The `use` lines of a code, those inside functions too.
pub fn uses(code: &str) -> Vec<Use<'_>> {
    let lines = occurrences(code, "use ").filter_map(|at| {
        let before = code[..at].trim_end();
        let shows = before.ends_with("pub")
            || (before.ends_with(')')
                && before.rfind("pub(").is_some_and(|open| !before[open..before.len() - 1].contains(')')));
        let opens = before.is_empty() || before.ends_with([';', '{', '}', ']']) || shows;
        let (leaves, end) = leaves(code, at + "use ".len());
        opens.then_some(Use { at: at..end, shows, leaves })
    });
    lines.collect()
}

/// The modules with a body inside a code: where each lies, and its name.
pub fn inline_modules(code: &str) -> Vec<(std::ops::Range<usize>, &str)> {
    let modules = occurrences(code, "mod ").filter_map(|at| {
        let name = leading_word(code[at + "mod ".len()..].trim_start());
        Some((at..block_end(code, at)?, name)).filter(|_| !name.is_empty())
    });
    modules.collect()
}

/// The module that a file is, from the root of its crate on; `root` is that crate's folder of sources.
pub fn module<'a>(path: &'a str, root: &str) -> Vec<&'a str> {
    let inside = path.strip_prefix(root).unwrap_or(path).trim_end_matches(".rs");
    let mut names: Vec<&str> = inside.split('/').collect();
    let is_face = matches!(names.last(), Some(&"mod")) || matches!(names[..], ["lib" | "main"]);
    names.truncate(names.len() - usize::from(is_face));
    names
}

/// What a path means that is written in a module: its names from the crate's root on. `None` for one that begins
/// neither with `crate`, `self`, `super` nor with one of these other names of the crate, and for one that climbs out of
/// it.
pub fn absolute<'a>(module: &[&'a str], names: &[&'a str], crate_names: &[&str]) -> Option<Vec<&'a str>> {
    let (first, mut rest) = names.split_first()?;
    let mut from = match *first {
        "crate" => Vec::new(),
        name if crate_names.contains(&name) => Vec::new(),
        "self" => module.to_vec(),
        "super" => module.split_last()?.1.to_vec(),
        _ => return None,
    };
    while let Some((&"super", further)) = rest.split_first() {
        from.pop()?;
        rest = further;
    }
    from.extend(rest);
    Some(from)
}

/// All paths of a file that begin with a name of its crate or climb by `super`, tests included: where each is written,
/// and its names from the crate's root on.
pub fn from_root<'a>(file: &'a File, root: &str, crate_names: &[&str]) -> Vec<(usize, Vec<&'a str>)> {
    let code = &file.code;
    let own = module(&file.path, root);
    let inline = inline_modules(code);
    let mut found = Vec::new();
    for start in ["crate", "super"].iter().chain(crate_names) {
        let places: Vec<usize> =
            occurrences(code, start).filter(|at| code[at + start.len()..].starts_with("::")).collect();
        for at in places.into_iter().filter(|&at| !code[..at].ends_with("super::")) {
            let mut module = own.clone();
            module.extend(inline.iter().filter(|(range, _)| range.contains(&at)).map(|(_, name)| name));
            let leaves = leaves(code, at).0;
            found.extend(leaves.iter().filter_map(|leaf| Some((at, absolute(&module, &leaf.names, crate_names)?))));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(code: &str) -> Vec<String> {
        leaves(code, 0).0.iter().map(|leaf| leaf.names.join("::")).collect()
    }

    #[test]
    fn a_tree_of_names_stands_for_each_of_its_paths() {
        assert_eq!(spelled("crate::a::B;"), ["crate::a::B"]);
        assert_eq!(
            spelled("crate::{a::{self, B}, c::*,\n    d,\n};"),
            ["crate::a", "crate::a::B", "crate::c::*", "crate::d"]
        );
        assert_eq!(spelled("crate::a::B::<T>::new(x)"), ["crate::a::B"]);
        assert_eq!(spelled("crate::a)"), ["crate::a"]);
    }

    #[test]
    fn a_tree_ends_behind_its_braces() {
        let code = "a::{b, c as d} e";
        let (leaves, end) = leaves(code, 0);
        assert_eq!((leaves[1].alias, &code[end..]), (Some("d"), " e"));
    }

    #[test]
    fn use_lines_are_told_from_words_that_look_alike() {
        let code = "use a::B;\npub use c::D;\npub(in crate::x) use e::F;\n#[cfg(unix)] use g::H;\n\
                    fn f() -> impl Sized + use<'_> { use i::J; reuse (k) }";
        let found = uses(code);
        let shown: Vec<(&str, bool)> = found.iter().map(|line| (line.leaves[0].names[0], line.shows)).collect();
        assert_eq!(shown, [("a", false), ("c", true), ("e", true), ("g", false), ("i", false)]);
    }

    #[test]
    fn super_is_one_step_from_where_it_is_written() {
        let file = File::new(
            "src/a/b.rs",
            "use super::C;\nmod tests { use super::super::D; use super::e::F; }\nuse super::super::super::G;",
        );
        let found: Vec<String> = from_root(&file, "src/", &[]).iter().map(|(_, names)| names.join("::")).collect();
        assert_eq!(found, ["a::C", "a::D", "a::b::e::F"]);
    }

    #[test]
    fn a_face_is_the_module_of_its_folder() {
        for (path, names) in [
            ("src/a/mod.rs", vec!["a"]),
            ("src/a.rs", vec!["a"]),
            ("src/a/main.rs", vec!["a", "main"]),
            ("src/lib.rs", vec![]),
        ] {
            assert_eq!(module(path, "src/"), names, "{path}");
        }
    }
}
