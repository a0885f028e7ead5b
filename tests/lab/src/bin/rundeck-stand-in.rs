//! A Rundeck stand-in as a process of its own, so that it can be found by its arguments, stopped and killed like a JVM.
//!
//! It prints `listening ADDR` once its port is open and a line for each later step (`ready`, `job 1 started for 8000
//! ms`, `job 1 finished`): who kills it counts the jobs that began and never ended.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use rundeck_alb_lab::rundeck::control::Control;
use rundeck_alb_lab::rundeck::{Bootstrap, Certificate, Config, End, Event, Phases, Rundeck, Token, Version};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: rundeck-stand-in [--listen ADDR:PORT] [--version 3.4|4.17|5.20|6.1]
    [--token FILE-TOKEN] [--db-token TOKEN] [--uuid U] [--name N] [--boot-ms N] [--bootstrap-ms N]
    [--bootstrap ok|exits|lingers] [--job-ms N] [--context-path /P]
    [--actuator on|off] [--docker on|off] [--tls self-signed|no-san|private-ca] [--control ADDR:PORT]
Each flag may also be written --flag=value. Arguments of a JVM (-D..., -X..., -jar FILE,
--skipinstall) are taken and ignored.";

fn main() -> ExitCode {
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(run()));
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(problem) => {
            eprintln!("rundeck-stand-in: {problem}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<u8, String> {
    let flags = parse(std::env::args().skip(1))?;
    let config = configured(&flags)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let listen = config.listen;
    let mut rundeck = Rundeck::start(config).map_err(|error| format!("cannot take {listen}: {error}"))?;
    let _control = match address(&flags, "control")? {
        Some(addr) => {
            let control =
                Control::start(addr, &rundeck).await.map_err(|error| format!("cannot take {addr}: {error}"))?;
            say(&format!("control {}", control.addr()));
            Some(control)
        }
        None => None,
    };
    let end = loop {
        tokio::select! {
            end = rundeck.gone() => break end,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        rundeck.terminate();
    };
    // What a JVM ends with: 128 + SIGTERM, or 1 of `SpringApplication`.
    Ok(if end == End::Stopped { 143 } else { 1 })
}

fn configured(flags: &BTreeMap<String, String>) -> Result<Config, String> {
    let text = |name: &str| flags.get(name).cloned();
    let millis = |name: &str, otherwise: Duration| match flags.get(name) {
        None => Ok(otherwise),
        Some(ms) => {
            ms.parse().map(Duration::from_millis).map_err(|_| format!("--{name} {ms}: no number of milliseconds"))
        }
    };
    let version =
        text("version").map_or(Ok(Version::V5_20), |version| version.parse()).map_err(|error| error.to_string())?;
    // `FILE-TOKEN=...` is taken too: the value is what follows.
    let token = text("token").unwrap_or_else(|| "token".to_owned());
    let token = token.strip_prefix("FILE-TOKEN=").unwrap_or(&token);
    let mut config = Config::new(version, token);
    config.tokens.extend(flags.get("db-token").map(|token| Token::database(token)));
    config.listen = address(flags, "listen")?.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    if flags.get("docker").is_some_and(|value| value == "on") {
        config = config.in_docker();
    }
    config.phases = Phases::new(millis("boot-ms", Duration::ZERO)?, millis("bootstrap-ms", Duration::ZERO)?);
    config.job_length = millis("job-ms", config.job_length)?;
    config.uuid = text("uuid").unwrap_or(config.uuid);
    config.name = text("name").unwrap_or(config.name);
    config.context_path = text("context-path").unwrap_or_default();
    config.switches.actuator = flags.get("actuator").is_some_and(|value| value == "on");
    config.tls = match flags.get("tls").map(String::as_str) {
        None => None,
        Some("self-signed") => Some(Certificate::SelfSigned),
        Some("no-san") => Some(Certificate::WithoutNames),
        Some("private-ca") => Some(Certificate::PrivateCa),
        Some(other) => return Err(format!("--tls {other}: use self-signed, no-san or private-ca")),
    };
    config.bootstrap = match flags.get("bootstrap").map(String::as_str) {
        None | Some("ok") => Bootstrap::Succeeds,
        Some("exits") => Bootstrap::FailsAndExits,
        Some("lingers") => Bootstrap::FailsAndLingers,
        Some(other) => return Err(format!("--bootstrap {other}: use ok, exits or lingers")),
    };
    config.journal = |event: &Event| say(&event.to_string());
    Ok(config)
}

fn address(flags: &BTreeMap<String, String>, name: &str) -> Result<Option<SocketAddr>, String> {
    let parsed = flags.get(name).map(|addr| addr.parse().map_err(|_| format!("--{name} {addr}: no ADDR:PORT")));
    parsed.transpose()
}

const FLAGS: [&str; 15] = [
    "listen",
    "version",
    "token",
    "db-token",
    "uuid",
    "name",
    "boot-ms",
    "bootstrap-ms",
    "bootstrap",
    "job-ms",
    "context-path",
    "actuator",
    "docker",
    "tls",
    "control",
];

/// The flags of the stand-in, with what a JVM would be told left out.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<BTreeMap<String, String>, String> {
    let mut flags = BTreeMap::new();
    while let Some(argument) = arguments.next() {
        if argument == "-jar" {
            arguments.next();
            continue;
        }
        let Some(flag) = argument.strip_prefix("--").filter(|flag| *flag != "skipinstall") else {
            if argument.starts_with('-') {
                continue;
            }
            return Err(format!("{argument}: unknown argument"));
        };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (flag.to_owned(), arguments.next().ok_or_else(|| format!("--{flag}: a value is missing"))?),
        };
        if !FLAGS.contains(&name.as_str()) {
            return Err(format!("--{name}: unknown flag"));
        }
        flags.insert(name, value);
    }
    Ok(flags)
}

/// One line on stdout, at once. A closed stdout is no reason to die.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
