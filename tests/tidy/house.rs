//! Who may import whom inside one crate, by a table of its rooms: an arrow goes only to the right, and the rooms of one
//! column never know each other.
//!
//! It reads every path that begins with `crate::` or another name of the crate, with or without braces, in `use` lines
//! and inline, and every `super::` chain that climbs out of a room; tests are read too. The tables stand in
//! `imports.rs` and `rooms.rs`.

use super::paths::from_root;
use super::source::{File, line};

/// The rooms of one crate.
pub struct House {
    /// The folder of its sources, with `/` at its end.
    pub root: &'static str,
    /// The names of the crate besides `crate`.
    pub names: &'static [&'static str],
    /// Its rooms: rows of columns, from left to right. An arrow keeps to one row.
    pub rows: &'static [&'static [&'static [&'static str]]],
    /// Modules that know less than their room, each with what it must not know, from the crate's root on.
    pub without: &'static [(&'static str, &'static [&'static str])],
    /// Where the rooms are told.
    pub told: &'static str,
}

/// What breaks the rule in these files.
pub fn findings(house: &House, files: &[File]) -> Vec<String> {
    let lib = format!("{}lib.rs", house.root);
    let inside = files.iter().filter(|file| file.is_rust() && file.path.starts_with(house.root) && file.path != lib);
    inside.flat_map(|file| of_file(house, file)).collect()
}

fn of_file(house: &House, file: &File) -> Vec<String> {
    let own = house.room(&file.path);
    if !house.knows(own) {
        return vec![format!("{}: `{own}` has no place in the house ({})", file.path, house.told)];
    }
    let named = from_root(file, house.root, house.names);
    let banned = named.into_iter().filter_map(|(at, names)| {
        let name = names.first()?;
        let without = house.without.iter().filter(|(module, _)| is_in_module(&file.path, module));
        let missing = without.map(|(_, missing)| missing).find(|missing| leads_to(&names, missing));
        let banned = missing.map(|missing| missing.join("::"));
        Some((at, banned.or_else(|| (!house.allows(own, name)).then(|| (*name).to_owned()))?))
    });
    let mut findings: Vec<String> = banned
        .map(|(at, name)| format!("{}:{}: `{own}` must not import `{name}`", file.path, line(&file.code, at)))
        .collect();
    // A group of braces names a room once for each of its names.
    findings.dedup();
    findings
}

/// Whether a file is this module, or lies in its folder.
fn is_in_module(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Whether a path names this or something in it, or what it lies in, from where it can be reached.
fn leads_to(names: &[&str], place: &[&str]) -> bool {
    let names = names.strip_suffix(&["*"]).unwrap_or(names);
    names.starts_with(place) || place.starts_with(names)
}

impl House {
    /// The room of a file: the first name below the crate's sources.
    pub fn room<'a>(&self, path: &'a str) -> &'a str {
        let inside = path.strip_prefix(self.root).unwrap_or(path);
        inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
    }

    /// Whether a room has a place in the house.
    pub fn knows(&self, room: &str) -> bool {
        self.rows.iter().any(|row| column(row, room).is_some())
    }

    /// A name that is no room's is `lib`'s own; where `lib` has no place in the table, its names are everybody's.
    fn allows(&self, from: &str, to: &str) -> bool {
        let to = if self.knows(to) { to } else { "lib" };
        let right = |row: &&[&[&str]]| column(row, from).zip(column(row, to)).is_some_and(|(from, to)| from < to);
        from == to || !self.knows(to) || self.rows.iter().any(right)
    }
}

fn column(row: &[&[&str]], room: &str) -> Option<usize> {
    row.iter().position(|rooms| rooms.contains(&room))
}
