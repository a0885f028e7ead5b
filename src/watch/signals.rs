//! SIGTERM and SIGINT: the first asks for the whole drain, the second ends it at once.
//!
//! SIGHUP means the same in the foreground; under systemd it means nothing (design 3.2).

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the agent.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    hangup_counts: bool,
}

impl Signals {
    /// Takes the signals over.
    ///
    /// # Errors
    /// The kernel refuses a handler.
    pub fn new(foreground: bool) -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            hangup_counts: foreground,
        })
    }

    /// Waits for the next one; its name is for the log.
    pub async fn next(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => {
                    if self.hangup_counts {
                        return "SIGHUP";
                    }
                }
            }
        }
    }
}
