//! Builds the two programs that the demo plays with, and finds them where cargo put them.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::workspace::Workspace;

const AGENT: &str = "rundeck-alb-agent";
const STAND_IN: &str = "rundeck-stand-in";

pub struct Programs {
    pub agent: PathBuf,
    pub stand_in: PathBuf,
}

impl Programs {
    /// Builds both in the dev profile. Cargo's own progress goes to standard error as always.
    ///
    /// # Errors
    /// The build failed; cargo has said why.
    pub async fn build() -> Result<Self, String> {
        let output = Workspace::find()
            .await?
            .cargo()
            .args(["build", "--package", AGENT, "--bin", AGENT, "--package", "rundeck-alb-lab", "--bin", STAND_IN])
            .arg("--message-format=json-render-diagnostics")
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| format!("cargo cannot be run: {error}"))?;
        if !output.status.success() {
            return Err("the build failed: see above".to_owned());
        }
        let told = String::from_utf8_lossy(&output.stdout);
        let find = |name| executable(&told, name).ok_or_else(|| format!("cargo built no program called {name}"));
        Ok(Self { agent: find(AGENT)?, stand_in: find(STAND_IN)? })
    }
}

/// The path of the program called `name` in cargo's messages, one JSON object a line.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    let of_name = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let wanted = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
        message["executable"].as_str().filter(|_| wanted).map(PathBuf::from)
    };
    messages.lines().find_map(of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_artifact_that_can_be_run() {
        let artifact = |target: &str, executable: &str| {
            format!(r#"{{"reason":"compiler-artifact","target":{target},"executable":{executable}}}"#)
        };
        let messages = [
            artifact(r#"{"name":"rundeck-stand-in"}"#, r#""/t/debug/rundeck-stand-in""#),
            artifact(r#"{"name":"rundeck-alb-agent","kind":["lib"]}"#, "null"),
            "no JSON".to_owned(),
            artifact(r#"{"name":"rundeck-alb-agent","kind":["bin"]}"#, r#""/t/debug/rundeck-alb-agent""#),
        ];
        let messages = &messages.join("\n");
        assert_eq!(executable(messages, AGENT), Some(PathBuf::from("/t/debug/rundeck-alb-agent")));
        assert_eq!(executable(messages, "other"), None);
    }
}
