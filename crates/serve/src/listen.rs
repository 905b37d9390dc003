//! Where clients are heard: listening sockets, and the connections that come of them.

mod client;
mod clients;
mod set;

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use nodens_sys::{Addressing, listen_tcp, listen_udp};

pub(crate) use self::client::{Asker, Handled};
pub(crate) use self::clients::Clients;
pub(crate) use self::set::{Listeners, Placement};

/// An address to listen on, by UDP and TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// Address and port.
    pub address: SocketAddr,
    /// How long a client's connection may take.
    pub timeouts: Timeouts,
}

/// How long a client's connection may take for what: the `timeouts` directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the first question is complete.
    pub read: Duration,
    /// Until replies are taken.
    pub write: Duration,
    /// Until the next question is complete.
    pub idle: Duration,
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The datagram socket.
    #[error("listen on udp {address}")]
    Udp {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// The stream socket.
    #[error("listen on tcp {address}")]
    Tcp {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// The address is in the list more than once.
    #[error("listen on {address} twice")]
    Twice {
        /// The address.
        address: SocketAddr,
    },
}

/// One worker's sockets for one address.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) udp: UdpSocket,
    pub(crate) tcp: TcpListener,
    /// The address they are bound to.
    pub(crate) bound: SocketAddr,
}

impl ListenAddress {
    /// The address with the default timeouts.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            timeouts: Timeouts::default(),
        }
    }
}

impl Default for Timeouts {
    /// The defaults of CoreDNS (`core/dnsserver`): 3, 5 and 10 seconds.
    fn default() -> Self {
        Self {
            read: Duration::from_secs(3),
            write: Duration::from_secs(5),
            idle: Duration::from_secs(10),
        }
    }
}

impl Sockets {
    /// Opens the sockets of all workers for `address`.
    pub(crate) fn open_all(address: SocketAddr, workers: usize) -> Result<Vec<Self>, ListenError> {
        let first = Self::open_first(address)?;
        let bound = first.bound;
        let mut all = vec![first];
        for _ in 1..workers {
            all.push(Self::open(bound)?);
        }
        Ok(all)
    }

    /// Opens the first worker's sockets, which settle what the others bind to: a host without
    /// IPv6 has only `0.0.0.0` where `[::]` is asked for, and port 0 becomes a real one.
    fn open_first(address: SocketAddr) -> Result<Self, ListenError> {
        let mut attempts = if address.port() == 0 {
            FREE_PORT_ATTEMPTS
        } else {
            1
        };
        loop {
            attempts -= 1;
            let outcome = match Self::open(address) {
                Err(ListenError::Udp { source, .. })
                    if address.is_ipv6()
                        && address.ip().is_unspecified()
                        && lacks_ipv6(&source) =>
                {
                    Self::open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
                }
                outcome => outcome,
            };
            if outcome.is_ok() || attempts == 0 {
                return outcome;
            }
        }
    }

    fn open(address: SocketAddr) -> Result<Self, ListenError> {
        let udp_error = |source| ListenError::Udp { address, source };
        let udp = listen_udp(address).map_err(udp_error)?;
        let bound = udp.local_addr().map_err(udp_error)?;
        let tcp = listen_tcp(bound).map_err(|source| ListenError::Tcp { address, source })?;
        Ok(Self { udp, tcp, bound })
    }

    /// What its datagrams carry.
    pub(crate) fn addressing(&self) -> Addressing {
        if self.bound.ip().is_unspecified() {
            Addressing::PeerAndLocal
        } else {
            Addressing::Peer
        }
    }
}

/// Checks that no address is listed twice.
pub(crate) fn check_unique(addresses: &[ListenAddress]) -> Result<(), ListenError> {
    let mut seen = HashSet::new();
    for listen in addresses {
        // Port 0 means any free port, a different one each time.
        if listen.address.port() != 0 && !seen.insert(listen.address) {
            return Err(ListenError::Twice {
                address: listen.address,
            });
        }
    }
    Ok(())
}

/// Whether an error is that of a kernel without IPv6.
fn lacks_ipv6(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(AF_NOT_SUPPORTED)
}

/// `EAFNOSUPPORT`, which the standard library has no name for.
const AF_NOT_SUPPORTED: i32 = 97;
/// A port that is free for UDP may be taken for TCP; one of a few is free for both.
const FREE_PORT_ATTEMPTS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_workers_share_one_address_for_both_transports() {
        let all = Sockets::open_all("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        assert_eq!(all.len(), 3);
        for sockets in &all {
            assert_eq!(sockets.udp.local_addr().unwrap(), all[0].bound);
            assert_eq!(sockets.tcp.local_addr().unwrap(), all[0].bound);
            assert_eq!(sockets.addressing(), Addressing::Peer);
        }
    }

    #[test]
    fn an_address_that_cannot_be_had_is_named() {
        let error = Sockets::open_all("192.0.2.1:53".parse().unwrap(), 1).unwrap_err();
        assert_eq!(error.to_string(), "listen on udp 192.0.2.1:53");
    }

    #[test]
    fn an_address_listed_twice_is_an_error() {
        let one = ListenAddress::new("127.0.0.1:53".parse().unwrap());
        let other = ListenAddress::new("127.0.0.2:53".parse().unwrap());
        check_unique(&[one, other]).unwrap();
        let error = check_unique(&[one, other, one]).unwrap_err();
        assert_eq!(error.to_string(), "listen on 127.0.0.1:53 twice");
    }
}
