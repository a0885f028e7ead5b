//! The signals that ask the agent to end, one after the other: SIGTERM, SIGINT, and SIGHUP where it runs on a terminal
//! (a service has none, and SIGHUP ends nothing there). What the first asks for and what a second means, the loop says.

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
