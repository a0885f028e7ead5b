//! Where modules lie: one with children is the `mod.rs` of its folder, tests too, so that a folder holds all of itself.

use std::collections::BTreeSet;

use super::source::File;

/// Files that stand beside the folder of their own children.
pub fn findings(files: &[File]) -> Vec<String> {
    let rust = || files.iter().filter(|file| file.is_rust());
    let folders: BTreeSet<&str> = rust().flat_map(|file| folders(&file.path)).collect();
    let beside = rust().filter(|file| folders.contains(file.path.trim_end_matches(".rs")));
    beside
        .map(|file| {
            let folder = file.path.trim_end_matches(".rs");
            format!("{}: a module with children is `{folder}/mod.rs` (a target's root: `{folder}/main.rs`)", file.path)
        })
        .collect()
}

/// All folders that a file lies in.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[&str]) -> Vec<String> {
        findings(&paths.iter().map(|path| File::new(path, "")).collect::<Vec<_>>())
    }

    #[test]
    fn a_module_beside_its_folder_is_found() {
        assert_eq!(
            of(&["src/store.rs", "src/store/files.rs"]),
            ["src/store.rs: a module with children is `src/store/mod.rs` (a target's root: `src/store/main.rs`)"]
        );
        assert_eq!(of(&["src/store/tests.rs", "src/store.rs"]).len(), 1);
        assert_eq!(of(&["tests/tidy.rs", "tests/tidy/bans.rs"]).len(), 1);
        assert_eq!(of(&["src/a.rs", "src/a/b/c.rs", "src/a/b.rs"]).len(), 2);
    }

    #[test]
    fn a_folder_that_holds_all_of_itself_is_fine() {
        assert_eq!(of(&["src/store/mod.rs", "src/store/files.rs", "src/store/tests.rs"]), [""; 0]);
        assert_eq!(of(&["src/a/tests/mod.rs", "src/a/tests/b.rs", "src/a/mod.rs"]), [""; 0]);
        assert_eq!(of(&["src/store.rs", "src/store.toml", "src/store/page.html", "src/stores/mod.rs"]), [""; 0]);
        assert_eq!(of(&["tests/tidy/main.rs", "tests/tidy/bans.rs"]), [""; 0]);
    }
}
