//! The programs of `[hooks]`, one row each: there, a file, to be run by the agent's user, and in nobody else's hands:
//! whoever can write one acts as that user, with the token and the role. By owners and modes alone: an access list is
//! not read. Runs none of them.

use super::agent::Process;
use super::report::{Area, Part};
use super::word::Own;
use crate::config::Settings;
use crate::watch::single::Single;
use rundeck_alb_core::{Hook, HookPolicy};
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The agent's user, as the packages make it.
const USER: &str = "rundeck-alb-agent";
/// Always trusted: it can do everything anyway.
const ROOT: u32 = 0;
/// The kernel reads that much of a script's first line.
const FIRST_LINE: u64 = 256;
/// `/proc/PID/status`, `/etc/passwd` and `/etc/group` are read so far: a directory service does not stand in files.
const MOST_FILE: u64 = 1 << 20;

/// Bits of a mode, as the owner has them; a group's stand three, everybody's six lower.
const READ: u32 = 0o400;
const WRITE: u32 = 0o200;
const RUN: u32 = 0o100;
/// In such a directory nobody moves what is another's.
const STICKY: u32 = 0o1000;

/// Looks at each; `agent`: the one that answers here.
pub async fn look(settings: &Settings, agent: Option<Process>) -> Vec<Part> {
    let programs = named(&settings.hooks);
    if programs.is_empty() {
        return vec![Part::seen(Area::Programs, "[hooks] names none")];
    }
    let looked = Single::default()
        .look(move || {
            let runner = Runner::of(agent);
            programs.iter().map(|(hook, program)| part(*hook, Path::new(program), &runner)).collect()
        })
        .await;
    looked.unwrap_or_else(|| vec![Part::not_tried(Area::Programs, "nobody tells")])
}

/// Each once.
fn named(hooks: &HookPolicy) -> Vec<(Hook, String)> {
    let of = |hook: Hook| hooks.commands(hook).iter().filter_map(move |command| Some((hook, command.first()?.clone())));
    let mut seen = BTreeSet::new();
    Hook::ALL.iter().copied().flat_map(of).filter(|named| seen.insert(named.clone())).collect()
}

/// Who runs them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Runner {
    name: String,
    user: u32,
    groups: Vec<u32>,
}

impl Runner {
    /// The agent's user: of the one that runs, else the packages', else whoever asks.
    fn of(agent: Option<Process>) -> Runner {
        let users = text_of(Path::new("/etc/passwd"));
        let running = |agent: Process| {
            let status = text_of(Path::new(&format!("/proc/{}/status", agent.pid?)));
            Some(Runner::of_status(&status, agent.user, &users))
        };
        let groups = || text_of(Path::new("/etc/group"));
        let packaged = || Runner::of_users(&users, &groups());
        agent.and_then(running).or_else(packaged).unwrap_or_else(|| {
            let status = text_of(Path::new("/proc/self/status"));
            Runner::of_status(&status, rustix::process::geteuid().as_raw(), &users)
        })
    }

    /// As the kernel has a process of that user.
    fn of_status(status: &str, user: u32, users: &str) -> Runner {
        let numbers = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap_or_default().split_whitespace().filter_map(|number| number.parse().ok()).collect::<Vec<u32>>()
        };
        // Real, effective, saved, of the file system.
        let own = numbers("Gid:").into_iter().nth(1);
        let groups = own.into_iter().chain(numbers("Groups:")).collect();
        let entry = users.lines().find(|line| line.split(':').nth(2) == Some(&user.to_string()));
        let name = entry.and_then(|line| line.split(':').next());
        Runner { name: name.map_or_else(|| format!("user {user}"), str::to_owned), user, groups }
    }

    /// As it would be started.
    fn of_users(users: &str, groups: &str) -> Option<Runner> {
        let entry = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|entry| entry[0] == USER)?;
        let (user, own) = (entry.get(2)?.parse().ok()?, entry.get(3)?.parse().ok()?);
        let joined = groups.lines().filter_map(|line| {
            let entry: Vec<&str> = line.split(':').collect();
            entry.get(3)?.split(',').any(|member| member == USER).then(|| entry.get(2)?.parse().ok())?
        });
        Some(Runner { name: USER.to_owned(), user, groups: std::iter::once(own).chain(joined).collect() })
    }

    /// Whether the kernel lets it.
    fn may(&self, right: u32, file: &Metadata) -> bool {
        if self.user == ROOT {
            // Even root runs nothing that nobody may run.
            return right != RUN || file.is_dir() || file.mode() & 0o111 != 0;
        }
        let shift = match () {
            () if file.uid() == self.user => 0,
            () if self.groups.contains(&file.gid()) => 3,
            () => 6,
        };
        file.mode() & (right >> shift) != 0
    }

    /// Who else can write there, in words.
    fn others(&self, file: &Metadata) -> Option<String> {
        let (mode, owner) = (file.mode(), file.uid());
        if owner != ROOT && owner != self.user {
            return Some(format!("its owner (user {owner})"));
        }
        // What lies in it moves its owner alone, who is asked for by himself.
        if file.is_dir() && mode & STICKY != 0 {
            return None;
        }
        let shared = file.gid() != ROOT && self.groups.first() != Some(&file.gid());
        match () {
            () if mode & (WRITE >> 6) != 0 => Some("everybody".to_owned()),
            () if mode & (WRITE >> 3) != 0 && shared => Some(format!("group {}", file.gid())),
            () => None,
        }
    }
}

