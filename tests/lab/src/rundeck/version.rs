//! The Rundeck versions that can be stood in for, and what differs between them as plain facts.
//!
//! No answers are made here: each answer asks this table (API numbers: `ApiVersions.groovy` at each tag).

use std::fmt;
use std::str::FromStr;

use super::Pool;

/// A Rundeck release line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 3.4.10: no actuator, authentication errors as XML, the port opens only when all is ready.
    V3_4,
    /// 4.17.6: the Tomcat pool, the database part of actuator readiness under its misspelt name.
    V4_17,
    /// 5.20.1: the database silently not part of actuator readiness.
    V5_20,
    /// 6.1.0: `/monitoring/*`, a graceful end of running requests, no actuator.
    V6_1,
}

/// The text is no version that the stand-in knows.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownVersion(String);

impl fmt::Display for UnknownVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no Rundeck version {:?} here: use one of 3.4, 4.17, 5.20, 6.1", self.0)
    }
}

impl std::error::Error for UnknownVersion {}

impl Version {
    /// All, oldest first.
    pub const ALL: [Version; 4] = [Version::V3_4, Version::V4_17, Version::V5_20, Version::V6_1];

    /// The full release number.
    #[must_use]
    pub fn release(self) -> &'static str {
        match self {
            Version::V3_4 => "3.4.10",
            Version::V4_17 => "4.17.6",
            Version::V5_20 => "5.20.1",
            Version::V6_1 => "6.1.0",
        }
    }

    /// The newest API version that it answers.
    #[must_use]
    pub fn api(self) -> u32 {
        match self {
            Version::V3_4 => 40,
            Version::V4_17 => 45,
            Version::V5_20 => 58,
            Version::V6_1 => 59,
        }
    }

    /// The oldest API version that it answers.
    #[must_use]
    pub fn oldest_api(self) -> u32 {
        if self < Version::V5_20 { 11 } else { 14 }
    }

    /// Spring Boot 2.1 opens the port after the bootstrap, later ones before it.
    #[must_use]
    pub fn opens_port_before_bootstrap(self) -> bool {
        self > Version::V3_4
    }

    /// Whether `/actuator/*` is a path that the server knows, and whether its health can be switched on.
    #[must_use]
    pub fn actuator(self) -> Actuator {
        match self {
            Version::V3_4 => Actuator::Unknown,
            Version::V4_17 => Actuator::WithDatabase,
            Version::V5_20 => Actuator::WithoutDatabase,
            Version::V6_1 => Actuator::Excluded,
        }
    }

    /// 6.x: `/monitoring/*` instead of Dropwizard's metrics, a graceful end of running requests, Jetty 12.
    #[must_use]
    pub fn is_6(self) -> bool {
        self >= Version::V6_1
    }

    /// XML answers are given when asked for (from 5.0 only with a switch that nobody sets).
    #[must_use]
    pub fn speaks_xml(self) -> bool {
        self < Version::V5_20
    }

    /// The pool that its configuration chooses (5.x: as on the rig; which one users have is open).
    #[must_use]
    pub fn pool(self) -> Pool {
        if self < Version::V5_20 { Pool::Tomcat } else { Pool::Hikari }
    }

    /// From 4.4 `system/info` answers a token without rights with nulls instead of 403.
    #[must_use]
    pub fn info_with_nulls(self) -> bool {
        self > Version::V3_4
    }

    /// From 5.5 a job asked to run on a passive node is refused by 400 instead of 500.
    #[must_use]
    pub fn passive_run_is_400(self) -> bool {
        self >= Version::V5_20
    }
}

/// How a version treats `/actuator/health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actuator {
    /// Before 4.2: a wrong path like any other (302 to the login).
    Unknown,
    /// 4.2 to 5.16: 404 unless switched on; readiness holds the database.
    WithDatabase,
    /// 5.17 to 5.20: 404 unless switched on; the database fell out of readiness.
    WithoutDatabase,
    /// 6.x: 404 always.
    Excluded,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.release())
    }
}

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = |version: &&Version| {
            let release = version.release();
            release.strip_prefix(text).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        Version::ALL.iter().find(named).copied().ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}
