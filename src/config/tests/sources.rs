//! Files, environment and flags against each other: order, merging, origins, secrets, and what
//! each of them can get wrong.

use super::*;

#[test]
fn later_files_win_tables_merge_and_lists_replace() -> Tested {
    let folder = folder(&[
        (
            "agent.toml",
            "[health]\nrise = 1\nfall = 4\npaths = [\"/a\", \"/b\"]\n[[target_group]]\nname = \"one\"\n\
             [[target_group]]\nname = \"two\"\n",
        ),
        ("conf.d/20-b.toml", "[health]\nfall = 6\n[[target_group]]\nname = \"three\"\n"),
        ("conf.d/10-a.toml", "[health]\nfall = 5\npaths = [\"/c\"]\nrise = 9\n"),
        ("conf.d/.hidden.toml", "[health]\nfall = 100\n"),
        ("conf.d/readme.txt", "not read"),
    ])?;
    let loaded = load(&from_file(folder.path().join("agent.toml")))?;
    let health = &loaded.settings.health;
    assert_eq!((health.rise, health.fall, &health.paths), (9, 6, &vec!["/c".to_owned()]));
    let groups: Vec<_> = loaded.settings.membership.groups.iter().map(|wanted| wanted.group.as_str()).collect();
    assert_eq!(groups, ["three"]);
    let origin = |key| loaded.origins.of(key).to_string().replace(&folder.path().display().to_string(), "");
    assert_eq!(origin("health.rise"), "/conf.d/10-a.toml:4:8");
    assert_eq!(origin("health.fall"), "/conf.d/20-b.toml:2:8");
    assert_eq!(origin("target_group[0].name"), "/conf.d/20-b.toml:4:8");
    assert_eq!(origin("health.settle"), "default");
    Ok(())
}

#[test]
fn all_sources_are_judged_at_once() -> Tested {
    let folder = folder(&[
        ("agent.toml", "[health]\nintervall = \"5s\"\n"),
        ("conf.d/a.toml", "[health\n"),
        ("conf.d/b.toml", "[health]\nrise = 0\n"),
    ])?;
    let sources = Sources {
        env: Environment::new([("RUNDECK_ALB_AGENT__HEALTH__FALL", "0")]),
        overrides: vec![Override { flag: "--dry-run", key: "aws.dry_run", value: "yes".to_owned() }],
        ..from_file(folder.path().join("agent.toml"))
    };
    let found: Vec<String> = lines(&sources);
    let found: Vec<String> = found.iter().map(|line| line.replace(&folder.path().display().to_string(), "")).collect();
    assert_eq!(
        found,
        [
            "/agent.toml:2:1: unknown key `intervall` in [health]; did you mean `interval`?",
            "/conf.d/a.toml:1:8: not valid TOML: unclosed table, expected `]`; close the bracket",
            "/conf.d/b.toml:2:8: `health.rise` cannot be 0; write 1 to 100",
            "environment RUNDECK_ALB_AGENT__HEALTH__FALL: `health.fall` cannot be 0; write 1 to 100",
            "flag --dry-run: `aws.dry_run` must be true or false; found another text",
        ]
    );
    Ok(())
}

#[test]
fn flag_over_environment_over_file_over_rundecks_own_variable() -> Tested {
    let folder = folder(&[("agent.toml", "[rundeck]\nurl = \"http://file:1\"\n")])?;
    let own = ("RUNDECK_URL", "http://own:1");
    let ours = ("RUNDECK_ALB_AGENT__RUNDECK__URL", "http://ours:1");
    let with = |file: bool, variables: &[(&str, &str)], flag: bool| {
        let url = Override { flag: "--url", key: "rundeck.url", value: "http://flag:1".to_owned() };
        let sources = Sources {
            file: file.then(|| folder.path().join("agent.toml")),
            env: Environment::new(variables.iter().copied()),
            overrides: flag.then_some(url).into_iter().collect(),
            explicit: true,
        };
        load(&sources)
            .map(|loaded| (loaded.settings.rundeck.url.host().to_owned(), loaded.origins.of("rundeck.url").to_string()))
    };
    let expect = |host: &str, origin: &str| Ok((host.to_owned(), origin.to_owned()));
    assert_eq!(with(true, &[own, ours], true), expect("flag", "flag --url"));
    assert_eq!(with(true, &[own, ours], false), expect("ours", "environment RUNDECK_ALB_AGENT__RUNDECK__URL"));
    let place = format!("{}:2:7", folder.path().join("agent.toml").display());
    assert_eq!(with(true, &[own], false), expect("file", &place));
    assert_eq!(with(false, &[own], false), expect("own", "environment RUNDECK_URL"));
    assert_eq!(with(false, &[("RUNDECK_URL", "")], false), expect("127.0.0.1", "default"));
    // A bad URL that loses is another program's business.
    assert_eq!(with(true, &[("RUNDECK_URL", "rundeck")], false), expect("file", &place));
    Ok(())
}