fn text_of(path: &Path) -> String {
    String::from_utf8_lossy(&beginning(path, MOST_FILE).unwrap_or_default()).into_owned()
}

fn beginning(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn part(hook: Hook, program: &Path, runner: &Runner) -> Part {
    let shown = format!("{hook}: {}", program.display());
    let unusable = |seen: &str, why: String| {
        Part::seen(Area::Programs, format!("{shown}, {seen}")).wrong(Own::ProgramUnusable, format!("{shown}: {why}"))
    };
    let file = match fs::metadata(program) {
        Ok(file) if !file.is_file() => return unusable("no program", "it is no file".to_owned()),
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Part::not_tried(Area::Programs, format!("{shown}: this user may not look there"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return unusable("cannot be run", "it is not there".to_owned());
        }
        Err(error) => return unusable("cannot be run", error.to_string()),
    };
    let part = match refused(program, &file, runner) {
        Some(why) => unusable("cannot be run", why),
        None => Part::seen(Area::Programs, format!("{shown}, which the agent's user may run")),
    };
    let in_hands = std::iter::once(program.to_owned()).chain(way_to(program)).find_map(|place| {
        let who = runner.others(&fs::metadata(&place).ok()?)?;
        let what = if place == program { String::new() } else { format!(": {}, on the way to it,", place.display()) };
        Some(format!("{shown}{what} can be written by {who}, who can act as the agent's user by it"))
    });
    in_hands.into_iter().fold(part, |part, text| part.wrong(Own::ProgramWritable, text))
}

/// The directories on the way there: as it is written, and where links lead.
fn way_to(program: &Path) -> Vec<PathBuf> {
    let real = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let mut way: Vec<PathBuf> = Vec::new();
    for directory in program.ancestors().skip(1).chain(real.ancestors().skip(1)) {
        if !way.iter().any(|known| known == directory) {
            way.push(directory.to_owned());
        }
    }
    way
}

/// Why this user could not run it.
fn refused(program: &Path, file: &Metadata, runner: &Runner) -> Option<String> {
    let name = &runner.name;
    let shut = |directory: &PathBuf| fs::metadata(directory).is_ok_and(|found| !runner.may(RUN, &found));
    if let Some(directory) = way_to(program).into_iter().find(shut) {
        return Some(format!("{name} may not go into {}", directory.display()));
    }
    if !runner.may(RUN, file) {
        return Some(format!("{name} may not run it (mode {:03o}, of user {})", file.mode() & 0o7777, file.uid()));
    }
    if statvfs(program).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::NOEXEC)) {
        return Some("nothing can be run from its file system (noexec)".to_owned());
    }
    // What this user may not read tells nothing.
    let interpreter = interpreter(&beginning(program, FIRST_LINE).ok()?)?;
    if fs::metadata(&interpreter).is_err() {
        return Some(format!("its first line asks for {}, which is not there", interpreter.display()));
    }
    let reads = runner.may(READ, file);
    (!reads).then(|| format!("{name} may not read it, which a script needs (mode {:03o})", file.mode() & 0o7777))
}

/// What runs a script: the first word after `#!`.
fn interpreter(beginning: &[u8]) -> Option<PathBuf> {
    let line = beginning.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.split(|byte| byte.is_ascii_whitespace()).find(|word| !word.is_empty() && *word != b"\r")?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(word)))
}

#[cfg(test)]
mod tests {
    use super::super::report::Level;
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use tempfile::TempDir;

    /// Whoever runs the test, as another user than root: what it owns is its own.
    fn runner(folder: &TempDir) -> Runner {
        let user = fs::metadata(folder.path()).expect("there").uid();
        Runner { name: "agent".into(), user, groups: vec![4_000_000] }
    }

    /// Nobody's: neither the owner nor in a group of the files.
    fn stranger() -> Runner {
        Runner { name: "agent".into(), user: 4_000_000, groups: vec![4_000_000] }
    }

    fn script(folder: &TempDir, mode: u32, text: &str) -> PathBuf {
        let path = folder.path().join("warm");
        let _ = fs::remove_file(&path);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        path
    }

