//! Links and their addresses, by rtnetlink(7).

use std::io;
use std::net::IpAddr;

use crate::netlink::{Attributes, Message, Netlink};

/// The links and addresses of the network namespace this was opened in.
#[derive(Debug)]
pub struct Links {
    netlink: Netlink,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// What it is: `dummy`, `tun`, `veth`; nothing for hardware and the loopback link.
    pub kind: Option<String>,
    /// For a TUN device: whether it stays without a program that holds it.
    pub persistent: bool,
    /// Whether it is up.
    pub up: bool,
}

impl Links {
    /// Opens the way to the kernel.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            netlink: Netlink::route()?,
        })
    }

    /// The link of that name, if there is one.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn find(&self, name: &str) -> io::Result<Option<Link>> {
        let message = Message::new(GET_LINK, 0, &link_header(0, 0, 0)).with_text(IFLA_IFNAME, name);
        match self.netlink.ask(message) {
            Ok(replies) => Ok(replies.iter().find_map(|reply| parse_link(&reply.payload))),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds a link of a kind that needs no more than a name, such as `dummy`.
    ///
    /// # Errors
    /// The error of the kernel: "not supported" when it does not know the kind.
    pub fn add(&self, name: &str, kind: &str) -> io::Result<()> {
        let message = Message::new(NEW_LINK, CREATE | EXCLUSIVE, &link_header(0, 0, 0))
            .with_text(IFLA_IFNAME, name)
            .with_nested(IFLA_LINKINFO, |info| info.with_text(IFLA_INFO_KIND, kind));
        self.netlink.request(message)
    }

    /// Renames a link that is not up.
    ///
    /// # Errors
    /// The error of the kernel: "exists" when another link has the name.
    pub fn rename(&self, index: u32, name: &str) -> io::Result<()> {
        let message = Message::new(NEW_LINK, 0, &link_header(index, 0, 0));
        self.netlink.request(message.with_text(IFLA_IFNAME, name))
    }

    /// Brings a link up. It gets no link-local IPv6 address: nobody is on the other side.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn bring_up(&self, index: u32) -> io::Result<()> {
        let quiet = Message::new(NEW_LINK, 0, &link_header(index, 0, 0)).with_nested(
            IFLA_AF_SPEC,
            |families| {
                families.with_nested(AF_INET6, |family| {
                    family.with(IFLA_INET6_ADDR_GEN_MODE, &[ADDR_GEN_MODE_NONE])
                })
            },
        );
        // A host without IPv6 refuses this, and has no such addresses either.
        let _ = self.netlink.request(quiet);
        let header = link_header(index, IFF_UP, IFF_UP);
        self.netlink.request(Message::new(NEW_LINK, 0, &header))
    }

    /// Deletes a link.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn delete(&self, index: u32) -> io::Result<()> {
        let message = Message::new(DEL_LINK, 0, &link_header(index, 0, 0));
        self.netlink.request(message)
    }

    /// Puts an address on a link, as the only one of its network. Gives whether it is new there.
    ///
    /// # Errors
    /// The error of the kernel: "permission denied" for IPv6 where `disable_ipv6` is set.
    pub fn add_address(&self, index: u32, address: IpAddr) -> io::Result<bool> {
        let message = address_message(NEW_ADDR, CREATE | EXCLUSIVE, index, address);
        match self.netlink.request(message) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    /// Takes an address from a link. Gives whether it was there.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn delete_address(&self, index: u32, address: IpAddr) -> io::Result<bool> {
        match self
            .netlink
            .request(address_message(DEL_ADDR, 0, index, address))
        {
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    /// All addresses, each with the number of its link.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn addresses(&self) -> io::Result<Vec<(u32, IpAddr)>> {
        let message = Message::new(GET_ADDR, DUMP, &[0; ADDRESS_HEADER]);
        let replies = self.netlink.ask(message)?;
        Ok(replies
            .iter()
            .filter_map(|reply| parse_address(&reply.payload))
            .collect())
    }
}

