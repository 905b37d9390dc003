//! The configuration made ready to answer.

use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nodens_corefile::Config;
use nodens_dns::{Name, NameKey, RecordType};

use crate::block::{Block, BlockError, Surroundings};
use crate::cache::CacheCounts;
use crate::flights::Flights;
use crate::router::{Route, Router};
use crate::upstream::{Upstream, UpstreamSettings};

/// What outlives configurations: the questions being asked, and the key of all hash tables.
#[derive(Debug)]
pub struct Shared {
    pub(crate) flights: Flights,
    seed: u64,
    next_id: AtomicU64,
}

/// One configuration made ready to answer: shared by all workers until a reload replaces it.
#[derive(Debug)]
pub struct Resolver {
    pub(crate) shared: Arc<Shared>,
    pub(crate) blocks: Vec<Block>,
    servers: Vec<Server>,
    routers: Vec<Router>,
    zones: Vec<String>,
    hasher: foldhash::quality::FixedState,
}

/// One listen address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The value of the metric label `server`: `dns://192.0.2.1:53`.
    pub label: String,
}

/// Why a configuration cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// A server block.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// More blocks, zones or addresses than can be counted.
    #[error("more than 65,535 server blocks, zones or listen addresses")]
    TooMany,
    /// A zone that is not a name.
    #[error("{zone} is not a domain name")]
    Zone {
        /// What was written.
        zone: String,
    },
}

impl Shared {
    /// `seed` keys the hash tables: it must be random, so that nobody can choose names that collide.
    pub fn new(seed: u64) -> Self {
        Self {
            flights: Flights::new(seed),
            seed,
            next_id: AtomicU64::new(0),
        }
    }
}

impl Resolver {
    /// Makes `config` ready. With `before`, the configuration it replaces, caches and what is known of upstreams are
    /// carried over where block and upstream are the same.
    ///
    /// # Errors
    /// When the configuration refers to something that is not there or cannot be understood.
    pub fn new(
        shared: &Arc<Shared>,
        config: &Config,
        surroundings: &Surroundings<'_>,
        before: Option<&Self>,
    ) -> Result<Self, ResolverError> {
        let hasher = foldhash::quality::FixedState::with_seed(shared.seed);
        let mut resolver = Self {
            shared: Arc::clone(shared),
            blocks: Vec::new(),
            servers: Vec::new(),
            routers: Vec::new(),
            zones: Vec::new(),
            hasher,
        };
        let known = |settings: &UpstreamSettings| {
            let upstreams = before.into_iter().flat_map(Self::upstreams);
            upstreams
                .into_iter()
                .find(|upstream| upstream.settings() == settings)
                .cloned()
        };
        let mut routes: Vec<Vec<(Box<[u8]>, Route)>> = Vec::new();
        let nowhere = crate::block::BlockSurroundings::default();
        for (index, block) in config.blocks.iter().enumerate() {
            let around = surroundings.blocks.get(index).unwrap_or(&nowhere);
            let identity = crate::block::identity(block);
            let same = before.and_then(|before| {
                before
                    .blocks
                    .iter()
                    .find(|other| other.identity == identity)
            });
            let id = shared.next_id.fetch_add(1, Relaxed);
            resolver.blocks.push(Block::new(
                id,
                block,
                around,
                surroundings.servers_of,
                same,
                &known,
            )?);
            let index = u16::try_from(index).map_err(|_| ResolverError::TooMany)?;
            for key in &block.keys {
                let zone = resolver.zone_index(&key.zone)?;
                let name: Name = key.zone.parse().map_err(|_| ResolverError::Zone {
                    zone: key.zone.clone(),
                })?;
                for &address in &around.addresses {
                    let server = resolver.server_index(SocketAddr::new(address, key.port))?;
                    routes.resize_with(routes.len().max(server + 1), Vec::new);
                    let wire = name.to_lowercase().as_wire().into();
                    routes[server].push((wire, Route { block: index, zone }));
                }
            }
        }
        resolver.routers = routes
            .into_iter()
            .map(|zones| Router::new(zones, shared.seed))
            .collect();
        Ok(resolver)
    }

    /// The listen addresses, in the order that [`crate::Client::server`] counts them.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// Zone labels for metrics, in the order that [`crate::Facts::zone`] counts them.
    pub fn zones(&self) -> &[String] {
        &self.zones
    }

    /// Every upstream once, in the order of the Corefile.
    pub fn upstreams(&self) -> Vec<&Arc<Upstream>> {
        let mut upstreams: Vec<&Arc<Upstream>> = Vec::new();
        for upstream in self
            .blocks
            .iter()
            .flat_map(|block| &block.forwards)
            .flat_map(|forward| &forward.upstreams)
        {
            if !upstreams.iter().any(|other| Arc::ptr_eq(other, upstream)) {
                upstreams.push(upstream);
            }
        }
        upstreams
    }

    /// What the cache of each block holds; nothing for a block without one.
    pub fn cache_counts(&self) -> Vec<Option<CacheCounts>> {
        self.blocks
            .iter()
            .map(|block| block.cache.as_ref().map(|cache| cache.counts()))
            .collect()
    }

    /// Takes the new text of a block's hosts file; returns how many entries there are now.
    pub fn set_hosts(&self, block: usize, text: &str) -> Option<usize> {
        Some(self.blocks.get(block)?.hosts.as_ref()?.set_text(text))
    }

    /// The block and zone responsible for a name at one listen address.
    #[inline]
    pub(crate) fn route(&self, server: u16, name: &NameKey, qtype: RecordType) -> Option<Route> {
        self.routers.get(usize::from(server))?.route(name, qtype)
    }

    /// The hash that stores are searched by. Keyed: a client cannot choose names that collide.
    #[inline]
    pub(crate) fn hash(&self, name: &[u8], qtype: u16, qclass: u16, flags: u8) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name);
        hasher.write_u64(u64::from(qtype) << 32 | u64::from(qclass) << 16 | u64::from(flags));
        hasher.finish()
    }

    fn zone_index(&mut self, zone: &str) -> Result<u16, ResolverError> {
        let index = self
            .zones
            .iter()
            .position(|known| known == zone)
            .unwrap_or_else(|| {
                self.zones.push(zone.to_owned());
                self.zones.len() - 1
            });
        u16::try_from(index).map_err(|_| ResolverError::TooMany)
    }

    fn server_index(&mut self, address: SocketAddr) -> Result<usize, ResolverError> {
        let known = self
            .servers
            .iter()
            .position(|server| server.address == address);
        let index = known.unwrap_or_else(|| {
            self.servers.push(Server {
                address,
                label: label(address),
            });
            self.servers.len() - 1
        });
        if u16::try_from(index).is_ok() {
            Ok(index)
        } else {
            Err(ResolverError::TooMany)
        }
    }
}

/// `dns://192.0.2.1:53`, `dns://[2001:db8::1]:53`; an unspecified address is left out, as in CoreDNS.
fn label(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => format!("dns://:{}", address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => format!("dns://:{}", address.port()),
        _ => format!("dns://{address}"),
    }
}
