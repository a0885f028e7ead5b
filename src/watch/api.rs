//! One look at `system/info` with the token, and the token's file, which is read again when it changes.

use super::single::Single;
use crate::rundeck::{self, Client, Failure, Token};
use rundeck_alb_core::{ApiSeen, Info, Mode};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// No token file is longer: a token is one word.
const MAX_TOKEN_BYTES: u64 = 4096;

/// A file of one word is there at once, or its disk hangs.
const READ_LIMIT: Duration = Duration::from_secs(1);

/// Where the token comes from.
#[derive(Debug)]
pub struct TokenSource {
    file: Option<PathBuf>,
    /// Change time and length of the file as last read.
    read: Mutex<Option<(SystemTime, u64)>>,
    reads: Single,
}

impl TokenSource {
    /// A file that is read again when it changes; `None`: the client has its token, or none, for good.
    pub fn new(file: Option<PathBuf>) -> TokenSource {
        TokenSource { file, read: Mutex::new(None), reads: Single::default() }
    }

    /// Gives the client the file's token if it changed since the last look.
    ///
    /// # Errors
    /// A text for people that names the file and the cure.
    pub async fn refresh(&self, client: &Client) -> Result<(), String> {
        let Some(path) = self.file.clone() else { return Ok(()) };
        let known = *self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let slow = format!("{}: it cannot be read within {READ_LIMIT:?}; is its disk there?", path.display());
        let read = self.reads.look(move || read_changed(&path, known));
        let Ok(Some(outcome)) = tokio::time::timeout(READ_LIMIT, read).await else { return Err(slow) };
        let fresh = outcome?;
        if let Some((stamp, token)) = fresh {
            client.set_token(Some(token));
            *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(stamp);
        }
        Ok(())
    }
}

type Stamp = (SystemTime, u64);

fn read_changed(path: &Path, known: Option<Stamp>) -> Result<Option<(Stamp, Token)>, String> {
    let explain = |why: String| format!("{}: {why}", path.display());
    let meta = std::fs::metadata(path).map_err(|e| explain(e.to_string()))?;
    let stamp = (meta.modified().map_err(|e| explain(e.to_string()))?, meta.len());
    if known == Some(stamp) {
        return Ok(None);
    }
    if meta.len() > MAX_TOKEN_BYTES {
        return Err(explain(format!("{} bytes is too long for a token", meta.len())));
    }
    let text = std::fs::read_to_string(path).map_err(|e| explain(e.to_string()))?;
    let token = Token::parse(&text).map_err(|e| explain(e.to_string()))?;
    Ok(Some((stamp, token)))
}

/// Asks once.
pub async fn look(client: &Client) -> ApiSeen {
    match client.info().await {
        rundeck::Info::Seen(info) | rundeck::Info::WithoutRights(info) => ApiSeen::Info(Info {
            mode: info.mode.map(mode),
            running: info.running,
            version: info.version.unwrap_or_default(),
            api_version: info.api_version,
            server_uuid: info.server_uuid,
        }),
        rundeck::Info::Rejected => ApiSeen::Rejected,
        rundeck::Info::StillBooting => ApiSeen::Booting,
        rundeck::Info::Failed(Failure::Timeout) => ApiSeen::TimedOut,
        rundeck::Info::Failed(Failure::Refused) => ApiSeen::Refused,
        rundeck::Info::Failed(Failure::BadStatus(status @ 500..)) => ApiSeen::Failed(status),
        other @ (rundeck::Info::NoToken
        | rundeck::Info::NoProject
        | rundeck::Info::OtherVersion
        | rundeck::Info::Html
        | rundeck::Info::BadJson
        | rundeck::Info::Failed(_)) => ApiSeen::Unreadable(other.to_string()),
    }
}

fn mode(mode: rundeck::Mode) -> Mode {
    match mode {
        rundeck::Mode::Active => Mode::Active,
        rundeck::Mode::Passive => Mode::Passive,
    }
}
