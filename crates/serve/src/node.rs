//! What a node must have so that its DNS traffic reaches the cache: addresses and packet rules.
//!
//! All of it belongs to a process and is gone with it, however it ends: the addresses are on a TUN device without persistence,
//! the rules in an nftables table that its netlink socket owns. Traffic to the cluster DNS service then takes kube-proxy's way
//! again, as if there never had been a cache. While the process lives, interception begins once the cache has answered
//! questions of its own, and is withdrawn when it hangs or when its upstreams make it worse than no cache.
//!
//! # Who holds it
//!
//! In the plain mode the cache's own process, watched by a thread of its own. That thread sees workers that hang, a cache that
//! does not answer, and what other programs delete; what it cannot see is a stop of the whole process (`SIGSTOP`, a frozen
//! cgroup, a debugger): nothing in a process that does not run can do anything.
//!
//! With `--supervise` a small parent holds the plumbing and the cache runs as its child. A parent, not a watchdog child: the
//! one whose end must take everything along is the one that others kill, and that is the process they started; the child is
//! killed by the kernel when its parent ends, so both modes leave nothing behind. The parent hears the child's pulse over a
//! socket. When it stops, the parent withdraws the rules within three seconds; when the child crashes, it withdraws them at
//! once and starts another. It needs some 2 MB of memory, and no CPU time to speak of.

mod carrier;
mod comparison;
mod interception;
mod keeper;
mod leftovers;
mod note;
mod plumbing;
mod pulse;
mod questions;
mod report;
mod resident;
mod rules;
mod supervised;
mod supervisor;
mod watch;

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nodens_resolve::{Resolver, Upstream};

use crate::clock::Clock;
use crate::heartbeat::Heartbeats;
use crate::log::Logger;
use crate::metrics::Metrics;

pub(crate) use supervised::supervising_parent;
pub(crate) use supervisor::supervise;

/// What is to be set up on the node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line that is given or not"
)]
pub struct NodeOptions {
    /// The addresses that pods ask, IPv4 and IPv6: the link-local one and that of the cluster DNS service.
    pub local_addresses: Vec<IpAddr>,
    /// Put the addresses on an interface.
    pub set_up_interface: bool,
    /// Its name.
    pub interface_name: String,
    /// Take traffic to the addresses out of connection tracking, and with it out of kube-proxy's hands.
    pub set_up_rules: bool,
    /// The port of DNS.
    pub port: u16,
    /// The port of the health page.
    pub health_port: u16,
    /// node-cache's `-skipteardown`, which keeps one of two copies from deleting what both use. Here each copy has its own, so
    /// there is nothing to keep.
    pub keep_at_end: bool,
    /// How often rules of node-cache are looked for that were added meanwhile. What is ours is looked at each second.
    pub sync_interval: Duration,
    /// Run the cache in a child process, and hold addresses and rules in a parent that outlives its crashes and ends its hangs.
    pub supervise: bool,
}

/// The plumbing, or the way to the process that holds it.
pub(crate) struct Node {
    options: NodeOptions,
    holder: Holder,
    resolver: Arc<Mutex<Option<Arc<Resolver>>>>,
    clock: Clock,
}

enum Holder {
    Resident(resident::Resident),
    Supervised(supervised::Supervised),
}

impl Node {
    /// Puts the addresses up, so that they can be listened on; nothing when there is nothing to set up.
    pub(crate) fn prepare(
        options: Option<&NodeOptions>,
        logger: &Logger,
        metrics: &Arc<Metrics>,
        clock: Clock,
    ) -> io::Result<Option<Self>> {
        let Some(options) = options.filter(|options| options.wants_anything()) else {
            return Ok(None);
        };
        let holder = if supervising_parent().is_some() {
            Holder::Supervised(supervised::Supervised::connect(metrics)?)
        } else {
            Holder::Resident(resident::Resident::prepare(options, logger, metrics, clock))
        };
        Ok(Some(Self {
            options: options.clone(),
            holder,
            resolver: Arc::default(),
            clock,
        }))
    }

    /// The workers listen: begins to watch, and to direct traffic to them once they answer.
    pub(crate) fn start(
        &mut self,
        heartbeats: Heartbeats,
        resolver: &Arc<Resolver>,
    ) -> io::Result<()> {
        self.set_resolver(resolver);
        let options = &self.options;
        let watch = watch::Watch::open(
            &options.local_addresses,
            options.port,
            heartbeats,
            self.clock,
        )?;
        let current = Arc::clone(&self.resolver);
        let suspicion = Box::new(move || match &*lock(&current) {
            Some(resolver) => (
                resolver
                    .upstreams()
                    .into_iter()
                    .any(|upstream| Upstream::is_down(upstream)),
                resolver.zones().to_vec(),
            ),
            None => (false, Vec::new()),
        });
        match &mut self.holder {
            Holder::Resident(resident) => resident.start(watch, suspicion),
            Holder::Supervised(supervised) => supervised.start(watch, suspicion, self.clock),
        }
    }

    /// Another configuration is in force.
    pub(crate) fn set_resolver(&self, resolver: &Arc<Resolver>) {
        *lock(&self.resolver) = Some(Arc::clone(resolver));
    }

    /// Has traffic directed elsewhere, before the workers end.
    pub(crate) fn let_go(&self) {
        match &self.holder {
            Holder::Resident(resident) => resident.let_go(),
            // Its parent did, before it asked this process to end.
            Holder::Supervised(_) => {}
        }
    }
}

impl NodeOptions {
    /// Whether there is anything to set up.
    pub(crate) fn wants_anything(&self) -> bool {
        !self.local_addresses.is_empty() && (self.set_up_interface || self.set_up_rules)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
