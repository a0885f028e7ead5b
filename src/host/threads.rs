//! Whether a JVM was told to end, by the name of one thread.
//!
//! On SIGTERM, SIGINT and SIGHUP the JDK starts a Java thread that is called after the signal and runs the shutdown
//! hooks (`jdk.internal.misc.Signal.dispatch`): `SIGTERM handler`, which lives until the last hook has ended. HotSpot
//! gives its threads' names to the kernel, where everybody may read them, since Java 9 and OpenJDK 8u222 (JDK-7102541);
//! on older ones nothing is seen here. A `System.exit` starts no such thread.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What such a thread is called: 15 bytes are all that the kernel keeps of a name.
const HANDLERS: [&[u8]; 3] = [b"SIGTERM handler", b"SIGINT handler", b"SIGHUP handler"];

/// Looks at a thread until it counts as known. A new thread bears its creator's name until it has given itself its own,
/// which is long done when it is met again; a thread of Rundeck that is known does not turn into a handler.
const LOOKS: u8 = 2;

/// Most threads read in one look, far above what a Rundeck has (50 to 300).
const MOST_THREADS: usize = 10_000;

/// The threads of one process, each with how often its name has been read.
#[derive(Debug, Default)]
pub(super) struct Threads(HashMap<u32, u8>);

impl Threads {
    /// Whether the process is on its way out. Reads the names of threads that are new since the last look or the one
    /// before.
    ///
    /// # Errors
    /// The process has ended, or not all of its threads can be read and those that can are no handlers.
    pub(super) fn stopping(&mut self, pid: u32) -> io::Result<bool> {
        self.stopping_in(&PathBuf::from(format!("/proc/{pid}/task")))
    }

    fn stopping_in(&mut self, tasks: &Path) -> io::Result<bool> {
        let mut met = HashMap::with_capacity(self.0.len());
        let (mut stopping, mut unread) = (false, None);
        for (number, entry) in std::fs::read_dir(tasks)?.enumerate() {
            if number >= MOST_THREADS {
                unread = Some(io::ErrorKind::QuotaExceeded.into());
                break;
            }
            let Some(thread) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let looks = self.0.get(&thread).copied().unwrap_or(0);
            if looks >= LOOKS {
                met.insert(thread, looks);
                continue;
            }
            match is_handler(tasks, thread) {
                // Never known: it is read until it has gone.
                Ok(true) => stopping = true,
                Ok(false) => drop(met.insert(thread, looks + 1)),
                // Not known either: the next look reads it again.
                Err(error) => unread = Some(error),
            }
        }
        self.0 = met;
        match unread {
            Some(error) if !stopping => Err(error),
            _ => Ok(stopping),
        }
    }
}

/// A thread that has ended since the listing is none.
fn is_handler(tasks: &Path, thread: u32) -> io::Result<bool> {
    let mut name = [0; 16];
    let read = File::open(tasks.join(format!("{thread}/comm"))).and_then(|mut comm| comm.read(&mut name));
    match read {
        Ok(size) => Ok(HANDLERS.contains(&name.get(..size).unwrap_or_default().trim_ascii_end())),
        Err(error) if has_ended(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Of a thread that ends between open and read the kernel says `ESRCH`.
fn has_ended(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread::Builder;

    /// A thread of this name, until the sender is dropped.
    fn named(name: &str) -> (mpsc::SyncSender<()>, std::thread::JoinHandle<()>) {
        let (up, is_up) = mpsc::sync_channel(1);
        let (stay, left) = mpsc::sync_channel::<()>(1);
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            up.send(()).expect("awaited");
            // It ends with an error: nothing is ever sent.
            let _ = left.recv();
        });
        is_up.recv().expect("started");
        (stay, thread.expect("a thread"))
    }

    #[test]
    fn a_handlers_thread_is_seen_as_long_as_it_runs_and_others_are_not() {
        let own = std::process::id();
        let mut threads = Threads::default();
        let others = [named("Signal Dispatch"), named("SIGTERM"), named("my SIGTERM handler")];
        assert!(!threads.stopping(own).expect("own threads"));
        for name in ["SIGTERM handler", "SIGINT handler", "SIGHUP handler"] {
            let (stay, thread) = named(name);
            for look in 0..4 {
                assert!(threads.stopping(own).expect("own threads"), "{name}, look {look}");
            }
            drop(stay);
            thread.join().expect("ended");
            assert!(!threads.stopping(own).expect("own threads"), "{name} has gone");
        }
        drop(others);
        assert!(threads.stopping(u32::MAX).is_err(), "no such process");
    }

    /// Without a descriptor left, or behind a security module, a name cannot be read: nobody knows whose it is.
    #[test]
    fn names_that_cannot_be_read_are_no_all_clear_and_are_read_again() {
        let tasks = tempfile::tempdir().expect("a folder");
        let name = |thread: &str, name: &str| {
            let folder = tasks.path().join(thread);
            std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join("comm"), name)).expect("written");
        };
        name("7", "main\n");
        // A directory in place of the file: it opens, and reading it fails.
        std::fs::create_dir_all(tasks.path().join("8/comm")).expect("made");
        let mut threads = Threads::default();
        for _ in 0..4 {
            assert!(threads.stopping_in(tasks.path()).is_err());
        }
        name("9", "SIGTERM handler\n");
        assert!(threads.stopping_in(tasks.path()).expect("one is enough"));
        std::fs::remove_dir_all(tasks.path().join("9")).expect("ended");
        std::fs::remove_dir(tasks.path().join("8/comm")).expect("readable");
        name("8", "SIGINT handler\n");
        assert!(threads.stopping_in(tasks.path()).expect("read again"));
        name("8", "main\n");
        assert!(!threads.stopping_in(tasks.path()).expect("all are read"));
        std::fs::create_dir_all(tasks.path().join("10")).expect("no name yet: ended since the listing");
        assert!(!threads.stopping_in(tasks.path()).expect("all that are there are read"));
    }

    #[test]
    fn a_thread_that_was_met_twice_is_not_read_again() {
        let own = std::process::id();
        let (_stay, thread) = named("quiet");
        let mut threads = Threads::default();
        for _ in 0..5 {
            threads.stopping(own).expect("own threads");
        }
        assert!(threads.0.values().any(|looks| *looks == LOOKS) && !thread.is_finished());
        assert!(threads.0.values().all(|looks| *looks <= LOOKS), "{threads:?}");
    }
}
