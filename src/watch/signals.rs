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

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Signal as Raised, getpid, kill_process};

    /// On a terminal SIGHUP means that it is gone; a service that gets one goes on. One test: signals are the whole
    /// process's.
    #[tokio::test]
    async fn a_hangup_ends_only_what_runs_on_a_terminal() {
        let raise = |signal| kill_process(getpid(), signal).expect("to ourselves");
        let mut on_terminal = Signals::new(true).expect("handlers");
        let mut as_service = Signals::new(false).expect("handlers");
        raise(Raised::HUP);
        assert_eq!(on_terminal.next().await, "SIGHUP");
        raise(Raised::USR1);
        raise(Raised::TERM);
        assert_eq!(as_service.next().await, "SIGTERM");
        assert_eq!(on_terminal.next().await, "SIGTERM");
    }
}
