//! Runs the operator's own commands (`[hooks]`), one after another: each in a process group of its own, with a clean
//! environment, nothing on its standard input, and its output in the log, bounded.
//!
//! It decides nothing but how a command is run. At the limit the whole process group is killed, with whatever a command
//! has started and left behind in it.

use rundeck_alb_core::HookRun;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::io::pipe;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Lines of one command that the log takes: an installer's chatter must not push everything else out of the journal.
const LINES: usize = 100;
/// Characters of a line that the log takes.
const LINE: usize = 400;
/// What a command has left in the pipe is waited for so long after its end: something that it has started may hold the
/// pipe open for ever.
const REST: Duration = Duration::from_millis(500);
/// Read at a time.
const CHUNK: usize = 4096;

/// What a command is given of the agent's own environment. No other variable: the agent's may hold Rundeck's token
/// (`RUNDECK_TOKEN`, `CREDENTIALS_DIRECTORY`), AWS's credentials, and systemd's sockets.
const PASSED: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR"];
/// Where the agent itself has no `PATH`, as a unit has it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What every command inherits.
#[derive(Clone, Debug, Default)]
pub struct Inherited(Vec<(OsString, OsString)>);

impl Inherited {
    /// What of this environment is passed on.
    pub fn of(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Inherited {
        let passed = |name: &OsString| name.to_str().is_some_and(|name| PASSED.contains(&name));
        let mut kept: Vec<_> = environment.into_iter().filter(|(name, _)| passed(name)).collect();
        if !kept.iter().any(|(name, _)| name == "PATH") {
            kept.push(("PATH".into(), PATH.into()));
        }
        Inherited(kept)
    }
}

/// Runs them all, one after another, whatever becomes of each, as long as their time is not over.
///
/// # Errors
/// What went wrong, for people, without what a command has printed: that may be secret, and the log has it.
pub async fn run(run: &HookRun, inherited: &Inherited) -> Result<(), String> {
    let mut course = Course::default();
    let limit = Duration::from_millis(run.limit.0);
    // What is dropped at the limit takes its process group with it.
    if timeout(limit, course.run(run, inherited)).await.is_err() {
        let killed = format!("was killed, for its time was over ({} s for all)", run.limit.0.div_ceil(1000));
        course.failed(run, &killed);
        let later = run.commands.iter().skip(course.at + 1).filter_map(|command| command.first());
        course.troubles.extend(later.map(|program| format!("{program} was not run any more")));
    }
    if course.troubles.is_empty() { Ok(()) } else { Err(course.troubles.join("; ")) }
}

/// How far it is, and what went wrong on the way.
#[derive(Default)]
struct Course {
    /// Which command runs.
    at: usize,
    troubles: Vec<String>,
    printed: Printed,
}

impl Course {
    async fn run(&mut self, run: &HookRun, inherited: &Inherited) {
        for (at, command) in run.commands.iter().enumerate() {
            self.at = at;
            let Some((program, arguments)) = command.split_first() else { continue };
            self.printed = Printed { of: format!("{} {program}", run.hook), ..Printed::default() };
            match one(run, program, arguments, inherited, &mut self.printed).await {
                Ok(()) => self.printed.close(),
                Err(why) => self.failed(run, &why),
            }
        }
    }

    /// The command that runs has.
    fn failed(&mut self, run: &HookRun, why: &str) {
        self.printed.close();
        let program = run.commands.get(self.at).and_then(|command| command.first()).map_or("", String::as_str);
        let (hook, last) = (run.hook, &self.printed.last);
        let said = if last.is_empty() { String::new() } else { format!("; it said last: {last}") };
        tracing::warn!(event = "hook", hook = hook.word(), program, "{hook}: {program} {why}{said}");
        self.troubles.push(format!("{program} {why}"));
    }
}

async fn one(
    run: &HookRun,
    program: &str,
    arguments: &[String],
    inherited: &Inherited,
    printed: &mut Printed,
) -> Result<(), String> {
    let begun = start(run, program, arguments, inherited);
    let (mut group, mut pipe) = begun.map_err(|why| format!("cannot be run: {why}"))?;
    // The output is read all the time: else a command that prints much would wait for ever.
    let status = tokio::select! {
        biased;
        status = group.child.wait() => status,
        never = printed.for_ever(&mut pipe) => match never {},
    };
    // Whatever it has left running on purpose stays.
    group.over = true;
    let _ = timeout(REST, printed.read(&mut pipe)).await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(how(status)),
        Err(why) => Err(format!("could not be waited for: {why}")),
    }
}

fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

fn start(
    run: &HookRun,
    program: &str,
    arguments: &[String],
    inherited: &Inherited,
) -> std::io::Result<(Group, Receiver)> {
    let (reader, writer) = pipe()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(inherited.0.iter().map(|(name, value)| (name, value)))
        .env("RDALB_HOOK", run.hook.word())
        .env("RDALB_INSTANCE_ID", &run.instance)
        .env("RDALB_TARGET_GROUPS", run.target_groups.join(" "))
        .env("RDALB_REASON", &run.reason)
        .env("RDALB_TIMEOUT_SECONDS", run.limit.0.div_ceil(1000).to_string())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .kill_on_drop(true);
    let child = command.spawn()?;
    // The pipe ends with the command only if the agent holds no end of it.
    drop(command);
    Ok((Group { child, over: false }, Receiver::from_owned_fd(OwnedFd::from(reader))?))
}

/// A command with its process group, which dies with it unless it has ended by itself.
struct Group {
    child: Child,
    over: bool,
}

impl Group {
    fn kill(&mut self) {
        // Its number is not another's before its end was waited for.
        let group = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // Nobody is left: there is nothing to end.
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.over = true;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.over {
            self.kill();
        }
    }
}

/// What a command prints, line by line.
#[derive(Default)]
struct Printed {
    of: String,
    line: Vec<u8>,
    lines: usize,
    /// The last line that was not empty.
    last: String,
}

/// Nothing comes of it.
enum Never {}

impl Printed {
    /// Reads for as long as it is polled.
    async fn for_ever(&mut self, pipe: &mut Receiver) -> Never {
        self.read(pipe).await;
        std::future::pending().await
    }

    async fn read(&mut self, pipe: &mut Receiver) {
        let mut chunk = [0; CHUNK];
        while let Ok(length @ 1..) = pipe.read(&mut chunk).await {
            chunk.iter().take(length).for_each(|byte| self.take(*byte));
        }
    }

