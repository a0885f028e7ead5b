//! The signals that ask the agent to end, one after the other: SIGTERM, SIGINT, and SIGHUP where it runs on a terminal
//! (a service has none, and SIGHUP ends nothing there). SIGUSR1 and SIGUSR2, which end whoever does not take them, do
//! nothing. What the first asks for and what a further one means, the heart says.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the agent.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    hangup_counts: bool,
    ignored: [Signal; 2],
}

impl Signals {
    /// Takes the signals over.
    ///
    /// # Errors
    /// The kernel refuses a handler.
    pub fn new(terminal: bool) -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            hangup_counts: terminal,
            ignored: [signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?],
        })
    }

    /// Waits for the next one; its name is for the log.
    pub async fn next(&mut self) -> &'static str {
        let [user1, user2] = &mut self.ignored;
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = user1.recv() => {}
                _ = user2.recv() => {}
                _ = self.hangup.recv() => {
                    if self.hangup_counts {
                        return "SIGHUP";
                    }
                }
            }
        }
    }
}
