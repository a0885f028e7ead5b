//! moto: an AWS wire that we did not write, with signature and permission checks on.
//!
//! What it answers otherwise than AWS is the table in `contract`. It has no metadata service that an SDK accepts: use
//! the lab's, with the ids of the instances here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::program::{OutsideError, Program, run};

/// Makes and looks at the account through boto3.
const SCRIPT: &str = include_str!("../../../outside/moto_world.py");

/// A running moto. It stops when dropped.
#[derive(Debug)]
pub struct Moto {
    // Kept for its end.
    _program: Program,
    python: PathBuf,
    endpoint: String,
    world: MotoWorld,
}

/// What was made in it.
#[derive(Debug, Clone, Deserialize)]
pub struct MotoWorld {
    /// Where everything is.
    pub region: String,
    /// The account's number.
    pub account: String,
    /// The network of the instances and the group.
    pub vpc: String,
    /// ARN of the target group `rundeck`: type `instance`, port 4440, with a listener, deregistration delay 5 s.
    pub group: String,
    /// Running instances.
    pub instances: Vec<Instance>,
    /// May do what the agent needs.
    pub member: Credentials,
    /// May do nothing.
    pub stranger: Credentials,
    /// May do everything.
    pub administrator: Credentials,
}

/// An instance of the account.
#[derive(Debug, Clone, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// Its address in the network, where nothing listens.
    pub private_ip: String,
}

/// The keys of a user.
#[derive(Debug, Clone, Deserialize)]
pub struct Credentials {
    /// The access key's id.
    pub key: String,
    /// The secret access key.
    pub secret: String,
}

/// A registered target, as boto3 saw it: id, port, state, reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Registered(
    /// Instance id.
    pub String,
    /// Port.
    pub u16,
    /// State.
    pub String,
    /// Reason, where it has one.
    pub Option<String>,
);

impl Moto {
    /// Starts moto from the Python environment of these programs and makes the account. Takes some seconds.
    ///
    /// # Errors
    /// It did not start, or the account could not be made.
    pub async fn start(programs: &Path) -> Result<Self, OutsideError> {
        let mut server = Command::new(programs.join("moto_server"));
        server.args(["-H", "127.0.0.1", "-p", "0"]).env("INITIAL_NO_AUTH_ACTION_COUNT", "inf");
        let mut program = Program::start(&mut server)?;
        let endpoint = program.says(endpoint).await?;
        let python = programs.join("python");
        let world = {
            let (python, endpoint) = (python.clone(), endpoint.clone());
            let made = tokio::task::spawn_blocking(move || script(&python, &endpoint, None, &["make"]));
            made.await.map_err(|error| OutsideError::new(error.to_string(), ""))?
        };
        let world = world.map_err(|error| OutsideError::new(error.to_string(), program.output()))?;
        Ok(Self { _program: program, python, endpoint, world })
    }

    /// Its address as a URL, the same for all services.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What was made in it.
    #[must_use]
    pub fn world(&self) -> &MotoWorld {
        &self.world
    }

    /// What sends an AWS client here as this user.
    #[must_use]
    pub fn env(&self, user: &Credentials) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", self.endpoint.clone()),
            ("AWS_REGION", self.world.region.clone()),
            ("AWS_ACCESS_KEY_ID", user.key.clone()),
            ("AWS_SECRET_ACCESS_KEY", user.secret.clone()),
        ]
    }

    /// What is registered in the group. Blocks for half a second.
    ///
    /// # Errors
    /// boto3 could not ask.
    pub fn targets(&self) -> Result<Vec<Registered>, OutsideError> {
        self.ask(&["targets", &self.world.group])
    }

    /// Registers a target behind the agent's back. Blocks for half a second.
    ///
    /// # Errors
    /// boto3 could not ask, or moto refused.
    pub fn register(&self, id: &str, port: u16) -> Result<(), OutsideError> {
        self.order(&["register", &self.world.group, id, &port.to_string()])
    }

    /// Takes a target out behind the agent's back. Blocks for half a second.
    ///
    /// # Errors
    /// boto3 could not ask, or moto refused.
    pub fn deregister(&self, id: &str, port: u16) -> Result<(), OutsideError> {
        self.order(&["deregister", &self.world.group, id, &port.to_string()])
    }

    /// Stops an instance, so that it can be no target. Blocks for a second.
    ///
    /// # Errors
    /// boto3 could not ask, or moto refused.
    pub fn stop(&self, id: &str) -> Result<(), OutsideError> {
        self.order(&["stop", id])
    }

    /// Makes a user who may do what this policy allows. Blocks for half a second.
    ///
    /// # Errors
    /// boto3 could not ask, or moto takes no such policy.
    pub fn user(&self, name: &str, policy: &str) -> Result<Credentials, OutsideError> {
        self.ask(&["user", name, policy])
    }

    /// Runs one command of the script as the administrator, and gives what it printed. Blocks for a second.
    ///
    /// # Errors
    /// boto3 could not ask, or moto refused.
    pub fn command(&self, arguments: &[&str]) -> Result<serde_json::Value, OutsideError> {
        self.ask(arguments)
    }

    fn order(&self, arguments: &[&str]) -> Result<(), OutsideError> {
        self.ask::<serde_json::Value>(arguments).map(drop)
    }

    fn ask<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T, OutsideError> {
        script(&self.python, &self.endpoint, Some(&self.world.administrator), arguments)
    }
}

/// Runs one command of the script.
pub(super) fn script<T: DeserializeOwned>(
    python: &Path,
    endpoint: &str,
    user: Option<&Credentials>,
    arguments: &[&str],
) -> Result<T, OutsideError> {
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT, endpoint]).args(arguments);
    if let Some(user) = user {
        command.env("AWS_ACCESS_KEY_ID", &user.key).env("AWS_SECRET_ACCESS_KEY", &user.secret);
    }
    let answer = run(&mut command)?;
    serde_json::from_str(&answer).map_err(|error| OutsideError::new(format!("moto_world.py: {error}"), answer))
}

/// Where moto says it listens: ` * Running on http://127.0.0.1:37669`.
fn endpoint(output: &str) -> Option<String> {
    let (_, addr) = output.split_once("Running on http://")?;
    let addr: SocketAddr = addr.lines().next()?.trim().parse().ok()?;
    Some(format!("http://{addr}"))
}
