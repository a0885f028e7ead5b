//! One look at `system/info` with the token, and the token's file, which is read again when it changes.

use super::single::Single;
use crate::rundeck::{self, Client, Failure, Token};
use rundeck_alb_core::{ApiSeen, Info, Mode};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// No token file is longer: a token is one word.
const MAX_TOKEN_BYTES: u64 = 4096;

/// A file of one word is there at once, or its disk hangs.
const READ_LIMIT: Duration = Duration::from_secs(1);

/// Where the token comes from.
#[derive(Debug)]
pub struct TokenSource {
    file: Option<PathBuf>,
    /// The file as last read.
    read: Mutex<Option<Stamp>>,
    reads: Single,
}

impl TokenSource {
    /// A file that is read again when it changes; `None`: the client has its token, or none, for good.
    pub fn new(file: Option<PathBuf>) -> TokenSource {
        TokenSource { file, read: Mutex::new(None), reads: Single::default() }
    }

    /// Gives the client the file's token if the file has changed since the last look, or the token was refused since.
    ///
    /// # Errors
    /// A text for people that names the file and the cure.
    pub async fn refresh(&self, client: &Client) -> Result<(), String> {
        let Some(path) = self.file.clone() else { return Ok(()) };
        let known = {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            if client.was_refused() {
                *read = None;
            }
            *read
        };
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

/// What tells one state of a file from another: where it is, its length, and its times in nanoseconds. Two tokens have
/// the same length, and whoever puts a file in place may put its time back; the kernel's own time (`ctime`) and the
/// inode are nobody's to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    place: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &Metadata) -> Stamp {
        Stamp {
            place: (file.dev(), file.ino()),
            length: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

/// The token, where the file is another one than the known.
fn read_changed(path: &Path, known: Option<Stamp>) -> Result<Option<(Stamp, Token)>, String> {
    let explain = |why: String| format!("{}: {why}", path.display());
    let failed = |error: io::Error| explain(error.to_string());
    // The stamp is taken before the text, so that a change in between is seen at the next look.
    let file = File::open(path).map_err(failed)?;
    let stamp = Stamp::of(&file.metadata().map_err(failed)?);
    if known == Some(stamp) {
        return Ok(None);
    }
    if stamp.length > MAX_TOKEN_BYTES {
        return Err(explain(format!("{} bytes is too long for a token", stamp.length)));
    }
    let mut text = String::new();
    file.take(MAX_TOKEN_BYTES).read_to_string(&mut text).map_err(failed)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rundeck::{BaseUrl, Options};
    use std::fs::{FileTimes, OpenOptions};
    use std::net::SocketAddr;
    use std::time::SystemTime;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Writes it as at this time, in place or as another file in its place.
    fn write(path: &Path, token: &str, at: SystemTime) {
        std::fs::write(path, token).expect("written");
        let file = OpenOptions::new().write(true).open(path).expect("there");
        file.set_times(FileTimes::new().set_modified(at)).expect("set");
    }

    #[test]
    fn a_token_of_the_same_length_and_time_is_seen_by_its_inode_or_its_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, beside) = (folder.path().join("token"), folder.path().join("beside"));
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        write(&path, "one", at);
        let (first, token) = read_changed(&path, None).expect("read").expect("new");
        assert_eq!(token, Token::parse("one").expect("a token"));
        assert_eq!(read_changed(&path, Some(first)), Ok(None), "nothing has changed");

        write(&beside, "two", at);
        std::fs::rename(&beside, &path).expect("replaced");
        let (second, token) = read_changed(&path, Some(first)).expect("read").expect("replaced");
        assert_eq!(token, Token::parse("two").expect("a token"));
        assert!(first.length == second.length && first.modified == second.modified && first.place != second.place);

        // The kernel's time has a tick of some milliseconds: written until it has passed.
        let third = std::iter::repeat_with(|| {
            write(&path, "six", at);
            read_changed(&path, Some(second)).expect("read")
        });
        let (third, token) = third.take(1_000_000).flatten().next().expect("the clock goes on");
        assert_eq!(token, Token::parse("six").expect("a token"));
        assert!(third.place == second.place && third.modified == second.modified && third.changed != second.changed);
    }

    fn client(address: SocketAddr) -> Client {
        let url =
            BaseUrl { https: false, host: address.ip().to_string(), port: address.port(), context_path: String::new() };
        let patience = Duration::from_secs(20);
        Client::new(Options {
            leaves_by: |_, _| None,
            url,
            host_header: None,
            ca_file: None,
            pin_sha256: None,
            tls_server_name: None,
            connect_timeout: patience,
            timeout: patience,
            token: None,
            monotonic: || Duration::ZERO,
        })
        .expect("a client")
    }

    /// The token of the next call, which is refused.
    async fn refuse(listener: &TcpListener) -> String {
        let (mut stream, _) = listener.accept().await.expect("a call");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a head"));
        }
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}").await.expect("answered");
        stream.shutdown().await.expect("closed");
        let head = String::from_utf8(head).expect("text");
        let token = head.lines().find_map(|line| line.strip_prefix("x-rundeck-auth-token: "));
        token.expect("a token").to_owned()
    }

    #[tokio::test]
    async fn after_a_rejection_the_file_is_read_again_although_it_looks_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        std::fs::write(&path, "of-the-file").expect("written");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let client = client(listener.local_addr().expect("an address"));
        let source = TokenSource::new(Some(path));
        source.refresh(&client).await.expect("read");
        // Stands for a text that was read before the file was whole.
        client.set_token(Token::parse("of-before").ok());
        for sent in ["of-before", "of-the-file"] {
            source.refresh(&client).await.expect("there");
            let (seen, token) = tokio::join!(look(&client), refuse(&listener));
            assert_eq!((seen, token.as_str()), (ApiSeen::Rejected, sent));
        }
    }
}
