//! Socket addresses in the kernel's own form, so that a reply goes back to exactly the bytes that
//! the request came with, without decoding and encoding them.
//!
//! The layouts are those of `struct sockaddr_in` and `struct sockaddr_in6` (ip(7), ipv6(7)): the
//! family in host order, the port and addresses in network order, flow label and scope as given.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// A `sockaddr_in` or `sockaddr_in6`, kept as bytes.
#[repr(C, align(8))]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawAddress {
    bytes: [u8; LENGTH],
}

impl RawAddress {
    /// An address of no family, for the kernel to fill in.
    pub(crate) const EMPTY: Self = Self { bytes: [0; LENGTH] };

    /// The address as a socket of its own family takes it.
    pub fn new(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => {
                let mut raw = Self::EMPTY;
                raw.bytes[..2].copy_from_slice(&INET.to_ne_bytes());
                raw.bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
                raw.bytes[4..8].copy_from_slice(&address.ip().octets());
                raw
            }
            SocketAddr::V6(address) => Self::from_v6(&address),
        }
    }

    /// The address as an IPv6 socket takes it: an IPv4 address is mapped (RFC 4291, section
    /// 2.5.5.2), which is how a dual-stack socket reaches an IPv4 peer.
    pub fn mapped(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => {
                let mapped = address.ip().to_ipv6_mapped();
                Self::from_v6(&SocketAddrV6::new(mapped, address.port(), 0, 0))
            }
            SocketAddr::V6(address) => Self::from_v6(&address),
        }
    }

    fn from_v6(address: &SocketAddrV6) -> Self {
        let mut raw = Self::EMPTY;
        raw.bytes[..2].copy_from_slice(&INET6.to_ne_bytes());
        raw.bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
        raw.bytes[4..8].copy_from_slice(&address.flowinfo().to_be_bytes());
        raw.bytes[8..24].copy_from_slice(&address.ip().octets());
        raw.bytes[24..].copy_from_slice(&address.scope_id().to_ne_bytes());
        raw
    }

    /// The address in the standard library's form; IPv4-mapped addresses are given as IPv4, so
    /// that a client looks the same whichever kind of socket it came through.
    pub fn to_socket_addr(&self) -> SocketAddr {
        let port = u16::from_be_bytes([self.bytes[2], self.bytes[3]]);
        if self.is_v6() {
            let ip = Ipv6Addr::from(array::<16>(&self.bytes[8..24]));
            if let Some(ip) = ip.to_ipv4_mapped() {
                return SocketAddr::V4(SocketAddrV4::new(ip, port));
            }
            let flow = u32::from_be_bytes(array(&self.bytes[4..8]));
            let scope = u32::from_ne_bytes(array(&self.bytes[24..28]));
            return SocketAddr::V6(SocketAddrV6::new(ip, port, flow, scope));
        }
        let ip = Ipv4Addr::from(array::<4>(&self.bytes[4..8]));
        SocketAddr::new(IpAddr::V4(ip), port)
    }

    /// How many of the bytes the kernel is to be given.
    pub(crate) fn len(&self) -> u32 {
        if self.is_v6() { CAPACITY } else { 16 }
    }

    /// Whether this is an IPv6 address for the kernel, mapped ones included.
    pub(crate) fn is_v6(&self) -> bool {
        self.family() == INET6
    }

    fn family(&self) -> u16 {
        u16::from_ne_bytes([self.bytes[0], self.bytes[1]])
    }
}

/// The first `N` bytes as an array; the callers slice constant ranges of exactly that length.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    out
}

/// `sizeof(struct sockaddr_in6)`, the longer of the two.
const LENGTH: usize = 28;
/// [`LENGTH`] in the type the kernel's headers use.
pub(crate) const CAPACITY: u32 = 28;
const INET: u16 = 2;
const INET6: u16 = 10;

const _: () = assert!(libc::AF_INET == 2 && libc::AF_INET6 == 10);
const _: () = assert!(size_of::<libc::sockaddr_in6>() == LENGTH);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_way_there_and_back() {
        for text in ["192.0.2.1:53", "[2001:db8::1]:5353", "[::1]:1", "0.0.0.0:0"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(RawAddress::new(address).to_socket_addr(), address);
            assert_eq!(RawAddress::mapped(address).to_socket_addr(), address);
        }
        let scoped = SocketAddr::V6(SocketAddrV6::new("fe80::1".parse().unwrap(), 53, 0, 7));
        assert_eq!(RawAddress::new(scoped).to_socket_addr(), scoped);
    }

    #[test]
    fn a_mapped_address_is_an_ipv6_one_for_the_kernel() {
        let address: SocketAddr = "192.0.2.1:53".parse().unwrap();
        assert_eq!(RawAddress::new(address).len(), 16);
        assert_eq!(RawAddress::mapped(address).len(), 28);
    }
}
