//! What a room of core keeps for itself: the fields of its structs, and the `impl` blocks of its types.
//!
//! A field is seen inside the folder of its room at most; only the values of `contract/` are open. What rooms hand to
//! each other lies there, or has a constructor. The fields of an enum's variants are its shape, not its state: they are
//! none here. A type that a macro's block declares (`words! { Cause { .. } }`) is at home where the block stands, and a
//! type goes by its own name under `use .. as` and `type` too. Tests are read too.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::paths::{absolute, inline_modules, leaves, module, uses};
use super::rooms::CORE;
use super::source::{File, balanced, is_word, leading_word, line, occurrences};

/// The room whose values are open.
const OPEN: &str = "contract";

/// What breaks the rule in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    let core: Vec<&File> = files.iter().filter(|file| file.is_rust() && file.path.starts_with(CORE.root)).collect();
    let fields = core.iter().filter(|file| CORE.room(&file.path) != OPEN).flat_map(|file| open_fields(file));
    let mut homes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in &core {
        for name in types(&file.code) {
            homes.entry(name).or_default().insert(CORE.room(&file.path));
        }
    }
    let aliases: BTreeMap<&str, &str> = core.iter().flat_map(|file| aliases(&file.code)).collect();
    fields.chain(core.iter().flat_map(|file| strangers(file, &homes, &aliases))).collect()
}

/// Fields that more than their room can see.
fn open_fields(file: &File) -> Vec<String> {
    let code = &file.code;
    let inline = inline_modules(code);
    let mut findings = Vec::new();
    for (name, body) in structs(code) {
        for at in occurrences(&code[body.clone()], "pub").map(|at| body.start + at) {
            let mut module = module(&file.path, CORE.root);
            module.extend(inline.iter().filter(|(range, _)| range.contains(&at)).map(|(_, name)| name));
            if code[at + "pub".len()..].bytes().next().is_none_or(|byte| !is_word(byte))
                && is_open(&code[at..], &module)
            {
                let word = code[at..].split_inclusive([' ', ')']).next().unwrap_or("pub").trim();
                findings.push(format!(
                    "{}:{}: a field of `{name}` is `{word}`: its room's alone",
                    file.path,
                    line(code, at)
                ));
            }
        }
    }
    findings
}

/// Whether what is written with this `pub` in a module is seen outside the module's room.
fn is_open(code: &str, module: &[&str]) -> bool {
    let Some(inside) = code.strip_prefix("pub(") else { return true };
    let path = leaves(inside, inside.strip_prefix("in ").map_or(0, |_| "in ".len())).0;
    let seen = path.first().and_then(|leaf| absolute(module, &leaf.names, CORE.names));
    seen.is_none_or(|seen| seen.is_empty())
}

/// Each struct that has fields: its name, and where they stand.
fn structs(code: &str) -> Vec<(&str, Range<usize>)> {
    let with_fields = occurrences(code, "struct ").filter_map(|at| {
        let name = leading_word(&code[at + "struct ".len()..]);
        let head = &code[at + "struct ".len() + name.len()..];
        let behind = head.strip_prefix('<').map_or(Some(head), behind_angles)?;
        let start = code.len() - behind.len();
        let open = if behind.starts_with('(') { start } else { start + behind.find(['{', ';'])? };
        let has_fields = !name.is_empty() && !code[open..].starts_with(';');
        has_fields.then_some((name, open..balanced(code, open)?))
    });
    with_fields.collect()
}

/// The names of the types that a code declares.
fn types(code: &str) -> impl Iterator<Item = &str> {
    let declared = ["struct ", "enum ", "union "].into_iter();
    let named =
        declared.flat_map(move |word| occurrences(code, word).map(move |at| leading_word(&code[at + word.len()..])));
    named.filter(|name| !name.is_empty()).chain(made(code))
}

/// The types that blocks of macros declare by a name and what it has in braces.
fn made(code: &str) -> impl Iterator<Item = &str> {
    let blocks = code.match_indices("! {").map(|(at, mark)| &code[at + mark.len()..]);
    blocks.filter_map(|block| {
        let mut inside = block.trim_start();
        while let Some(end) = inside.strip_prefix('#').and_then(|_| balanced(inside, 1)) {
            inside = inside[end..].trim_start();
        }
        let name = leading_word(inside.strip_prefix("pub ").unwrap_or(inside));
        let is_type = name.starts_with(|first: char| first.is_ascii_uppercase());
        let opens = inside.split_once(name)?.1.trim_start().starts_with('{');
        Some(name).filter(|_| is_type && opens)
    })
}

