//! The agent's files: intent, registered targets, verdict and receipts, on a thread of their own behind a bounded
//! queue.
//!
//! A request is queued at once and answered later: the caller waits as long as it likes (1 s for intent) and goes on.
//! A disk that is slow, full or gone makes requests fail, never the agent. What the bytes mean is the caller's
//! business, but for one thing: a kept file that cannot be read as JSON is set aside, and the caller told.

mod files;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use files::Files;

/// Most requests that wait for the disk. A verdict is kept a few times a minute: this many mean that it hangs.
const QUEUE_LENGTH: usize = 64;

/// Why the store cannot be opened. The agent then goes on with [`Store::none`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another agent has the lock.
    #[error(
        "another agent ({holder}) uses {}: stop it, or give this one a state directory of its own ($STATE_DIRECTORY)",
        directory.display()
    )]
    InUse {
        /// The state directory.
        directory: PathBuf,
        /// `pid N`, or a word for an unknown process.
        holder: String,
    },
    /// A directory is missing or may not be written to.
    #[error("cannot use {}: {source}", path.display())]
    Unusable {
        /// The directory or file that failed.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system gave no thread.
    #[error("cannot start the thread that writes files: {0}")]
    Thread(std::io::Error),
}

/// Why one request failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no store: it could not be opened.
    #[error("there is no store")]
    Absent,
    /// Too many requests wait already; this one was dropped and counted.
    #[error("the disk is too slow: {QUEUE_LENGTH} requests are waiting")]
    Busy,
    /// A name that cannot be a receipt's, such as one with a path in it.
    #[error("{0:?} is no receipt's name: letters, digits, `-`, `_` and `.` (not first), at most 100")]
    Name(String),
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What was found of a kept file.
#[derive(Debug, PartialEq, Eq)]
pub enum Loaded<T> {
    /// It was never kept.
    Nothing,
    /// It was kept and can be read.
    Kept(T),
    /// It cannot be read: it was renamed, and the agent starts without it. A finding.
    SetAside {
        /// Where it is now.
        path: PathBuf,
        /// Why it cannot be read.
        why: String,
    },
}

/// What [`Store::keep_registered`] kept in this state directory, for whoever looks without being the agent: nothing is
/// locked, made or renamed. `None`: nothing was kept. Blocking.
///
/// # Errors
/// The file is there and cannot be read.
pub fn registered_in(state: &Path) -> std::io::Result<Option<Vec<u8>>> {
    files::read(&files::registered_path(state))
}

/// A handle on the files; clones share one thread. When the last one is dropped the thread finishes what is queued,
/// gives the lock back and ends.
#[derive(Clone, Debug)]
pub struct Store {
    /// Nobody takes requests when there is no store.
    queue: Option<SyncSender<Job>>,
    dropped: Arc<AtomicU64>,
}

/// What comes of a request that is queued already. Dropping it does not undo the request.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

type Job = Box<dyn FnOnce(&Files) + Send>;