#[test]
fn every_type_can_be_set_by_the_environment() -> Tested {
    let loaded = load(&from_env(&[
        ("RUNDECK_ALB_AGENT__HEALTH__PATHS", "/a, /b,"),
        ("RUNDECK_ALB_AGENT__HEALTH__DISK__PATHS", "/a, /b"),
        ("RUNDECK_ALB_AGENT__HEALTH__DISK__DOWN_BELOW", "0.5%"),
        ("RUNDECK_ALB_AGENT__HEALTH__RISE", "7"),
        ("RUNDECK_ALB_AGENT__HEALTH__SETTLE", "100ms"),
        ("RUNDECK_ALB_AGENT__DRAIN__PASSIVE", "false"),
        ("RUNDECK_ALB_AGENT__ADMIN__LISTEN", ""),
        ("RUNDECK_ALB_AGENT__LOG__FORMAT", "json"),
        ("RUNDECK_ALB_AGENT_OPTS", "not ours"),
        ("PATH", "/bin"),
    ]))?;
    let settings = loaded.settings;
    assert_eq!(settings.health.paths, ["/a", "/b"]);
    assert_eq!((settings.health.rise, settings.health.settle), (7, Span::millis(100)));
    let disk = &settings.health.disk;
    assert_eq!((settings.looks.directories.len(), disk.down_below.0), (2, 5));
    assert!(!settings.drain.passive);
    assert_eq!((settings.admin.listen, settings.log.format), (None, LogFormat::Json));
    for key in KEYS {
        let path = key.path();
        assert_eq!(
            variable(&path),
            format!("{PREFIX}{}", [key.table, key.name].join("__").replace('.', "__").to_uppercase())
        );
    }
    Ok(())
}

#[test]
fn wrong_variables_fail_by_name() {
    let found = lines(&from_env(&[
        ("RUNDECK_ALB_AGENT__BANANA", SECRET),
        ("RUNDECK_ALB_AGENT__HEALTH__DATABASE", "ejct"),
        ("RUNDECK_ALB_AGENT__HEALTH__DISK", "5%"),
        ("RUNDECK_ALB_AGENT__HEALTH__DISK__PATHS", "logs"),
        ("RUNDECK_ALB_AGENT__HEALTH__INTERVALL", "5s"),
        ("RUNDECK_ALB_AGENT__HEALTH__PATHS", ""),
        ("RUNDECK_ALB_AGENT__HEALTH__RISE", "two"),
        ("RUNDECK_ALB_AGENT__HEALTH__SETTLE", "5"),
        ("RUNDECK_ALB_AGENT__RUNDECK__TOKEN", SECRET),
        ("RUNDECK_ALB_AGENT__TARGET_GROUP__0__NAME", "rundeck-prod"),
        ("RUNDECK_TOKEN", "two words"),
        ("RUNDECK_URL", "http://me:never-shown-4711@rundeck"),
    ]));
    let expected = [
        "BANANA: unknown variable; unset it; `rundeck-alb-agent config default` lists all keys",
        "HEALTH__DATABASE: `health.database` cannot be \"ejct\"; did you mean \"eject\"? it takes \"report\", \
         \"eject\"",
        "HEALTH__DISK: unknown variable; it is a table: name its keys, as in RUNDECK_ALB_AGENT__HEALTH__DISK__PATHS",
        "HEALTH__DISK__PATHS: `health.disk.paths` is not a whole path; begin it with `/`",
        "HEALTH__INTERVALL: unknown variable; did you mean RUNDECK_ALB_AGENT__HEALTH__INTERVAL?",
        "HEALTH__PATHS: `health.paths` names 0 paths; name 1 to 16, as in [\"/health\"]",
        "HEALTH__RISE: `health.rise` must be a whole number; found another text",
        "HEALTH__SETTLE: `health.settle` is \"5\", which has no unit; write whole numbers with h, m, s or ms, as in \
         \"5s\" or \"1500ms\"",
        "RUNDECK__TOKEN: unknown variable; did you mean RUNDECK_ALB_AGENT__RUNDECK__TOKEN_FILE?",
        "TARGET_GROUP__0__NAME: unknown variable; target groups stand in files only",
    ];
    let expected = expected.iter().map(|line| format!("environment RUNDECK_ALB_AGENT__{line}")).chain([
        "environment RUNDECK_TOKEN: a token holds visible ASCII characters only; set the token as Rundeck showed it"
            .to_owned(),
        "environment RUNDECK_URL: `rundeck.url` holds a user name or password; remove it: the agent signs in with the \
         token of `rundeck.token_file` only"
            .to_owned(),
    ]);
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_an_error() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let env = Environment::new([("RUNDECK_ALB_AGENT__LOG__LEVEL", OsStr::from_bytes(b"inf\xf6"))]);
    let found = lines(&Sources { env, ..Sources::default() });
    assert_eq!(found, ["environment RUNDECK_ALB_AGENT__LOG__LEVEL: `log.level` is not UTF-8; set it to UTF-8 text"]);
}

