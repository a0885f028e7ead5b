//! The page of `/metrics` (docs/METRICS.md), drawn anew for each scrape from the snapshot and the counters.
//!
//! The library writes OpenMetrics; what it writes is then put into the older Prometheus text format, which every
//! scraper reads and `promtool check metrics` knows. It asks nobody anything: process figures are given.

use super::counters::Tables;
use super::requests::HealthRequests;
use super::{Board, Counters};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use rundeck_alb_core::{
    Agreement, Degraded, DrainPhase, Finding, Mode, Moment, Snapshot, State, TargetState, TargetView,
};
use std::collections::BTreeMap;
use std::fmt;

pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the agent's own process uses, for the usual `process_*`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessFigures {
    /// User and system time since the start, in seconds.
    pub cpu_seconds: f64,
    pub resident_bytes: u64,
    pub virtual_bytes: u64,
    pub open_fds: Option<u64>,
    /// How many may be open.
    pub max_fds: Option<u64>,
    pub threads: u64,
    pub start_unix_seconds: f64,
}

/// The whole page.
pub(super) fn page(
    board: &Board,
    counters: &Counters,
    own: Option<ProcessFigures>,
    now: Moment,
) -> Result<String, fmt::Error> {
    let published = board.read();
    let findings = published.snapshot.findings.iter().map(|finding| finding.finding);
    let tables = counters.tables_with(findings);
    let requests = by_code(board.health_requests());
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { snapshot: published.snapshot.clone(), tables, requests, own, now }));
    let mut text = String::new();
    prometheus_client::encoding::text::encode_registry(&mut text, &registry)?;
    Ok(classic(&text))
}

fn by_code(requests: &HealthRequests) -> Rows<1> {
    requests.by_status().map(|(status, count)| ([("code", status.to_string())], count as f64)).collect()
}

