//! Points and lengths of time as whole milliseconds, with no clock behind them.
//!
//! The heart is told what time it is; nothing in this crate can ask. Moments come from one clock that never goes back
//! and that counts through a suspended machine (the shell uses `CLOCK_BOOTTIME`), so they stay comparable over a
//! restart of the agent within one boot of the machine.

use core::time::Duration;
use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};

/// A point in time: milliseconds since the machine's boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment(pub u64);

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span(pub u64);

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// That many whole seconds.
    pub const fn secs(n: u64) -> Span {
        Span(n * 1000)
    }

    /// That many milliseconds.
    pub const fn millis(n: u64) -> Span {
        Span(n)
    }

    /// What jitter may add to it or take from it: a tenth, so that nodes that started together drift apart.
    pub const fn jitter(self) -> Span {
        Span(self.0 / 10)
    }

    /// This span `n` times over.
    pub const fn times(self, n: u64) -> Span {
        Span(self.0.saturating_mul(n))
    }
}

impl Moment {
    /// How long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Moment) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

/// For those who wait themselves.
impl From<Span> for Duration {
    fn from(span: Span) -> Duration {
        Duration::from_millis(span.0)
    }
}

impl Add<Span> for Moment {
    type Output = Moment;
    fn add(self, span: Span) -> Moment {
        Moment(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Moment {
    type Output = Moment;
    fn sub(self, span: Span) -> Moment {
        Moment(self.0.saturating_sub(span.0))
    }
}

impl Sub<Span> for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Add<Span> for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

/// The earlier of two moments that may not be set.
pub(crate) fn sooner(a: Option<Moment>, b: Option<Moment>) -> Option<Moment> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, None) => a,
        (None, b) => b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_milliseconds_that_never_wrap() {
        assert_eq!((Span::secs(7), Span::millis(7), Span(7).times(3)), (Span(7_000), Span(7), Span(21)));
        assert_eq!((Moment(9) + Span(4), Moment(9) - Span(4), Span(9) + Span(4)), (Moment(13), Moment(5), Span(13)));
        assert_eq!((Moment(9).since(Moment(4)), Moment(4).since(Moment(9))), (Span(5), Span::ZERO));
        assert_eq!((Moment(4) - Span(9), Moment(u64::MAX) + Span(1)), (Moment(0), Moment(u64::MAX)));
        assert_eq!(Duration::from(Span(1_500)), Duration::from_millis(1_500));
    }

    #[test]
    fn the_sooner_of_two_is_one_that_is_set() {
        let (early, late) = (Some(Moment(1)), Some(Moment(2)));
        for (one, other, sooner_one) in
            [(early, late, early), (late, early, early), (late, None, late), (None, late, late), (None, None, None)]
        {
            assert_eq!(sooner(one, other), sooner_one);
        }
    }
}
