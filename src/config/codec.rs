//! How each type of value is read and shown: one codec per type, used by the table in `keys.rs`.
//! Does not compare values with each other: that is in `check.rs`.

use std::net::SocketAddr;
use std::path::PathBuf;

use rundeck_alb_core::Span;

use super::fault::{Fault, quoted};
use super::names;
use super::raw::Value;
use super::units::{DurationError, format_duration, parse_span};
use super::url::RundeckUrl;

/// Reads and shows one type of value.
pub(super) struct Codec<T: 'static> {
    pub(super) read: fn(&Value) -> Result<T, Fault>,
    pub(super) show: fn(&T) -> toml::Value,
}

/// The shortest time that may pace something.
const SHORTEST_PACE: Span = Span::millis(100);

const DURATION: &str = "a duration in quotes, as in \"5s\"";
pub(super) const TEXT: &str = "a text in quotes";

/// A time that paces or bounds something: at least 100 ms.
pub(super) const PACE: Codec<Span> = Codec { read: read_pace, show: show_span };
/// A wait that may be switched off by `"0s"`.
pub(super) const WAIT: Codec<Span> = Codec { read: read_wait, show: show_span };
/// `"auto"`, which leaves it to the heart, or a time.
pub(super) const AUTO_OR_PACE: Codec<Option<Span>> = Codec { read: read_auto_or_pace, show: show_auto_or_pace };
/// `true` or `false`.
pub(super) const SWITCH: Codec<bool> = Codec { read: read_switch, show: |on| toml::Value::Boolean(*on) };
/// Rundeck's URL.
pub(super) const URL: Codec<RundeckUrl> = Codec { read: read_url, show: |url| toml::Value::String(url.to_string()) };
/// The health listener.
pub(super) const LISTEN: Codec<SocketAddr> =
    Codec { read: read_listen, show: |address| toml::Value::String(address.to_string()) };
/// A loopback listener; empty: none.
pub(super) const LOOPBACK: Codec<Option<SocketAddr>> = Codec { read: read_loopback, show: show_optional };
/// An absolute file path; empty: none.
pub(super) const FILE: Codec<Option<PathBuf>> = Codec { read: read_file, show: show_file };
/// A `Host` header; empty: none.
pub(super) const HOST: Codec<Option<String>> = named(|value| read_name(value, names::host_header));
/// A name in a certificate; empty: none.
pub(super) const SERVER_NAME: Codec<Option<String>> = named(|value| read_name(value, names::server_name));
/// An instance tag's key; empty: none.
pub(super) const TAG_KEY: Codec<Option<String>> = named(|value| read_name(value, names::tag_key));
/// An AWS region; empty: none.
pub(super) const REGION: Codec<Option<String>> = named(|value| read_name(value, names::region));
/// A target group's ARN.
pub(super) const GROUP_ARN: Codec<Option<String>> = named(|value| read_name(value, names::group_arn));
/// A target group's name.
pub(super) const GROUP_NAME: Codec<Option<String>> = named(|value| read_name(value, names::group_name));
/// SHA-256 in hex; empty: none.
pub(super) const PIN: Codec<Option<[u8; 32]>> = Codec { read: read_pin, show: show_pin };
/// A TCP port that can be registered.
pub(super) const PORT: Codec<Option<u16>> = Codec { read: read_port, show: show_port };

/// A whole number between `MIN` and `MAX`.
pub(super) const fn count<const MIN: i64, const MAX: i64>() -> Codec<u32> {
    Codec { read: read_count::<MIN, MAX>, show: |number| toml::Value::Integer(i64::from(*number)) }
}

const fn named(read: fn(&Value) -> Result<Option<String>, Fault>) -> Codec<Option<String>> {
    Codec { read, show: show_optional }
}

/// The text of a value, or which type was wanted.
pub(super) fn text<'v>(value: &'v Value, wanted: &'static str) -> Result<&'v str, Fault> {
    match value {
        Value::Text(text) | Value::Untyped(text) => Ok(text),
        Value::Integer(_) | Value::Boolean(_) | Value::List(_) | Value::Other(_) => Err(Fault::Type(wanted)),
    }
}

fn read_wait(value: &Value) -> Result<Span, Fault> {
    let text = text(value, DURATION)?;
    parse_span(text).map_err(|error| {
        let cure = match error {
            DurationError::Order => "write long units first, each once, as in \"1h30m\"",
            DurationError::Fraction => "write whole numbers, as in \"1500ms\"",
            DurationError::TooLong => "write at most \"720h\"",
            DurationError::Empty | DurationError::NoUnit | DurationError::Malformed => {
                "write whole numbers with h, m, s or ms, as in \"5s\" or \"1500ms\""
            }
        };
        Fault::value(format!("is {}, which {error}", quoted(text)), cure)
    })
}

fn read_pace(value: &Value) -> Result<Span, Fault> {
    let span = read_wait(value)?;
    if span >= SHORTEST_PACE {
        return Ok(span);
    }
    Err(Fault::value(format!("is {}, which is too short", format_duration(span.into())), "write at least \"100ms\""))
}