/// Samples by label set: sorted, and none twice, which a scraper would refuse.
type Rows<const N: usize> = BTreeMap<[(&'static str, String); N], f64>;

/// Everything that one page shows.
#[derive(Debug)]
struct Scrape {
    snapshot: Snapshot,
    tables: Tables,
    requests: Rows<1>,
    own: Option<ProcessFigures>,
    now: Moment,
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut page = Page(encoder);
        self.health(&mut page)?;
        self.probes(&mut page)?;
        self.rundeck(&mut page)?;
        self.membership(&mut page)?;
        self.drain(&mut page)?;
        self.calls(&mut page)?;
        self.process(&mut page)
    }
}

impl Scrape {
    fn health(&self, page: &mut Page) -> fmt::Result {
        let state = self.snapshot.answer_at(self.now).state;
        let age = self.now.since(self.snapshot.looked_at).0 as f64 / 1_000.0;
        let transitions = self.tables.transitions.iter().map(|((from, to, reason), count)| {
            ([("from", from.to_string()), ("to", to.to_string()), ("reason", reason.to_string())], *count as f64)
        });
        page.gauge(
            "rdalb_build_info",
            "The agent's version",
            Rows::from([([("version", super::VERSION.to_string())], 1.0)]),
        )?;
        page.gauge(
            "rdalb_health_state",
            "What /health says now",
            one_of("state", State::ALL, |known| *known == state),
        )?;
        page.gauge(
            "rdalb_health_snapshot_age_seconds",
            "Age of the verdict; older than health.max_age it is stale",
            single(age),
        )?;
        page.counter("rdalb_health_requests", "Answers of the health port", self.requests.clone())?;
        page.counter("rdalb_health_transitions", "Changes of the answer of /health", transitions.collect())?;
        let degraded = one_of("cause", Degraded::ALL, |cause| self.snapshot.degraded.contains(cause));
        page.gauge("rdalb_degraded", "In service, but something is wrong", degraded)?;
        page.gauge(
            "rdalb_fleet_guard_active",
            "Something wants the node out, and the others have not agreed yet",
            single(flag(self.snapshot.hold.is_some())),
        )?;
        let present = |wrong: &Finding| self.snapshot.findings.iter().any(|finding| finding.finding == *wrong);
        let findings =
            self.tables.findings.iter().map(|wrong| ([("finding", wrong.to_string())], flag(present(wrong))));
        page.gauge("rdalb_findings", "What is wrong with the set-up; 0 once it is cured", findings.collect())
    }

    fn probes(&self, page: &mut Page) -> fmt::Result {
        let results = self.tables.probes.iter().map(|((check, result), count)| {
            ([("check", check.to_string()), ("result", result.to_string())], *count as f64)
        });
        page.counter("rdalb_probe_results", "Results of the checks of Rundeck", results.collect())?;
        let durations =
            self.tables.probe_seconds.iter().map(|(check, histogram)| ([("check", check.to_string())], histogram));
        page.histograms("rdalb_probe_duration_seconds", "How long checks of Rundeck took", durations.collect())
    }

    fn rundeck(&self, page: &mut Page) -> fmt::Result {
        let rundeck = &self.snapshot.rundeck;
        if let Some(version) = &rundeck.version {
            let labels = [
                ("version", version.clone()),
                ("api_version", rundeck.api_version.map(|v| v.to_string()).unwrap_or_default()),
                ("server_uuid", rundeck.server_uuid.clone().unwrap_or_default()),
            ];
            page.gauge("rdalb_rundeck_info", "The local Rundeck", Rows::from([(labels, 1.0)]))?;
        }
        if let Some(mode) = rundeck.mode {
            page.gauge(
                "rdalb_rundeck_execution_mode",
                "Rundeck's execution mode",
                one_of("mode", Mode::ALL, |m| *m == mode),
            )?;
        }
        if let Some(running) = rundeck.running {
            page.gauge(
                "rdalb_rundeck_running_executions",
                "Jobs that run in this Rundeck",
                single(f64::from(running)),
            )?;
        }
        if let Some(bytes) = rundeck.memory_bytes {
            page.gauge(
                "rdalb_rundeck_process_resident_memory_bytes",
                "Resident memory of Rundeck's JVM",
                single(bytes as f64),
            )?;
        }
        Ok(())
    }

    fn membership(&self, page: &mut Page) -> fmt::Result {
        let (mut states, mut registered, mut differs) = (Rows::new(), Rows::new(), Rows::new());
        for target in &self.snapshot.targets {
            let Some(seen) = &target.seen else { continue };
            // One group under two ports is two targets.
            let (group, port) = (("target_group", target.name.clone()), ("port", port(target)));
            let labels = |state: &str, reason: &str| {
                [group.clone(), port.clone(), ("state", state.to_string()), ("reason", reason.to_string())]
            };
            let word = balancer_word(&seen.state);
            for known in balancer_words().filter(|known| *known != word) {
                states.insert(labels(known, ""), 0.0);
            }
            states.insert(labels(word, &seen.reason), 1.0);
            if let Some(is_in) = is_registered(&seen.state) {
                registered.insert([group.clone(), port.clone()], flag(is_in));
            }
            let agreement = target.balancer.as_ref().map(|balancer| balancer.agreement);
            if let Some(agreement) = agreement.filter(|agreement| *agreement != Agreement::Unknown) {
                differs.insert([group, port], flag(agreement == Agreement::Differs));
            }
        }
        page.gauge("rdalb_target_state", "The balancer's word for this node's target", states)?;
        page.gauge("rdalb_registered", "This node's target is registered", registered)?;
        page.gauge("rdalb_target_disagreement", "The balancer says of this node's target what the node denies", differs)
    }

    fn drain(&self, page: &mut Page) -> fmt::Result {
        let drain = self.snapshot.drain.as_ref();
        let phase = drain.map_or(DrainPhase::None, |drain| drain.phase);
        page.gauge(
            "rdalb_drain_phase",
            "How far the drain has come",
            one_of("phase", DrainPhase::ALL, |p| *p == phase),
        )?;
        if let Some(in_flight) = drain.and_then(|drain| drain.in_flight) {
            page.gauge(
                "rdalb_drain_inflight_connections",
                "Requests in flight on Rundeck's port",
                single(f64::from(in_flight)),
            )?;
        }
        let drains = self.tables.drains.iter().map(|((cause, result), count)| {
            ([("cause", cause.to_string()), ("result", result.to_string())], *count as f64)
        });
        page.counter("rdalb_drains", "Drains that have ended", drains.collect())?;
        page.histograms("rdalb_drain_duration_seconds", "How long drains took", vec![([], &self.tables.drain_seconds)])
    }

    fn calls(&self, page: &mut Page) -> fmt::Result {
        let requests = self.tables.aws.iter().map(|((service, operation, result), count)| {
            let labels = [
                ("service", service.to_string()),
                ("operation", operation.to_string()),
                ("result", result.word().to_string()),
            ];
            (labels, *count as f64)
        });
        page.counter("rdalb_aws_requests", "Requests to AWS", requests.collect())?;
        let durations = self.tables.aws_seconds.iter().map(|((service, operation), histogram)| {
            ([("service", service.to_string()), ("operation", operation.to_string())], histogram)
        });
        page.histograms("rdalb_aws_request_duration_seconds", "How long requests to AWS took", durations.collect())?;
        let imds = self.tables.imds.iter().map(|(code, count)| ([("code", code.to_string())], *count as f64));
        page.counter(
            "rdalb_imds_requests",
            "Requests to instance metadata by status, or how they failed",
            imds.collect(),
        )
    }

    fn process(&self, page: &mut Page) -> fmt::Result {
        let Some(own) = self.own else { return Ok(()) };
        page.counter("process_cpu_seconds", "User and system time of the agent", single(own.cpu_seconds))?;
        page.gauge("process_resident_memory_bytes", "Resident memory of the agent", single(own.resident_bytes as f64))?;
        page.gauge("process_virtual_memory_bytes", "Virtual memory of the agent", single(own.virtual_bytes as f64))?;
        if let Some(open) = own.open_fds {
            page.gauge("process_open_fds", "Open file descriptors", single(open as f64))?;
        }
        if let Some(most) = own.max_fds {
            page.gauge("process_max_fds", "How many file descriptors may be open", single(most as f64))?;
        }
        page.gauge("process_threads", "Threads", single(own.threads as f64))?;
        page.gauge("process_start_time_seconds", "Start, in seconds since 1970", single(own.start_unix_seconds))
    }
}

/// AWS's words for the state of a target, by "TargetHealth" of the ELBv2 API reference.
fn balancer_words() -> impl Iterator<Item = &'static str> {
    TargetState::KNOWN.iter().filter(|state| **state != TargetState::Absent).map(TargetState::word)
}

