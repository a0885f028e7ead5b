//! One blocking look of a kind at a time: one that hangs holds one worker, and those after it hear so at once.
//!
//! Whoever waits for a look may go away (every call has a deadline); the worker cannot. It keeps its turn until the
//! look has really ended.

use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// The turn for looks of one kind.
#[derive(Clone, Debug)]
pub struct Single(Arc<Semaphore>);

impl Default for Single {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Single {
    /// Looks on a worker. `None`: nothing was asked, for an earlier look still hangs; or the worker is gone.
    pub async fn look<T: Send + 'static>(&self, look: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let turn = self.0.clone().try_acquire_owned().ok()?;
        let worker = spawn_blocking(move || {
            let _turn = turn;
            look()
        });
        worker.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn while_one_hangs_no_other_begins_and_the_next_after_its_end_does() {
        let single = Single::default();
        let (begun, has_begun) = oneshot::channel();
        let (release, released) = mpsc::sync_channel::<()>(1);
        let hanging = single.look(move || {
            begun.send(()).expect("awaited");
            released.recv().is_err()
        });
        // Whoever waited for it goes away, as at a deadline.
        tokio::select! {
            biased;
            _ = hanging => panic!("it hangs"),
            begun = has_begun => begun.expect("begun"),
        }
        let looks = Arc::new(AtomicU32::new(0));
        for _ in 0..100 {
            let looks = looks.clone();
            assert_eq!(single.look(move || looks.fetch_add(1, Ordering::SeqCst)).await, None);
        }
        assert_eq!(looks.load(Ordering::SeqCst), 0);
        drop(release);
        // It gives its turn back when it has ended, not before.
        drop(single.0.acquire().await.expect("open"));
        assert_eq!(single.look(|| 7).await, Some(7));
        assert_eq!(single.look(|| 8).await, Some(8), "a look that has come back has given its turn back");
    }
}