/// The names that a code gives to types besides their own, each with the name that it stands for.
fn aliases(code: &str) -> Vec<(&str, &str)> {
    let renamed = uses(code).into_iter().flat_map(|line| line.leaves);
    let renamed = renamed.filter_map(|leaf| Some((leaf.alias?, *leaf.names.last()?)));
    let typed = occurrences(code, "type ").filter_map(|at| {
        let (head, of) = code[at + "type ".len()..].split(';').next()?.split_once('=')?;
        Some((leading_word(head), type_name(of)?))
    });
    renamed.chain(typed).filter(|(alias, of)| alias != of).collect()
}

/// `impl` blocks of types whose home is another room.
fn strangers(file: &File, homes: &BTreeMap<&str, BTreeSet<&str>>, aliases: &BTreeMap<&str, &str>) -> Vec<String> {
    let code = &file.code;
    let own = CORE.room(&file.path);
    let here: BTreeMap<&str, &str> = self::aliases(code).into_iter().collect();
    let blocks = occurrences(code, "impl").filter_map(|at| Some((at, implemented(code, at)?)));
    let strange = blocks.filter_map(|(at, name)| {
        let name = own_name(name, |name| {
            here.get(name).or_else(|| aliases.get(name).filter(|_| !homes.contains_key(name))).copied()
        });
        let homes = homes.get(name).filter(|homes| !homes.contains(own))?;
        let home = homes.iter().next()?;
        Some(format!("{}:{}: `impl {name}` belongs into `{home}`", file.path, line(code, at)))
    });
    strange.collect()
}

/// What a name stands for in the end; names that stand for each other stand for nothing.
fn own_name<'a>(name: &'a str, stands_for: impl Fn(&str) -> Option<&'a str>) -> &'a str {
    const HOPS: usize = 8;
    let hops = std::iter::successors(Some(name), |name| stands_for(name));
    hops.take(HOPS).last().unwrap_or(name)
}

/// The name of the type that an `impl` block at this place is for; `None` for an `impl Trait` inside a signature.
fn implemented(code: &str, at: usize) -> Option<&str> {
    let before = code[..at].trim_end();
    let is_item = before.is_empty() || before.ends_with([';', '{', '}', ']']);
    let head = code[at + "impl".len()..].split(['{', ';']).next().filter(|_| is_item)?;
    let head = head.strip_prefix('<').map_or(Some(head), behind_angles).filter(|head| head.starts_with(' '))?;
    let whole = head.split(" where ").next().unwrap_or(head);
    type_name(whole.rsplit_once(" for ").map_or(whole, |(_, of)| of))
}

/// The name of a type without its path, its reference and its arguments.
fn type_name(of: &str) -> Option<&str> {
    let path = without_reference(of.trim());
    let path = &path[..path.find('<').unwrap_or(path.len())];
    path.rsplit("::").next().map(leading_word).filter(|name| !name.is_empty())
}

fn without_reference(of: &str) -> &str {
    let Some(of) = of.strip_prefix('&') else { return of };
    let of = if of.starts_with('\'') { of.split_once(' ').map_or(of, |(_, of)| of) } else { of };
    of.strip_prefix("mut ").unwrap_or(of)
}

