//! Who a node is: the values that stay the same for the life of its instance.

use std::net::{IpAddr, Ipv4Addr};

/// Last byte of the first node's loopback address: node-1 is 127.0.0.11.
const FIRST_ADDRESS: u8 = 11;

/// Nodes that fit behind 127.0.0.11 in the same /24.
pub(crate) const MAX_NODES: usize = 200;

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// For people: `node-1` and so on.
    pub name: String,
    /// `i-` and seventeen hex digits.
    pub instance_id: String,
    /// Where its servers listen: 127.0.0.11 and up.
    pub address: IpAddr,
    /// Zone: the nodes take turns.
    pub zone: String,
    /// The zone's id, the same in every account.
    pub zone_id: String,
    /// Hardware address of its interface.
    pub mac: String,
}

impl Node {
    /// The node at `index`, counted from 0.
    pub(crate) fn at(index: usize) -> Self {
        let number = index + 1;
        let step = u8::try_from(index).unwrap_or(u8::MAX);
        let (letter, zone) = [('a', 1), ('b', 2), ('c', 3)].get(index % 3).copied().unwrap_or(('a', 1));
        Self {
            name: format!("node-{number}"),
            instance_id: format!("i-{number:017x}"),
            address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, FIRST_ADDRESS.saturating_add(step))),
            zone: format!("{}{letter}", crate::aws::REGION),
            zone_id: format!("euw1-az{zone}"),
            mac: format!("0e:49:61:0f:c3:{:02x}", FIRST_ADDRESS.saturating_add(step)),
        }
    }
}
