//! One configuration in force: the resolver made from it, where it listens, what it is called in metrics.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nodens_corefile::{BindTarget, BindTo, Config, ServerBlock, resolv_conf_servers};
use nodens_dns::Name;
use nodens_resolve::{BlockSurroundings, LoopWatch, Resolver, Shared, Surroundings};

use super::ProgramError;
use crate::listen::{ListenAddress, Timeouts};
use crate::loop_detection::LoopProbe;
use crate::metrics::Metrics;
use crate::reporting::{Reporting, plugins_enabled};
use crate::upstream::check_tls;

/// A configuration made ready.
pub(super) struct Generation {
    pub(super) config: Config,
    pub(super) resolver: Arc<Resolver>,
    pub(super) listen: Vec<ListenAddress>,
    /// The probes of `loop`, each with the index of the address that is asked.
    pub(super) loop_probes: Vec<(LoopProbe, usize)>,
}

impl Generation {
    /// Makes `config` ready. What cannot be had is said with its place in the Corefile.
    pub(super) fn new(
        shared: &Arc<Shared>,
        config: Config,
        before: Option<&Resolver>,
    ) -> Result<Self, String> {
        let mut blocks = Vec::new();
        let mut probes = Vec::new();
        for block in &config.blocks {
            let addresses = addresses(block)?;
            let probe = block.loop_detection.then(|| loop_probe(block));
            blocks.push(BlockSurroundings {
                hosts: block
                    .hosts
                    .as_ref()
                    .and_then(|hosts| std::fs::read_to_string(&hosts.path).ok()),
                loop_watch: probe.as_ref().map(|probe| LoopWatch {
                    name: probe.name.clone(),
                    seen: Arc::clone(&probe.seen),
                    active: Arc::clone(&probe.active),
                }),
                addresses,
            });
            probes.push(probe);
        }
        let surroundings = Surroundings {
            servers_of: &servers_of,
            blocks,
        };
        let resolver = Resolver::new(shared, &config, &surroundings, before);
        let resolver = resolver.map_err(|error| super::with_causes(&error))?;
        for upstream in resolver.upstreams() {
            if let Some(tls) = &upstream.settings().tls {
                check_tls(tls).map_err(|error| super::with_causes(&error))?;
            }
        }
        let listen = listen(&config, &surroundings.blocks, &resolver);
        let loop_probes = probes
            .into_iter()
            .zip(&config.blocks)
            .zip(&surroundings.blocks);
        let loop_probes = loop_probes.filter_map(|((probe, block), around)| {
            let address = SocketAddr::new(*around.addresses.first()?, block.keys.first()?.port);
            let server = resolver
                .servers()
                .iter()
                .position(|server| server.address == address)?;
            Some((probe?, server))
        });
        Ok(Self {
            loop_probes: loop_probes.collect(),
            resolver: Arc::new(resolver),
            listen,
            config,
        })
    }

    /// Its labels and log rules; says to metrics what is in force.
    pub(super) fn reporting(&self, metrics: &Metrics) -> Result<Arc<Reporting>, ProgramError> {
        let servers = self
            .resolver
            .servers()
            .iter()
            .map(|server| server.label.clone());
        let zones = self.resolver.zones().to_vec();
        let servers: Vec<String> = servers.collect();
        let upstreams = self.resolver.upstreams();
        metrics.set_upstreams_in_use(upstreams.iter().map(|upstream| upstream.label()));
        let enabled: Vec<[&str; 4]> = self.enabled(&servers);
        metrics.set_plugins_enabled(enabled);
        Reporting::from_config(servers.clone(), zones, &self.config)
            .map_err(|error| ProgramError::Configuration(error.to_string()))
    }

    /// Whether any block has `debug`.
    pub(super) fn wants_debug(&self) -> bool {
        self.config.blocks.iter().any(|block| block.debug)
    }

    fn enabled<'a>(&'a self, servers: &'a [String]) -> Vec<[&'a str; 4]> {
        let mut enabled = Vec::new();
        for block in &self.config.blocks {
            for key in &block.keys {
                for (server, label) in self.resolver.servers().iter().zip(servers) {
                    if server.address.port() != key.port {
                        continue;
                    }
                    for plugin in plugins_enabled(block) {
                        enabled.push([label.as_str(), key.zone.as_str(), "", plugin]);
                    }
                }
            }
        }
        enabled
    }
}

/// Where the resolver's servers listen, with the timeouts of the blocks there. CoreDNS too has one set of timeouts for an
/// address: that of the block that sets any.
fn listen(
    config: &Config,
    around: &[BlockSurroundings],
    resolver: &Resolver,
) -> Vec<ListenAddress> {
    let mut timeouts: HashMap<SocketAddr, Timeouts> = HashMap::new();
    for (block, around) in config.blocks.iter().zip(around) {
        for key in &block.keys {
            for &address in &around.addresses {
                let entry = timeouts
                    .entry(SocketAddr::new(address, key.port))
                    .or_default();
                let set = |place: &mut Duration, value: Option<Duration>| {
                    if let Some(value) = value {
                        *place = value;
                    }
                };
                set(&mut entry.read, block.timeouts.read);
                set(&mut entry.write, block.timeouts.write);
                set(&mut entry.idle, block.timeouts.idle);
            }
        }
    }
    let servers = resolver.servers().iter();
    servers
        .map(|server| ListenAddress {
            address: server.address,
            timeouts: timeouts.get(&server.address).copied().unwrap_or_default(),
        })
        .collect()
}

/// The addresses of a block's `bind` lines; without one, all of the host.
fn addresses(block: &ServerBlock) -> Result<Vec<IpAddr>, String> {
    if block.bind.is_empty() {
        return Ok(vec![IpAddr::V6(Ipv6Addr::UNSPECIFIED)]);
    }
    let mut addresses = Vec::new();
    for bind in &block.bind {
        let except = bind
            .except
            .iter()
            .map(resolve)
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        for to in &bind.to {
            for address in resolve(to)? {
                if !except.contains(&address) && !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
    }
    match (addresses.is_empty(), block.bind.first()) {
        (true, Some(bind)) => Err(format!(
            "{} - plugin/bind: no address is left to listen on",
            bind.position
        )),
        _ => Ok(addresses),
    }
}

fn resolve(to: &BindTo) -> Result<Vec<IpAddr>, String> {
    let name = match &to.target {
        BindTarget::Address(address) => return Ok(vec![*address]),
        BindTarget::Interface(name) => name,
    };
    let interfaces = if_addrs::get_if_addrs()
        .map_err(|error| format!("{} - plugin/bind: list interfaces: {error}", to.position))?;
    let found: Vec<IpAddr> = interfaces
        .iter()
        .filter(|interface| interface.name == *name && !interface.is_link_local())
        .map(if_addrs::Interface::ip)
        .collect();
    if found.is_empty() {
        return Err(format!(
            "{} - plugin/bind: not a valid IP address or interface name: \"{name}\"; expected an address, or an interface that has one",
            to.position
        ));
    }
    Ok(found)
}

/// The servers of a file in the form of `resolv.conf`; none when it cannot be read.
fn servers_of(path: &Path) -> Vec<SocketAddr> {
    std::fs::read_to_string(path)
        .map(|text| resolv_conf_servers(&text))
        .unwrap_or_default()
}

fn loop_probe(block: &ServerBlock) -> LoopProbe {
    let zone = block.keys.first().and_then(|key| key.zone.parse().ok());
    LoopProbe::new(&zone.unwrap_or_else(Name::root))
}
