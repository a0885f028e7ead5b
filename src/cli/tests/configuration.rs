//! `config validate|show|default`.

use super::super::surroundings::Surroundings;
use super::{Ran, Tested, run_in};
use crate::config::DEFAULT_CONFIG;
use std::error::Error;
use std::fs;

/// Runs `line` on a configuration of these files.
fn configured(files: &[(&str, &str)], variables: &[(&str, &str)], line: &str) -> Result<Ran, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("conf.d"))?;
    for (name, text) in files {
        fs::write(folder.path().join(name), text)?;
    }
    run_in(folder.path(), variables, false, line)
}

#[test]
fn a_valid_configuration_is_told_with_its_files() -> Tested {
    let files =
        [("agent.toml", ""), ("conf.d/10-site.toml", "[health]\nfall = 4"), ("conf.d/20-none.toml", "# nothing\n")];
    let variables = [("RUNDECK_ALB_AGENT__HEALTH__RISE", "3")];
    let ran = configured(&files, &variables, "config validate")?;
    assert!(ran.code(0), "{ran:?}");
    assert_eq!(
        ran.out,
        "configuration is valid: RUN/agent.toml, RUN/conf.d/10-site.toml, 1 key from the environment\n"
    );
    let ran = configured(&files, &variables, "config validate --output json")?;
    let said: serde_json::Value = serde_json::from_str(&ran.out)?;
    assert_eq!(said, serde_json::json!({"valid": true, "files": ["RUN/agent.toml", "RUN/conf.d/10-site.toml"]}));
    assert_eq!(configured(&files, &[], "config validate --quiet")?.out, "");
    Ok(())
}

#[test]
fn each_mistake_is_a_line_and_the_exit_code_is_78() -> Tested {
    let files = [("agent.toml", "[health]\nintervall = \"5s\"\nfall = 0\n")];
    let ran = configured(&files, &[], "config validate")?;
    assert!(ran.code(78) && ran.out.is_empty(), "{ran:?}");
    assert_eq!(ran.err.lines().count(), 2, "{ran:?}");
    assert!(ran.err.lines().all(|line| line.starts_with("error: RUN/agent.toml:")), "{ran:?}");
    let json = configured(&files, &[], "config validate --output json")?;
    let said: serde_json::Value = serde_json::from_str(&json.out)?;
    assert!(json.code(78) && json.err.is_empty(), "{json:?}");
    assert_eq!(said["valid"], false);
    assert_eq!(said["errors"].as_array().map(Vec::len), Some(2));
    for line in ["config show", "config show --origin --output json"] {
        assert!(configured(&files, &[], line)?.code(78));
    }
    Ok(())
}

#[test]
fn settings_are_shown_with_their_origins_and_without_secrets() -> Tested {
    let files = [("agent.toml", "[health]\nfall = 4\n")];
    let variables = [("RUNDECK_TOKEN", "never-shown")];
    let plain = configured(&files, &variables, "config show")?;
    let origins = configured(&files, &variables, "config show --origin")?;
    let json = configured(&files, &variables, "config show --output json")?;
    assert!(plain.out.contains("\nfall = 4\n") && !plain.out.contains("# default"), "{plain:?}");
    let line = origins.out.lines().find(|line| line.starts_with("fall = 4")).ok_or("fall")?;
    assert!(line.ends_with("# RUN/agent.toml:2:8"), "{line}");
    let said: serde_json::Value = serde_json::from_str(&json.out)?;
    assert_eq!(said["health"]["fall"], serde_json::json!({"value": 4, "origin": "RUN/agent.toml:2:8"}));
    for ran in [plain, origins, json] {
        assert!(ran.code(0) && !ran.out.contains("never-shown"));
    }
    Ok(())
}

#[test]
fn the_default_is_the_shipped_file_whatever_is_configured() -> Tested {
    let files = [("agent.toml", "[nonsense]\n")];
    let ran = configured(&files, &[], "config default")?;
    assert!(ran.code(0));
    assert_eq!(ran.out, DEFAULT_CONFIG);
    let json = configured(&files, &[], "config default --output json")?;
    let said: serde_json::Value = serde_json::from_str(&json.out)?;
    assert_eq!(said["health"]["fall"], serde_json::json!({"value": 3, "origin": "default"}));
    Ok(())
}

#[test]
fn the_process_has_surroundings() {
    assert!(Surroundings::of_this_process().variable("PATH").is_some());
}
