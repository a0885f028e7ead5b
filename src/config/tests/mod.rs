//! The configuration as a whole: fixtures against their golden texts, the default file.
//! What the sources do to each other is in `tests/sources.rs`, the table of keys and its page in `tests/table.rs`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use rundeck_alb_core::{Share, Span};

use super::*;

mod sources;
mod table;

type Tested = Result<(), Box<dyn Error>>;

const FIXTURES: &str = "tests/fixtures/config";
const GOLDEN: &str = "tests/golden/config-errors.txt";
const SECRET: &str = "never-shown-4711";

fn no_variables() -> Environment {
    Environment::default()
}

fn from_file(path: impl Into<PathBuf>) -> Sources {
    Sources::new(Some(path.into()), no_variables(), Vec::new())
}

fn from_env(variables: &[(&str, &str)]) -> Sources {
    Sources { env: Environment::new(variables.iter().copied()), ..Sources::default() }
}

/// The error lines of `sources`; none if they are right.
fn lines(sources: &Sources) -> Vec<String> {
    load(sources).err().iter().flat_map(ConfigErrors::iter).map(ToString::to_string).collect()
}

/// A folder with these files, each a path below it and its text.
fn folder(files: &[(&str, &str)]) -> Result<tempfile::TempDir, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    for (name, text) in files {
        let path = folder.path().join(name);
        path.parent().map(fs::create_dir_all).transpose()?;
        fs::write(path, text)?;
    }
    Ok(folder)
}

#[test]
fn each_bad_file_has_its_golden_text() -> Tested {
    let mut files: Vec<PathBuf> = fs::read_dir(Path::new(FIXTURES).join("bad"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut text = String::new();
    for file in files {
        let found = lines(&from_file(&file));
        assert!(!found.is_empty(), "{} has an error", file.display());
        for line in &found {
            assert!(line.starts_with(&file.display().to_string()), "{line}");
            assert!(!line.contains(SECRET), "{line}");
        }
        text.push_str(&found.join("\n"));
        text.push_str("\n\n");
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(GOLDEN, &text)?;
    }
    assert_eq!(text, fs::read_to_string(GOLDEN)?, "BLESS=1 writes {GOLDEN} anew");
    Ok(())
}

#[test]
fn the_good_file_is_read_as_it_is_meant() -> Tested {
    let loaded = load(&from_file(format!("{FIXTURES}/good.toml")))?;
    let settings = &loaded.settings;
    assert_eq!(settings.rundeck.url.to_string(), "https://rundeck.internal:4443/rundeck");
    assert_eq!(settings.health.api_interval, Span::secs(90));
    assert_eq!(settings.drain.jobs_timeout, Span::ZERO);
    let disk = &settings.health.disk;
    assert_eq!(settings.looks.directories, [Path::new("/srv/rundeck"), Path::new("/var/log/rundeck")]);
    assert_eq!((disk.degraded_below, disk.down_below), (Share(125), Share(0)));
    assert_eq!(settings.membership.discover_tag, None);
    let groups: Vec<_> = settings
        .membership
        .groups
        .iter()
        .map(|wanted| (names::name_of_group(&wanted.group), wanted.ownership))
        .collect();
    assert_eq!(groups, [("rundeck-prod", Ownership::Own), ("rundeck-api", Ownership::Observe)]);
    assert_eq!(loaded.origins.of("health.fast_interval").to_string(), format!("{FIXTURES}/good.toml:14:17"));
    assert_eq!(loaded.origins.of("target_group[1].ownership"), loaded.origins.of("membership.ownership"));
    Ok(())
}

#[test]
fn what_is_shown_loads_again_as_the_same() -> Tested {
    for loaded in [Loaded::default(), load(&from_file(format!("{FIXTURES}/good.toml")))?] {
        for text in [loaded.to_toml(), loaded.to_toml_with_origins()] {
            let folder = folder(&[("agent.toml", &text)])?;
            let again = load(&from_file(folder.path().join("agent.toml")))?;
            assert_eq!(again.settings, loaded.settings, "{text}");
        }
    }
    Ok(())
}

#[test]
fn the_default_file_says_what_the_program_does() -> Tested {
    let stripped: String = DEFAULT_CONFIG
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| rest.starts_with(char::is_alphabetic)).unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    let folder = folder(&[("as-shipped.toml", DEFAULT_CONFIG), ("stripped.toml", &stripped)])?;
    assert_eq!(load(&from_file(folder.path().join("as-shipped.toml")))?, Loaded::default());
    let loaded = load(&from_file(folder.path().join("stripped.toml")))?;
    assert_eq!(loaded.settings, Settings::default());
    for key in KEYS {
        assert!(loaded.origins.is_set(&key.path()), "{} is in the default file", key.path());
    }
    for key in GROUP_KEYS {
        assert!(DEFAULT_CONFIG.contains(&format!("\n# {} = ", key.name)), "{}", key.path());
    }
    let lines: Vec<&str> = DEFAULT_CONFIG.lines().collect();
    for pair in lines.windows(2) {
        let [before, line] = pair else { continue };
        assert!(line.chars().count() <= 100, "at most 100 columns: {line}");
        let is_key = line.strip_prefix('#').is_some_and(|rest| rest.starts_with(char::is_alphabetic));
        assert!(!is_key || before.starts_with("# "), "has a comment: {line}");
    }
    Ok(())
}

#[test]
fn any_text_gives_errors_or_settings_and_never_a_panic() -> Tested {
    let good = fs::read_to_string(format!("{FIXTURES}/good.toml"))?;
    let folder = folder(&[])?;
    let path = folder.path().join("agent.toml");
    // Beginnings of a good file, and the good file without one of its characters.
    let cut = good.char_indices().map(|(at, _)| good.get(..at).unwrap_or_default().to_owned());
    let gapped = good.char_indices().map(|(at, c)| {
        let rest = good.get(at + c.len_utf8()..).unwrap_or_default();
        format!("{}{rest}", good.get(..at).unwrap_or_default())
    });
    for text in cut.chain(gapped).step_by(3) {
        let mut raw = Raw::default();
        let mut errors = Vec::new();
        file::add(&path, &text, &mut raw, &mut errors);
        let loaded = interpret(&raw, &mut errors);
        errors.extend(check::conflicts(&loaded.settings, &loaded.origins));
        for error in errors {
            assert!(!error.to_string().contains('\n'), "one line: {error}");
        }
    }
    Ok(())
}

#[test]
fn shown_as_json_each_value_has_its_origin() -> Tested {
    let shown = load(&from_file(format!("{FIXTURES}/good.toml")))?.to_json();
    let cell = serde_json::json!({ "value": "200ms", "origin": format!("{FIXTURES}/good.toml:14:17") });
    assert_eq!(shown.pointer("/health/fast_interval"), Some(&cell));
    assert_eq!(shown.pointer("/health/disk/degraded_below/value"), Some(&serde_json::json!("12.5%")));
    assert_eq!(shown.pointer("/target_group/1/name/value"), Some(&serde_json::json!("rundeck-api")));
    assert_eq!(shown.pointer("/rundeck/ca_file/origin"), Some(&serde_json::json!("default")));
    Ok(())
}