/// What follows the `>` that closes the angles around `code`.
fn behind_angles(code: &str) -> Option<&str> {
    let mut depth = 1_usize;
    let close = code.bytes().enumerate().position(|(at, byte)| {
        match byte {
            b'<' => depth += 1,
            b'>' if at > 0 && code.as_bytes()[at - 1] == b'-' => {}
            b'>' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some(&code[close + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        findings(&[File::new(path, text)])
    }

    #[test]
    fn a_field_that_all_of_core_can_see_is_found() {
        for text in [
            "struct Web { pub(crate) round: u8 }",
            "struct Web { round: u8, pub at: u8 }",
            "pub struct Web<T: Copy>(u8, pub(crate) T);",
            "pub(crate) struct WebInputs<'a> {\n    /// Why.\n    #[serde(default)]\n    pub(crate) x: &'a str,\n}",
            "struct Web<F: Fn(u8) -> u8> where F: Copy { pub(crate) round: F }",
            "struct Web { pub(in crate) round: u8 }",
            "struct Web { pub(in super::super) round: u8 }",
            "#[cfg(test)] mod tests { struct Web { pub round: u8 } }",
        ] {
            assert_eq!(of("core/src/health/web.rs", text).len(), 1, "{text}");
        }
        assert_eq!(
            of("core/src/health/mod.rs", "\nstruct Health {\n    pub(super) web: Web,\n}"),
            ["core/src/health/mod.rs:3: a field of `Health` is `pub(super)`: its room's alone"]
        );
    }

    #[test]
    fn a_field_that_stays_in_its_room_is_fine() {
        for text in [
            "pub struct Web { round: u8 }\nimpl Web { pub fn round(&self) -> u8 { self.round } }",
            "struct Web { pub(super) round: u8, pub(self) at: u8, pub(in crate::health) since: u8 }",
            "struct Web(pub(super) u8);",
            "pub struct Web;\npub struct Other;",
            "pub enum Seen { Passed { at: u8 }, Failed(u8) }",
            "struct Web { public: u8 }",
            "/// A struct with a `pub` field { pub x }\nstruct Web { x: u8 }",
            "mod inner { struct Web { pub(super) round: u8 } }",
        ] {
            assert_eq!(of("core/src/health/web.rs", text), [""; 0], "{text}");
        }
        assert_eq!(of("core/src/health/mod.rs", "mod inner { struct Web { pub(super) round: u8 } }"), [""; 0]);
        assert_eq!(of("core/src/contract/event.rs", "pub struct Event { pub at: u8 }"), [""; 0]);
        assert_eq!(of("src/config/settings.rs", "pub struct Settings { pub a: u8 }"), [""; 0]);
    }

    fn beside(path: &str, text: &str) -> Vec<String> {
        let home = "pub struct Health<T> { web: T }\npub enum Seen { A }";
        findings(&[File::new("core/src/health/mod.rs", home), File::new(path, text)])
    }

    #[test]
    fn an_impl_outside_the_room_of_its_type_is_found() {
        for text in [
            "impl Health<u8> { fn f() {} }",
            "use crate::health::Health;\nimpl<T: Into<u8>> crate::health::Health<T> {}",
            "impl std::fmt::Display for Seen {}",
            "impl<F: Fn(u8) -> u8> From<F> for Seen {}",
            "impl<'a> From<&'a Seen> for &'a Health<u8> {}",
            "#[cfg(test)] mod tests { impl Seen { fn x() {} } }",
        ] {
            assert_eq!(beside("core/src/heart/mod.rs", text).len(), 1, "{text}");
        }
        assert_eq!(
            beside("core/src/heart/view.rs", "\nimpl Health<u8> {}"),
            ["core/src/heart/view.rs:2: `impl Health` belongs into `health`"]
        );
    }

    #[test]
    fn a_type_that_a_macro_declares_has_a_home_too() {
        let word = "words! {\n    /// Who.\n    #[derive(Copy)]\n    Cause {\n        One = \"one\",\n    }\n}";
        let told =
            |path: &str, text: &str| findings(&[File::new("core/src/contract/words.rs", word), File::new(path, text)]);
        for text in ["impl Cause { fn x() {} }", "use crate::contract::Cause;\nimpl std::fmt::Display for Cause {}"] {
            assert_eq!(told("core/src/heart/mod.rs", text).len(), 1, "{text}");
            assert_eq!(told("core/src/contract/order.rs", text), [""; 0], "{text}");
        }
        let calls = "fn f() { vec! { Cause } ; assert! { x } }\nstruct Heart;\nimpl Heart {}";
        assert_eq!(told("core/src/heart/mod.rs", calls), [""; 0]);
    }

    #[test]
    fn a_type_goes_by_its_own_name() {
        for text in [
            "use crate::health::Seen as Found;\nimpl Found {}",
            "use crate::health::{Health, Seen as Found};\nimpl std::fmt::Display for Found {}",
            "type Found = crate::health::Health<u8>;\nimpl Found {}",
            "use crate::health::Seen as Other;\ntype Found<'a> = &'a Other;\nimpl Found<'_> {}",
        ] {
            assert_eq!(beside("core/src/heart/mod.rs", text).len(), 1, "{text}");
            assert_eq!(beside("core/src/health/web.rs", text), [""; 0], "{text}");
        }
        let circle = "use a::A as B;\nuse a::B as A;\nimpl A {}";
        assert_eq!(beside("core/src/heart/mod.rs", circle), [""; 0]);
        let heart = "struct Heart;\ntype State = Heart;\nimpl State {}\nimpl Row for Heart { type Output = Seen; }";
        assert_eq!(beside("core/src/heart/mod.rs", heart), [""; 0]);
    }

    #[test]
    fn an_impl_inside_the_room_of_its_type_is_fine() {
        assert_eq!(beside("core/src/health/web.rs", "impl Health<u8> { fn f() {} }"), [""; 0]);
        for text in [
            "struct Heart;\nimpl Heart {}\nimpl From<Seen> for Heart {}",
            "trait Row {}\nimpl<T> Row for Vec<T> {}",
            "fn f(x: impl Fn(u8)) -> impl Iterator<Item = Seen> { g(x) }",
            "struct Seen;\nimpl Seen {}",
            "struct Heart;\nimpl PartialEq<Seen> for Heart where Seen: Copy {}",
        ] {
            assert_eq!(beside("core/src/heart/mod.rs", text), [""; 0], "{text}");
        }
    }
}
