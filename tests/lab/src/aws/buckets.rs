//! How many calls an account may make: token buckets by class of call, shared by all its nodes and by whoever else is
//! there.
//!
//! Switched off unless the builder says otherwise: a test's times are a hundredth of AWS's, the buckets are AWS's own.
//! Those of the load balancer's API are documented for reading (ELB, "API throttling"); for changes they are what AWS's
//! own load balancer controller keeps to. Auto Scaling's are nowhere told: they are taken to be the same.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::service::Service;
use crate::clock::{self, Instant};
use crate::lock;

/// Calls that read: a burst, and how many come back in a second.
const READS: (u32, u32) = (40, 10);
/// Calls that change.
const CHANGES: (u32, u32) = (20, 4);

/// The buckets of one account.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    on: bool,
    levels: Mutex<BTreeMap<(Service, bool), Level>>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    /// How long ago it was full with what is missing: time is counted, so that no part of a token is lost.
    missing: Duration,
    seen: Instant,
}

impl Buckets {
    pub(super) fn new(on: bool) -> Self {
        Self { on, levels: Mutex::default() }
    }

    /// Takes one call out of its bucket; false: there is none, and the call is throttled.
    pub(super) fn take(&self, service: Service, action: &str) -> bool {
        !self.on || self.take_at(service, action, clock::now())
    }

    fn take_at(&self, service: Service, action: &str, now: Instant) -> bool {
        let reads = action.starts_with("Describe");
        let (burst, rate) = if reads { READS } else { CHANGES };
        let each = Duration::from_secs(1) / rate;
        let mut levels = lock(&self.levels);
        let level = levels.entry((service, reads)).or_insert(Level { missing: Duration::ZERO, seen: now });
        level.missing = level.missing.saturating_sub(now.saturating_duration_since(level.seen));
        level.seen = now;
        let left = level.missing + each <= each * burst;
        if left {
            level.missing += each;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(buckets: &Buckets, service: Service, action: &str, now: Instant) -> usize {
        (0..1000).take_while(|_| buckets.take_at(service, action, now)).count()
    }

    #[test]
    fn a_bucket_is_emptied_by_its_burst_and_filled_by_time() {
        let buckets = Buckets::new(true);
        let (service, start) = (Service::ElasticLoadBalancing, clock::now());
        assert_eq!(taken(&buckets, service, "DescribeTargetHealth", start), 40);
        assert_eq!(taken(&buckets, service, "DescribeTargetGroups", start), 0, "all that read share one");
        assert_eq!(taken(&buckets, service, "RegisterTargets", start), 20, "changes have another");
        assert_eq!(taken(&buckets, Service::AutoScaling, "EnterStandby", start), 20, "and so has the other API");
        let later = start + Duration::from_millis(250);
        assert_eq!(taken(&buckets, service, "DescribeTargetHealth", later), 2);
        assert_eq!(taken(&buckets, service, "DeregisterTargets", later), 1);
        let half = later + Duration::from_millis(50);
        assert_eq!(taken(&buckets, service, "DescribeTargetHealth", half), 1, "the half token before is not lost");
        assert_eq!(taken(&buckets, service, "DescribeTargetHealth", half + Duration::from_secs(3600)), 40, "no more");
    }
}
