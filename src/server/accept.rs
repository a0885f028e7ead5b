//! What a listener does when accepting fails.

use std::io;
use std::time::Duration;
use tokio::time::sleep;

/// Pauses after a failed accept (no descriptor, no memory): the first, and the longest that doubling leads to.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Keeps a listener from spinning while the machine has no descriptor left: the kernel goes on calling it ready.
#[derive(Debug)]
pub(super) struct Pause(Duration);

impl Pause {
    pub(super) fn new() -> Self {
        Self(FIRST_PAUSE)
    }

    /// A connection was accepted: the next trouble is a new one.
    pub(super) fn reset(&mut self) {
        self.0 = FIRST_PAUSE;
    }

    /// Waits, longer each time.
    pub(super) async fn wait(&mut self) {
        sleep(self.next()).await;
    }

    fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST_PAUSE);
        pause
    }
}

/// The client went away while it waited in the queue: the next one may be served at once.
pub(super) fn client_left(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second_and_begin_anew() {
        let mut pause = Pause::new();
        let pauses: Vec<u64> = (0..9).map(|_| crate::clock::millis(pause.next())).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
        pause.reset();
        assert_eq!(pause.next(), FIRST_PAUSE);
    }

    #[test]
    fn only_a_client_that_left_needs_no_pause() {
        assert!(client_left(&io::ErrorKind::ConnectionAborted.into()));
        assert!(!client_left(&io::Error::from_raw_os_error(24)), "EMFILE");
    }
}
