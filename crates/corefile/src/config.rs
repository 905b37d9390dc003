//! The configuration: what a Corefile says, checked and typed.

use std::path::PathBuf;

use crate::directives::acl::Acl;
use crate::directives::bind::Bind;
use crate::directives::cache::Cache;
use crate::directives::dns64::Dns64;
use crate::directives::errors::Errors;
use crate::directives::forward::Forward;
use crate::directives::health::Health;
use crate::directives::hosts::Hosts;
use crate::directives::loadbalance::LoadBalance;
use crate::directives::local::Local;
use crate::directives::log::Log;
use crate::directives::prometheus::Prometheus;
use crate::directives::ready::Ready;
use crate::directives::reload::Reload;
use crate::directives::rewrite::Rewrite;
use crate::directives::template::Template;
use crate::directives::timeouts::Timeouts;
use crate::fingerprint::Fingerprint;
use crate::position::Position;

/// What the command line says and the Corefile does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// The port of a key that names none (`-dns.port`).
    pub port: u16,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { port: 53 }
    }
}

/// A Corefile, checked and typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The server blocks, in the order in which they were written.
    pub blocks: Vec<ServerBlock>,
    /// Every file that was read: the Corefile first, then the imports in order of use.
    pub sources: Vec<PathBuf>,
    /// What to compare to know whether a changed file means a changed configuration.
    pub tokens_fingerprint: Fingerprint,
    /// What was accepted and does nothing, so that it can be said at start.
    pub notes: Vec<Note>,
}

/// Something that was accepted and has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it was written.
    pub position: Position,
    /// The directive it was written in; empty for a note about a server block or an import.
    pub directive: &'static str,
    /// One sentence for the log.
    pub message: String,
}

/// One server block: the zones it answers for and what it does with their questions.
///
/// A directive that was not written is `None`, `false` or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a directive of its own in the Corefile"
)]
pub struct ServerBlock {
    /// Where its first key was written.
    pub position: Position,
    /// The zones it serves; never empty.
    pub keys: Vec<Key>,
    /// `acl`: who may ask what, first matching policy wins.
    pub acl: Vec<Acl>,
    /// `any`: minimal answers to ANY questions.
    pub any: bool,
    /// `bind`: where to listen; empty for every address of the host.
    pub bind: Vec<Bind>,
    /// `bufsize`: the largest EDNS buffer size passed on.
    pub bufsize: Option<u16>,
    /// `cache`
    pub cache: Option<Cache>,
    /// `debug`: log at debug level.
    pub debug: bool,
    /// `dns64`
    pub dns64: Option<Dns64>,
    /// `errors`: log failed questions.
    pub errors: Option<Errors>,
    /// `forward`: each line, in order; the first whose zone matches and does not except the name.
    pub forward: Vec<Forward>,
    /// `health`
    pub health: Option<Health>,
    /// `hosts`
    pub hosts: Option<Hosts>,
    /// `loadbalance`
    pub loadbalance: Option<LoadBalance>,
    /// `local`: answer `localhost` and the reverse zones of the host itself.
    pub local: Option<Local>,
    /// `log`: each line, in order; the first whose zone matches.
    pub log: Vec<Log>,
    /// `loop`: detect forwarding loops; the zone asked is that of the first key.
    pub loop_detection: bool,
    /// `minimal`: drop what a stub does not need from authority and additional.
    pub minimal: bool,
    /// `prometheus`
    pub prometheus: Option<Prometheus>,
    /// `ready`
    pub ready: Option<Ready>,
    /// `reload`
    pub reload: Option<Reload>,
    /// `rewrite`: each rule, in order.
    pub rewrite: Vec<Rewrite>,
    /// `template`: each template, in order.
    pub template: Vec<Template>,
    /// `timeouts`: what was set; `None` everywhere else.
    pub timeouts: Timeouts,
    /// `whoami`
    pub whoami: bool,
}

impl ServerBlock {
    /// A block with these keys and no directive.
    pub(crate) fn new(position: Position, keys: Vec<Key>) -> Self {
        Self {
            position,
            keys,
            acl: Vec::new(),
            any: false,
            bind: Vec::new(),
            bufsize: None,
            cache: None,
            debug: false,
            dns64: None,
            errors: None,
            forward: Vec::new(),
            health: None,
            hosts: None,
            loadbalance: None,
            local: None,
            log: Vec::new(),
            loop_detection: false,
            minimal: false,
            prometheus: None,
            ready: None,
            reload: None,
            rewrite: Vec::new(),
            template: Vec::new(),
            timeouts: Timeouts::default(),
            whoami: false,
        }
    }

    /// The zones of the keys, in order and with repetitions (one zone on two ports is two keys).
    pub fn zones(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.zone.as_str())
    }
}

/// What a server block answers for: `scheme://zone:port`.
///
/// A network such as `10.0.0.0/22` has become its reverse zones, one key each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Always [`Scheme::Dns`]: the others are refused with their position.
    pub scheme: Scheme,
    /// Lower-case domain name with the trailing dot, in presentation form.
    pub zone: String,
    /// The port to listen on.
    pub port: u16,
    /// Where the key was written.
    pub position: Position,
}

/// How questions arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain DNS over UDP and TCP.
    Dns,
}
