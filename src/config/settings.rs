//! The validated settings: plain typed values, each with its default and unit. Does not read
//! anything and does not turn them into the heart's policy; the defaults are in `defaults.rs`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rundeck_alb_core::{DatabaseRule, DrainPolicy, MembershipPolicy, PassiveRule, Share, Span};

use super::secret::Secret;
use super::url::RundeckUrl;

/// Everything that can be configured. The defaults are those of `config/agent.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// How to reach Rundeck.
    pub rundeck: RundeckSettings,
    /// The health port and the probes behind it.
    pub health: HealthSettings,
    /// `[membership]` and `[[target_group]]`.
    pub membership: MembershipPolicy,
    /// `[drain]`.
    pub drain: DrainPolicy,
    /// The admin listeners.
    pub admin: AdminSettings,
    /// The log.
    pub log: LogSettings,
    /// AWS.
    pub aws: AwsSettings,
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

/// `[health]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthSettings {
    /// Public health listener; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// Paths that answer with the verdict; at least one, each begins with `/`.
    pub paths: Vec<String>,
    /// Also answer `/api/<V>/system/executions/status`.
    pub executions_status_compat: bool,
    /// Pace of the probes when steady.
    pub interval: Span,
    /// Pace while the verdict is changing.
    pub fast_interval: Span,
    /// Pace while down.
    pub down_interval: Span,
    /// Pace of the API call with the token.
    pub api_interval: Span,
    /// Pace of the timed API call that asks the database.
    pub database_interval: Span,
    /// Limit for connecting, at most `timeout`.
    pub connect_timeout: Span,
    /// Limit for one probe, below `interval`.
    pub timeout: Span,
    /// Good answers in a row before the first `up`.
    pub rise_initial: u32,
    /// Good answers in a row from down to up.
    pub rise: u32,
    /// Bad answers in a row from up to down.
    pub fall: u32,
    /// Unbroken good answers before the first `up`, as time.
    pub settle: Span,
    /// A verdict older than this answers 503 `stale`; above `interval` + `timeout`.
    pub max_age: Span,
    /// Budget for Rundeck's start, above `settle`.
    pub boot_timeout: Span,
    /// What a Rundeck answers that somebody else set passive.
    pub passive: PassiveRule,
    /// What follows when the database is gone.
    pub database: DatabaseRule,
    /// Most connections on the health port at once.
    pub max_connections: u32,
    /// Room on file systems.
    pub disk: DiskSettings,
}

/// `[health.disk]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskSettings {
    /// Directories whose file systems are looked at; none: found from Rundeck's process.
    pub paths: Vec<PathBuf>,
    /// Less free space or inodes than this degrades the node; zero: never.
    pub degraded_below: Share,
    /// Less than this takes it out, below `degraded_below`; zero: never.
    pub down_below: Share,
}

/// `[admin]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminSettings {
    /// Loopback listener, read only; `None` switches it off.
    pub listen: Option<SocketAddr>,
    /// Control socket; `None`: `control.sock` in the runtime directory.
    pub socket: Option<PathBuf>,
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
