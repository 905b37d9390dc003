//! Questions of our own to every local address: does the cache answer there?
//!
//! A STATUS operation, which a worker answers NOTIMP without asking anyone, so that what is found out is about the cache and
//! not about its upstreams. They come from ports that the packet rules know, so that they reach the cache whether or not
//! anybody else's do.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use nodens_dns::{Class, Flags, Header, MessageBuilder, Name, Opcode, Rcode, RecordType};
use nodens_resolve::Time;

use crate::clock::Clock;

/// The sockets and what was heard.
pub(super) struct Questions {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    targets: Vec<Target>,
    id: u16,
}

struct Target {
    address: SocketAddr,
    /// When the last question that was answered had been sent.
    answered: Option<Time>,
}

impl Questions {
    /// Opens a socket for each family among the addresses.
    pub(super) fn open(addresses: &[IpAddr], port: u16) -> io::Result<Self> {
        let socket =
            |any: IpAddr, wanted: bool| wanted.then(|| UdpSocket::bind((any, 0))).transpose();
        let wants_v4 = addresses.iter().any(IpAddr::is_ipv4);
        let wants_v6 = addresses.iter().any(IpAddr::is_ipv6);
        Ok(Self {
            v4: socket(Ipv4Addr::UNSPECIFIED.into(), wants_v4)?,
            v6: socket(Ipv6Addr::UNSPECIFIED.into(), wants_v6)?,
            targets: addresses
                .iter()
                .map(|address| Target {
                    address: SocketAddr::new(*address, port),
                    answered: None,
                })
                .collect(),
            id: 0,
        })
    }

    /// The ports they come from.
    pub(super) fn ports(&self) -> Vec<u16> {
        let sockets = self.v4.iter().chain(&self.v6);
        sockets
            .filter_map(|socket| Some(socket.local_addr().ok()?.port()))
            .collect()
    }

    /// Asks at every address once; gives when at each the last question was sent that was answered.
    pub(super) fn ask(&mut self, clock: Clock) -> Vec<(IpAddr, Option<Time>)> {
        for target in &mut self.targets {
            self.id = self.id.wrapping_add(1);
            let socket = if target.address.is_ipv4() {
                &self.v4
            } else {
                &self.v6
            };
            let sent = clock.now();
            if let Some(socket) = socket
                && exchange(socket, target.address, self.id).unwrap_or(false)
            {
                target.answered = Some(sent);
            }
        }
        let targets = self.targets.iter();
        targets
            .map(|target| (target.address.ip(), target.answered))
            .collect()
    }
}

fn exchange(socket: &UdpSocket, address: SocketAddr, id: u16) -> io::Result<bool> {
    let mut builder = MessageBuilder::new(id, Flags(0).with_opcode(Opcode::STATUS));
    builder.question(&Name::root(), RecordType::NS, Class::IN);
    socket.send_to(&builder.finish(), address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut reply = [0; 512];
    // Late replies to earlier questions may come first.
    for _ in 0..LATE_REPLIES {
        let (length, from) = socket.recv_from(&mut reply)?;
        let header = Header::read(&reply[..length]);
        if from == address
            && header.is_some_and(|header| {
                header.id == id
                    && header.flags.has(Flags::QR)
                    && header.flags.rcode() == Rcode::NOTIMP
            })
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Within one host an answer takes a fraction of a millisecond; the sum over the addresses must stay well below the silence
/// after which the cache is given up.
const PATIENCE: Duration = Duration::from_millis(200);
const LATE_REPLIES: usize = 8;
