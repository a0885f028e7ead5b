//! The modules of one crate, and in which of its files a name is declared: followed through the faces that show it
//! (`pub use`), through imports and through globs.
//!
//! It reads the code that is shipped, not tests. What macros make it does not see: a name that nobody declares is taken
//! for its module's own.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{absolute, inline_modules, leaves, module, uses};
use super::source::{File, is_word, leading_word, occurrences};

/// A module's names from the root of its crate on.
type Path<'a> = Vec<&'a str>;

/// One module: a file, or a block inside one.
struct Module<'a> {
    file: &'a str,
    /// What it declares, modules aside.
    items: BTreeSet<&'a str>,
    /// What its `use` lines call names: the paths as they are written there.
    bound: BTreeMap<&'a str, Path<'a>>,
    /// Where its globs come from, as written.
    globs: Vec<Path<'a>>,
}

/// What a path leads to.
enum Found<'a> {
    Module(Path<'a>),
    /// Something that this file declares.
    Item(&'a str),
}

/// A name of another file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<'a> {
    /// The file that declares it.
    pub file: &'a str,
    /// Where it is named.
    pub at: usize,
    /// The name.
    pub name: &'a str,
    /// Whether it is a type, something of a type, or a constant.
    pub is_type: bool,
}

/// All modules of one crate.
pub struct Crate<'a> {
    root: &'static str,
    modules: BTreeMap<Path<'a>, Module<'a>>,
}

const ITEMS: [&str; 8] = ["struct ", "enum ", "union ", "trait ", "type ", "const ", "static ", "fn "];

/// Through how many `use` lines a name is followed: more of them name each other.
const HOPS: usize = 16;

impl<'a> Crate<'a> {
    /// The crate that these files make up; `root` is the folder of its sources.
    pub fn new(files: &[&'a File], root: &'static str) -> Crate<'a> {
        let mut all = Crate { root, modules: BTreeMap::new() };
        files.iter().for_each(|file| all.add(file));
        all
    }

    fn add(&mut self, file: &'a File) {
        let code = file.production.as_str();
        let place = Place::new(file, self.root);
        for path in place.modules() {
            let module = Module { file: &file.path, items: BTreeSet::new(), bound: BTreeMap::new(), globs: Vec::new() };
            self.modules.insert(path, module);
        }
        for (at, name) in ITEMS.iter().flat_map(|word| items(code, word)) {
            if place.is_outermost(at) {
                self.modules.entry(place.at(at)).and_modify(|module| _ = module.items.insert(name));
            }
        }
        for line in uses(code) {
            let Some(module) = self.modules.get_mut(&place.at(line.at.start)) else { continue };
            for mut leaf in line.leaves {
                match leaf.names.last().copied() {
                    Some("*") => {
                        leaf.names.pop();
                        module.globs.push(leaf.names);
                    }
                    Some(last) => _ = module.bound.insert(leaf.alias.unwrap_or(last), leaf.names),
                    None => {}
                }
            }
        }
    }

    /// The names of other files that a file uses. A name that it only shows to others is none that it uses.
    pub fn named(&self, file: &'a File) -> Vec<Named<'a>> {
        let code = file.production.as_str();
        let place = Place::new(file, self.root);
        let lines = uses(code);
        let chains: Vec<usize> = chains(code).filter(|at| !lines.iter().any(|line| line.at.contains(at))).collect();
        let words = words(code, &lines.iter().map(|line| line.at.clone()).collect::<Vec<_>>());
        let mut named = Vec::new();
        for line in &lines {
            let module = place.at(line.at.start);
            for leaf in &line.leaves {
                let at = line.at.start;
                match leaf.names.split_last() {
                    Some((&"*", from)) => {
                        let used = self.used_of_glob(&module, from, &words);
                        named.extend(used.into_iter().map(|(name, file)| Named {
                            file,
                            at,
                            name,
                            is_type: is_type(&[name]),
                        }));
                    }
                    Some((last, _)) if !line.shows || words.contains(leaf.alias.unwrap_or(last)) => {
                        let file = self.declaring(&module, &leaf.names);
                        let is_type = is_type(&leaf.names);
                        named.extend(file.map(|file| Named { file, at, name: last, is_type }));
                    }
                    _ => {}
                }
            }
        }
        for at in chains {
            for leaf in leaves(code, at).0.iter().take(1) {
                let file = self.declaring(&place.at(at), &leaf.names);
                let is_type = is_type(&leaf.names);
                named.extend(file.zip(leaf.names.last()).map(|(file, name)| Named { file, at, name, is_type }));
            }
        }
        named.retain(|named| named.file != file.path);
        named
    }

    /// What a glob brings in of these words, each with the file that declares it.
    fn used_of_glob(&self, module: &Path<'a>, from: &[&'a str], words: &BTreeSet<&'a str>) -> Vec<(&'a str, &'a str)> {
        let Some(Found::Module(path)) = self.find(module, from, HOPS) else { return Vec::new() };
        let own = self.modules.get(module);
        let brought = self.modules.get(&path).into_iter().flat_map(|glob| glob.items.iter().chain(glob.bound.keys()));
        let used = brought.filter(|name| words.contains(**name) && !own.is_some_and(|own| own.items.contains(**name)));
        used.filter_map(|name| Some((*name, self.declaring(&path, &["self", name])?))).collect()
    }

