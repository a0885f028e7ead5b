//! The addresses that the machine's interfaces bear, as its own network stack shows them.
//!
//! In a container that has a network of its own these are the container's, not the machine's.

use std::collections::BTreeSet;
use std::net::IpAddr;
use sysinfo::Networks;

/// Every address of every interface; `None`: nobody can tell. Blocking: takes less than a millisecond an interface.
pub fn addresses() -> Option<BTreeSet<IpAddr>> {
    let networks = Networks::new_with_refreshed_list().ok()?;
    let all: BTreeSet<IpAddr> =
        networks.values().flat_map(|data| data.ip_networks()).map(|network| network.addr).collect();
    // Even a machine without a network bears the loopback's: none at all means that nothing could be read.
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, UdpSocket};

    #[test]
    fn the_loopback_is_borne_and_an_address_for_documents_is_not() {
        let all = addresses().expect("interfaces");
        assert!(all.contains(&Ipv4Addr::LOCALHOST.into()), "{all:?}");
        assert!(!all.contains(&Ipv4Addr::new(192, 0, 2, 77).into()), "{all:?}");
    }

    #[test]
    fn each_address_that_is_told_can_be_listened_on() {
        // Without its scope an address of the link alone cannot be.
        let is_of_the_link = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        for address in addresses().expect("interfaces").into_iter().filter(|address| !is_of_the_link(address)) {
            assert!(UdpSocket::bind((address, 0)).is_ok(), "{address}");
        }
    }
}
