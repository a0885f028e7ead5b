//! A child process: its lines read as they come, its last ones kept for the case that it fails, its end waited for.
//!
//! It is killed when dropped. What the lines mean is the owner's business.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rundeck_alb_lab::clock;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Lines that are kept.
const KEPT: usize = 200;

/// A process that was killed is gone, and its last lines are read, long before.
const END: Duration = Duration::from_secs(5);

/// The last lines of a process.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<VecDeque<String>>>);

impl Log {
    fn add(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The last `number` lines, oldest first.
    pub fn last(&self, number: usize) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().skip(lines.len().saturating_sub(number)).cloned().collect()
    }
}

/// A running child.
pub struct Process {
    child: Child,
    pid: Pid,
    log: Log,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts `command` in a process group of its own, so that Ctrl-C at the terminal reaches the demo alone. `hear`
    /// gets each line of both outputs.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(command: &mut Command, hear: impl Fn(&str) + Send + Sync + 'static) -> Result<Self, String> {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| format!("{program} cannot be started: {error}"))?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (log, hear) = (Log::default(), Arc::new(hear));
        let mut readers = Vec::new();
        if let Some(out) = child.stdout.take() {
            readers.push(tokio::spawn(read(out, log.clone(), Arc::clone(&hear))));
        }
        if let Some(err) = child.stderr.take() {
            readers.push(tokio::spawn(read(err, log.clone(), hear)));
        }
        let pid = pid.ok_or_else(|| format!("{program} ended at once"))?;
        Ok(Self { child, pid, log, readers })
    }

    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Its last lines.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Sends a signal. A process that has ended just now takes none, which its end tells.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }

    /// Waits for its end, and until its last line has been heard.
    ///
    /// # Errors
    /// It does not end within `bound`.
    pub async fn end(&mut self, bound: Duration) -> Result<ExitStatus, String> {
        let ended = clock::within(bound, self.child.wait()).await;
        let status = ended.ok_or_else(|| format!("did not end within {} s", bound.as_secs()))?;
        for reader in self.readers.drain(..) {
            // A grandchild cannot hold the pipe: neither program starts any.
            let _ = clock::within(END, reader).await;
        }
        status.map_err(|error| error.to_string())
    }

    /// SIGKILL, its end, and its last line.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL);
        // A killed process ends; were it not so, it would be killed again when dropped.
        let _ = self.end(END).await;
    }
}

async fn read(pipe: impl AsyncRead + Unpin, log: Log, hear: Arc<impl Fn(&str)>) {
    let mut lines = BufReader::new(pipe).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        hear(&line);
        log.add(line);
    }
}
