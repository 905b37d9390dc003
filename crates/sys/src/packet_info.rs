//! Which local address a datagram was sent to, and from which one its reply must leave.
//!
//! A socket bound to a wildcard address receives for all addresses of the host; without help the
//! kernel would choose the reply's source by route, and the client would drop it. `IP_PKTINFO`
//! (ip(7)) and `IPV6_PKTINFO` (RFC 3542, section 6) carry the address as a control message. The
//! layout read and written here is the kernel's (`struct cmsghdr` with a native `size_t`), not
//! the C library's, because the calls are made without the C library in between.
//!
//! The interface index is taken over for link-local addresses only: for others it would force the
//! reply out of the interface the request came in by, against the routing table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Room for one control message of either kind.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(crate) struct Control {
    bytes: [u8; CAPACITY],
}

impl Control {
    pub(crate) const EMPTY: Self = Self {
        bytes: [0; CAPACITY],
    };

    /// The local address in the first `length` bytes, which the kernel wrote.
    pub(crate) fn local(&self, length: usize) -> Option<Local> {
        let message = self.bytes.get(..length)?;
        let level = i32::from_ne_bytes(word(message, LEVEL)?);
        let kind = i32::from_ne_bytes(word(message, LEVEL + 4)?);
        let data = message.get(DATA..)?;
        if level == libc::IPPROTO_IP && kind == libc::IP_PKTINFO {
            // `ipi_ifindex`, `ipi_spec_dst` (the local address that received), `ipi_addr`.
            let address = Ipv4Addr::from(word(data, 4)?);
            return Some(Local {
                address: IpAddr::V4(address),
                interface: 0,
            });
        }
        if level == libc::IPPROTO_IPV6 && kind == libc::IPV6_PKTINFO {
            let octets: [u8; 16] = data.get(..16)?.try_into().ok()?;
            let address = Ipv6Addr::from(octets);
            let index = u32::from_ne_bytes(word(data, 16)?);
            let interface = if address.is_unicast_link_local() {
                index
            } else {
                0
            };
            return Some(Local {
                address: IpAddr::V6(address),
                interface,
            });
        }
        None
    }

    /// Makes this the control message that sends from `local`; gives its length.
    ///
    /// An IPv4 address is written in the form of the socket: `mapped` for an IPv6 socket.
    pub(crate) fn send_from(&mut self, local: Local, mapped: bool) -> usize {
        *self = Self::EMPTY;
        let address = match local.address {
            IpAddr::V4(address) if mapped => IpAddr::V6(address.to_ipv6_mapped()),
            address => address,
        };
        let (level, kind, length) = match address {
            IpAddr::V4(address) => {
                self.bytes[DATA + 4..DATA + 8].copy_from_slice(&address.octets());
                (libc::IPPROTO_IP, libc::IP_PKTINFO, 12)
            }
            IpAddr::V6(address) => {
                self.bytes[DATA..DATA + 16].copy_from_slice(&address.octets());
                let index = local.interface.to_ne_bytes();
                self.bytes[DATA + 16..DATA + 20].copy_from_slice(&index);
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, 20)
            }
        };
        self.bytes[..size_of::<usize>()].copy_from_slice(&(DATA + length).to_ne_bytes());
        self.bytes[LEVEL..LEVEL + 4].copy_from_slice(&level.to_ne_bytes());
        self.bytes[LEVEL + 4..LEVEL + 8].copy_from_slice(&kind.to_ne_bytes());
        (DATA + length).next_multiple_of(size_of::<usize>())
    }
}

/// A local address, with the interface where the address alone says too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) address: IpAddr,
    pub(crate) interface: u32,
}

impl From<IpAddr> for Local {
    fn from(address: IpAddr) -> Self {
        Self {
            address,
            interface: 0,
        }
    }
}

/// Four bytes at `offset`.
fn word(bytes: &[u8], offset: usize) -> Option<[u8; 4]> {
    bytes.get(offset..offset + 4)?.try_into().ok()
}

/// Where `cmsg_level` is: after `cmsg_len`, a `size_t`.
const LEVEL: usize = size_of::<usize>();
/// Where the data is: after `cmsg_level` and `cmsg_type`, aligned as a `size_t`.
const DATA: usize = (size_of::<usize>() + 8).next_multiple_of(size_of::<usize>());
/// `CMSG_SPACE(sizeof(struct in6_pktinfo))`, the longer of the two, rounded up.
pub(crate) const CAPACITY: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_message_reads_back_as_written() {
        let mut control = Control::EMPTY;
        for text in ["192.0.2.1", "2001:db8::1"] {
            let local = Local::from(text.parse::<IpAddr>().unwrap());
            let length = control.send_from(local, false);
            assert_eq!(control.local(length), Some(local));
        }
        let link_local = Local {
            address: "fe80::1".parse().unwrap(),
            interface: 3,
        };
        let length = control.send_from(link_local, false);
        assert_eq!(control.local(length), Some(link_local));
    }

    #[test]
    fn an_ipv4_address_is_mapped_for_an_ipv6_socket() {
        let mut control = Control::EMPTY;
        let length = control.send_from(Local::from("192.0.2.1".parse::<IpAddr>().unwrap()), true);
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(control.local(length), Some(Local::from(mapped)));
    }

    #[test]
    fn a_short_or_foreign_message_says_nothing() {
        assert_eq!(Control::EMPTY.local(0), None);
        assert_eq!(Control::EMPTY.local(CAPACITY), None);
        let mut control = Control::EMPTY;
        let length = control.send_from(Local::from("192.0.2.1".parse::<IpAddr>().unwrap()), false);
        assert_eq!(control.local(length - 12), None);
        assert_eq!(control.local(CAPACITY + 1), None);
    }
}
