//! A small HTTP/1.1 client for the agent's control socket: one exchange per call, every time and size bounded. Knows no
//! command: what to ask and what an answer means is the callers' matter.

use super::error::CliError;
use super::text;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Connecting to a local socket takes microseconds; longer means that the agent does not accept.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// The whole answer to a question.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// The whole answer to an order: the agent may ask AWS before, for 15 s at most.
const ORDER_LIMIT: Duration = Duration::from_secs(18);
/// Bytes of an answer's body; a status with a hundred target groups has about 100 kB.
const MAX_BODY: usize = 1024 * 1024;

/// Where the agent is asked.
#[derive(Debug, Clone)]
pub struct Control {
    socket: PathBuf,
}

/// What it answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens there.
    #[error("no agent answers on {}: {reason}", .socket.display())]
    NotRunning {
        socket: PathBuf,
        /// The operating system's word.
        reason: io::Error,
    },
    /// The socket may not be used.
    #[error("permission denied on {}", .0.display())]
    Denied(PathBuf),
    /// It does not answer in time.
    #[error("the agent did not answer {path} within {} s", .limit.as_secs())]
    TimedOut {
        /// What was asked for.
        path: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The exchange broke off, as when the agent is being restarted.
    #[error("the agent broke off its answer to {path}: {reason}")]
    Broken {
        /// What was asked for.
        path: String,
        /// hyper's word.
        reason: hyper::Error,
    },
    /// An error in the agent's own words.
    #[error("the agent answered {path} with {status}: {text}")]
    Said {
        /// What was asked for.
        path: String,
        status: StatusCode,
        /// Its words.
        text: String,
    },
    /// Not what an agent of this version answers.
    #[error("the answer to {path} cannot be understood: {reason}")]
    Unreadable {
        /// What was asked for.
        path: String,
        reason: String,
    },
}

impl ControlError {
    /// What to do about it.
    pub fn cure(&self) -> &'static str {
        match self {
            ControlError::NotRunning { .. } => {
                "is it running (`rundeck-alb-agent run`)? Is admin.socket the same here and there?"
            }
            ControlError::Denied(_) => "join the group rundeck-alb-agent, or ask as root",
            ControlError::TimedOut { .. } | ControlError::Broken { .. } | ControlError::Said { .. } => {
                "ask again; if it stays so, look at its log and at /livez: restarting it drains the node first"
            }
            ControlError::Unreadable { .. } => {
                "is the agent of the same version as this command? Restart it after an upgrade"
            }
        }
    }

    /// There may be an agent again in a moment: it is not there, is being restarted, or is busy.
    pub fn may_pass(&self) -> bool {
        match self {
            ControlError::NotRunning { .. } | ControlError::TimedOut { .. } | ControlError::Broken { .. } => true,
            ControlError::Said { status, .. } => status.is_server_error(),
            ControlError::Denied(_) | ControlError::Unreadable { .. } => false,
        }
    }

    /// As the end of a command with this exit code.
    pub fn into_cli(self, code: u8) -> CliError {
        CliError::failed(&self).with_cure(self.cure()).with_code(code)
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// [`ControlError::Unreadable`], naming `path`, if it is none or of another shape.
    pub fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ControlError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ControlError::Unreadable { path: path.to_owned(), reason: error.to_string() })
    }

    /// An error for a status that was not expected, in the agent's words where it has some (`{"error": "…"}`).
    pub fn unexpected(&self, path: &str) -> ControlError {
        let body = serde_json::from_slice::<serde_json::Value>(&self.body).ok();
        let path = path.to_owned();
        match body.as_ref().and_then(|body| body.get("error")?.as_str()) {
            Some(text) => ControlError::Said { path, status: self.status, text: text::harmless(text) },
            None => ControlError::Unreadable { path, reason: format!("status {}", self.status) },
        }
    }
}

impl Control {
    /// The agent behind this socket.
    pub fn new(socket: PathBuf) -> Control {
        Control { socket }
    }

    /// `GET path`.
    ///
    /// # Errors
    /// Any [`ControlError`] but `Unreadable` of a body: bodies are read by [`Answer::json`].
    pub async fn get(&self, path: &str) -> Result<Answer, ControlError> {
        self.exchange(Method::GET, path, Bytes::new()).await
    }

    /// `POST path` with a JSON body.
    ///
    /// # Errors
    /// As [`Control::get`].
    pub async fn post(&self, path: &str, body: &serde_json::Value) -> Result<Answer, ControlError> {
        self.exchange(Method::POST, path, Bytes::from(body.to_string())).await
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, ControlError> {
        let stream = self.connect(path).await?;
        let limit = if method == Method::POST { ORDER_LIMIT } else { ANSWER_LIMIT };
        match timeout(limit, ask(stream, method, path, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(ControlError::TimedOut { path: path.to_owned(), limit }),
        }
    }

    async fn connect(&self, path: &str) -> Result<UnixStream, ControlError> {
        match timeout(CONNECT_LIMIT, UnixStream::connect(&self.socket)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) if error.kind() == ErrorKind::PermissionDenied => {
                Err(ControlError::Denied(self.socket.clone()))
            }
            Ok(Err(reason)) => Err(ControlError::NotRunning { socket: self.socket.clone(), reason }),
            Err(_) => Err(ControlError::TimedOut { path: path.to_owned(), limit: CONNECT_LIMIT }),
        }
    }
}

async fn ask(stream: UnixStream, method: Method, path: &str, body: Bytes) -> Result<Answer, ControlError> {
    let broken = |reason| ControlError::Broken { path: path.to_owned(), reason };
    let unreadable = |reason: String| ControlError::Unreadable { path: path.to_owned(), reason };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(|error| unreadable(error.to_string()))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_BODY).collect().await.map_err(|error| {
            match error.downcast::<hyper::Error>() {
                Ok(error) => broken(*error),
                Err(other) if other.is::<LengthLimitError>() => unreadable(format!("more than {MAX_BODY} bytes")),
                Err(other) => unreadable(other.to_string()),
            }
        })?;
        Ok(Answer { status, body: body.to_bytes() })
    };
    let mut asked = std::pin::pin!(asked);
    // The connection moves the bytes; when it has ended, the answer is there or failed.
    tokio::select! {
        answer = &mut asked => answer,
        _ = connection => asked.await,
    }
}
