//! The table of keys: each has a field of its own, a row of the page, a line of the default file, and no other place.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The key that stands for all of the heart's in docs/ARCHITECTURE.md.
const EXAMPLE: (&str, &str) = ("drain", "jobs_unknown_timeout");
/// Where a program, its files and its pages are.
const ROOTS: [&str; 4] = ["src", "core/src", "config", "docs"];
/// The page that lists the places; it names the example for that alone.
const PLACES: &str = "docs/ARCHITECTURE.md";

/// A value of every kind that a key takes, no default among them.
fn values() -> Vec<Value> {
    let text = |text: &str| Value::Text(text.to_owned());
    let path = Entry { value: text("/srv/other"), origin: Origin::Default };
    let texts =
        ["7m7s", "7.7%", "http://127.0.0.1:4477", "[::1]:4477", "/srv/other", "eu-west-7", "0".repeat(64).as_str()]
            .map(text)
            .into_iter();
    let words = ["self", "in", "eject", "replace", "none", "json", "debug"].map(text).into_iter();
    let others = [Value::Integer(77), Value::Boolean(true), Value::Boolean(false), Value::List(vec![path])];
    texts.chain(words).chain(others).collect()
}

/// The defaults with another value of `key`.
fn changed(key: &Key<Settings>) -> Option<Settings> {
    let default = (key.show)(&Settings::default());
    let read = |value: &Value| {
        let mut settings = Settings::default();
        (key.read)(&mut settings, value).ok().map(|()| settings)
    };
    values().iter().filter_map(read).find(|settings| (key.show)(settings) != default)
}

#[test]
fn each_key_has_a_field_of_its_own_and_is_read_as_it_is_shown() {
    let defaults = Settings::default();
    for key in KEYS {
        let changed = changed(key);
        assert!(changed.is_some(), "{}: add a value that fits it", key.path());
        if let Some(settings) = changed {
            for other in KEYS.iter().filter(|other| other.path() != key.path()) {
                assert_eq!((other.show)(&settings), (other.show)(&defaults), "{} by {}", other.path(), key.path());
            }
            let loaded = Loaded { settings, ..Loaded::default() };
            let (mut raw, mut errors) = (Raw::default(), Vec::new());
            file::add(Path::new("shown.toml"), &loaded.to_toml(), &mut raw, &mut errors);
            let again = interpret(&raw, &mut errors);
            assert_eq!((again.settings, errors), (loaded.settings, Vec::new()), "{}", key.path());
        }
    }
}

/// The rows of docs/CONFIG.md that are keys: table and name, with the default.
fn rows(page: &str) -> BTreeMap<(&str, &str), &str> {
    let mut table = "";
    let mut rows = BTreeMap::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            table = heading.trim_matches(['`', '[', ']']);
        } else if let Some((name, rest)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | ")) {
            rows.insert((table, name), rest.split(" | ").nth(1).unwrap_or_default());
        }
    }
    rows
}

#[test]
fn the_page_has_the_keys_and_their_defaults_and_no_others() -> Tested {
    let page = fs::read_to_string("docs/CONFIG.md")?;
    let rows = rows(&page);
    let keys: BTreeSet<_> = keys::all().collect();
    assert_eq!(rows.keys().copied().collect::<BTreeSet<_>>(), keys);
    let defaults = Settings::default();
    for key in KEYS {
        let default = format!("`{}`", (key.show)(&defaults));
        assert_eq!(rows.get(&(key.table, key.name)), Some(&default.as_str()), "{}", key.path());
    }
    for key in keys::UNSUPPORTED {
        assert!(page.contains(&format!("`{key}`")), "{key}");
    }
    for (table, name) in keys {
        assert_eq!(keys::unsupported(&format!("{table}.{name}")), None, "{table}.{name}");
    }
    Ok(())
}

/// The files below `folder` that name `word`, those of tests excepted.
fn files_with(word: &str, folder: &Path, found: &mut BTreeSet<String>) -> Tested {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let tests = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.is_dir() && !tests {
            files_with(word, &path, found)?;
        } else if !tests && fs::read(&path)?.windows(word.len()).any(|bytes| bytes == word.as_bytes()) {
            found.insert(path.display().to_string());
        }
    }
    Ok(())
}

/// A key like the example touches what the example stands in, so the list of its places is the list for the next one.
#[test]
fn a_key_stands_in_the_places_that_the_map_lists() -> Tested {
    let (table, name) = EXAMPLE;
    let mut found = BTreeSet::new();
    for root in ROOTS {
        files_with(name, Path::new(root), &mut found)?;
    }
    found.remove(PLACES);
    let map = fs::read_to_string(PLACES)?;
    let example = format!("`{table}.{name}`");
    let row = map.lines().find(|line| line.starts_with('|') && line.contains(&example)).unwrap_or_default();
    let touch = row.split('|').nth(2).unwrap_or_default();
    let listed: BTreeSet<String> = touch.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(found, listed, "left: where {name} stands; right: where {PLACES} says it does");
    Ok(())
}
