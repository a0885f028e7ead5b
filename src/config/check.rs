//! Rules between settings: values that are right alone and impossible together. Does not read or
//! change anything.

use std::net::{IpAddr, SocketAddr};

use rundeck_alb_core::{GroupWanted, Share, Span};

use super::error::{ConfigError, Problem};
use super::names::{is_arn, name_of_group};
use super::origin::{Origin, Origins};
use super::settings::Settings;
use super::units::format_duration;

/// Everything that is impossible about `settings`, each at the key that somebody set.
pub(super) fn conflicts(settings: &Settings, origins: &Origins) -> Vec<ConfigError> {
    let mut found = Found { origins, errors: Vec::new() };
    tls(settings, &mut found);
    times(settings, &mut found);
    shares(settings, &mut found);
    ports(settings, &mut found);
    groups(settings, &mut found);
    found.errors
}

struct Found<'a> {
    origins: &'a Origins,
    errors: Vec<ConfigError>,
}

impl Found<'_> {
    /// Places the error at the first of `keys` that somebody set.
    fn add(&mut self, keys: &[&str], why: String, cure: impl Into<String>) {
        let place = keys.iter().find(|key| self.origins.is_set(key)).map(|key| self.origins.of(key));
        let problem = Problem::Conflict { why, cure: cure.into() };
        self.errors.push(ConfigError { place: place.unwrap_or_default(), problem });
    }
}

fn tls(settings: &Settings, found: &mut Found<'_>) {
    let rundeck = &settings.rundeck;
    if rundeck.ca_file.is_some() && rundeck.pin_sha256.is_some() {
        let why = "`rundeck.ca_file` and `rundeck.pin_sha256` exclude each other".to_owned();
        found.add(&["rundeck.pin_sha256"], why, "keep one of them");
    }
    if rundeck.url.is_https() {
        return;
    }
    for (key, is_set) in [
        ("rundeck.ca_file", rundeck.ca_file.is_some()),
        ("rundeck.pin_sha256", rundeck.pin_sha256.is_some()),
        ("rundeck.tls_server_name", rundeck.tls_server_name.is_some()),
    ] {
        if is_set {
            let why = format!("`{key}` does nothing while `rundeck.url` begins with http://");
            found.add(&[key], why, "remove it, or write https:// in `rundeck.url`");
        }
    }
}

