//! Asking a listener of this process: the address at which one that is bound to all addresses can be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address at which a listener on this host can be reached.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    let loopback = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        specific => specific,
    };
    address.set_ip(loopback);
    address
}