    /// The file that declares what a path means that is written in a module; `None` for a module, and for another
    /// crate's.
    fn declaring(&self, module: &Path<'a>, names: &[&'a str]) -> Option<&'a str> {
        match self.find(module, names, HOPS)? {
            Found::Item(file) => Some(file),
            Found::Module(_) => None,
        }
    }

    /// What a path means that is written in a module.
    fn find(&self, module: &Path<'a>, names: &[&'a str], hops: usize) -> Option<Found<'a>> {
        if let Some(path) = absolute(module, names, &[]) {
            return self.walk(&path, hops);
        }
        let mut path = module.clone();
        path.extend(names);
        let first = names.first()?;
        let own = self.modules.get(module)?;
        let is_own = self.modules.contains_key(&path[..=module.len()]) || own.bound.contains_key(first);
        (is_own || own.items.contains(first)).then(|| self.walk(&path, hops))?
    }

    /// What a path from the root on means.
    fn walk(&self, path: &[&'a str], hops: usize) -> Option<Found<'a>> {
        let hops = hops.checked_sub(1)?;
        let known = (0..=path.len()).rev().find(|&length| self.modules.contains_key(&path[..length]))?;
        let (inside, rest) = path.split_at(known);
        let Some((name, behind)) = rest.split_first() else {
            return Some(Found::Module(inside.to_vec()));
        };
        let module = self.modules.get(inside)?;
        let inside = inside.to_vec();
        if module.items.contains(name) {
            return Some(Found::Item(module.file));
        }
        if let Some(bound) = module.bound.get(name) {
            return self.further(self.find(&inside, bound, hops)?, behind, hops);
        }
        for glob in &module.globs {
            if let Some(Found::Module(from)) = self.find(&inside, glob, hops)
                && self.modules.get(&from).is_some_and(|m| m.items.contains(name) || m.bound.contains_key(name))
            {
                return self.further(Found::Module(from), rest, hops);
            }
        }
        Some(Found::Item(module.file))
    }

    fn further(&self, found: Found<'a>, behind: &[&'a str], hops: usize) -> Option<Found<'a>> {
        match found {
            Found::Module(mut path) if !behind.is_empty() => {
                path.extend(behind);
                self.walk(&path, hops)
            }
            found => Some(found),
        }
    }
}

/// Whether a path leads to a type, to something of a type, or to a constant: such names begin with a capital.
fn is_type(names: &[&str]) -> bool {
    names.iter().any(|name| name.starts_with(|first: char| first.is_ascii_uppercase()))
}

/// Where in a file which module is.
struct Place<'a> {
    own: Path<'a>,
    inline: Vec<(std::ops::Range<usize>, &'a str)>,
    /// How many braces are open before each byte.
    depths: Vec<u16>,
}

impl<'a> Place<'a> {
    fn new(file: &'a File, root: &str) -> Place<'a> {
        let mut depth = 0_u16;
        let depths = file.production.bytes().map(|byte| {
            let before = depth;
            depth = match byte {
                b'{' => depth + 1,
                b'}' => depth.saturating_sub(1),
                _ => depth,
            };
            before
        });
        let depths = depths.collect();
        Place { own: module(&file.path, root), inline: inline_modules(&file.production), depths }
    }

    fn around(&self, at: usize) -> impl Iterator<Item = &'a str> {
        self.inline.iter().filter(move |(range, _)| range.start < at && at < range.end).map(|(_, name)| *name)
    }

    fn at(&self, at: usize) -> Path<'a> {
        self.own.iter().copied().chain(self.around(at)).collect()
    }

    fn is_outermost(&self, at: usize) -> bool {
        usize::from(self.depths[at]) == self.around(at).count()
    }

    fn modules(&self) -> Vec<Path<'a>> {
        let inline = self.inline.iter().map(|(range, name)| {
            let mut path = self.at(range.start);
            path.push(name);
            path
        });
        std::iter::once(self.own.clone()).chain(inline).collect()
    }
}

/// The names that stand behind such a word, each with its place.
fn items<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    occurrences(code, word)
        .map(move |at| (at, leading_word(&code[at + word.len()..])))
        .filter(|(_, name)| !name.is_empty())
}

/// Where paths of more than one name begin.
fn chains(code: &str) -> impl Iterator<Item = usize> {
    let joints = code.match_indices("::").map(|(at, _)| at);
    let starts =
        joints.map(|at| code[..at].bytes().rposition(|byte| !is_word(byte)).map_or(0, |before| before + 1).min(at));
    starts.filter(|&start| is_word(code.as_bytes()[start]) && !code[..start].ends_with("::"))
}

/// The words of a code outside of these places.
fn words<'a>(code: &'a str, except: &[std::ops::Range<usize>]) -> BTreeSet<&'a str> {
    let mut from = 0;
    let mut words = BTreeSet::new();
    for range in except.iter().cloned().chain(std::iter::once(code.len()..code.len())) {
        let part = code.get(from..range.start).unwrap_or_default();
        words.extend(part.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')));
        from = range.end;
    }
    words
}
