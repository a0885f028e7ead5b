//! The table of all keys: their names, and how each is read into its field and shown. Flags, "did you mean" and the
//! names of variables come from it too, and so do the keys of the contract that this version refuses.
//!
//! Does not hold the fields and their defaults (core's policies, `settings.rs`) or the rules between keys (`check.rs`).
//! What else a new key touches stands in docs/ARCHITECTURE.md, "Where a change goes".

use rundeck_alb_core::{GroupWanted, Ownership, TargetType};

use super::codec::{self, count};
use super::commands;
use super::fault::Fault;
use super::lists;
use super::names;
use super::raw::Value;
use super::settings::Settings;
use super::share::SHARE;
use super::words::{optional_word, word};

/// One key of a table that is read into an `S`.
pub(super) struct Key<S: 'static> {
    pub(super) table: &'static str,
    /// Its bare name.
    pub(super) name: &'static str,
    /// Puts a value where it belongs.
    pub(super) read: fn(&mut S, &Value) -> Result<(), Fault>,
    /// The value as a file would hold it.
    pub(super) show: fn(&S) -> toml::Value,
}

impl<S> Key<S> {
    /// `table.name`.
    pub(super) fn path(&self) -> String {
        format!("{}.{}", self.table, self.name)
    }
}

/// A key; `=> field` where it is not read into the field of its own name.
macro_rules! key {
    ($table:ident.$name:ident, $codec:expr) => {
        key!($table.$name => $table.$name, $codec)
    };
    ($table:ident.$nested:ident.$name:ident, $codec:expr) => {
        key!($table.$nested.$name => $table.$nested.$name, $codec)
    };
    ($table:ident.$name:ident => $($field:ident).+, $codec:expr) => {
        key!(@ stringify!($table), $name, $($field).+, $codec)
    };
    ($table:ident.$nested:ident.$name:ident => $($field:ident).+, $codec:expr) => {
        key!(@ concat!(stringify!($table), ".", stringify!($nested)), $name, $($field).+, $codec)
    };
    (@ $table:expr, $name:ident, $($field:ident).+, $codec:expr) => {
        Key {
            table: $table,
            name: stringify!($name),
            read: |settings, value| {
                settings.$($field).+ = ($codec.read)(value)?;
                Ok(())
            },
            show: |settings| ($codec.show)(&settings.$($field).+),
        }
    };
}

/// A key of `[[target_group]]`.
macro_rules! group_key {
    ($name:ident, $codec:expr) => {
        Key {
            table: TARGET_GROUP,
            name: stringify!($name),
            read: |group, value| {
                group.$name = ($codec.read)(value)?;
                Ok(())
            },
            show: |group| ($codec.show)(&group.$name),
        }
    };
}

/// What every variable of ours begins with.
pub const PREFIX: &str = "RUNDECK_ALB_AGENT__";

/// The only array of tables.
pub(super) const TARGET_GROUP: &str = "target_group";

