//! Files that name each other in a circle: neither can be read, moved or tested without the other.
//!
//! A file names another one when its code uses something that the other declares; a name that is taken from a face
//! comes from the file that declares it. Tests inside a crate do not count. Each crate is looked at by itself, and so
//! is each test target.
//!
//! A face (`mod.rs`, or the crate's `lib.rs` or `main.rs`) shows its room and calls it: that is what it is for. So a
//! child may take a type or a constant that its face declares: that circle hides nothing. A child that calls a function
//! of a face that calls the child is a circle, as those between siblings and between rooms are. A name that a file only
//! shows to others (`pub use`) is none that it uses.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::modules::Crate;
use super::source::{File, line};

/// The folders of sources, one for each crate.
const CRATES: [&str; 4] = ["src/", "core/src/", "xtask/src/", "tests/lab/src/"];

/// The folders of targets that are never shipped: their tests are what they do.
const TESTS: [&str; 5] = ["benches/figures/", "core/tests/heart/", "tests/it/", "tests/sim/", "tests/tidy/"];

/// The files that show and call the rest of their folder.
const FACES: [&str; 3] = ["mod.rs", "lib.rs", "main.rs"];

/// The names between files, those of a face's own children aside: from which to which, and one of them with its line.
type Graph<'a> = BTreeMap<&'a str, BTreeMap<&'a str, (usize, &'a str)>>;

/// The circles in these files: for each name between two files the shortest way back, each circle once.
pub fn findings(files: &[File]) -> Vec<String> {
    let tests: Vec<File> = files.iter().filter(|file| file.is_in(&TESTS)).map(shipped).collect();
    let crates = CRATES.iter().flat_map(|root| of_crate(files, root));
    crates.chain(TESTS.iter().flat_map(|root| of_crate(&tests, root))).collect()
}

/// A file of a test target, taken as the sources of a program of its own.
fn shipped(file: &File) -> File {
    File {
        path: file.path.clone(),
        text: file.text.clone(),
        code: file.code.clone(),
        production: file.code.clone(),
        spoken: file.text.clone(),
    }
}

fn of_crate(files: &[File], root: &'static str) -> Vec<String> {
    let has_lib = files.iter().any(|file| file.path == format!("{root}lib.rs"));
    let other_roots =
        if has_lib { [format!("{root}main.rs"), format!("{root}bin/")] } else { [const { String::new() }; 2] };
    let others = other_roots.each_ref().map(String::as_str);
    let own: Vec<&File> = files
        .iter()
        .filter(|file| file.is_rust() && file.path.starts_with(root) && !(has_lib && file.is_in(&others)))
        .collect();
    let graph = graph(&own, root);
    let mut circles = BTreeSet::new();
    for (from, named) in &graph {
        circles.extend(named.keys().filter_map(|to| way(&graph, to, from)).map(from_least));
    }
    circles.into_iter().map(|circle| told(&graph, &circle)).collect()
}

fn graph<'a>(files: &[&'a File], root: &'static str) -> Graph<'a> {
    let all = Crate::new(files, root);
    let mut graph = Graph::new();
    for file in files {
        let named = graph.entry(file.path.as_str()).or_default();
        for name in all.named(file).into_iter().filter(|name| !(name.is_type && is_face_of(name.file, &file.path))) {
            named.entry(name.file).or_insert((line(&file.production, name.at), name.name));
        }
    }
    graph
}

/// Whether a file is the face of the room, or of a room around it, in which the other one lies.
fn is_face_of(face: &str, file: &str) -> bool {
    let room = FACES.iter().find_map(|name| face.strip_suffix(name));
    room.is_some_and(|room| room.ends_with('/') && file.starts_with(room))
}

/// The shortest way from a file to another one, both included.
fn way<'a>(graph: &Graph<'a>, from: &'a str, to: &'a str) -> Option<Vec<&'a str>> {
    let mut reached_by: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([from]);
    while let Some(file) = open.pop_front() {
        if file == to {
            let mut way = vec![to];
            while let Some(before) = way.last().filter(|last| **last != from).and_then(|last| reached_by.get(last)) {
                way.push(before);
            }
            way.reverse();
            return Some(way);
        }
        for next in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            if *next != from && !reached_by.contains_key(next) {
                reached_by.insert(next, file);
                open.push_back(next);
            }
        }
    }
    None
}

/// A circle from its first file in the alphabet on.
fn from_least(mut circle: Vec<&str>) -> Vec<&str> {
    let least = (0..circle.len()).min_by_key(|&at| circle[at]).unwrap_or(0);
    circle.rotate_left(least);
    circle
}

