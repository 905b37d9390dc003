//! `forward`: ask other servers.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::ServerBlock;
use crate::directive::Directive;
use crate::error::Error;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::duration::in_words;
use crate::zone;

mod documentation;
mod properties;
mod to;

pub use to::{To, ToTarget, UpstreamTransport};

/// One `forward` line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own in the Corefile"
)]
pub struct Forward {
    /// Where it was written.
    pub position: Position,
    /// Names in this zone are forwarded.
    pub from: String,
    /// Names in these zones are not.
    pub except: Vec<String>,
    /// The upstreams, in order, without repetitions.
    pub to: Vec<To>,
    /// Whether upstreams are asked over TCP whatever the client used. Wins over `prefer_udp`.
    pub force_tcp: bool,
    /// Whether upstreams are asked over UDP first whatever the client used.
    pub prefer_udp: bool,
    /// How long an unused connection is kept.
    pub expire: Duration,
    /// How long a connection is used at most; `None` for no limit.
    pub max_age: Option<Duration>,
    /// How many unused connections are kept per upstream; `None` for no limit.
    pub max_idle_connections: Option<u32>,
    /// After how many failures in a row an upstream is down; zero for never.
    pub max_fails: u32,
    /// How often a question is tried; `None` when not written, zero for no limit.
    pub max_connect_attempts: Option<u32>,
    /// How long to wait for an answer; `None` when not written.
    pub read_timeout: Option<Duration>,
    /// Certificates for upstreams over TLS.
    pub tls: Tls,
    /// In which order upstreams are asked.
    pub policy: Policy,
    /// How an upstream that failed is looked at.
    pub health_check: HealthCheck,
    /// How many questions may wait at once; `None` for no limit.
    pub max_concurrent: Option<u64>,
    /// Response codes after which the next directive is asked.
    pub next: Vec<u16>,
    /// Whether the next directive is asked after an answer without records.
    pub next_on_nodata: bool,
    /// Whether to fail at once when every upstream is down, instead of trying one.
    pub failfast_all_unhealthy_upstreams: bool,
    /// Response codes after which the next upstream is asked.
    pub failover: Vec<u16>,
    /// The address to send from; `None` for the kernel's choice.
    pub source_address: Option<IpAddr>,
    /// Whether the case of names is varied at random and must come back the same.
    pub case_randomization: bool,
}

/// Certificates for upstreams over TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Where `tls` was written, if it was.
    pub position: Option<Position>,
    /// The client's certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// The authority that signed the certificates of upstreams; `None` for the usual ones.
    pub authority: Option<PathBuf>,
    /// The name that certificates must be for, unless an upstream has its own.
    pub server_name: Option<String>,
}

/// In which order upstreams are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// At random.
    Random,
    /// In turn.
    RoundRobin,
    /// The first that is not down.
    Sequential,
}

/// How an upstream that failed is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// How often it is asked.
    pub interval: Duration,
    /// Whether recursion is asked for.
    pub recursion_desired: bool,
    /// The name that is asked for, of type NS.
    pub domain: String,
}

pub(crate) const DIRECTIVE: Directive = documentation::DIRECTIVE;

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let from = statement.first_argument("a zone, then upstreams")?;
    let zones = zone::normalized_zones(&from.text);
    let Some(zone) = zones.first() else {
        let message = format!("unable to normalize '{}'", from.text);
        return Err(statement.problem(from, message, "a zone, such as '.' or 'example.org'"));
    };
    if zones.len() > 1 {
        let message = format!(
            "Unsupported CIDR notation: '{}' expands to multiple zones. Using only '{zone}'.",
            from.text
        );
        statement.note(from, message);
    }
    let mut forward = Forward::new(statement.position(), zone.clone());
    let targets = statement.some_arguments("at least one upstream after the zone")?;
    while let Some(property) = statement.property() {
        forward.set(property, statement)?;
    }
    if let Some(max_age) = forward.max_age
        && max_age < forward.expire
    {
        let message = format!(
            "max_age ({}) must not be less than expire ({})",
            in_words(max_age),
            in_words(forward.expire)
        );
        return Err(statement.problem(statement.name(), message, "a longer max_age"));
    }
    for target in &targets {
        let to = To::new(statement, target)?;
        if let (Some(common), Some(own)) = (&forward.tls.server_name, to.server_name()) {
            let message = format!(
                "both forward ('{common}') and proxy level ('{own}') TLS servernames are set for \
                 upstream proxy '{}'",
                target.text
            );
            return Err(statement.problem(target, message, "one of the two"));
        }
        if !forward.to.iter().any(|other| other.target == to.target) {
            forward.to.push(to);
        }
        if forward.to.len() > MOST_UPSTREAMS {
            let message = format!(
                "more than {MOST_UPSTREAMS} TOs configured: {}",
                targets.len()
            );
            return Err(statement.problem(target, message, "fewer upstreams"));
        }
    }
    block.forward.push(forward);
    Ok(())
}

impl Forward {
    fn new(position: Position, from: String) -> Self {
        Self {
            position,
            from,
            except: Vec::new(),
            to: Vec::new(),
            force_tcp: false,
            prefer_udp: false,
            expire: DEFAULT_EXPIRE,
            max_age: None,
            max_idle_connections: None,
            max_fails: DEFAULT_MAX_FAILS,
            max_connect_attempts: None,
            read_timeout: None,
            tls: Tls::default(),
            policy: Policy::Random,
            health_check: HealthCheck {
                interval: DEFAULT_HEALTH_CHECK_INTERVAL,
                recursion_desired: true,
                domain: ".".to_owned(),
            },
            max_concurrent: None,
            next: Vec::new(),
            next_on_nodata: false,
            failfast_all_unhealthy_upstreams: false,
            failover: Vec::new(),
            source_address: None,
            case_randomization: false,
        }
    }
}

/// `CoreDNS`'s limit. A file counts as one; the servers in it may be more.
const MOST_UPSTREAMS: usize = 15;

const DEFAULT_EXPIRE: Duration = Duration::from_secs(10);
const DEFAULT_MAX_FAILS: u32 = 2;
const DEFAULT_HEALTH_CHECK_INTERVAL: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
