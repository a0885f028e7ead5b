//! moto as a place for scenarios: one server for all of them, each with groups, instance and user of its own, and
//! permissions checked by the policy that the program prints.

use rundeck_alb_lab::outside::{self, Credentials, Moto, OutsideError};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Referee {
    pub moto: Arc<Moto>,
    /// May do what the printed policy allows.
    pub whole: Credentials,
    policy: Value,
    endpoint: String,
}

impl Referee {
    /// `None`: moto is not installed here, which was said.
    pub async fn open() -> Option<Referee> {
        let moto = Arc::new(Moto::start(&outside::python()?).await.expect("moto starts"));
        let policy = widened(&printed_policy(&["membership", "auto-scaling", "standby"], "").await);
        let addr = moto.endpoint().strip_prefix("http://").and_then(|addr| addr.parse().ok()).expect("an address");
        let endpoint = format!("http://{}", mended(addr).await);
        let whole = user(&moto, "printed".into(), policy.to_string()).await;
        Some(Referee { moto, whole, policy, endpoint })
    }

    /// A command of the script, as an administrator.
    pub async fn command(&self, arguments: &[&str]) -> Result<Value, OutsideError> {
        let moto = self.moto.clone();
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let run = move || moto.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(run).await.expect("no panic")
    }

    /// A user who may do what is printed, but not this.
    pub async fn user_without(&self, name: &str, action: &str) -> Credentials {
        let poorer = without(&self.policy, action);
        assert_ne!(poorer, self.policy.to_string(), "{action} is printed");
        user(&self.moto, name.to_owned(), poorer).await
    }

    /// What sends an agent there as this user.
    pub fn env(&self, user: &Credentials) -> Vec<(String, String)> {
        let mut env: Vec<(String, String)> =
            self.moto.env(user).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for service in ["ELASTIC_LOAD_BALANCING_V2", "AUTO_SCALING"] {
            env.push((format!("AWS_ENDPOINT_URL_{service}"), self.endpoint.clone()));
        }
        env
    }
}

async fn user(moto: &Arc<Moto>, name: String, policy: String) -> Credentials {
    let moto = moto.clone();
    tokio::task::spawn_blocking(move || moto.user(&name, &policy)).await.expect("no panic").expect("a user")
}

/// What `iam-policy` prints for these features, with this configuration.
pub async fn printed_policy(features: &[&str], config: &str) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("agent.toml");
    std::fs::write(&file, config).expect("a configuration");
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_rundeck-alb-agent"));
    command.args(["iam-policy", "--config"]).arg(&file).env("AWS_EC2_METADATA_DISABLED", "true");
    command.args(features.iter().flat_map(|feature| ["--feature", feature]));
    let output = command.output().await.expect("it runs");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("a policy")
}

/// Each resource widened: moto judges every request as one of `*`, and matches no ARN.
pub fn widened(policy: &Value) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().expect("statements") {
        statement["Resource"] = json!("*");
    }
    policy
}

/// The policy without this action.
pub fn without(policy: &Value, action: &str) -> String {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().expect("statements") {
        statement["Action"].as_array_mut().expect("actions").retain(|allowed| allowed != action);
    }
    policy.to_string()
}

/// moto puts `<Errors>` around the error of a refusal, as EC2 does and the other services do not: boto3 reads the code
/// all the same, the agent's SDK reads none. This takes the tags out, on the way, with nothing moved.
fn in_aws_form(mut answer: Vec<u8>) -> Vec<u8> {
    for tag in [&b"<Errors>"[..], &b"</Errors>"[..]] {
        if let Some(at) = answer.windows(tag.len()).position(|bytes| bytes == tag) {
            answer[at..at + tag.len()].fill(b' ');
        }
    }
    answer
}

/// A way to moto that mends its refusals. It ends with the test's runtime.
pub async fn mended(moto: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(relay(client, moto));
        }
    });
    addr
}

/// One request and its answer: moto closes after each. What goes wrong on the way is the agent's to notice.
async fn relay(mut client: TcpStream, moto: SocketAddr) {
    let Ok(mut server) = TcpStream::connect(moto).await else { return };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let mut answer = Vec::new();
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => return,
        _ = from_server.read_to_end(&mut answer) => {}
    }
    let _ = to_client.write_all(&in_aws_form(answer)).await;
}
