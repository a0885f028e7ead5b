//! The validated settings. What the heart decides by is core's own policy, fields and defaults; the structs here hold
//! only the rest, each beside its default. Does not read anything.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use rundeck_alb_core::{Circumstances, DrainPolicy, HealthPolicy, HookPolicy, MembershipPolicy, Policy, Span};

use super::secret::Secret;
use super::url::RundeckUrl;

/// Everything that can be configured. The defaults are those of `config/agent.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// How to reach Rundeck.
    pub rundeck: RundeckSettings,
    /// `[health]` and `[health.disk]`, as far as the heart decides by them.
    pub health: HealthPolicy,
    /// The rest of `[health]`: its server.
    pub health_port: HealthPort,
    /// The rest of `[health]` and `[health.disk]`: its looks.
    pub looks: LookSettings,
    /// `[membership]` and `[[target_group]]`.
    pub membership: MembershipPolicy,
    /// `[drain]`.
    pub drain: DrainPolicy,
    /// `[hooks]`.
    pub hooks: HookPolicy,
    /// The admin listeners.
    pub admin: AdminSettings,
    pub log: LogSettings,
    pub aws: AwsSettings,
}

impl Settings {
    /// What the heart is told, in these circumstances.
    pub fn policy(&self, circumstances: Circumstances) -> Policy {
        Policy {
            health: self.health.clone(),
            membership: self.membership.clone(),
            drain: self.drain.clone(),
            hooks: self.hooks.clone(),
            dry_run: self.aws.dry_run,
            circumstances,
        }
    }
}

/// `[rundeck]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RundeckSettings {
    /// Base URL with context path.
    pub url: RundeckUrl,
    /// Sent as `Host` instead of the URL's authority.
    pub host_header: Option<String>,
    /// File with the API token; whether it can be read is found out at use.
    pub token_file: Option<PathBuf>,
    /// `RUNDECK_TOKEN`, held only when `token_file` is not set; a systemd credential goes before it.
    pub environment_token: Option<Secret>,
    /// PEM file with the certification authority; https only, never with a pin.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the server's certificate (DER); https only, never with `ca_file`.
    pub pin_sha256: Option<[u8; 32]>,
    /// Name checked in the certificate and sent as SNI; default: the URL's host.
    pub tls_server_name: Option<String>,
}

/// The health port: the keys of `[health]` that the server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthPort {
    /// Public health listener; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// Also answer `/api/<V>/system/executions/status`.
    pub executions_status_compat: bool,
    /// Most connections at once.
    pub max_connections: u32,
}

impl Default for HealthPort {
    fn default() -> HealthPort {
        let listen = SocketAddr::from((Ipv6Addr::UNSPECIFIED, Circumstances::default().health_port));
        HealthPort { listen, executions_status_compat: true, max_connections: 256 }
    }
}

/// How looks are made: the keys of `[health]` that the adapters have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookSettings {
    /// Limit for connecting, at most `health.timeout`.
    pub connect_timeout: Span,
    /// Directories whose file systems are looked at; none: found from Rundeck's process.
    pub directories: Vec<PathBuf>,
}

impl Default for LookSettings {
    fn default() -> LookSettings {
        LookSettings { connect_timeout: Span::secs(1), directories: Vec::new() }
    }
}

/// `[admin]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminSettings {
    /// Loopback listener, read only; `None` switches it off.
    pub listen: Option<SocketAddr>,
    /// Control socket; `None`: `control.sock` in the runtime directory.
    pub socket: Option<PathBuf>,
}

impl Default for AdminSettings {
    fn default() -> AdminSettings {
        AdminSettings { listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 4442))), socket: None }
    }
}

impl AdminSettings {
    /// The control socket, `runtime_directory` being where it stands by default.
    pub fn socket_in(&self, runtime_directory: &Path) -> PathBuf {
        self.socket.clone().unwrap_or_else(|| runtime_directory.join("control.sock"))
    }
}

/// `[log]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// How lines are written.
    pub format: LogFormat,
    /// The least weighty line that is written.
    pub level: LogLevel,
}

/// `[aws]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsSettings {
    /// Region; `None`: environment, profile, instance metadata, in this order.
    pub region: Option<String>,
    /// Observe everything, change nothing at AWS or Rundeck.
    pub dry_run: bool,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Journald's style under systemd, human on a terminal.
    #[default]
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The weight of log lines, the weightiest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Errors only.
    Error,
    /// And warnings.
    Warn,
    /// And transitions.
    #[default]
    Info,
    /// And decisions in detail.
    Debug,
    /// And each probe.
    Trace,
}
