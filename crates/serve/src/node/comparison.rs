//! The way through the cache compared with the way around it, when upstreams fail.
//!
//! Names that do not exist are asked for, once through the cache and once at the address of the cluster DNS service from a
//! port that the packet rules let pass: the first way leads to the cache's upstreams, the second where kube-proxy leads it.
//! The cache is worse when a zone gets an answer only around it, and none only through it. As long as all upstreams are well
//! nothing is asked.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use nodens_dns::{Class, Flags, Header, MessageBuilder, Name, Rcode, RecordType};

use super::interception::is_link_local;

/// Says whether an upstream is down, and which zones the cache serves.
pub(super) type Suspicion = Box<dyn Fn() -> (bool, Vec<String>) + Send>;

/// The two ways.
pub(super) struct Comparison {
    inward: UdpSocket,
    around: UdpSocket,
    cache: SocketAddr,
    service: SocketAddr,
}

impl Comparison {
    /// Opens a socket for each way; nothing when no address is that of a cluster DNS service.
    pub(super) fn open(addresses: &[IpAddr], port: u16) -> io::Result<Option<Self>> {
        let Some(&service) = addresses.iter().find(|address| !is_link_local(**address)) else {
            return Ok(None);
        };
        let same_family = |address: &&IpAddr| address.is_ipv4() == service.is_ipv4();
        let mut local = addresses.iter().filter(same_family);
        let cache = local
            .find(|address| is_link_local(**address))
            .unwrap_or(&service);
        let any: IpAddr = if service.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        Ok(Some(Self {
            inward: UdpSocket::bind((any, 0))?,
            around: UdpSocket::bind((any, 0))?,
            cache: SocketAddr::new(*cache, port),
            service: SocketAddr::new(service, port),
        }))
    }

    pub(super) fn inward_port(&self) -> Option<u16> {
        Some(self.inward.local_addr().ok()?.port())
    }

    pub(super) fn around_port(&self) -> Option<u16> {
        Some(self.around.local_addr().ok()?.port())
    }

    /// Compares again and again until nobody wants to know any more.
    pub(super) fn run(&self, suspicion: &Suspicion, worse: &Arc<AtomicBool>) {
        let (mut number, mut in_a_row) = (0, 0);
        while Arc::strong_count(worse) > 1 {
            let (suspicious, zones) = suspicion();
            if suspicious || in_a_row > 0 {
                in_a_row = if self.is_worse(&zones, &mut number) {
                    in_a_row + 1
                } else {
                    0
                };
            }
            worse.store(in_a_row >= CONVINCING, Relaxed);
            std::thread::sleep(INTERVAL);
        }
    }

    fn is_worse(&self, zones: &[String], number: &mut u64) -> bool {
        let mut only_around = false;
        for zone in zones.iter().filter(|zone| !zone.ends_with(".arpa.")) {
            *number += 1;
            let Some(name) = absent_name(zone, *number) else {
                continue;
            };
            let through = is_answered(&self.inward, self.cache, &name);
            let around = is_answered(&self.around, self.service, &name);
            match (through, around) {
                (true, false) => return false,
                (false, true) => only_around = true,
                _ => {}
            }
        }
        only_around
    }
}

/// A name that nobody has asked for before, so that no cache answers; below the root one that no server asks others for
/// (RFC 6761, section 6.4).
fn absent_name(zone: &str, number: u64) -> Option<Name> {
    let zone = if zone == "." { "invalid." } else { zone };
    let process = std::process::id();
    format!("nodens-{process}-{number}.{zone}").parse().ok()
}

fn is_answered(socket: &UdpSocket, address: SocketAddr, name: &Name) -> bool {
    exchange(socket, address, name).unwrap_or(false)
}

fn exchange(socket: &UdpSocket, address: SocketAddr, name: &Name) -> io::Result<bool> {
    let mut builder = MessageBuilder::new(ID, Flags(Flags::RD));
    builder.question(name, RecordType::A, Class::IN);
    let question = builder.finish();
    socket.send_to(&question, address)?;
    let end = Instant::now() + PATIENCE;
    let mut reply = [0; 512];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        socket.set_read_timeout(Some(left))?;
        let (length, from) = socket.recv_from(&mut reply)?;
        let reply = &reply[..length];
        let same_question = reply.get(HEADER..question.len()) == question.get(HEADER..);
        if let Some(header) = Header::read(reply)
            && header.flags.has(Flags::QR)
            && from == address
            && same_question
        {
            return Ok(matches!(
                header.flags.rcode(),
                Rcode::NOERROR | Rcode::NXDOMAIN
            ));
        }
    }
}

/// The name, which is asked for once, tells the answers apart.
const ID: u16 = 0x6e64;
const HEADER: usize = 12;
/// The cache gives up on its upstreams within two seconds, and then answers that it failed.
const PATIENCE: Duration = Duration::from_millis(2500);
const INTERVAL: Duration = Duration::from_secs(1);
/// One comparison may be chance.
const CONVINCING: u32 = 2;
