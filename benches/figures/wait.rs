//! Waiting for a condition and keeping a pace, both bounded. It knows nothing of what is waited for.

use crate::Measured;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine, the start under valgrind included.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks where the time is not measured.
const LOOK: Duration = Duration::from_millis(5);

/// Rests until `due`. A parked thread may wake early, hence the loop; it ends because time goes on.
pub fn rest_until(due: Instant) {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::park_timeout(left);
    }
}

/// Lets so much time pass.
pub fn pass(time: Duration) {
    rest_until(Instant::now() + time);
}

/// Looks until there is something.
///
/// # Errors
/// Nothing came within `PATIENCE`; the text names what was waited for.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Measured<T> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(seen) = look() {
            return Ok(seen);
        }
        rest_until(Instant::now() + LOOK);
    }
    Err(format!("waited {} s in vain for {what}", PATIENCE.as_secs()).into())
}

/// Calls `act` for each number below `count`, one every `period`. A late call delays none of the later ones.
///
/// # Errors
/// The first of `act`.
pub fn paced(count: u32, period: Duration, mut act: impl FnMut() -> Measured<()>) -> Measured<()> {
    let began = Instant::now();
    for turn in 0..count {
        rest_until(began + period * turn);
        act()?;
    }
    Ok(())
}
