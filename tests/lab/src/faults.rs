//! Fault switches: what a server of the lab should do wrong, set at run time through a shared handle.
//!
//! One [`Faults`] belongs to one server. It decides *whether* a fault strikes a request; how the fault looks on the
//! wire is the server's business ([`crate::http`] for those that all share, each service for throttle, deny and
//! expired).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::lock;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The right answer, this much later.
    Slow(Duration),
    /// The request is read and never answered; the connection stays open until the client gives up.
    Hang,
    /// Status 500 with an HTML body, as a broken proxy gives it.
    Html500,
    /// Too many requests: API 400 `Throttling`, IMDS 503, balancer 503.
    Throttle,
    /// Not allowed: API 403 `AccessDenied`, IMDS 403, balancer 403.
    Deny,
    /// The credentials or token have expired: API 403 `ExpiredToken`, IMDS and balancer 401.
    Expired,
    /// The connection is reset (RST) in place of an answer.
    Reset,
}

/// A fault with its limits.
#[derive(Debug, Clone)]
pub struct Rule {
    fault: Fault,
    only: Option<String>,
    left: Option<u32>,
}

impl Rule {
    /// `fault` for every request until cleared.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self { fault, only: None, left: None }
    }

    /// `fault` for the next `count` requests that it applies to.
    #[must_use]
    pub fn times(count: u32, fault: Fault) -> Self {
        Self { fault, only: None, left: Some(count) }
    }

    /// Only for requests whose name contains `part`: the action at the API (`RegisterTargets`), the path elsewhere
    /// (`/latest/api/token`).
    #[must_use]
    pub fn only(mut self, part: &str) -> Self {
        self.only = Some(part.to_owned());
        self
    }

    fn applies_to(&self, name: &str) -> bool {
        self.left != Some(0) && self.only.as_deref().is_none_or(|part| name.contains(part))
    }
}

/// The handle: clones switch the same server.
#[derive(Debug, Clone)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Rule>>>,
    refusing: watch::Sender<bool>,
    /// Switches that count here too: those of the service that this is one door of.
    above: Option<Box<Faults>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { rules: Arc::default(), refusing: watch::Sender::new(false), above: None }
    }
}

impl Faults {
    /// Adds a rule behind those already set; the first that applies strikes.
    pub fn add(&self, rule: Rule) {
        lock(&self.rules).push(rule);
    }

    /// Short for [`Rule::always`] in place of all rules set so far.
    pub fn set(&self, fault: Fault) {
        *lock(&self.rules) = vec![Rule::always(fault)];
    }

    /// Closes the listener and every connection: connects are refused until [`Faults::clear`], which opens the same
    /// port again. Cannot be counted, as nobody sees a refused connect.
    pub fn refuse(&self) {
        self.refusing.send_replace(true);
    }

    /// All is well again.
    pub fn clear(&self) {
        lock(&self.rules).clear();
        self.refusing.send_replace(false);
    }

    /// Switches for one door of a service: what is set at `above` strikes here too, after its own.
    pub(crate) fn under(above: &Self) -> Self {
        Self { above: Some(Box::new(above.clone())), ..Self::default() }
    }

    /// The fault that strikes the request called `name`, used up by one where it is limited.
    pub(crate) fn strike(&self, name: &str) -> Option<Fault> {
        self.strike_here(name).or_else(|| self.above.as_ref()?.strike(name))
    }

    fn strike_here(&self, name: &str) -> Option<Fault> {
        let mut rules = lock(&self.rules);
        let rule = rules.iter_mut().find(|rule| rule.applies_to(name))?;
        if let Some(left) = &mut rule.left {
            *left -= 1;
        }
        let fault = rule.fault;
        rules.retain(|rule| rule.left != Some(0));
        Some(fault)
    }

    /// Tells the server when to close and open its listener.
    pub(crate) fn watch_refusing(&self) -> Refusing {
        Refusing { own: self.refusing.subscribe(), above: self.above.as_ref().map(|above| above.refusing.subscribe()) }
    }
}

/// Follows the refuse switches that count for one server.
#[derive(Debug)]
pub(crate) struct Refusing {
    own: watch::Receiver<bool>,
    above: Option<watch::Receiver<bool>>,
}

impl Refusing {
    /// Waits until connects are to be refused (`true`) or taken (`false`). The switches must live as long.
    pub(crate) async fn becomes(&mut self, refuse: bool) {
        loop {
            let own = *self.own.borrow_and_update();
            let above = self.above.as_mut().is_some_and(|above| *above.borrow_and_update());
            if (own || above) == refuse {
                return;
            }
            let _changed = match &mut self.above {
                Some(above) => tokio::select! {
                    changed = self.own.changed() => changed,
                    changed = above.changed() => changed,
                },
                None => self.own.changed().await,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limited_fault_is_used_up_and_a_filter_spares_the_others() {
        let faults = Faults::default();
        faults.add(Rule::times(2, Fault::Throttle).only("RegisterTargets"));
        assert_eq!(faults.strike("DeregisterTargets"), None);
        assert_eq!(faults.strike("RegisterTargets"), Some(Fault::Throttle));
        assert_eq!(faults.strike("RegisterTargets"), Some(Fault::Throttle));
        assert_eq!(faults.strike("RegisterTargets"), None);
    }

    #[test]
    fn the_first_rule_that_applies_strikes_until_cleared() {
        let faults = Faults::default();
        faults.add(Rule::times(1, Fault::Reset));
        faults.add(Rule::always(Fault::Deny));
        assert_eq!(faults.strike("x"), Some(Fault::Reset));
        assert_eq!(faults.strike("x"), Some(Fault::Deny));
        faults.clear();
        assert_eq!(faults.strike("x"), None);
    }

    #[test]
    fn what_strikes_the_service_strikes_each_of_its_doors() {
        let service = Faults::default();
        let door = Faults::under(&service);
        service.set(Fault::Throttle);
        assert_eq!(door.strike("x"), Some(Fault::Throttle));
        door.set(Fault::Deny);
        assert_eq!(door.strike("x"), Some(Fault::Deny));
        assert_eq!(service.strike("x"), Some(Fault::Throttle));
        door.clear();
        assert_eq!(door.strike("x"), Some(Fault::Throttle));
    }
}
