//! A server block made ready: its stages as named fields, called in a fixed order whatever the order in the Corefile.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, PoisonError, RwLock};

use nodens_corefile as config;
use nodens_dns::Name;

use crate::cache::Cache;
use crate::forward::{Forward, ForwardError};
use crate::stages::{
    Acl, Dns64, Hosts, HostsTable, LoadBalance, Local, Rewrite, TemplateError, Templates,
};
use crate::upstream::{Upstream, UpstreamSettings};

/// What a configuration refers to and only the driver can see.
pub struct Surroundings<'a> {
    /// The servers that a file in the form of `resolv.conf` names; none when it cannot be read.
    pub servers_of: &'a dyn Fn(&Path) -> Vec<SocketAddr>,
    /// One entry for each server block, in their order.
    pub blocks: Vec<BlockSurroundings>,
}

/// What one server block refers to and only the driver can see.
#[derive(Clone, Debug, Default)]
pub struct BlockSurroundings {
    /// The addresses it listens on: those of `bind`, interfaces replaced by their addresses; an unspecified address for all.
    pub addresses: Vec<IpAddr>,
    /// The text of the file of `hosts`.
    pub hosts: Option<String>,
    /// The probe of `loop`.
    pub loop_watch: Option<LoopWatch>,
}

/// A question of our own that must not come back (`loop`).
#[derive(Clone, Debug)]
pub struct LoopWatch {
    /// The name asked for, of type HINFO.
    pub name: Name,
    /// How often it was seen.
    pub seen: Arc<AtomicU32>,
    /// Whether it still counts.
    pub active: Arc<AtomicBool>,
}

/// A server block made ready.
#[derive(Debug)]
pub(crate) struct Block {
    /// Names the block and the configuration it belongs to: questions of two configurations are never joined.
    pub(crate) id: u64,
    /// Its zones and ports as one text: the same in the next configuration if it is the same block.
    pub(crate) identity: String,
    pub(crate) acl: Option<Acl>,
    pub(crate) local: Option<Local>,
    pub(crate) any: bool,
    pub(crate) bufsize: Option<u16>,
    pub(crate) cache: Option<Arc<Cache>>,
    pub(crate) loadbalance: Option<LoadBalance>,
    pub(crate) rewrite: Option<Rewrite>,
    pub(crate) minimal: bool,
    pub(crate) templates: Option<Templates>,
    pub(crate) hosts: Option<HostsStage>,
    pub(crate) loop_watch: Option<LoopWatch>,
    pub(crate) forwards: Vec<Arc<Forward>>,
    pub(crate) whoami: bool,
    pub(crate) dns64: Option<Dns64>,
}

/// `hosts` with the table of its file, which changes when the file does.
#[derive(Debug)]
pub(crate) struct HostsStage {
    pub(crate) stage: Hosts,
    table: RwLock<Arc<HostsTable>>,
}

/// Why a configuration cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// A `forward` line.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// A template.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Block {
    pub(crate) fn new(
        id: u64,
        block: &config::ServerBlock,
        surroundings: &BlockSurroundings,
        servers_of: &dyn Fn(&Path) -> Vec<SocketAddr>,
        before: Option<&Self>,
        known: &dyn Fn(&UpstreamSettings) -> Option<Arc<Upstream>>,
    ) -> Result<Self, BlockError> {
        let forwards = block.forward.iter();
        let forwards = forwards.map(|line| Forward::new(line, servers_of, known).map(Arc::new));
        let cache_before = before.and_then(|before| before.cache.as_deref());
        let cache = block.cache.as_ref();
        Ok(Self {
            id,
            identity: identity(block),
            acl: (!block.acl.is_empty()).then(|| Acl::new(&block.acl)),
            local: block.local.as_ref().map(Local::new),
            any: block.any,
            bufsize: block.bufsize,
            cache: cache.map(|cache| Arc::new(Cache::new(cache, cache_before))),
            loadbalance: block.loadbalance.as_ref().map(LoadBalance::new),
            rewrite: (!block.rewrite.is_empty()).then(|| Rewrite::new(&block.rewrite)),
            minimal: block.minimal,
            templates: match block.template.as_slice() {
                [] => None,
                templates => Some(Templates::new(templates)?),
            },
            hosts: block.hosts.as_ref().map(|hosts| {
                let stage = Hosts::new(hosts);
                let table = stage.table(surroundings.hosts.as_deref().unwrap_or_default());
                HostsStage {
                    stage,
                    table: RwLock::new(Arc::new(table)),
                }
            }),
            loop_watch: surroundings.loop_watch.clone(),
            forwards: forwards.collect::<Result<_, _>>()?,
            whoami: block.whoami,
            dns64: block.dns64.as_ref().map(Dns64::new),
        })
    }

    /// Whether any stage can give an answer: without one the server refuses.
    pub(crate) fn can_answer(&self) -> bool {
        !self.forwards.is_empty()
            || self.hosts.is_some()
            || self.templates.is_some()
            || self.whoami
            || self.cache.is_some()
            || self.local.is_some()
            || self.any
    }
}

impl HostsStage {
    pub(crate) fn table(&self) -> Arc<HostsTable> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the new text of the file; returns how many entries there are now.
    pub(crate) fn set_text(&self, text: &str) -> usize {
        let table = Arc::new(self.stage.table(text));
        let entries = self.stage.entries(&table);
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
        entries
    }
}

/// The zones and ports of a block, and where it listens.
pub(crate) fn identity(block: &config::ServerBlock) -> String {
    let keys = block
        .keys
        .iter()
        .map(|key| format!("{}:{}", key.zone, key.port));
    let mut keys: Vec<_> = keys.collect();
    keys.sort();
    keys.join(" ")
}
