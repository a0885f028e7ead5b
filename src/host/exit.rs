//! The end of a process, seen in less than a millisecond through a pidfd, also for another user's process
//! (pidfd_open(2)). It does not say why the process ended: only its parent may ask that.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::stat;

/// Why a process cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The process is gone already, or another one has its pid by now.
    #[error("process {0} has ended")]
    Gone(u32),
    /// The kernel gave no pidfd, or its process table could not be read.
    #[error("cannot watch process {pid}: {source}")]
    Refused {
        /// The process asked for.
        pid: u32,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A process whose end can be waited for. Dropping it ends the watch, not the process.
#[derive(Debug)]
pub struct ExitWatch(AsyncFd<OwnedFd>);

/// Starts to watch the process with this pid that started at this tick ([`super::Jvm::start_ticks`]). The start is
/// compared after the descriptor is open, so a reused pid is never watched. Must be called within a tokio runtime.
///
/// # Errors
/// [`WatchError::Gone`] when that process has ended; [`WatchError::Refused`] when the kernel or tokio refuses.
pub fn watch_exit(pid: u32, start_ticks: u64) -> Result<ExitWatch, WatchError> {
    let refused = |source: io::Error| WatchError::Refused { pid, source };
    let id = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(WatchError::Gone(pid))?;
    let descriptor = match pidfd_open(id, PidfdFlags::NONBLOCK) {
        Ok(descriptor) => descriptor,
        Err(rustix::io::Errno::SRCH) => return Err(WatchError::Gone(pid)),
        // Before Linux 5.10 there is no flag; nothing is ever read from the descriptor, so it is not needed.
        Err(rustix::io::Errno::INVAL) => pidfd_open(id, PidfdFlags::empty()).map_err(|errno| refused(errno.into()))?,
        Err(errno) => return Err(refused(errno.into())),
    };
    let seen = stat::read(pid);
    // Asked afterwards: it may end in between.
    let ended = has_ended(&descriptor).map_err(refused)?;
    is_the_one(seen, start_ticks, ended).map_err(|why| why.map_or(WatchError::Gone(pid), refused))?;
    register(descriptor).map(ExitWatch).map_err(refused)
}

/// Whether what was read belongs to the process that started at this tick; if not, why nobody can tell, or `None`: it
/// is gone. `ended`: the process that has the pid now has ended. Its directory may be missing although it lives: a
/// process table can hide it (`hidepid`), and that is no end.
fn is_the_one(seen: io::Result<stat::Stat>, start_ticks: u64, ended: bool) -> Result<(), Option<io::Error>> {
    match seen {
        Ok(seen) if seen.start_ticks == start_ticks => Ok(()),
        Ok(_) => Err(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound && ended => Err(None),
        Err(error) => Err(Some(error)),
    }
}

/// The call that tokio puts in its place is `unsafe`, for a caller might pass a type that closes or swaps its
/// descriptor while it is registered. An `OwnedFd` that nobody gets a `&mut` of cannot.
#[expect(deprecated, reason = "the replacement is unsafe, and an OwnedFd upholds its contract")]
fn register(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

impl ExitWatch {
    /// Waits until the process has ended (a zombie has). Safe to cancel and to call again.
    ///
    /// # Errors
    /// When the runtime can no longer watch descriptors.
    pub async fn ended(&self) -> io::Result<()> {
        loop {
            let mut ready = self.0.readable().await?;
            if has_ended(self.0.get_ref())? {
                return Ok(());
            }
            ready.clear_ready();
        }
    }
}

/// Readiness may be spurious: ask the descriptor itself, without waiting.
fn has_ended(descriptor: &OwnedFd) -> io::Result<bool> {
    let mut polled = [PollFd::new(descriptor, PollFlags::IN)];
    Ok(poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};
    use std::time::Duration;

    /// Long enough for a loaded machine, short enough for a broken watch to be noticed.
    const PATIENCE: Duration = Duration::from_secs(20);

    fn sleeper() -> (Child, u64) {
        let child = Command::new("sleep").arg("1000").spawn().expect("sleep");
        let start = stat::read(child.id()).expect("stat").start_ticks;
        (child, start)
    }

    #[tokio::test]
    async fn a_killed_process_is_seen_to_end_and_a_living_one_is_not() {
        let (mut child, start) = sleeper();
        let watch = watch_exit(child.id(), start).expect("a watch");
        assert!(!has_ended(watch.0.get_ref()).expect("poll"), "alive");
        child.kill().expect("kill");
        tokio::time::timeout(PATIENCE, watch.ended()).await.expect("in time").expect("seen");
        child.wait().expect("reaped");
        assert!(matches!(watch_exit(child.id(), start), Err(WatchError::Gone(_))));
    }

    #[tokio::test]
    async fn a_process_that_ended_before_the_watch_began_is_over_at_once() {
        let (mut child, start) = sleeper();
        child.kill().expect("kill");
        // Not reaped yet: a zombie still has its pid and its start.
        if let Ok(watch) = watch_exit(child.id(), start) {
            tokio::time::timeout(PATIENCE, watch.ended()).await.expect("in time").expect("seen");
        }
        child.wait().expect("reaped");
    }

    #[test]
    fn a_living_process_that_is_hidden_has_not_ended() {
        let missing = || Err(io::ErrorKind::NotFound.into());
        assert!(matches!(is_the_one(missing(), 7, true), Err(None)), "gone");
        assert!(matches!(is_the_one(missing(), 7, false), Err(Some(_))), "it lives, and nobody can tell which it is");
        let refused = io::ErrorKind::PermissionDenied;
        assert!(matches!(is_the_one(Err(refused.into()), 7, true), Err(Some(_))), "nobody can tell");
        let seen = |start_ticks| Ok(stat::Stat { start_ticks, threads: 1 });
        assert!(is_the_one(seen(7), 7, false).is_ok() && matches!(is_the_one(seen(8), 7, false), Err(None)));
    }

    #[tokio::test]
    async fn another_process_with_the_same_pid_is_not_watched() {
        let (mut child, start) = sleeper();
        assert!(matches!(watch_exit(child.id(), start + 1), Err(WatchError::Gone(_))));
        assert!(matches!(watch_exit(0, 0), Err(WatchError::Gone(0))));
        assert!(matches!(watch_exit(u32::MAX, 0), Err(WatchError::Gone(_))));
        child.kill().and_then(|()| child.wait().map(drop)).expect("ended");
    }
}
