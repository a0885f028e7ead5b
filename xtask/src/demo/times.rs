//! The demo's shortened times, in one place: what the agents and the balancer are told, and what is told to people.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rundeck_alb_lab::alb::{GroupSettings, HealthCheck, HealthPort, Stickiness};

pub const GROUP: &str = "rundeck-demo";

/// The API token that the Rundecks take from their file.
pub const TOKEN: &str = "demo-token";

/// Between two checks of the balancer.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
const CHECK_TIMEOUT: Duration = Duration::from_millis(400);
const HEALTHY_THRESHOLD: u32 = 2;
const UNHEALTHY_THRESHOLD: u32 = 2;
const DEREGISTRATION_DELAY: Duration = Duration::from_secs(6);
const REGISTRATION: Duration = Duration::from_millis(300);
/// A day, as `verify` will ask for.
const STICKY_FOR: Duration = Duration::from_secs(86_400);

/// How each Rundeck starts: port refused, then port open with the bootstrap still going on, in milliseconds.
pub const BOOTS: [(u64, u64); 3] = [(1_000, 900), (1_700, 900), (2_400, 900)];

/// What differs from the defaults, which stand in brackets.
pub const TOLD: [&str; 4] = [
    "Times are shortened so that the story fits into a minute (the defaults in brackets):",
    "  agent      probe every 1 s (5 s), changing or down every 200 ms (1 s, 2 s), settle 1 s (10 s)",
    "             API every 500 ms (15 s), reconcile every 2 s (5 min), drain floor 2 s (25 s)",
    "  balancer   check every 500 ms (30 s), healthy after 2 (5), draining for 6 s (300 s)",
];

/// The group that the balancer forwards to: sticky, checking the agents' health port.
pub fn group(traffic: u16, health: u16) -> GroupSettings {
    GroupSettings {
        port: traffic,
        health_check: HealthCheck {
            port: HealthPort::Number(health),
            path: "/health".to_owned(),
            interval: CHECK_INTERVAL,
            timeout: CHECK_TIMEOUT,
            healthy_threshold: HEALTHY_THRESHOLD,
            unhealthy_threshold: UNHEALTHY_THRESHOLD,
            ..HealthCheck::default()
        },
        deregistration_delay: DEREGISTRATION_DELAY,
        registration_takes: REGISTRATION,
        stickiness: Stickiness::LoadBalancer { duration: STICKY_FOR },
        ..GroupSettings::named(GROUP)
    }
}

/// An agent's configuration file.
pub fn config(rundeck: SocketAddr, health: SocketAddr, token_file: &Path) -> String {
    let token_file = token_file.display();
    format!(
        r#"[rundeck]
url = "http://{rundeck}"
token_file = "{token_file}"

[health]
listen = "{health}"
interval = "1s"
fast_interval = "200ms"
down_interval = "200ms"
api_interval = "500ms"
connect_timeout = "200ms"
timeout = "500ms"
settle = "1s"
max_age = "5s"
boot_timeout = "30s"

[membership]
reconcile_interval = "2s"

[[target_group]]
name = "{GROUP}"

[drain]
floor = "2s"
jobs_timeout = "20s"

[admin]
listen = "127.0.0.1:0"

[log]
format = "json"
"#
    )
}