    fn take(&mut self, byte: u8) {
        if byte == b'\n' {
            self.end_line();
        } else if self.line.len() < LINE {
            self.line.push(byte);
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let text: String = text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if text.is_empty() {
            return;
        }
        self.lines += 1;
        if self.lines <= LINES {
            tracing::info!(event = "hook", "{}: {text}", self.of);
        }
        self.last = text;
    }

    /// Nothing more will come.
    fn close(&mut self) {
        self.end_line();
        if self.lines > LINES {
            tracing::info!(event = "hook", "{}: {} more lines", self.of, self.lines - LINES);
            self.lines = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rundeck_alb_core::{Hook, Span};
    use std::path::{Path, PathBuf};
    use tempfile::TempDir;

    /// The shell runs this, and may write into the folder that is its first argument.
    fn shell(folder: &TempDir, limit: Span, scripts: &[&str]) -> HookRun {
        let command = |script: &&str| {
            ["/bin/sh", "-c", script, "hook", &folder.path().display().to_string()].map(String::from).to_vec()
        };
        HookRun {
            hook: Hook::PreRegister,
            commands: scripts.iter().map(command).collect(),
            limit,
            instance: "i-1".into(),
            target_groups: vec!["arn:a".into(), "arn:b".into()],
            reason: "first up".into(),
        }
    }

    fn around() -> Inherited {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let secrets =
            ["RUNDECK_TOKEN", "RUNDECK_ALB_AGENT__RUNDECK__TOKEN_FILE", "AWS_SECRET_ACCESS_KEY", "NOTIFY_SOCKET"];
        let secrets = secrets.map(|name| (name.into(), "hush".into()));
        Inherited::of(secrets.into_iter().chain([("PATH".into(), path), ("LANG".into(), "C".into())]))
    }

    async fn played(run_it: &HookRun) -> Result<(), String> {
        run(run_it, &around()).await
    }

    fn read(folder: &TempDir, name: &str) -> String {
        std::fs::read_to_string(folder.path().join(name)).unwrap_or_default()
    }

    /// Whether this process still runs; one that nobody has waited for yet does not.
    fn runs(pid: &str) -> bool {
        let stat = std::fs::read_to_string(PathBuf::from("/proc").join(pid).join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }

    #[tokio::test]
    async fn commands_run_one_after_another_and_are_told_what_it_is_about() {
        let folder = TempDir::new().expect("a folder");
        let scripts = ["env | sort > $1/env; pwd >> $1/order; cat", "echo second >> $1/order"];
        assert_eq!(played(&shell(&folder, Span::secs(20), &scripts)).await, Ok(()), "nothing stands on its input");
        assert_eq!(read(&folder, "order"), "/\nsecond\n");
        let env = read(&folder, "env");
        for line in [
            "HOOK=pre_register",
            "INSTANCE_ID=i-1",
            "TARGET_GROUPS=arn:a arn:b",
            "REASON=first up",
            "TIMEOUT_SECONDS=20",
        ] {
            assert!(env.contains(&format!("RDALB_{line}\n")), "{line}: {env}");
        }
        let foreign =
            |line: &&str| !["RDALB_", "PATH=", "LANG=", "PWD=", "SHLVL=", "_="].iter().any(|own| line.starts_with(own));
        assert_eq!(env.lines().find(foreign), None, "{env}");
        assert!(!env.contains("hush"), "{env}");
    }

    #[tokio::test]
    async fn a_failing_command_is_told_without_its_output_and_the_next_one_runs() {
        let folder = TempDir::new().expect("a folder");
        let mut run_it = shell(&folder, Span::secs(20), &["echo secret; exit 3", "kill -9 $$", "touch $1/ran"]);
        run_it.commands.insert(1, vec!["/no/such/program".into()]);
        let told = played(&run_it).await.expect_err("two have failed");
        assert!(told.starts_with("/bin/sh exited with 3; /no/such/program cannot be run: "), "{told}");
        assert!(told.ends_with("; /bin/sh was ended by signal 9") && !told.contains("secret"), "{told}");
        assert!(folder.path().join("ran").exists());
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_killed_with_what_it_has_started() {
        let folder = TempDir::new().expect("a folder");
        let hangs = "sleep 300 & echo $! > $1/grandchild; wait";
        let told = played(&shell(&folder, Span::secs(1), &[hangs, "touch $1/ran"])).await.expect_err("it hangs");
        let words = "/bin/sh was killed, for its time was over (1 s for all); /bin/sh was not run any more";
        assert_eq!(told, words);
        let grandchild = read(&folder, "grandchild");
        assert!(!grandchild.is_empty() && !folder.path().join("ran").exists());
        let gone = async {
            while runs(grandchild.trim()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the whole group is killed");
    }

    /// Something that a command leaves running on purpose holds its output open.
    #[tokio::test]
    async fn what_a_command_leaves_running_is_not_waited_for() {
        let folder = TempDir::new().expect("a folder");
        let played = played(&shell(&folder, Span::secs(60), &["sleep 300 & echo $! > $1/left"])).await;
        let left = read(&folder, "left");
        assert!(runs(left.trim()), "{left}");
        let _ = std::process::Command::new("kill").arg(left.trim()).status();
        assert_eq!(played, Ok(()));
    }

    #[tokio::test]
    async fn what_a_command_prints_is_cut_and_keeps_nobody_waiting() {
        let folder = TempDir::new().expect("a folder");
        let much = "i=0; while [ $i -lt 20000 ]; do echo line $i of many that fill each pipe; i=$((i+1)); done; \
                    head -c 1000000 /dev/zero | tr '\\0' x; touch $1/ran";
        assert_eq!(played(&shell(&folder, Span::secs(60), &[much])).await, Ok(()));
        assert!(Path::new(&folder.path().join("ran")).exists());
        let mut printed = Printed::default();
        "first\n\n\u{7}bell\n".bytes().for_each(|byte| printed.take(byte));
        [b'x'; 10_000].iter().for_each(|byte| printed.take(*byte));
        printed.close();
        assert_eq!((printed.lines, printed.last.len()), (3, LINE));
    }

    #[test]
    fn a_command_has_a_path_though_the_agent_has_none() {
        assert_eq!(Inherited::of([]).0, [("PATH".into(), PATH.into())]);
    }
}
