//! Settings -> the heart's policy. Nothing is checked or defaulted here: settings are valid by construction.

use super::settings::Settings;
use rundeck_alb_core as core;

/// The policy of these settings in these circumstances.
pub fn policy(settings: &Settings, circumstances: core::Circumstances) -> core::Policy {
    let health = &settings.health;
    core::Policy {
        health: core::HealthPolicy {
            interval: health.interval,
            fast_interval: health.fast_interval,
            down_interval: health.down_interval,
            api_interval: health.api_interval,
            database_interval: health.database_interval,
            timeout: health.timeout,
            rise_initial: health.rise_initial,
            rise: health.rise,
            fall: health.fall,
            settle: health.settle,
            max_age: health.max_age,
            boot_timeout: health.boot_timeout,
            passive: health.passive,
            database: health.database,
            disk: core::DiskPolicy { degraded_below: health.disk.degraded_below, down_below: health.disk.down_below },
            paths: health.paths.clone(),
        },
        membership: settings.membership.clone(),
        drain: settings.drain.clone(),
        dry_run: settings.aws.dry_run,
        circumstances,
    }
}