fn read_auto_or_pace(value: &Value) -> Result<Option<Span>, Fault> {
    if text(value, "\"auto\" or a duration in quotes, as in \"5m\"")? == "auto" {
        return Ok(None);
    }
    read_pace(value).map(Some)
}

fn show_span(span: &Span) -> toml::Value {
    toml::Value::String(format_duration((*span).into()))
}

fn show_auto_or_pace(limit: &Option<Span>) -> toml::Value {
    limit.as_ref().map_or_else(|| toml::Value::String("auto".to_owned()), show_span)
}

fn read_switch(value: &Value) -> Result<bool, Fault> {
    match value {
        Value::Boolean(on) => Ok(*on),
        Value::Untyped(text) => text.parse().map_err(|_| Fault::Type("true or false")),
        Value::Text(_) | Value::Integer(_) | Value::List(_) | Value::Other(_) => {
            Err(Fault::Type("true or false, without quotes"))
        }
    }
}

fn integer(value: &Value) -> Result<i64, Fault> {
    match value {
        Value::Integer(number) => Ok(*number),
        Value::Untyped(text) => text.parse().map_err(|_| Fault::Type("a whole number")),
        Value::Text(_) | Value::Boolean(_) | Value::List(_) | Value::Other(_) => {
            Err(Fault::Type("a whole number, without quotes"))
        }
    }
}

fn read_count<const MIN: i64, const MAX: i64>(value: &Value) -> Result<u32, Fault> {
    let number = integer(value)?;
    let in_range = (MIN..=MAX).contains(&number).then(|| u32::try_from(number).ok()).flatten();
    in_range.ok_or_else(|| Fault::value(format!("cannot be {number}"), format!("write {MIN} to {MAX}")))
}

fn read_port(value: &Value) -> Result<Option<u16>, Fault> {
    read_count::<1, 65_535>(value).map(|port| u16::try_from(port).ok())
}

/// Nothing is shown as the empty text, which no file holds here: the key is left out.
fn show_port(port: &Option<u16>) -> toml::Value {
    port.map_or(toml::Value::String(String::new()), |port| toml::Value::Integer(port.into()))
}

fn read_url(value: &Value) -> Result<RundeckUrl, Fault> {
    let text = text(value, "a URL in quotes, as in \"http://127.0.0.1:4440\"")?;
    RundeckUrl::parse(text).map_err(|error| Fault::value(error.to_string(), error.cure()))
}

fn read_listen(value: &Value) -> Result<SocketAddr, Fault> {
    let text = text(value, "an address and a port in quotes, as in \"[::]:4441\"")?;
    text.parse().map_err(|_| {
        Fault::value(
            format!("is {}, which is no address and port", quoted(text)),
            "write numbers, as in \"[::]:4441\" or \"0.0.0.0:4441\"",
        )
    })
}

fn read_loopback(value: &Value) -> Result<Option<SocketAddr>, Fault> {
    if text(value, "an address and a port in quotes, as in \"127.0.0.1:4442\"")?.is_empty() {
        return Ok(None);
    }
    let address = read_listen(value)?;
    if address.ip().is_loopback() {
        return Ok(Some(address));
    }
    Err(Fault::value(
        format!("is {address}, which others can reach"),
        "write a loopback address, as in \"127.0.0.1:4442\", or \"\" to switch it off",
    ))
}

fn read_file(value: &Value) -> Result<Option<PathBuf>, Fault> {
    let text = text(value, "a file path in quotes")?;
    if text.is_empty() {
        return Ok(None);
    }
    whole_path(text).map(Some)
}

/// A path that means the same wherever the program runs.
pub(super) fn whole_path(text: &str) -> Result<PathBuf, Fault> {
    if text.starts_with('/') && !text.contains('\0') {
        return Ok(PathBuf::from(text));
    }
    // The agent runs in `/` under systemd, a person calls `check` from anywhere: one path, one file.
    Err(Fault::value("is not a whole path", "begin it with `/`"))
}

fn read_name(value: &Value, check: fn(&str) -> Result<(), Fault>) -> Result<Option<String>, Fault> {
    let text = text(value, TEXT)?;
    if text.is_empty() {
        return Ok(None);
    }
    check(text).map(|()| Some(text.to_owned()))
}

fn read_pin(value: &Value) -> Result<Option<[u8; 32]>, Fault> {
    let text = text(value, TEXT)?;
    if text.is_empty() {
        return Ok(None);
    }
    names::sha256(text).map(Some)
}

fn show_pin(pin: &Option<[u8; 32]>) -> toml::Value {
    let hex = pin.iter().flatten().map(|byte| format!("{byte:02x}"));
    toml::Value::String(hex.collect())
}

fn show_file(path: &Option<PathBuf>) -> toml::Value {
    let text = path.as_ref().map(|path| path.display().to_string());
    toml::Value::String(text.unwrap_or_default())
}

/// Nothing is shown as the empty text that means it.
fn show_optional<T: ToString>(value: &Option<T>) -> toml::Value {
    toml::Value::String(value.as_ref().map(T::to_string).unwrap_or_default())
}