fn told(graph: &Graph, circle: &[&str]) -> String {
    let next = |at: usize| circle[(at + 1) % circle.len()];
    let steps = circle.iter().enumerate().filter_map(|(at, file)| {
        let (line, name) = graph.get(file)?.get(next(at))?;
        Some(format!("{file}:{line} names {name}"))
    });
    format!("{} -> {} ({})", circle.join(" -> "), circle[0], steps.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles among files below `src/`, without where they are named.
    fn of(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> = files.iter().map(|(path, text)| File::new(&format!("src/{path}"), text)).collect();
        findings(&files).iter().map(|found| found.split(" (").next().unwrap_or(found).replace("src/", "")).collect()
    }

    #[test]
    fn a_circle_is_found_in_every_spelling() {
        for back in [
            "use super::b::B;",
            "use crate::x::b::B as Other;",
            "use crate::x::{b::{self, B}, C};",
            "use super::b; fn f() -> b::B { b::B }",
            "fn f() -> super::b::B { crate::x::b::B }",
            "use super::B;",
            "use super::*; fn f(_: B) {}",
            "use super::b::*; fn f(_: B) {}",
            "use crate::B;",
            "use crate::x::Renamed;",
            "mod inner { use super::super::B; }",
            "fn f() { use super::b::B; }",
            "pub use super::b::B as Shown; fn f(_: Shown) {}",
        ] {
            let circle = of(&[
                ("lib.rs", "pub mod x; pub use x::B;"),
                ("x/mod.rs", "mod a; mod b; pub(crate) use a::A; pub(crate) use b::B; pub use b::B as Renamed;"),
                ("x/a.rs", &format!("pub struct A;\n{back}")),
                ("x/b.rs", "pub struct B;\nuse super::a::A;"),
            ]);
            assert_eq!(circle, ["x/a.rs -> x/b.rs -> x/a.rs"], "{back}");
        }
    }

    #[test]
    fn each_circle_is_told_once_with_its_names() {
        let files = [
            File::new("core/src/a.rs", "use crate::b::B;\npub struct A;"),
            File::new("core/src/b.rs", "\nuse crate::c::C;\npub struct B;"),
            File::new("core/src/c.rs", "\n\npub struct C; fn f(_: crate::a::A) {}"),
            File::new("core/src/lib.rs", "mod a; mod b; mod c;"),
        ];
        assert_eq!(
            findings(&files),
            ["core/src/a.rs -> core/src/b.rs -> core/src/c.rs -> core/src/a.rs (core/src/a.rs:1 names B, \
                 core/src/b.rs:2 names C, core/src/c.rs:3 names A)"]
        );
    }

    #[test]
    fn a_face_is_in_no_circle_with_its_own_children() {
        let child = "use super::Shared; pub struct A;";
        for used in ["pub use a::A;", "use a::A;", "fn f() { a::A }", "use a::*; fn f(_: A) {}"] {
            let face = format!("mod a; pub struct Shared; {used}");
            for (of_face, of_child) in [("x/mod.rs", "x/a.rs"), ("x/mod.rs", "x/a/mod.rs"), ("main.rs", "a.rs")] {
                assert_eq!(of(&[(of_face, &face), (of_child, child)]), [""; 0], "{of_child}: {used}");
            }
        }
    }

    #[test]
    fn a_child_that_calls_a_function_of_its_face_is_in_a_circle() {
        for child in [
            "use super::help; pub fn done() { help() }",
            "pub fn done() { super::help() }",
            "use super::*; pub fn done() { help() }",
            "pub fn done() { crate::x::help() }",
        ] {
            let face = "mod a; mod b; fn help() {} fn f() { a::done() }";
            assert_eq!(of(&[("x/mod.rs", face), ("x/a.rs", child)]), ["x/a.rs -> x/mod.rs -> x/a.rs"], "{child}");
            let face = "mod a; fn help() {} pub use a::done;";
            assert_eq!(of(&[("x/mod.rs", face), ("x/a.rs", child)]), [""; 0], "a face that only shows: {child}");
        }
        for child in ["fn done() { super::Shared::new() }", "use super::LIMIT; fn done() -> u8 { LIMIT }"] {
            let face = "mod a; const LIMIT: u8 = 1; struct Shared; fn f() { a::done() }";
            assert_eq!(of(&[("x/mod.rs", face), ("x/a.rs", child)]), [""; 0], "{child}");
        }
    }

    #[test]
    fn a_face_is_in_a_circle_with_what_is_not_its_own() {
        for (face, other) in [("x/mod.rs", "y/mod.rs"), ("x/mod.rs", "xy.rs"), ("x/y/mod.rs", "x/z.rs")] {
            let name = |path: &str| path.trim_end_matches("/mod.rs").trim_end_matches(".rs").replace('/', "::");
            let naming = |path: &str| format!("pub struct T; use crate::{}::T as Other;", name(path));
            let circle = of(&[(face, &naming(other)), (other, &naming(face))]);
            assert_eq!(circle, [format!("{face} -> {other} -> {face}")]);
        }
    }

    #[test]
    fn what_only_looks_like_a_circle_is_fine() {
        let b = ("b.rs", "use crate::a::A; pub struct B;");
        for a in [
            "pub struct A; #[cfg(test)] mod tests { use crate::b::B; }",
            "pub struct A; // not crate::b::B\nconst T: &str = \"crate::b::B\";",
            "pub struct A; fn f() { other::b::B; b::B() }",
            "pub struct A; use other::{b::B};",
            "pub struct A; use crate::b;",
            "pub struct A; pub use crate::b::B;",
        ] {
            assert_eq!(of(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), b]), [""; 0], "{a}");
        }
    }

    #[test]
    fn crates_are_looked_at_by_themselves() {
        let lib = "pub mod a; pub struct Lib;";
        assert_eq!(
            of(&[("lib.rs", lib), ("main.rs", "mod a; use a::A;"), ("a.rs", "use crate::Lib; pub struct A;")]),
            [""; 0]
        );
        let lab = [
            File::new("tests/lab/src/a.rs", "use crate::b::B; pub struct A;"),
            File::new("tests/lab/src/b.rs", "use crate::a::A; pub struct B;"),
        ];
        assert_eq!(findings(&lab).len(), 1);
        for root in TESTS {
            let of_test = |name: &str, text: &str| File::new(&format!("{root}{name}"), text);
            let target = [
                of_test("main.rs", "mod a; mod b;"),
                of_test("a.rs", "use crate::b::B; pub struct A;"),
                of_test("b.rs", "use crate::a::A; pub struct B;"),
            ];
            assert_eq!(findings(&target).len(), 1, "{root}");
        }
    }
}
