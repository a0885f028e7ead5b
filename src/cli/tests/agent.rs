//! A scripted agent on a socket of its own: it answers what a test says, or hangs up, or goes away and comes back.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

/// Far longer than any step of a test takes on a busy machine.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What the agent does with one request.
pub enum Act {
    /// Answers.
    Answer(u16, String),
    /// Closes the connection without a word.
    HangUp,
    /// Does so, closes its socket too, and comes back when it is told.
    Leave(mpsc::Receiver<()>),
}

/// The running agent; it ends when it is dropped.
pub struct Agent {
    folder: tempfile::TempDir,
    requests: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Agent {
    /// An agent that acts by `script`, which is given `GET /path` or `POST /path {body}`.
    pub fn start(mut script: impl FnMut(&str) -> Act + Send + 'static) -> Result<Agent, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("control.sock");
        let (requests, ended) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let mut listener = UnixListener::bind(&socket)?;
        let (seen, end) = (requests.clone(), ended.clone());
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(request) = read(&stream) else { continue };
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                match script(&request) {
                    Act::Answer(status, body) => drop(answer(&stream, status, &body)),
                    Act::HangUp => {}
                    Act::Leave(back) => {
                        drop((stream, listener, fs::remove_file(&socket)));
                        let _ = back.recv_timeout(LONGEST_WAIT);
                        let Ok(again) = UnixListener::bind(&socket) else { return };
                        listener = again;
                    }
                }
            }
        });
        Ok(Agent { folder, requests, ended, thread: Some(thread) })
    }

    /// An agent that gives one answer to everything.
    pub fn saying(status: u16, body: &str) -> Result<Agent, Box<dyn Error>> {
        let body = body.to_owned();
        Agent::start(move |_| Act::Answer(status, body.clone()))
    }

    /// Its runtime directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its control socket.
    pub fn socket(&self) -> PathBuf {
        self.folder().join("control.sock")
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes it, so that it sees that it is over.
        drop(UnixStream::connect(self.socket()));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn read(stream: &UnixStream) -> io::Result<String> {
    stream.set_read_timeout(Some(LONGEST_WAIT))?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().map_err(io::Error::other)?;
        }
    }
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body)?;
    let request = first.trim_end().trim_end_matches(" HTTP/1.1");
    Ok(format!("{request} {body}").trim_end().to_owned())
}

fn answer(mut stream: &UnixStream, status: u16, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}
