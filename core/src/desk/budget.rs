//! Chance and thrift: jitter from an injected seed, and token buckets for calls to AWS.
//!
//! AWS's own buckets are per account and region and shared by every node (40 describes and 10 a second, about 20
//! changes and 4 a second), so each node keeps far below them by itself.

use crate::contract::{Moment, Span};

/// SplitMix64: small, seeded, good enough to spread calls; never for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The span, up to 10 % shorter or longer, so that nodes that started together drift apart.
    pub(crate) fn around(&mut self, span: Span) -> Span {
        let jitter = span.jitter().0;
        if jitter == 0 {
            return span;
        }
        Span(span.0 - jitter + self.next() % (2 * jitter + 1))
    }

    /// Anything from nothing to the span.
    pub(crate) fn upto(&mut self, span: Span) -> Span {
        Span(self.next() % (span.0 + 1))
    }
}

/// A token bucket counted in milliseconds of credit.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// Credit that one call costs.
    price: Span,
    /// Most credit that can be saved.
    cap: Span,
    credit: Span,
    at: Moment,
}

impl Bucket {
    /// `burst` calls at once, then one each `every`.
    pub(crate) fn new(burst: u64, every: Span, now: Moment) -> Bucket {
        let cap = every.times(burst);
        Bucket { price: every, cap, credit: cap, at: now }
    }

    /// Whether so many calls are there, or when they will be, by the rule of [`take`](Self::take). Takes none.
    pub(crate) fn has(&self, calls: usize, now: Moment) -> Result<(), Moment> {
        self.clone().take(calls, now)
    }

    fn refill(&mut self, now: Moment) {
        self.credit = Span((self.credit.0 + now.since(self.at).0).min(self.cap.0));
        self.at = now;
    }

    /// Takes so many calls together, or says when they will be there. More than it ever holds are the whole of it.
    pub(crate) fn take(&mut self, calls: usize, now: Moment) -> Result<(), Moment> {
        self.refill(now);
        let price = self.price.times(calls as u64).min(self.cap);
        if self.credit >= price {
            self.credit = Span(self.credit.0 - price.0);
            return Ok(());
        }
        Err(now + Span(price.0 - self.credit.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(3, Span::secs(5), Moment(0));
        for _ in 0..3 {
            assert_eq!(bucket.take(1, Moment(0)), Ok(()));
        }
        assert_eq!(bucket.take(1, Moment(1000)), Err(Moment(5000)));
        assert_eq!(bucket.take(1, Moment(5000)), Ok(()));
        assert_eq!(bucket.take(1, Moment(5000)), Err(Moment(10_000)));
    }

    #[test]
    fn credit_is_saved_up_to_the_burst_and_counted_to_the_millisecond() {
        let mut bucket = Bucket::new(2, Span::secs(1), Moment(0));
        for _ in 0..2 {
            assert_eq!(bucket.take(1, Moment(100_000)), Ok(()));
        }
        assert_eq!(bucket.take(1, Moment(100_400)), Err(Moment(101_000)));
        assert_eq!(bucket.take(1, Moment(100_999)), Err(Moment(101_000)));
        assert_eq!(bucket.take(1, Moment(101_000)), Ok(()));
        assert_eq!(bucket.take(1, Moment(101_000)), Err(Moment(102_000)));
    }

    /// The reference values of SplitMix64 from seed 1234567.
    #[test]
    fn chance_is_split_mix() {
        let mut chance = Chance::new(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| chance.next()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
        assert_eq!(chance.around(Span(9)), Span(9), "too short to be spread");
        let spread: Vec<u64> = (0..1000).map(|_| chance.around(Span(100)).0).collect();
        assert_eq!((spread.iter().min(), spread.iter().max()), (Some(&90), Some(&110)));
        let upto: Vec<u64> = (0..1000).map(|_| chance.upto(Span(3)).0).collect();
        assert_eq!((upto.iter().min(), upto.iter().max()), (Some(&0), Some(&3)));
    }

    #[test]
    fn jitter_stays_within_a_tenth() {
        let mut chance = Chance::new(7);
        for _ in 0..1000 {
            let span = chance.around(Span::secs(5)).0;
            assert!((4500..=5500).contains(&span), "{span}");
        }
    }
}