impl Store {
    /// Takes the lock of the state directory and starts the thread. Makes the two directories where only their last
    /// part is missing. Blocking: for the start, before anything is served by this thread.
    ///
    /// # Errors
    /// [`OpenError`] when another agent is there or a directory cannot be used.
    pub fn open(state: &Path, runtime: &Path) -> Result<Self, OpenError> {
        let files = Files::open(state, runtime)?;
        let (queue, requests) = sync_channel(QUEUE_LENGTH);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || work(&files, &requests))
            .map_err(OpenError::Thread)?;
        Ok(Self { queue: Some(queue), dropped: Arc::default() })
    }

    /// A store that keeps nothing and finds nothing: every write fails with [`StoreError::Absent`].
    pub fn none() -> Self {
        Self { queue: None, dropped: Arc::default() }
    }

    /// How many requests were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Keeps the operator's orders over a crash and a restart: `intent.json` in the state directory. The answer comes
    /// when they are on the disk.
    ///
    /// # Errors
    /// In the answer: [`StoreError`].
    pub fn keep_intent(&self, json: Vec<u8>) -> Answer<()> {
        self.ask(move |files| files.write(&files.intent(), &json))
    }

    /// Keeps which targets are registered, over restarts and reboots: `registered.json` in the state directory.
    ///
    /// # Errors
    /// In the answer: [`StoreError`].
    pub fn keep_registered(&self, json: Vec<u8>) -> Answer<()> {
        self.ask(move |files| files.write(&files.registered(), &json))
    }

    /// Keeps what holds over reboots: `held.json` in the state directory.
    ///
    /// # Errors
    /// In the answer: [`StoreError`].
    pub fn keep_held(&self, json: Vec<u8>) -> Answer<()> {
        self.ask(move |files| files.write(&files.held(), &json))
    }

    /// Keeps the verdict over a restart of the agent: `verdict.json` in the runtime directory, gone with the boot.
    ///
    /// # Errors
    /// In the answer: [`StoreError`].
    pub fn keep_verdict(&self, json: Vec<u8>) -> Answer<()> {
        self.ask(move |files| files.write(&files.verdict(), &json))
    }

    /// Removes what [`Store::keep_verdict`] kept, if anything is there.
    ///
    /// # Errors
    /// In the answer: [`StoreError`].
    pub fn drop_verdict(&self) -> Answer<()> {
        self.ask(|files| files.remove(&files.verdict()))
    }

    /// Writes a receipt, or writes it anew: `receipts/<id>.json`. The oldest beyond a hundred are removed.
    ///
    /// # Errors
    /// In the answer: [`StoreError`].
    pub fn write_receipt(&self, id: &str, json: Vec<u8>) -> Answer<()> {
        let id = id.to_owned();
        self.ask(move |files| files.write_receipt(&id, &json))
    }

    /// What [`Store::keep_intent`] kept. Without a store: nothing.
    ///
    /// # Errors
    /// In the answer: [`StoreError`] when the file is there and cannot be read from the disk.
    pub fn load_intent<T>(&self) -> Answer<Loaded<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        or_empty(self.ask(|files| files.load(&files.intent())), Loaded::Nothing)
    }

    /// What [`Store::keep_registered`] kept. Without a store: nothing.
    ///
    /// # Errors
    /// In the answer: [`StoreError`] when the file is there and cannot be read from the disk.
    pub fn load_registered<T>(&self) -> Answer<Loaded<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        or_empty(self.ask(|files| files.load(&files.registered())), Loaded::Nothing)
    }

    /// What [`Store::keep_held`] kept. Without a store: nothing.
    ///
    /// # Errors
    /// In the answer: [`StoreError`] when the file is there and cannot be read from the disk.
    pub fn load_held<T>(&self) -> Answer<Loaded<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        or_empty(self.ask(|files| files.load(&files.held())), Loaded::Nothing)
    }

    /// What [`Store::keep_verdict`] kept. Without a store: nothing.
    ///
    /// # Errors
    /// In the answer: [`StoreError`] when the file is there and cannot be read from the disk.
    pub fn load_verdict<T>(&self) -> Answer<Loaded<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        or_empty(self.ask(|files| files.load(&files.verdict())), Loaded::Nothing)
    }

    /// Answers once all that was queued before is done, however it went.
    ///
    /// # Errors
    /// In the answer: [`StoreError`] when there is no store, or its queue is full.
    pub fn flush(&self) -> Answer<()> {
        self.ask(|_| Ok(()))
    }

    /// The ids of the receipts, the newest first. Without a store: none.
    ///
    /// # Errors
    /// In the answer: [`StoreError`] when the directory cannot be read.
    pub fn receipts(&self) -> Answer<Vec<String>> {
        or_empty(self.ask(Files::receipts), Vec::new())
    }

    /// One receipt as it was written; `None` when there is none of this id.
    ///
    /// # Errors
    /// In the answer: [`StoreError::Name`] for an id that cannot be one, others when the file cannot be read.
    pub fn receipt(&self, id: &str) -> Answer<Option<Vec<u8>>> {
        let id = id.to_owned();
        or_empty(self.ask(move |files| files.receipt(&id)), None)
    }

    /// Queues a request now; the answer may be waited for or not.
    fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(&Files) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |files| {
            // The caller may have stopped waiting: the work is done all the same.
            let _ = reply.send(request(files));
        });
        let queued = match &self.queue {
            Some(queue) => queue.try_send(job).map_err(|error| match error {
                TrySendError::Full(_) => {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    StoreError::Busy
                }
                TrySendError::Disconnected(_) => StoreError::Absent,
            }),
            None => Err(StoreError::Absent),
        };
        Box::pin(async move {
            queued?;
            answer.await.unwrap_or(Err(StoreError::Absent))
        })
    }
}

/// Where there is no store there is nothing to be found; other failures stay failures.
fn or_empty<T: Send + 'static>(answer: Answer<T>, empty: T) -> Answer<T> {
    Box::pin(async move {
        match answer.await {
            Err(StoreError::Absent) => Ok(empty),
            other => other,
        }
    })
}

/// The thread: one request after the other until nobody can ask any more.
fn work(files: &Files, requests: &Receiver<Job>) {
    while let Ok(job) = requests.recv() {
        job(files);
    }
}

#[cfg(test)]
mod tests;
