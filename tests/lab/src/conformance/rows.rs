//! The rows that can be asked of a living, ready Rundeck (numbers as in the stand-in's answer table).
//!
//! What is expected is not here: the stand-in answers that.

use std::fmt;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// With the token, for JSON.
    Token,
    /// Without a token, for JSON.
    Nobody,
    /// Without a token and without `Accept`.
    Plain,
    /// With a wrong token, for JSON.
    Stranger,
    /// Without a token, and the path is not below the context path.
    AboveTheContext,
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub number: &'static str,
    pub method: &'static str,
    /// `/N/` stands for the server's newest API version.
    pub path: &'static str,
    pub who: Who,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match self.who {
            Who::Token => ", token",
            Who::Nobody => ", no token, JSON",
            Who::Plain => "",
            Who::Stranger => ", wrong token",
            Who::AboveTheContext => ", outside the context path",
        };
        write!(f, "{:<4} {} {}{who}", self.number, self.method, self.path)
    }
}

const fn get(number: &'static str, who: Who, path: &'static str) -> Row {
    Row { number, method: "GET", path, who }
}

/// Nothing is changed by these; the wrong paths (6, 10, 11, 34 where they lead to the login) make one session each.
pub(super) const HARMLESS: &[Row] = &[
    get("3", Who::Plain, "/health"),
    get("5", Who::AboveTheContext, "/health"),
    get("6", Who::Plain, "/actuator/health"),
    get("7", Who::Plain, "/actuator/health/readiness"),
    get("9a", Who::Plain, "/actuator/health/liveness"),
    get("10", Who::Plain, "/monitoring/health"),
    get("11", Who::Plain, "/monitoring/health/readiness"),
    get("15", Who::Token, "/api/N/system/executions/status"),
    get("17", Who::Token, "/api/N/system/executions/status?passiveAs503=true"),
    get("18", Who::Token, "/api/32/system/executions/status"),
    get("18", Who::Token, "/api/35/system/executions/status"),
    get("18", Who::Token, "/api/36/system/executions/status"),
    get("18", Who::Token, "/api/31/system/executions/status"),
    get("19", Who::Nobody, "/api/N/system/executions/status"),
    get("19", Who::Plain, "/api/N/system/executions/status"),
    get("20", Who::Stranger, "/api/N/system/executions/status"),
    get("21", Who::Token, "/api/N/system/logstorage"),
    get("23", Who::Token, "/api/N/system/info"),
    get("26", Who::Token, "/api/N/system/executions/disable"),
    get("28", Who::Nobody, "/api/99/system/info"),
    get("28", Who::Nobody, "/api/1/system/info"),
    get("29", Who::Token, "/api/12/system/info"),
    get("30", Who::Token, "/api/N/metrics/healthcheck"),
    get("31", Who::Token, "/api/N/project/*/executions/running"),
    get("32", Who::Token, "/api/N/project/no-such-project-here/executions/running"),
    get("34", Who::Plain, "/"),
    get("34", Who::Plain, "/health/"),
    get("34", Who::Plain, "/HEALTH"),
    get("34", Who::Plain, "//health"),
    get("35", Who::Plain, "/user/login"),
    get("-", Who::Token, "/api/N/dnexist"),
];

/// With the switch allowed: to passive, the answers there, and back to active.
pub(super) const PASSIVE: &[Row] = &[
    Row { number: "24", method: "POST", path: "/api/N/system/executions/disable", who: Who::Token },
    get("16", Who::Token, "/api/N/system/executions/status"),
    get("17", Who::Token, "/api/N/system/executions/status?passiveAs503=true"),
    get("18", Who::Token, "/api/32/system/executions/status"),
    get("18", Who::Token, "/api/35/system/executions/status"),
    get("18", Who::Token, "/api/36/system/executions/status"),
    get("3", Who::Plain, "/health"),
    Row { number: "25", method: "POST", path: "/api/N/system/executions/enable", who: Who::Token },
];

/// Back to passive, where it was so before.
pub(super) const DISABLE_AGAIN: Row =
    Row { number: "24", method: "POST", path: "/api/N/system/executions/disable", who: Who::Token };

/// Rows that no ready node shows on demand, and why.
pub(super) const NOT_ASKED: &[(&str, &str)] = &[
    ("1, 2, 9, 9a, 12, 13, 14, 14a", "a node that starts"),
    ("4", "the health endpoint switched off (taken over as a setting where it is)"),
    ("8, 27", "a database that is down"),
    ("22", "a token without rights (taken over as a setting where it is)"),
    ("33", "a job to run"),
    ("36, 37", "a node that stops"),
];
