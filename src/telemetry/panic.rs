//! The end by a panic: on whichever thread it happens, its message is written and the process aborts, so
//! that systemd starts another one. Nothing is cleaned up: half a state is worse than none.

use std::io;
use std::os::fd::AsFd;
use std::panic::PanicHookInfo;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Most bytes of last words: what a pipe that is ready takes at once (`PIPE_BUF`).
const LONGEST_WORDS: usize = 4_096;

/// Longest wait for whoever reads standard error. A reader that hangs must not keep the process from ending.
const READER_TIMEOUT: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// From now on a panic on any thread writes message and place to standard error and aborts the process (SIGABRT).
pub fn panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        write_at_once(&last_words(panic));
        std::process::abort();
    }));
}

fn last_words(panic: &PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("a value that is no text");
    let thread = std::thread::current();
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let name = thread.name().unwrap_or("without a name");
    format!("error: panicked at {place} (thread {name}): {message}; aborting, this is a bug in the agent\n")
}

/// Past the log's queue, for nobody will empty it any more, and past the standard handle, whose lock another thread may
/// hold for ever.
fn write_at_once(words: &str) {
    let stderr = io::stderr();
    let mut polled = [PollFd::new(&stderr, PollFlags::OUT)];
    let ready = poll(&mut polled, Some(&READER_TIMEOUT)).is_ok_and(|ready| ready > 0);
    let bytes = words.as_bytes();
    if ready {
        // Nobody is left to be told that it failed.
        let _ = rustix::io::write(stderr.as_fd(), bytes.get(..LONGEST_WORDS).unwrap_or(bytes));
    }
}