/// One rule `left` < `right` (or <=) between two keys.
struct Order {
    left: (&'static str, Span),
    right: (&'static str, Span),
    equal_allowed: bool,
}

fn times(settings: &Settings, found: &mut Found<'_>) {
    let health = &settings.health;
    for Order { left, right, equal_allowed } in orders(settings) {
        if left.1 < right.1 || (equal_allowed && left.1 == right.1) {
            continue;
        }
        let rule = if equal_allowed { "must not be above" } else { "must be below" };
        let why = format!("{} {rule} {}", with_time(left), with_time(right));
        found.add(&[left.0, right.0], why, format!("lower `{}` or raise `{}`", left.0, right.0));
    }
    let oldest = health.oldest();
    if health.max_age <= oldest {
        let why = format!(
            "{} must be above `health.interval`, a tenth of it (jitter) and `health.timeout` together ({})",
            with_time(("health.max_age", health.max_age)),
            format_duration(oldest.into())
        );
        let keys = ["health.max_age", "health.interval", "health.timeout"];
        found.add(&keys, why, "raise it: else a healthy node is stale at times");
    }
    let floor = settings.drain.floor;
    if let Some(quiet) = settings.drain.quiet_timeout
        && quiet < floor
    {
        let why = format!(
            "{} must not be below {}",
            with_time(("drain.quiet_timeout", quiet)),
            with_time(("drain.floor", floor))
        );
        found.add(&["drain.quiet_timeout"], why, "raise `drain.quiet_timeout` or lower `drain.floor`");
    }
}

fn shares(settings: &Settings, found: &mut Found<'_>) {
    let disk = &settings.health.disk;
    if disk.down_below == Share::ZERO || disk.down_below < disk.degraded_below {
        return;
    }
    let (degraded, down) = ("health.disk.degraded_below", "health.disk.down_below");
    let why = format!("`{down}` ({}) must be below `{degraded}` ({})", disk.down_below, disk.degraded_below);
    found.add(&[down, degraded], why, format!("lower `{down}`, \"0%\" for never, or raise `{degraded}`"));
}

fn orders(settings: &Settings) -> [Order; 5] {
    let health = &settings.health;
    let order = |left, right, equal_allowed| Order { left, right, equal_allowed };
    let interval = ("health.interval", health.interval);
    let timeout = ("health.timeout", health.timeout);
    [
        order(("health.connect_timeout", settings.looks.connect_timeout), timeout, true),
        order(timeout, interval, false),
        order(("health.fast_interval", health.fast_interval), interval, true),
        order(("health.down_interval", health.down_interval), interval, true),
        order(("health.settle", health.settle), ("health.boot_timeout", health.boot_timeout), false),
    ]
}

fn with_time((key, time): (&str, Span)) -> String {
    format!("`{key}` ({})", format_duration(time.into()))
}

fn ports(settings: &Settings, found: &mut Found<'_>) {
    let health = settings.health_port.listen;
    if let Some(admin) = settings.admin.listen
        && covers(health, admin.ip(), admin.port())
    {
        let why = format!("`admin.listen` ({admin}) and `health.listen` ({health}) are the same port");
        found.add(&["admin.listen", "health.listen"], why, "give one of them another port");
    }
    let url = &settings.rundeck.url;
    let host: Option<IpAddr> = match url.host() {
        "localhost" => Some(IpAddr::from([127, 0, 0, 1])),
        host => host.parse().ok(),
    };
    if host.is_some_and(|host| host.is_loopback() && covers(health, host, url.port())) {
        let why = format!("`rundeck.url` ({url}) is the agent's own `health.listen` ({health})");
        found.add(&["rundeck.url", "health.listen"], why, "write Rundeck's port, 4440 by default");
    }
}

/// Whether a listener on `listen` takes connections for `ip` and `port`; port 0 is chosen later.
fn covers(listen: SocketAddr, ip: IpAddr, port: u16) -> bool {
    port != 0 && listen.port() == port && (listen.ip().is_unspecified() || listen.ip() == ip)
}

/// The same group twice: one of the two would fight the other. A name and an ARN that holds it are
/// the same group, two ARNs are compared whole.
fn groups(settings: &Settings, found: &mut Found<'_>) {
    let groups = &settings.membership.groups;
    for (index, one) in groups.iter().enumerate() {
        let name = name_of_group(&one.group);
        let same = |other: &GroupWanted| {
            other.port == one.port
                && if is_arn(&one.group) && is_arn(&other.group) {
                    one.group == other.group
                } else {
                    name == name_of_group(&other.group)
                }
        };
        if groups.iter().take(index).any(same) {
            let port = one.port.map_or("its own port".to_owned(), |port| format!("port {port}"));
            let why = format!("target group {name} with {port} is named twice");
            let key = group_path(index);
            found.add(&[&key], why, "remove one, or give it another `port`");
        }
    }
}

/// The path of a target group in [`Origins`].
pub(super) fn group_path(index: usize) -> String {
    format!("target_group[{index}]")
}

/// The error of a group that is named by nothing or by two things.
pub(super) fn group_name_missing(place: &Origin, both: bool) -> ConfigError {
    let (why, cure) = if both {
        ("[[target_group]] has both `arn` and `name`", "keep one of them")
    } else {
        ("[[target_group]] names no group", "add `arn = …` or `name = …`")
    };
    ConfigError { place: place.clone(), problem: Problem::Conflict { why: why.to_owned(), cure: cure.to_owned() } }
}