/// A target that is not registered has no word of its own there.
fn balancer_word(state: &TargetState) -> &str {
    if *state == TargetState::Absent { TargetState::Idle.word() } else { state.word() }
}

/// `None` for a word that nobody knows.
fn is_registered(state: &TargetState) -> Option<bool> {
    match state {
        TargetState::Arriving
        | TargetState::Healthy
        | TargetState::Unhealthy
        | TargetState::Idle
        | TargetState::Unavailable => Some(true),
        TargetState::Leaving | TargetState::Absent => Some(false),
        TargetState::Other(_) => None,
    }
}

/// The target's port as a label.
fn port(target: &TargetView) -> String {
    target.port.map(|port| port.to_string()).unwrap_or_default()
}

fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

fn single(value: f64) -> Rows<0> {
    Rows::from([([], value)])
}

/// One row for each word of a closed list.
fn one_of<W: ToString>(label: &'static str, words: &[W], is_on: impl Fn(&W) -> bool) -> Rows<1> {
    words.iter().map(|word| ([(label, word.to_string())], flag(is_on(word)))).collect()
}

/// Writes one metric with its rows; a metric without rows is left out.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn gauge<const N: usize>(&mut self, name: &str, help: &str, rows: Rows<N>) -> fmt::Result {
        let rows = rows.into_iter().map(|(labels, value)| (labels, ConstGauge::new(value))).collect();
        self.metric(name, help, MetricType::Gauge, rows)
    }

    /// `name` without its `_total`: the library adds it.
    fn counter<const N: usize>(&mut self, name: &str, help: &str, rows: Rows<N>) -> fmt::Result {
        let rows = rows.into_iter().map(|(labels, value)| (labels, ConstCounter::new(value))).collect();
        self.metric(name, help, MetricType::Counter, rows)
    }

    fn histograms<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: Vec<([(&'static str, String); N], &Histogram)>,
    ) -> fmt::Result {
        self.metric(
            name,
            help,
            MetricType::Histogram,
            rows.into_iter().map(|(labels, histogram)| (labels, histogram.clone())).collect(),
        )
    }

    fn metric<M: EncodeMetric, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        rows: Vec<([(&'static str, String); N], M)>,
    ) -> fmt::Result {
        if rows.is_empty() {
            return Ok(());
        }
        let mut metric = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, value) in rows {
            if labels.is_empty() {
                return value.encode(metric);
            }
            value.encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// OpenMetrics as Prometheus text: there a counter's name carries `_total` in its description too, and nothing marks
/// the end or the unit.
fn classic(open_metrics: &str) -> String {
    let mut page = String::with_capacity(open_metrics.len());
    let mut help = "";
    for line in open_metrics.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ').map_or("", |(_, words)| words);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|typed| typed.split_once(' ')) {
            let total = if kind == "counter" { "_total" } else { "" };
            page.push_str(&format!("# HELP {name}{total} {help}\n# TYPE {name}{total} {kind}\n"));
        } else if !line.starts_with('#') {
            page.push_str(line);
            page.push('\n');
        }
    }
    page
}

#[cfg(test)]
mod tests;
