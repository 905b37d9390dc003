//! A client, a node and an upstream, each a network namespace, with a cable to the node each.

use std::net::{IpAddr, SocketAddr};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::directory::Directory;
use super::namespace::Namespace;

/// The three namespaces.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) client: Namespace,
    pub(crate) node: Namespace,
    pub(crate) upstream: Namespace,
    pub(crate) directory: Directory,
    _turn: Turn,
}

/// Whether other tests run meanwhile.
#[derive(Debug)]
enum Turn {
    Together {
        _guard: RwLockReadGuard<'static, ()>,
    },
    Alone {
        _guard: RwLockWriteGuard<'static, ()>,
    },
}

impl Lab {
    /// A lab beside those of other tests.
    pub(crate) fn new() -> Self {
        let guard = TURNS.read().unwrap_or_else(PoisonError::into_inner);
        Self::build(Turn::Together { _guard: guard })
    }

    /// A lab while no other test runs: for tests that load the machine.
    pub(crate) fn alone() -> Self {
        let guard = TURNS.write().unwrap_or_else(PoisonError::into_inner);
        Self::build(Turn::Alone { _guard: guard })
    }

    fn build(turn: Turn) -> Self {
        let (client, node, upstream) = (Namespace::new(), Namespace::new(), Namespace::new());
        node.ip(&format!(
            "link set lo up\n\
             link add client type veth peer name node netns {}\n\
             link add upstream type veth peer name node netns {}\n\
             addr add {NODE}/24 dev client\n\
             addr add {NODE_OTHER}/24 dev client\n\
             addr add {NODE_THIRD}/24 dev client\n\
             addr add {NODE_V6}/64 dev client nodad\n\
             addr add {NODE_TO_UPSTREAM}/24 dev upstream\n\
             addr add {NODE_TO_UPSTREAM_V6}/64 dev upstream nodad\n\
             link set client up\n\
             link set upstream up\n",
            client.path(),
            upstream.path()
        ));
        client.ip(&format!(
            "link set lo up\n\
             addr add {CLIENT}/24 dev node\n\
             addr add {CLIENT_OTHER}/24 dev node\n\
             addr add {CLIENT_V6}/64 dev node nodad\n\
             link set node up\n"
        ));
        upstream.ip(&format!(
            "link set lo up\n\
             addr add {UPSTREAM}/24 dev node\n\
             addr add {UPSTREAM_OTHER}/24 dev node\n\
             addr add {UPSTREAM_V6}/64 dev node nodad\n\
             link set node up\n"
        ));
        Self {
            client,
            node,
            upstream,
            directory: Directory::new(),
            _turn: turn,
        }
    }
}

/// An address with the port of DNS.
pub(crate) fn socket(address: &str) -> SocketAddr {
    SocketAddr::new(address.parse::<IpAddr>().unwrap(), 53)
}

static TURNS: RwLock<()> = RwLock::new(());

const CLIENT: &str = "192.0.2.100";
/// Another client.
pub(crate) const CLIENT_OTHER: &str = "192.0.2.101";
const CLIENT_V6: &str = "2001:db8:1::100";
/// The node, as the client sees it.
pub(crate) const NODE: &str = "192.0.2.1";
pub(crate) const NODE_OTHER: &str = "192.0.2.2";
pub(crate) const NODE_THIRD: &str = "192.0.2.3";
pub(crate) const NODE_V6: &str = "2001:db8:1::1";
const NODE_TO_UPSTREAM: &str = "198.51.100.1";
const NODE_TO_UPSTREAM_V6: &str = "2001:db8:2::1";
/// The upstream.
pub(crate) const UPSTREAM: &str = "198.51.100.53";
const UPSTREAM_OTHER: &str = "198.51.100.54";
pub(crate) const UPSTREAM_V6: &str = "2001:db8:2::53";
