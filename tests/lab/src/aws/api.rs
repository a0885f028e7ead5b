//! The API's server: reads a call, logs it, lets faults strike, has it done and writes the answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::body::Incoming;
use hyper::header::{HeaderMap, USER_AGENT};
use hyper::{Method, Request};

use super::actions;
use super::auth;
use super::buckets::Buckets;
use super::calls::{Call, CallLog, Outcome};
use super::cloud::Cloud;
use super::failure::Failure;
use super::form::Form;
use super::service::Service as Called;
use super::xml;
use crate::faults::{Fault, Faults};
use crate::http::{self, Fate, Reply, Server, Service, Verdict};

/// The running API: one service with a common door and a door for each node, so that one node can lose it. It stops
/// when dropped.
#[derive(Debug)]
pub struct Api {
    common: Door,
    doors: Vec<Door>,
    calls: CallLog,
}

#[derive(Debug)]
struct Door {
    server: Server,
    faults: Faults,
}

impl Api {
    /// Listens on free loopback ports, with a door for each of `nodes` (their names). `throttles`: the account's
    /// buckets count.
    ///
    /// # Errors
    /// When a listener cannot be opened.
    pub(crate) fn start(cloud: Cloud, nodes: &[&str], throttles: bool) -> std::io::Result<Self> {
        let (calls, numbers, buckets) = (CallLog::default(), AtomicU64::new(1), Buckets::new(throttles));
        let office = Arc::new(Office { cloud, calls, numbers, buckets });
        let faults = Faults::default();
        let calls = office.calls.clone();
        let common = Door::open(&office, faults.clone(), None)?;
        let door = |name: &&str| Door::open(&office, Faults::under(&faults), Some(name));
        let doors = nodes.iter().map(door).collect::<std::io::Result<_>>()?;
        Ok(Self { common, doors, calls })
    }

    /// Where it listens for everybody.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.common.server.addr()
    }

    /// Where it listens for the node at `index`.
    #[must_use]
    pub fn addr_of(&self, index: usize) -> Option<SocketAddr> {
        self.doors.get(index).map(|door| door.server.addr())
    }

    /// Every call so far, through all doors.
    #[must_use]
    pub fn calls(&self) -> &CallLog {
        &self.calls
    }

    /// The fault switches of the service, which strike at every door; filters look at the action.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.common.faults
    }

    /// The fault switches of the door of the node at `index` alone.
    #[must_use]
    pub fn faults_of(&self, index: usize) -> Option<&Faults> {
        self.doors.get(index).map(|door| &door.faults)
    }
}

impl Door {
    fn open(office: &Arc<Office>, faults: Faults, node: Option<&str>) -> std::io::Result<Self> {
        let desk = Desk { office: Arc::clone(office), faults: faults.clone(), node: node.map(str::to_owned) };
        let server = Server::start(crate::any_port(), Arc::new(desk), &faults)?;
        Ok(Self { server, faults })
    }
}

/// What all doors lead to.
struct Office {
    cloud: Cloud,
    calls: CallLog,
    numbers: AtomicU64,
    buckets: Buckets,
}

/// Behind each door.
struct Desk {
    office: Arc<Office>,
    faults: Faults,
    /// Whose door it is.
    node: Option<String>,
}

impl Service for Desk {
    async fn serve(&self, request: Request<Incoming>, _from: SocketAddr) -> Verdict {
        let (head, body) = request.into_parts();
        let Ok(body) = http::read_body(body).await else {
            return Verdict::Reset;
        };
        let form = Form::parse(&body);
        let action = form.get("Action").unwrap_or_default().to_owned();
        let called = Called::of(form.get("Version"));
        let service = called.unwrap_or(Called::ElasticLoadBalancing);
        let number = self.office.calls.arrived(self.entry(&action, &form, &head.headers));
        let (fault, fate) = http::fate(&self.faults, &action).await;
        let outcome = match fate {
            Fate::Answer if !self.office.buckets.take(service, &action) => Err(Failure::throttled()),
            Fate::Answer => self.perform(called, &head.method, &head.headers, &action, &form),
            Fate::Settled(verdict) => {
                let outcome = if fault == Some(Fault::Html500) { Outcome::Html500 } else { Outcome::Unanswered };
                self.office.calls.ended(number, fault, outcome);
                return verdict;
            }
            Fate::Throttle => Err(Failure::throttled()),
            Fate::Deny => Err(Failure::denied(service.word(), &action)),
            Fate::Expired => Err(Failure::expired()),
        };
        let told = match &outcome {
            Ok(_) => Outcome::Done,
            Err(failure) => Outcome::Refused(failure.code.to_owned()),
        };
        self.office.calls.ended(number, fault, told);
        Verdict::Answer(self.write(service, &action, outcome))
    }
}

impl Desk {
    fn perform(
        &self,
        called: Option<Called>,
        method: &Method,
        headers: &HeaderMap,
        action: &str,
        form: &Form,
    ) -> Result<String, Failure> {
        let version = form.get("Version").unwrap_or_default();
        let called = called.ok_or_else(|| Failure::no_action(action, version))?;
        auth::check(headers, called.word())?;
        if method != Method::POST {
            return Err(Failure::validation("The lab takes POST only"));
        }
        match called {
            Called::ElasticLoadBalancing => actions::perform(&self.office.cloud, action, form),
            Called::AutoScaling => self.office.cloud.scaling.perform(action, form),
        }
    }

    fn entry(&self, action: &str, form: &Form, headers: &HeaderMap) -> Call {
        let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut call = Call::new(action, user_agent);
        call.node.clone_from(&self.node);
        let arn = form.get("TargetGroupArn").or_else(|| form.list("TargetGroupArns").first().copied());
        let name =
            |arn: &str| self.office.cloud.groups.iter().find(|group| group.arn() == arn).map(|group| group.name());
        call.group = arn.map(|arn| name(arn).unwrap_or_else(|| arn.to_owned()));
        let target = |(id, port): (String, Option<u16>)| port.map_or_else(|| id.clone(), |port| format!("{id}:{port}"));
        call.targets = form.targets().unwrap_or_default().into_iter().map(target).collect();
        call
    }

    fn write(&self, service: Called, action: &str, outcome: Result<String, Failure>) -> Reply {
        let number = self.office.numbers.fetch_add(1, Ordering::Relaxed);
        xml::answer(service, action, &format!("00000000-0000-4000-8000-{number:012x}"), outcome)
    }
}
