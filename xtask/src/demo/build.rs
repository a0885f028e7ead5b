//! Builds the two programs that the demo plays with, finds them where cargo put them, and says meanwhile what it is
//! waiting for.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::interval;

use super::story::{Story, Tone, count};
use crate::workspace::Workspace;

const AGENT: &str = "rundeck-alb-agent";
const STAND_IN: &str = "rundeck-stand-in";

/// Between two lines about a build that goes on.
const TELL: Duration = Duration::from_secs(5);

pub struct Programs {
    pub agent: PathBuf,
    pub stand_in: PathBuf,
}

impl Programs {
    /// Builds both in the dev profile. Cargo's own progress goes to standard error as always: on a terminal that is a
    /// bar, elsewhere the story tells each few seconds how far it is.
    ///
    /// # Errors
    /// The build failed; cargo has said why.
    pub async fn build(story: &Story) -> Result<Self, String> {
        let say = |text: &str| story.say("build", Tone::Plain, text);
        say("the agent and a Rundeck stand-in: a minute or two from nothing, else a moment");
        let unread = |error| format!("cargo's messages cannot be read: {error}");
        let mut cargo = Workspace::find()
            .await?
            .cargo()
            .args(["build", "--package", AGENT, "--bin", AGENT, "--package", "rundeck-alb-lab", "--bin", STAND_IN])
            .arg("--message-format=json-render-diagnostics")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cargo cannot be run: {error}"))?;
        let messages = cargo.stdout.take().ok_or("cargo has no output")?;
        let (mut messages, mut ticks) = (BufReader::new(messages).lines(), interval(TELL));
        ticks.reset();
        // A line between would tear cargo's bar.
        let has_bar = std::io::stderr().is_terminal();
        let mut built = Built::default();
        loop {
            tokio::select! {
                message = messages.next_line() => match message.map_err(unread)? {
                    Some(message) => built.take(&message),
                    None => break,
                },
                _ = ticks.tick(), if !has_bar => say(&built.so_far()),
            }
        }
        if !cargo.wait().await.map_err(unread)?.success() {
            return Err("the build failed: see above".to_owned());
        }
        say(&built.at_the_end());
        let found = |path: Option<PathBuf>, name| path.ok_or_else(|| format!("cargo built no program called {name}"));
        Ok(Self { agent: found(built.agent, AGENT)?, stand_in: found(built.stand_in, STAND_IN)? })
    }
}

/// What cargo has told so far.
#[derive(Debug, Default)]
struct Built {
    /// Parts of the build that were compiled now: libraries, build scripts, programs.
    compiled: u64,
    /// Those that were there from before.
    fresh: u64,
    agent: Option<PathBuf>,
    stand_in: Option<PathBuf>,
}

impl Built {
    /// One message: a line, one JSON object.
    fn take(&mut self, line: &str) {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        if message["reason"] != "compiler-artifact" {
            return;
        }
        if message["fresh"] == true {
            self.fresh += 1;
        } else {
            self.compiled += 1;
        }
        let Some(path) = message["executable"].as_str().map(PathBuf::from) else { return };
        if message["target"]["name"] == AGENT {
            self.agent = Some(path);
        } else if message["target"]["name"] == STAND_IN {
            self.stand_in = Some(path);
        }
    }

    fn so_far(&self) -> String {
        match (self.compiled, self.fresh) {
            (0, 0) => "cargo has compiled nothing yet (it may wait for another build)".to_owned(),
            (compiled, 0) => format!("{} compiled, more to come", count(compiled, "part")),
            (compiled, fresh) => {
                format!(
                    "{} compiled, {} there from before, more to come",
                    count(compiled, "part"),
                    count(fresh, "part")
                )
            }
        }
    }

    fn at_the_end(&self) -> String {
        match self.compiled {
            0 => "nothing to do: both are built".to_owned(),
            compiled => format!("done: {} compiled", count(compiled, "part")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(target: &str, executable: &str, fresh: bool) -> String {
        format!(r#"{{"reason":"compiler-artifact","target":{target},"executable":{executable},"fresh":{fresh}}}"#)
    }

    #[test]
    fn the_program_is_the_artifact_that_can_be_run() {
        let messages = [
            artifact(r#"{"name":"rundeck-stand-in"}"#, r#""/t/debug/rundeck-stand-in""#, true),
            artifact(r#"{"name":"rundeck-alb-agent","kind":["lib"]}"#, "null", false),
            "no JSON".to_owned(),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
            artifact(r#"{"name":"rundeck-alb-agent","kind":["bin"]}"#, r#""/t/debug/rundeck-alb-agent""#, false),
        ];
        let mut built = Built::default();
        messages.iter().for_each(|message| built.take(message));
        assert_eq!(built.agent, Some(PathBuf::from("/t/debug/rundeck-alb-agent")));
        assert_eq!(built.stand_in, Some(PathBuf::from("/t/debug/rundeck-stand-in")));
        assert_eq!((built.compiled, built.fresh), (2, 1));
    }

    #[test]
    fn a_build_says_how_far_it_is() {
        let mut built = Built::default();
        assert_eq!(built.at_the_end(), "nothing to do: both are built");
        assert!(built.so_far().starts_with("cargo has compiled nothing yet"));
        built.take(&artifact(r#"{"name":"one"}"#, "null", false));
        assert_eq!(built.so_far(), "1 part compiled, more to come");
        built.take(&artifact(r#"{"name":"two"}"#, "null", true));
        assert_eq!(built.so_far(), "1 part compiled, 1 part there from before, more to come");
        assert_eq!(built.at_the_end(), "done: 1 part compiled");
    }
}
