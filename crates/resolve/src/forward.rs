//! A `forward` line made ready: which names it is for, and in which order its upstreams are asked.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use nodens_corefile::{self as config, Policy, ToTarget, UpstreamTransport};
use nodens_dns::{Name, NameKey, Rcode};

use crate::stages::Zones;
use crate::upstream::{TlsSettings, Upstream, UpstreamSettings};

/// A `forward` line.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own in the Corefile"
)]
pub(crate) struct Forward {
    from: Zones,
    except: Zones,
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    policy: Policy,
    turn: AtomicU32,
    pub(crate) force_tcp: bool,
    pub(crate) prefer_udp: bool,
    pub(crate) fail_fast: bool,
    pub(crate) failover: Vec<Rcode>,
    next: Vec<Rcode>,
    next_on_no_data: bool,
    pub(crate) case_randomization: bool,
    pub(crate) read_timeout: Option<Duration>,
    /// How often silence or failure may lead to another try; nothing for the usual limit.
    pub(crate) max_attempts: Option<u32>,
    max_concurrent: u64,
    concurrent: AtomicU64,
}

/// A place among the questions that may be asked at once: dropping it gives it back, however the question ends.
#[derive(Debug)]
pub(crate) struct Place(Arc<Forward>);

/// Why a `forward` line cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// A file names no server.
    #[error("{position}: plugin/forward: no nameservers in {path}")]
    NoServers {
        /// Where the file is named.
        position: config::Position,
        /// The file.
        path: String,
    },
    /// More upstreams than may be.
    #[error("{position}: plugin/forward: more than {MAX_UPSTREAMS} TOs configured: {count}")]
    TooMany {
        /// Where the line is.
        position: config::Position,
        /// How many there are.
        count: usize,
    },
}

impl Forward {
    /// Makes a line ready. `servers_of` reads a file in the form of `resolv.conf`; `known` finds an upstream that the
    /// configuration before had, with what was learned of it.
    pub(crate) fn new(
        line: &config::Forward,
        servers_of: &dyn Fn(&Path) -> Vec<SocketAddr>,
        known: &dyn Fn(&UpstreamSettings) -> Option<Arc<Upstream>>,
    ) -> Result<Self, ForwardError> {
        let mut upstreams: Vec<Arc<Upstream>> = Vec::new();
        for to in &line.to {
            for settings in settings_of(line, to, servers_of)? {
                if upstreams
                    .iter()
                    .any(|upstream| *upstream.settings() == settings)
                {
                    continue;
                }
                let upstream =
                    known(&settings).unwrap_or_else(|| Arc::new(Upstream::new(settings)));
                upstreams.push(upstream);
            }
        }
        if upstreams.len() > MAX_UPSTREAMS {
            let position = line.position.clone();
            return Err(ForwardError::TooMany {
                position,
                count: upstreams.len(),
            });
        }
        Ok(Self {
            from: Zones::new([&line.from]),
            except: Zones::new(&line.except),
            upstreams,
            policy: line.policy,
            turn: AtomicU32::new(0),
            force_tcp: line.force_tcp,
            prefer_udp: line.prefer_udp,
            fail_fast: line.failfast_all_unhealthy_upstreams,
            failover: line.failover.iter().copied().map(Rcode).collect(),
            next: line.next.iter().copied().map(Rcode).collect(),
            next_on_no_data: line.next_on_nodata,
            case_randomization: line.case_randomization,
            read_timeout: line.read_timeout,
            max_attempts: line.max_connect_attempts.filter(|&limit| limit > 0),
            max_concurrent: line
                .max_concurrent
                .filter(|&limit| limit > 0)
                .unwrap_or(u64::MAX),
            concurrent: AtomicU64::new(0),
        })
    }

    /// Whether names such as this are forwarded here.
    pub(crate) fn covers(&self, name: &NameKey) -> bool {
        self.from.contain(name) && !self.except.contain(name)
    }

    /// Whether an answer of this kind sends the question to the next line.
    pub(crate) fn passes_on(&self, rcode: Rcode, no_data: bool) -> bool {
        self.next.contains(&rcode) || self.next_on_no_data && no_data
    }

    /// The upstreams in the order in which they are asked: those that are down come last. The flag says that all are.
    pub(crate) fn order(&self, random: u64) -> (Vec<u8>, bool) {
        let count = self.upstreams.len();
        let mut order: Vec<u8> = (0..=u8::MAX).take(count).collect();
        match self.policy {
            Policy::Sequential => {}
            Policy::RoundRobin => {
                let turn = usize::try_from(self.turn.fetch_add(1, Relaxed)).unwrap_or(0);
                order.rotate_left(turn % count.max(1));
            }
            Policy::Random => {
                let mut random = random;
                for place in (1..count).rev() {
                    let bound = u64::try_from(place + 1).unwrap_or(1);
                    order.swap(place, usize::try_from(random % bound).unwrap_or(0));
                    random /= bound;
                }
            }
        }
        order.sort_by_key(|&index| self.upstreams[usize::from(index)].is_down());
        let all_down = self.upstreams.iter().all(|upstream| upstream.is_down());
        (order, all_down)
    }

    /// Takes a place among the questions that may be asked at once.
    ///
    /// # Errors
    /// The limit, when there is no place.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Place, u32> {
        let place = Place(Arc::clone(self));
        if self.concurrent.fetch_add(1, Relaxed) < self.max_concurrent {
            return Ok(place);
        }
        Err(u32::try_from(self.max_concurrent).unwrap_or(u32::MAX))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.concurrent.fetch_sub(1, Relaxed);
    }
}

fn settings_of(
    line: &config::Forward,
    to: &config::To,
    servers_of: &dyn Fn(&Path) -> Vec<SocketAddr>,
) -> Result<Vec<UpstreamSettings>, ForwardError> {
    let (addresses, tls) = match &to.target {
        ToTarget::File(path) => {
            let servers = servers_of(path);
            if servers.is_empty() {
                let path = path.display().to_string();
                return Err(ForwardError::NoServers {
                    position: to.position.clone(),
                    path,
                });
            }
            (servers, None)
        }
        ToTarget::Address {
            address,
            transport: UpstreamTransport::Dns,
            ..
        } => (vec![*address], None),
        ToTarget::Address {
            address,
            transport: UpstreamTransport::Tls { server_name },
            ..
        } => {
            let client = line.tls.client.as_ref();
            let tls = TlsSettings {
                server_name: server_name.clone().or_else(|| line.tls.server_name.clone()),
                certificate: client.map(|(certificate, _)| certificate.clone()),
                key: client.map(|(_, key)| key.clone()),
                authorities: line.tls.authority.clone(),
            };
            (vec![*address], Some(tls))
        }
    };
    let check = &line.health_check;
    let settings = |address| UpstreamSettings {
        address,
        tls: tls.clone(),
        expire: line.expire,
        max_age: line.max_age,
        max_idle_connections: line
            .max_idle_connections
            .map_or(0, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        max_fails: line.max_fails,
        health_check: check.interval,
        health_check_recursion: check.recursion_desired,
        health_check_domain: check.domain.parse().unwrap_or_else(|_| Name::root()),
    };
    Ok(addresses.into_iter().map(settings).collect())
}

/// As many as CoreDNS allows.
const MAX_UPSTREAMS: usize = 15;
