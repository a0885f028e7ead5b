//! The rooms of core, and who may import whom in it: an arrow goes only to the right, and rooms in one pair of braces
//! never import each other.
//!
//! ```text
//! lib -> { look, heart } -> { health, api, membership, leaving, asg } -> desk -> contract
//! lib -> audit -> contract
//! ```
//!
//! Each file but `lib.rs` lies in the folder of its room. A name that `lib.rs` shows is taken from its own room
//! instead. How paths are read: `house.rs`. What a room keeps for itself: `privacy.rs`.

use super::house::{self, House};
use super::source::File;

/// The rooms of core.
pub const CORE: House = House {
    root: "core/src/",
    names: &["rundeck_alb_core"],
    rows: &[
        &[&["lib"], &["look", "heart"], &["health", "api", "membership", "leaving", "asg"], &["desk"], &["contract"]],
        &[&["lib"], &["audit"], &["contract"]],
    ],
    without: &[],
    told: "tests/tidy/rooms.rs, docs/ARCHITECTURE.md",
};

/// What breaks the rule in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    house::findings(&CORE, files).into_iter().chain(files.iter().filter_map(loose)).collect()
}

/// A file that stands beside the rooms.
fn loose(file: &File) -> Option<String> {
    let inside = file.path.strip_prefix(CORE.root)?;
    let is_loose = !inside.contains('/') && inside != "lib.rs";
    is_loose.then(|| format!("{}: a file of core lies in the folder of its room", file.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        findings(&[File::new(path, text)])
    }

    #[test]
    fn an_arrow_to_the_right_is_fine() {
        for (path, text) in [
            ("core/src/health/web.rs", "use crate::contract::event::Event;\nuse crate::desk::Pace;"),
            ("core/src/look/mod.rs", "use crate::health::web::judged;"),
            ("core/src/heart/between.rs", "use crate::{health::Health, leaving::Drain, desk::Desk};"),
            ("core/src/audit/verify.rs", "use crate::contract::aws::GroupFacts;"),
            ("core/src/lib.rs", "pub use crate::heart::Heart;\npub use contract::moment::Moment;"),
            ("core/src/health/web.rs", "use super::start::Start;\nuse crate::health::phrases;"),
            ("core/src/health/web.rs", "pub(in crate::health) fn f() {}"),
            ("core/src/desk/mod.rs", "mod pace;\n#[cfg(test)] mod tests { use super::pace::Pace; }"),
            ("core/tests/heart/main.rs", "use rundeck_alb_core::Heart;"),
        ] {
            assert_eq!(of(path, text), [""; 0], "{path}: {text}");
        }
    }

    #[test]
    fn an_arrow_to_the_left_and_one_to_a_neighbour_are_found_in_every_spelling() {
        for text in [
            "use crate::heart::Heart;",
            "use crate::look;",
            "use crate::leaving::Drain;",
            "use crate::{contract::event::Event, api::{self, Mode}};",
            "fn f() { crate::membership::wanted() }",
            "use super::super::asg::Asg;",
            "use super::super::{contract, asg};",
            "#[cfg(test)] mod tests { use super::super::super::asg::Asg; }",
            "#[cfg(test)] mod tests { use crate::heart::Heart; }",
            "use crate::audit::verify;",
            "use rundeck_alb_core::api::Api;",
        ] {
            assert_eq!(of("core/src/health/web.rs", text).len(), 1, "{text}");
        }
        assert_eq!(
            of("core/src/look/mod.rs", "\nuse crate::heart::Heart;"),
            ["core/src/look/mod.rs:2: `look` must not import `heart`"]
        );
    }

    #[test]
    fn the_audit_needs_no_heart_and_no_desk() {
        for room in ["heart", "look", "health", "desk"] {
            assert_eq!(of("core/src/audit/verify.rs", &format!("use crate::{room}::X;")).len(), 1, "{room}");
            assert_eq!(of(&format!("core/src/{room}/mod.rs"), "use crate::audit::X;").len(), 1, "{room}");
        }
    }

    #[test]
    fn a_name_that_lib_shows_is_taken_from_its_own_room() {
        assert_eq!(
            of("core/src/health/web.rs", "use crate::Event;"),
            ["core/src/health/web.rs:1: `health` must not import `Event`"]
        );
        assert_eq!(of("core/src/health/web.rs", "use crate::*;").len(), 1);
    }

    #[test]
    fn a_file_lies_in_a_room() {
        assert_eq!(of("core/src/lib.rs", ""), [""; 0]);
        assert_eq!(of("core/src/asg/hook.rs", ""), [""; 0]);
        assert!(of("core/src/helpers/mod.rs", "")[0].contains("`helpers` has no place in the house"));
        assert_eq!(of("core/src/health.rs", ""), ["core/src/health.rs: a file of core lies in the folder of its room"]);
    }
}
