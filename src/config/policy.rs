//! Settings -> the heart's policy. Nothing is checked or defaulted here: settings are valid by construction.

use super::settings::{GroupRef, Ownership, PassiveRule, Settings, TargetGroup, TargetType};
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
            passive_out: health.passive == PassiveRule::Out,
            disk_degraded_below: health.disk.degraded_below.in_thousandths(),
            disk_down_below: health.disk.down_below.in_thousandths(),
            paths: health.paths.clone(),
        },
        membership: core::MembershipPolicy {
            groups: settings.target_groups.iter().map(group).collect(),
            discover_tag: settings.membership.discover_tag.clone().unwrap_or_default(),
            ownership: ownership(settings.membership.ownership),
            reconcile_interval: settings.membership.reconcile_interval,
        },
        drain: settings.drain.clone(),
        dry_run: settings.aws.dry_run,
        circumstances,
    }
}

fn group(group: &TargetGroup) -> core::GroupWanted {
    core::GroupWanted {
        group: match &group.group {
            GroupRef::Arn(arn) => arn.clone(),
            GroupRef::Name(name) => name.clone(),
        },
        port: group.port,
        target_type: match group.target_type {
            TargetType::Auto => None,
            TargetType::Instance => Some(core::TargetType::Instance),
            TargetType::Ip => Some(core::TargetType::Ip),
        },
        ownership: ownership(group.ownership),
    }
}

fn ownership(ownership: Ownership) -> core::Ownership {
    match ownership {
        Ownership::Auto => core::Ownership::Auto,
        Ownership::SelfOwned => core::Ownership::Own,
        Ownership::Observe => core::Ownership::Observe,
    }
}
