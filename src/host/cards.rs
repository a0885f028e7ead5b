//! Whether a connection leaves the machine: by a network card it does.
//!
//! A card is an interface behind which the kernel knows a device (`/sys/class/net/NAME/device`): not the loopback, a
//! bridge, a container's pair of ends. Where an interface only stands for a card (a bond, a VLAN) nobody can tell.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::path::Path;
use sysinfo::{NetworkData, Networks};

/// Where the kernel lists the interfaces.
const INTERFACES: &str = "/sys/class/net";

/// The network card by which a connection from `ours` to `theirs` leaves the machine; `None`: by none, as far as can be
/// told. An address of the machine's own is reached without leaving: the kernel takes it as the source, too. Where it
/// is another one, all interfaces are read, which takes less than a millisecond for each.
pub fn leaves_by(ours: IpAddr, theirs: IpAddr) -> Option<String> {
    if ours == theirs || theirs.is_loopback() {
        return None;
    }
    let networks = Networks::new_with_refreshed_list().ok()?;
    let bears = |data: &NetworkData| data.ip_networks().iter().any(|network| network.addr == ours);
    let (name, _) = networks.iter().find(|(_, data)| bears(data))?;
    is_card(Path::new(INTERFACES), name).then(|| name.to_string_lossy().into_owned())
}

fn is_card(interfaces: &Path, name: &OsStr) -> bool {
    interfaces.join(name).join("device").exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn a_card_is_what_the_kernel_knows_a_device_behind() {
        let interfaces = tempfile::tempdir().expect("folder");
        for (name, card) in [("ens5", true), ("docker0", false)] {
            let folder = interfaces.path().join(name);
            std::fs::create_dir_all(if card { folder.join("device") } else { folder }).expect("made");
            assert_eq!(is_card(interfaces.path(), name.as_ref()), card, "{name}");
        }
        assert!(!is_card(interfaces.path(), "eth7".as_ref()), "not there");
    }

    #[test]
    fn a_connection_to_an_address_of_our_own_does_not_leave() {
        let (loopback, nobody) = (IpAddr::V4(Ipv4Addr::LOCALHOST), Ipv4Addr::new(192, 0, 2, 77).into());
        for (ours, theirs) in [(loopback, loopback), (nobody, nobody), (nobody, Ipv6Addr::LOCALHOST.into())] {
            assert_eq!(leaves_by(ours, theirs), None, "{ours} to {theirs}");
        }
        // From the loopback, or from an address that no interface bears: nobody can tell.
        assert_eq!([leaves_by(loopback, nobody), leaves_by(nobody, loopback)], [None, None]);
    }
}