    fn told(part: &Part) -> Vec<(Own, &str)> {
        let own = [Own::ProgramUnusable, Own::ProgramWritable];
        let word = |problem: &super::super::report::Problem| own.into_iter().find(|own| problem.word == (*own).into());
        part.problems.iter().filter_map(|problem| Some((word(problem)?, problem.text.as_str()))).collect()
    }

    #[test]
    fn a_program_that_the_agents_user_may_run_is_fine() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = script(&folder, 0o755, "#! /bin/sh -e\ntrue\n");
        let fine = part(Hook::PreRegister, &path, &runner(&folder));
        assert_eq!((told(&fine), fine.level()), (vec![], Level::Fine), "{fine:?}");
        assert_eq!(fine.seen, format!("pre_register: {}, which the agent's user may run", path.display()));
    }

    #[test]
    fn what_is_not_there_or_cannot_be_run_is_told_with_the_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let told_of = |path: &Path, runner: &Runner, words: &str| {
            let part = part(Hook::PostRegister, path, runner);
            let told = told(&part).into_iter().find(|(own, _)| *own == Own::ProgramUnusable);
            assert!(told.is_some_and(|(_, text)| text.contains(words)), "{words}: {part:?}");
        };
        let own = runner(&folder);
        told_of(&folder.path().join("none"), &own, "it is not there");
        told_of(folder.path(), &own, "no file");
        told_of(&script(&folder, 0o644, "x"), &own, "may not run it (mode 644");
        told_of(&script(&folder, 0o755, "#!/no/such/shell\n"), &own, "asks for /no/such/shell, which is not there");
        let path = script(&folder, 0o711, "#!/bin/sh\n");
        let open_to = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("a mode");
        open_to(0o700);
        told_of(&path, &stranger(), "agent may not go into");
        open_to(0o755);
        told_of(&path, &stranger(), "may not read it, which a script needs");
        told_of(&script(&folder, 0o754, "x"), &stranger(), "may not run it (mode 754");
    }

    #[test]
    fn a_program_that_others_can_write_is_told_and_so_is_its_directory() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = runner(&folder);
        let path = script(&folder, 0o757, "x");
        let written = part(Hook::PreRegister, &path, &own);
        assert!(told(&written).iter().any(|(own, text)| *own == Own::ProgramWritable && text.contains("everybody")));
        let path = script(&folder, 0o755, "x");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("a mode");
        let link = tempfile::tempdir().expect("a folder");
        symlink(&path, link.path().join("link")).expect("a link");
        for path in [path, link.path().join("link")] {
            let part = part(Hook::PreRegister, &path, &own);
            let place = format!("{}, on the way to it, can be written by everybody", folder.path().display());
            assert!(told(&part).iter().any(|(own, text)| *own == Own::ProgramWritable && text.contains(&place)));
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).expect("a mode");
        assert_eq!(told(&part(Hook::PreRegister, &folder.path().join("warm"), &own)), []);
    }

    #[test]
    fn who_owns_a_program_can_write_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = script(&folder, 0o755, "x");
        let file = fs::metadata(&path).expect("there");
        assert_eq!(runner(&folder).others(&file), None);
        let other = Runner { user: file.uid().wrapping_add(1), ..stranger() };
        // Root's is everybody's to run and nobody's to write.
        assert_eq!(other.others(&file).is_none(), file.uid() == ROOT);
    }

    #[test]
    fn the_agents_user_is_that_of_the_process_or_of_the_packages() {
        let users = "root:x:0:0::/:/bin/sh\nrundeck-alb-agent:x:990:989::/:/sbin/nologin\n";
        let status = "Name:\tx\nUid:\t990\t990\t990\t990\nGid:\t5\t989\t989\t989\nGroups:\t33 44 \n";
        let running = Runner::of_status(status, 990, users);
        assert_eq!(running, Runner { name: USER.into(), user: 990, groups: vec![989, 33, 44] });
        assert_eq!(Runner::of_status(status, 7, users).name, "user 7");
        let groups = "adm:x:4:syslog,rundeck-alb-agent\nother:x:5:rundeck\n";
        let packaged = Runner::of_users(users, groups).expect("there is one");
        assert_eq!((packaged.user, packaged.groups), (990, vec![989, 4]));
        assert_eq!(Runner::of_users("root:x:0:0::/:/bin/sh\n", groups), None);
    }

    #[test]
    fn each_program_of_a_hook_has_one_row() {
        let command = |program: &str| vec![program.to_owned(), "-x".to_owned()];
        let hooks = HookPolicy {
            pre_register: vec![command("/a"), command("/b"), command("/a")],
            post_register: vec![command("/a")],
            ..HookPolicy::default()
        };
        let named: Vec<String> = named(&hooks).into_iter().map(|(hook, name)| format!("{hook} {name}")).collect();
        assert_eq!(named, ["pre_register /a", "pre_register /b", "post_register /a"]);
    }
}
