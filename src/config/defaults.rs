//! The defaults, which are those of `config/agent.toml` and of the contract (interface 2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rundeck_alb_core::{DatabaseRule, PassiveRule, Share, Span};

use super::settings::{AdminSettings, DiskSettings, HealthSettings};

impl Default for HealthSettings {
    fn default() -> HealthSettings {
        HealthSettings {
            listen: SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 4441),
            paths: vec!["/health".to_owned()],
            executions_status_compat: true,
            interval: Span::secs(5),
            fast_interval: Span::secs(1),
            down_interval: Span::secs(2),
            api_interval: Span::secs(15),
            database_interval: Span::secs(30),
            connect_timeout: Span::secs(1),
            timeout: Span::secs(3),
            rise_initial: 3,
            rise: 2,
            fall: 3,
            settle: Span::secs(10),
            max_age: Span::secs(20),
            boot_timeout: Span::secs(10 * 60),
            passive: PassiveRule::default(),
            database: DatabaseRule::default(),
            max_connections: 256,
            disk: DiskSettings::default(),
        }
    }
}

impl Default for DiskSettings {
    fn default() -> DiskSettings {
        let (degraded_below, down_below) = (Share(100), Share(10));
        DiskSettings { paths: Vec::new(), degraded_below, down_below }
    }
}

impl Default for AdminSettings {
    fn default() -> AdminSettings {
        AdminSettings { listen: Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4442)), socket: None }
    }
}
