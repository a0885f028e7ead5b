//! Help, usage errors, the page and the man page: every command and flag stands in each of them.

use super::super::args::Arguments;
use super::super::text::WIDTH;
use super::super::{Surroundings, execute};
use super::{Ran, Tested, golden, run_in};
use clap::CommandFactory;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;

fn said(words: &[&str]) -> Result<Ran, Box<dyn Error>> {
    let words = ["rundeck-alb-agent"].iter().chain(words).map(OsString::from);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = execute(words, Surroundings::default(), &mut out, &mut err)?;
    Ok(Ran { out: String::from_utf8(out)?, err: String::from_utf8(err)?, code })
}

/// Every command as it is called, without `help`.
fn commands() -> Vec<Vec<String>> {
    fn add(command: &clap::Command, path: Vec<String>, all: &mut Vec<Vec<String>>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let mut path = path.clone();
            path.push(sub.get_name().to_owned());
            add(sub, path, all);
        }
        all.push(path);
    }
    let mut all = Vec::new();
    add(&Arguments::command(), Vec::new(), &mut all);
    all.sort();
    all
}

#[test]
fn the_command_line_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn each_command_has_its_golden_help() -> Tested {
    let mut all = String::new();
    for path in commands() {
        let mut words: Vec<&str> = path.iter().map(String::as_str).collect();
        words.push("--help");
        let ran = said(&words)?;
        assert!(ran.code(0) && ran.err.is_empty(), "{ran:?}");
        for line in ran.out.lines() {
            assert!(line.chars().count() <= WIDTH, "wider than {WIDTH}: {line}");
        }
        all.push_str(&format!("$ rundeck-alb-agent {}\n{}\n", words.join(" "), ran.out));
    }
    golden("help.txt", &all)
}

#[test]
fn help_is_an_answer_and_a_usage_error_is_64() -> Tested {
    let mut told = String::new();
    for words in [&["--help"][..], &["help"], &["help", "drain"], &["--version"], &["config", "help"]] {
        let ran = said(words)?;
        assert!(ran.code(0) && ran.err.is_empty() && ran.out.ends_with('\n'), "{ran:?}");
    }
    for words in [
        &[][..],
        &["config"],
        &["drian"],
        &["status", "--wach"],
        &["drain", "--timeout", "5"],
        &["drain", "--timeout", "0s"],
        &["drain", "--cause", "agent-stopping"],
        &["drain", "--gently"],
        &["maint"],
        &["maint", "on", "--for", "0s"],
        &["maint", "off", "--for", "1h"],
        &["status", "--output", "yaml"],
        &["iam-policy", "--feature", "setup"],
        &["iam-policy", "--by-tag", "team"],
        // Commands that a later version is to have are no commands.
        &["verify"],
    ] {
        let ran = said(words)?;
        assert!(ran.code == ExitCode::from(64) && ran.out.is_empty(), "{words:?}: {ran:?}");
        told.push_str(&format!("$ rundeck-alb-agent {}\n{}\n", words.join(" "), ran.err));
    }
    golden("usage.txt", &told)
}

#[test]
fn the_version_is_the_packages() -> Tested {
    assert_eq!(said(&["--version"])?.out, format!("rundeck-alb-agent {}\n", env!("CARGO_PKG_VERSION")));
    Ok(())
}

#[test]
fn the_flags_of_every_command_may_stand_before_it() -> Tested {
    let folder = tempfile::tempdir()?;
    let ran = run_in(folder.path(), &[], false, "--output json --quiet config default")?;
    assert!(ran.code(0) && ran.out.is_empty(), "{ran:?}");
    Ok(())
}

#[test]
fn the_page_and_the_man_page_hold_every_command_and_flag() -> Tested {
    // In the man page a hyphen that must stay one is written `\-`.
    let pages = [
        ("docs/CLI.md", fs::read_to_string("docs/CLI.md")?),
        ("docs/rundeck-alb-agent.1", fs::read_to_string("docs/rundeck-alb-agent.1")?.replace("\\-", "-")),
    ];
    let root = Arguments::command();
    for path in commands() {
        let command = path.iter().try_fold(&root, |command, name| command.find_subcommand(name)).ok_or("command")?;
        let name = path.join(" ");
        for (page, text) in &pages {
            assert!(text.contains(&name), "{page} misses the command `{name}`");
            for flag in command.get_arguments().filter_map(|argument| argument.get_long()) {
                assert!(text.contains(&format!("--{flag}")), "{page} misses --{flag} of `{name}`");
            }
        }
    }
    Ok(())
}
