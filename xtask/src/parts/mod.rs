//! What the outside tests need and the workspace does not hold: a Python environment, HAProxy, a JDK, PostgreSQL, the
//! JVM rig.
//!
//! What needs no root goes under `target/parts`. What is a system package is installed by apt when we are root on
//! Debian or Ubuntu; else the tests that need it are skipped, and the one line to run is said.

mod python;
mod rig;
mod system;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::command::Log;
use crate::workspace::Workspace;

/// One thing that outside tests need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The virtual environment of `tests/outside/requirements.txt`.
    Python,
    /// `haproxy`.
    Haproxy,
    /// `java`, `javac` and `jar`.
    Java,
    /// PostgreSQL's server programs.
    Postgres,
    /// The JVM rig of `tests/jvm/rig`, which Maven builds.
    Rig,
}

impl Part {
    /// The variable that tells the tests where the part is (see `tests/lab/src/outside`).
    pub fn variable(self) -> &'static str {
        match self {
            Part::Python => "RDALB_TEST_PYTHON",
            Part::Haproxy => "RDALB_TEST_HAPROXY",
            Part::Java => "RDALB_TEST_JAVA",
            Part::Postgres => "RDALB_TEST_POSTGRES",
            Part::Rig => "RDALB_TEST_RIG",
        }
    }

    /// The package of Debian and Ubuntu that brings it.
    fn package(self) -> &'static str {
        match self {
            Part::Python => "python3-venv",
            Part::Haproxy => "haproxy",
            Part::Java => "default-jdk-headless",
            Part::Postgres => "postgresql",
            Part::Rig => "maven",
        }
    }

    /// Where the system has it: for Python the interpreter, for the rig Maven, for HAProxy the program, else the folder
    /// of its tools.
    async fn find(self, log: &Log) -> Option<PathBuf> {
        match self {
            Part::Python => python::interpreter(log).await,
            Part::Haproxy => system::program("haproxy"),
            Part::Java => system::jdk(),
            Part::Postgres => system::postgres(),
            Part::Rig => system::program("mvn"),
        }
    }
}

/// Why a part is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It is a system package, and installing it is for the person: the text says how.
    Missing(String),
    /// Installing it went wrong.
    Broken(String),
}

impl Absent {
    /// The reason in words.
    pub fn why(&self) -> &str {
        match self {
            Absent::Missing(why) | Absent::Broken(why) => why,
        }
    }
}

/// What was found or installed, and why the rest is not there.
#[derive(Default)]
pub struct Parts {
    found: BTreeMap<Part, Result<PathBuf, Absent>>,
}

impl Parts {
    /// Finds or installs `wanted`. What it did is in `log`.
    pub async fn set_up(workspace: &Workspace, wanted: &[Part], log: &Log) -> Parts {
        let mut found = BTreeMap::new();
        let mut missing = Vec::new();
        for part in wanted {
            match part.find(log).await {
                Some(path) => drop(found.insert(*part, Ok(path))),
                None => missing.push(*part),
            }
        }
        if !missing.is_empty() {
            let packages: Vec<&str> = missing.iter().map(|part| part.package()).collect();
            let installed = system::install(&packages, log).await;
            for part in missing {
                let path = match (&installed, part.find(log).await) {
                    (_, Some(path)) => Ok(path),
                    (Err(problem), None) => Err(problem.clone()),
                    (Ok(()), None) => {
                        Err(Absent::Broken(format!("the package {} did not bring what is needed", part.package())))
                    }
                };
                found.insert(part, path);
            }
        }
        if let Some(Ok(interpreter)) = found.get(&Part::Python) {
            let environment = python::environment(workspace, interpreter, log).await;
            found.insert(Part::Python, environment);
        }
        if let Some(Ok(maven)) = found.get(&Part::Rig) {
            let rig = rig::built(workspace, maven, log).await;
            found.insert(Part::Rig, rig);
        }
        Parts { found }
    }

    /// Where the part is: a program for HAProxy, the folder of programs for the others.
    ///
    /// # Errors
    /// Why it is not there.
    pub fn get(&self, part: Part) -> Result<&Path, &Absent> {
        const NOT_ASKED: &Absent = &Absent::Missing(String::new());
        self.found.get(&part).map_or(Err(NOT_ASKED), |found| found.as_deref())
    }

    /// Why parts are not there, each reason once.
    pub fn absent(&self) -> Vec<&Absent> {
        let mut absent: Vec<&Absent> = self.found.values().filter_map(|part| part.as_ref().err()).collect();
        absent.dedup();
        absent
    }
}
