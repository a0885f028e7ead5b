//! The instances of the account: which exist, where they live, whether they run. Knows no target group and no metadata.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;

use crate::lock;

/// Whether an instance runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It runs and can be a target.
    Running,
    /// Stopped: cannot be registered; a registered one is `unused`, `Target.InvalidState`.
    Stopped,
    /// Terminated: as stopped, for ever.
    Terminated,
}

/// All instances, by id.
#[derive(Debug, Default)]
pub struct Fleet {
    instances: Mutex<BTreeMap<String, (IpAddr, Power)>>,
}

impl Fleet {
    /// A running instance appears at `address`.
    pub fn launch(&self, id: &str, address: IpAddr) {
        lock(&self.instances).insert(id.to_owned(), (address, Power::Running));
    }

    /// Changes the state of an instance; an unknown one stays unknown.
    pub fn set_power(&self, id: &str, power: Power) {
        if let Some(instance) = lock(&self.instances).get_mut(id) {
            instance.1 = power;
        }
    }

    /// Address and state of an instance, if it exists.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<(IpAddr, Power)> {
        lock(&self.instances).get(id).copied()
    }
}