/// Keys of the ordinary tables, in the order in which they are shown.
pub(super) static KEYS: &[Key<Settings>] = &[
    key!(rundeck.url, codec::URL),
    key!(rundeck.host_header, codec::HOST),
    key!(rundeck.token_file, codec::FILE),
    key!(rundeck.ca_file, codec::FILE),
    key!(rundeck.pin_sha256, codec::PIN),
    key!(rundeck.tls_server_name, codec::SERVER_NAME),
    key!(health.listen => health_port.listen, codec::LISTEN),
    key!(health.paths, lists::PATHS),
    key!(health.executions_status_compat => health_port.executions_status_compat, codec::SWITCH),
    key!(health.interval, codec::PACE),
    key!(health.fast_interval, codec::PACE),
    key!(health.down_interval, codec::PACE),
    key!(health.api_interval, codec::PACE),
    key!(health.database_interval, codec::PACE),
    key!(health.connect_timeout => looks.connect_timeout, codec::PACE),
    key!(health.timeout, codec::PACE),
    key!(health.rise_initial, count::<1, 100>()),
    key!(health.rise, count::<1, 100>()),
    key!(health.fall, count::<1, 100>()),
    key!(health.settle, codec::PACE),
    key!(health.max_age, codec::PACE),
    key!(health.boot_timeout, codec::PACE),
    key!(health.passive, word()),
    key!(health.database, word()),
    key!(health.max_connections => health_port.max_connections, count::<8, 10_000>()),
    key!(health.disk.paths => looks.directories, lists::DIRECTORIES),
    key!(health.disk.degraded_below, SHARE),
    key!(health.disk.down_below, SHARE),
    key!(membership.ownership, word()),
    key!(membership.auto_scaling, word()),
    key!(membership.standby, word()),
    key!(membership.discover_tag, codec::TAG_KEY),
    key!(membership.reconcile_interval, codec::PACE),
    key!(membership.crash_ejection, codec::SWITCH),
    key!(membership.min_other_healthy, count::<0, 1000>()),
    key!(membership.repair, codec::SWITCH),
    key!(drain.floor, codec::PACE),
    key!(drain.quiet_timeout, codec::AUTO_OR_PACE),
    key!(drain.jobs_timeout, codec::WAIT),
    key!(drain.jobs_unknown_timeout, codec::PACE),
    key!(drain.passive, codec::SWITCH),
    key!(hooks.pre_register, commands::COMMANDS),
    key!(hooks.post_register, commands::COMMANDS),
    key!(hooks.timeout, codec::PACE),
    key!(admin.listen, codec::LOOPBACK),
    key!(admin.socket, codec::FILE),
    key!(log.format, word()),
    key!(log.level, word()),
    key!(aws.region, codec::REGION),
    key!(aws.dry_run, codec::SWITCH),
];

/// Keys of each `[[target_group]]`.
pub(super) static GROUP_KEYS: &[Key<GroupDraft>] = &[
    group_key!(arn, codec::GROUP_ARN),
    group_key!(name, codec::GROUP_NAME),
    group_key!(port, codec::PORT),
    group_key!(target_type, word()),
    group_key!(ownership, optional_word()),
];

/// A target group as read, before its keys are compared with each other.
#[derive(Debug, Default)]
pub(super) struct GroupDraft {
    pub(super) arn: Option<String>,
    pub(super) name: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) target_type: Option<TargetType>,
    pub(super) ownership: Option<Ownership>,
}

impl From<&GroupWanted> for GroupDraft {
    fn from(wanted: &GroupWanted) -> GroupDraft {
        let GroupWanted { group, port, target_type, ownership } = wanted.clone();
        let (arn, name) = if names::is_arn(&group) { (Some(group), None) } else { (None, Some(group)) };
        GroupDraft { arn, name, port, target_type, ownership: Some(ownership) }
    }
}

/// Keys and tables that a later version is to have and this one does not act upon: refused by name, so that
/// nobody believes they work.
pub(super) const UNSUPPORTED: &[&str] = &[
    "rundeck.unit",
    "rundeck.cluster_url",
    "membership.group_tag",
    "membership.verify_interval",
    "drain.log_storage_timeout",
    "drain.machine_stop_timeout",
    "drain.takeover",
    "events",
    "hooks.pre_drain",
    "hooks.post_drain",
];

/// The key or table of [`UNSUPPORTED`] that `path` is or lies in.
pub(super) fn unsupported(path: &str) -> Option<&'static str> {
    UNSUPPORTED
        .iter()
        .copied()
        .find(|known| path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// Table and name of every key, those of the target groups included.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let ordinary = KEYS.iter().map(|key| (key.table, key.name));
    ordinary.chain(GROUP_KEYS.iter().map(|key| (key.table, key.name)))
}

/// Whether `table` is one of the ordinary tables; one within another has both names: `health.disk`.
pub(super) fn is_table(table: &str) -> bool {
    KEYS.iter().any(|key| key.table == table)
}

/// Whether `table` has the key `name`.
pub(super) fn is_key(table: &str, name: &str) -> bool {
    all().any(|key| key == (table, name))
}

/// The variable of the key `path`: `RUNDECK_ALB_AGENT__HEALTH__INTERVAL` of `health.interval`.
pub fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.to_uppercase().replace('.', "__"))
}

/// Whether `path` (`health.interval`) is a key that flags and the environment can set.
pub(super) fn path_exists(path: &str) -> bool {
    KEYS.iter().any(|key| key.path() == path)
}