#[test]
fn the_token_is_held_and_never_shown() -> Tested {
    let sources = from_env(&[("RUNDECK_TOKEN", &format!("{SECRET}\n"))]);
    let loaded = load(&sources)?;
    assert_eq!(loaded.settings.rundeck.environment_token.as_ref().map(Secret::expose), Some(SECRET));
    let shown =
        [format!("{sources:?}"), format!("{loaded:?}"), loaded.to_toml_with_origins(), loaded.to_json().to_string()];
    for text in shown {
        assert!(!text.contains(SECRET), "{text}");
    }
    let with_file = from_env(&[("RUNDECK_TOKEN", SECRET), ("RUNDECK_ALB_AGENT__RUNDECK__TOKEN_FILE", "/etc/token")]);
    assert_eq!(load(&with_file)?.settings.rundeck.environment_token, None);
    assert_eq!(load(&from_env(&[("RUNDECK_TOKEN", "")]))?.settings.rundeck.environment_token, None);
    Ok(())
}

#[test]
fn only_a_file_that_was_named_must_exist() -> Tested {
    let folder = folder(&[("conf.d/a.toml", "[health]\nfall = 9\n")])?;
    let absent = folder.path().join("agent.toml");
    let quiet = Sources { explicit: false, ..from_file(&absent) };
    assert_eq!(load(&quiet)?.settings.health.fall, 9, "fragments are read without the main file");
    let line = format!(
        "{}: cannot be read: no such file; correct `--config`, or leave it out for the default file",
        absent.display()
    );
    assert_eq!(lines(&from_file(&absent)), [line]);
    assert_eq!(load(&Sources::default()), Ok(Loaded::default()));
    Ok(())
}

#[test]
fn what_cannot_be_read_is_told_with_its_cure() -> Tested {
    let large = "#".repeat(256 * 1024 + 1);
    let folder = folder(&[("large.toml", &large), ("nested/agent.toml", ""), ("nested/conf.d", "a file")])?;
    let path = |name: &str| folder.path().join(name);
    let directory = lines(&from_file(folder.path()));
    assert!(directory.iter().any(|line| line.ends_with("; name a file")), "{directory:?}");
    let expected =
        format!("{}: cannot be read: larger than 256 KiB; is it a configuration file?", path("large.toml").display());
    assert_eq!(lines(&from_file(path("large.toml"))), [expected]);
    let fragments = lines(&from_file(path("nested/agent.toml")));
    let beginning = format!("{}: cannot be read: ", path("nested/conf.d").display());
    assert!(fragments.iter().all(|line| line.starts_with(&beginning)) && fragments.len() == 1, "{fragments:?}");
    Ok(())
}

#[test]
fn a_flag_for_a_key_that_does_not_exist_is_not_lost() {
    let overrides = vec![Override { flag: "--banana", key: "fruit.banana", value: "1".to_owned() }];
    let found = lines(&Sources { overrides, ..Sources::default() });
    assert_eq!(found, ["flag --banana: unknown key `fruit.banana`; `rundeck-alb-agent config default` lists all keys"]);
}