fn link_header(index: u32, flags: u32, change: u32) -> [u8; LINK_HEADER] {
    let mut header = [0; LINK_HEADER];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    header[12..].copy_from_slice(&change.to_ne_bytes());
    header
}

fn address_message(kind: u16, flags: u16, index: u32, address: IpAddr) -> Message {
    let (family, length, octets) = match address {
        IpAddr::V4(ip) => (2, 32, ip.octets().to_vec()),
        IpAddr::V6(ip) => (10, 128, ip.octets().to_vec()),
    };
    let mut header = [0; ADDRESS_HEADER];
    // Of host scope would keep it from being used as a source; IPv6 must not wait for duplicate detection.
    header[..3].copy_from_slice(&[family, length, IFA_F_NODAD]);
    header[4..].copy_from_slice(&index.to_ne_bytes());
    Message::new(kind, flags, &header)
        .with(IFA_LOCAL, &octets)
        .with(IFA_ADDRESS, &octets)
}

fn parse_link(payload: &[u8]) -> Option<Link> {
    let word = |at: usize| {
        payload
            .get(at..)?
            .first_chunk()
            .map(|bytes| u32::from_ne_bytes(*bytes))
    };
    let attributes = Attributes::after(payload, LINK_HEADER);
    let info = attributes.nested(IFLA_LINKINFO);
    let tun = info.nested(IFLA_INFO_DATA);
    Some(Link {
        index: word(4)?,
        name: attributes.text(IFLA_IFNAME)?.to_owned(),
        kind: info.text(IFLA_INFO_KIND).map(str::to_owned),
        persistent: tun
            .find(IFLA_TUN_PERSIST)
            .is_some_and(|value| value.first() == Some(&1)),
        up: word(8)? & IFF_UP != 0,
    })
}

fn parse_address(payload: &[u8]) -> Option<(u32, IpAddr)> {
    let index = u32::from_ne_bytes(*payload.get(4..)?.first_chunk()?);
    let attributes = Attributes::after(payload, ADDRESS_HEADER);
    // On a link with a peer, "address" is the peer's.
    let octets = attributes
        .find(IFA_LOCAL)
        .or(attributes.find(IFA_ADDRESS))?;
    let address = match octets.len() {
        4 => IpAddr::from(*octets.first_chunk::<4>()?),
        16 => IpAddr::from(*octets.first_chunk::<16>()?),
        _ => return None,
    };
    Some((index, address))
}

/// `sizeof(struct ifinfomsg)`
const LINK_HEADER: usize = 16;
/// `sizeof(struct ifaddrmsg)`
const ADDRESS_HEADER: usize = 8;
const NEW_LINK: u16 = 16;
const DEL_LINK: u16 = 17;
const GET_LINK: u16 = 18;
const NEW_ADDR: u16 = 20;
const DEL_ADDR: u16 = 21;
const GET_ADDR: u16 = 22;
/// `NLM_F_CREATE`
const CREATE: u16 = 0x400;
/// `NLM_F_EXCL`
const EXCLUSIVE: u16 = 0x200;
/// `NLM_F_DUMP`
const DUMP: u16 = 0x300;
const IFF_UP: u32 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_TUN_PERSIST: u16 = 6;
const IFLA_AF_SPEC: u16 = 26;
const AF_INET6: u16 = 10;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
/// `IN6_ADDR_GEN_MODE_NONE`
const ADDR_GEN_MODE_NONE: u8 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_F_NODAD: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_link_is_found_and_another_is_not() {
        let links = Links::open().unwrap();
        let loopback = links.find("lo").unwrap().unwrap();
        assert_eq!(
            (loopback.index, loopback.name.as_str(), &loopback.kind),
            (1, "lo", &None)
        );
        assert_eq!(links.find("no-such-link").unwrap(), None);
        links.addresses().unwrap();
    }
}
