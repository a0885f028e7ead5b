//! The way of a line from the thread that speaks to the thread that writes: a bounded queue that drops and counts.
//! It does not know what a line says.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Most lines that wait to be written: some seconds of a very talkative agent.
const QUEUE_LENGTH: usize = 512;

/// Longest line, in bytes. With the length of the queue it bounds the memory.
const LONGEST_LINE: usize = 64 * 1024;

/// A handle on the writing thread, which ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    queue: SyncSender<Vec<u8>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queued: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    /// Lines that were taken from the queue and written, or failed.
    done: Mutex<u64>,
    progress: Condvar,
}

impl Lines {
    /// Starts the thread. `notice` makes the line that tells how many lines were dropped, once there is room again.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        notice: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE_LENGTH);
        let shared = Arc::new(Shared::default());
        let of_thread = shared.clone();
        std::thread::Builder::new().name("log".to_owned()).spawn(move || of_thread.write_all(out, &waiting, notice))?;
        Ok(Self { queue, shared })
    }

    /// Never waits.
    fn submit(&self, line: &[u8]) {
        if line.len() <= LONGEST_LINE && self.queue.try_send(line.to_vec()).is_ok() {
            self.shared.queued.fetch_add(1, Ordering::SeqCst);
        } else {
            self.shared.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Waits until what this thread has said is written, at most so long.
    pub(super) fn flush(&self, at_most: Duration) {
        let wanted = self.shared.queued.load(Ordering::SeqCst);
        let done = self.shared.done.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether it was enough or not: the process ends either way.
        let _ = self.shared.progress.wait_timeout_while(done, at_most, |done| *done < wanted);
    }

    pub(super) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::SeqCst)
    }

    pub(super) fn failed(&self) -> u64 {
        self.shared.failed.load(Ordering::SeqCst)
    }
}

impl Shared {
    /// The thread. A reader that has gone is no reason to stop: the next one may come, and the queue must be emptied.
    fn write_all(&self, mut out: impl Write, waiting: &Receiver<Vec<u8>>, notice: impl Fn(u64) -> String) {
        let mut told = 0;
        while let Ok(line) = waiting.recv() {
            self.write(&mut out, &line);
            let dropped = self.dropped.load(Ordering::SeqCst);
            if dropped > told {
                self.write(&mut out, notice(dropped - told).as_bytes());
                told = dropped;
            }
            *self.done.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.progress.notify_all();
        }
    }

    fn write(&self, out: &mut impl Write, line: &[u8]) {
        if out.write_all(line).and_then(|()| out.flush()).is_err() {
            self.failed.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// The formatter gives each event as one piece: a line.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.submit(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Lines;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}
