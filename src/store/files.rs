//! The files themselves, read and written by the store's thread only. Writing is atomic: after a crash or a power cut
//! there is the old file or the new one, never half of one.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::{Loaded, OpenError, StoreError};

/// Receipts that are kept. A node drains some times a week: that is a year.
const RECEIPTS_KEPT: usize = 100;

/// Longest file that is read, in bytes: far above what the agent writes, and no surprise for the memory.
const LONGEST_FILE: u64 = 1024 * 1024;

/// Longest name of a receipt, in bytes.
const LONGEST_NAME: usize = 100;

/// Files being written begin like this; one that is left over is of a crash.
const UNFINISHED: &str = ".unfinished-";

/// The two directories, and the lock that is held as long as this lives.
#[derive(Debug)]
pub(super) struct Files {
    state: PathBuf,
    runtime: PathBuf,
    _lock: File,
}

impl Files {
    pub(super) fn open(state: &Path, runtime: &Path) -> Result<Self, OpenError> {
        make_directory(state)?;
        let lock = take_lock(state)?;
        let files = Self { state: state.to_owned(), runtime: runtime.to_owned(), _lock: lock };
        for directory in [state, runtime, &files.receipts_directory()] {
            make_directory(directory)?;
            probe(directory).map_err(|source| OpenError::Unusable { path: directory.to_owned(), source })?;
        }
        Ok(files)
    }

    pub(super) fn intent(&self) -> PathBuf {
        self.state.join("intent.json")
    }

    pub(super) fn held(&self) -> PathBuf {
        self.state.join("held.json")
    }

    pub(super) fn registered(&self) -> PathBuf {
        registered_path(&self.state)
    }

    pub(super) fn verdict(&self) -> PathBuf {
        self.runtime.join("verdict.json")
    }

    fn receipts_directory(&self) -> PathBuf {
        self.state.join("receipts")
    }

    fn receipt_path(&self, id: &str) -> Result<PathBuf, StoreError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if id.is_empty() || id.len() > LONGEST_NAME || id.starts_with('.') || !id.bytes().all(plain) {
            return Err(StoreError::Name(id.to_owned()));
        }
        Ok(self.receipts_directory().join(format!("{id}.json")))
    }

    /// Write aside, fsync, rename, fsync the folder.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        replace(path, bytes).map_err(|source| StoreError::Io { path: path.to_owned(), source })
    }

    /// Removes a kept file; one that is not there is removed already.
    pub(super) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        match std::fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Io { path: path.to_owned(), source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Reads a kept file; one that cannot be understood is renamed, so that it neither stops the agent nor is lost.
    pub(super) fn load<T: DeserializeOwned>(&self, path: &Path) -> Result<Loaded<T>, StoreError> {
        let failed = |source| StoreError::Io { path: path.to_owned(), source };
        let Some(bytes) = read(path).map_err(failed)? else {
            return Ok(Loaded::Nothing);
        };
        let why = match serde_json::from_slice(&bytes) {
            Ok(kept) => return Ok(Loaded::Kept(kept)),
            Err(error) => error.to_string(),
        };
        let aside = path.with_extension("json.corrupt");
        std::fs::rename(path, &aside).map_err(failed)?;
        Ok(Loaded::SetAside { path: aside, why })
    }

    pub(super) fn write_receipt(&self, id: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(&self.receipt_path(id)?, bytes)?;
        for old in self.receipts()?.iter().skip(RECEIPTS_KEPT) {
            let path = self.receipt_path(old)?;
            std::fs::remove_file(&path).map_err(|source| StoreError::Io { path, source })?;
        }
        Ok(())
    }

    /// Ids begin with their time, so their order is that of time.
    pub(super) fn receipts(&self) -> Result<Vec<String>, StoreError> {
        let directory = self.receipts_directory();
        let entries = std::fs::read_dir(&directory).map_err(|source| StoreError::Io { path: directory, source })?;
        let mut ids: Vec<String> = entries
            .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".json")?.to_owned()))
            .filter(|id| self.receipt_path(id).is_ok())
            .collect();
        ids.sort_unstable_by(|one, other| other.cmp(one));
        Ok(ids)
    }

    pub(super) fn receipt(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.receipt_path(id)?;
        read(&path).map_err(|source| StoreError::Io { path, source })
    }
}

pub(super) fn registered_path(state: &Path) -> PathBuf {
    state.join("registered.json")
}

/// The kernel gives the lock back when the process ends, however it ends. The pid inside is for the other one's error.
fn take_lock(state: &Path) -> Result<File, OpenError> {
    let path = state.join("lock");
    let unusable = |source| OpenError::Unusable { path: path.clone(), source };
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Without the pid the error is a little poorer, and no other one.
            let _ = lock.take(20).read_to_string(&mut pid);
            let holder = match pid.trim() {
                "" => "its pid is unknown".to_owned(),
                pid => format!("pid {pid}"),
            };
            return Err(OpenError::InUse { directory: state.to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(unusable(source)),
    }
    let write_pid = || {
        lock.set_len(0)?;
        lock.rewind()?;
        writeln!(lock, "{}", std::process::id())
    };
    // A disk that is full takes no pid; the lock holds without it.
    let _ = { write_pid }();
    Ok(lock)
}

/// Only the last part: a wrong path should be an error, not a new tree somewhere.
fn make_directory(path: &Path) -> Result<(), OpenError> {
    match DirBuilder::new().mode(0o750).create(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(OpenError::Unusable { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Finds out now whether files can be made here, and clears away what a crash left unfinished.
fn probe(directory: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(UNFINISHED)) {
            std::fs::remove_file(entry.path())?;
        }
    }
    unfinished(directory)?.close()
}

fn unfinished(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = unfinished(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(directory)?.sync_all()
}

/// `None` when there is no such file. One that is too long is cut, and then is no JSON any more.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
