//! The upstreams of `forward`: addresses, addresses over TLS, and files with addresses.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::lexer::Token;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::address::{PLACEHOLDER, split_host_port};
use crate::zone;

/// An upstream, or a file with upstreams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct To {
    /// Where it was written.
    pub position: Position,
    /// What was written.
    pub target: ToTarget,
}

/// What `forward` can forward to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToTarget {
    /// A server.
    Address {
        /// Its address and port.
        address: SocketAddr,
        /// The interface of a link-local address.
        interface: Option<String>,
        /// How it is asked.
        transport: UpstreamTransport,
    },
    /// A file in the form of `resolv.conf`, whose servers are asked over plain DNS; see
    /// [`resolv_conf_servers`](crate::resolv_conf_servers).
    File(PathBuf),
}

/// How an upstream is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamTransport {
    /// Plain DNS over UDP or TCP.
    Dns,
    /// DNS over TLS.
    Tls {
        /// The name its certificate must be for; `None` for that of the whole `forward`, if any.
        server_name: Option<String>,
    },
}

impl To {
    /// The name that this upstream's certificate must be for.
    pub(super) fn server_name(&self) -> Option<&str> {
        match &self.target {
            ToTarget::Address {
                transport: UpstreamTransport::Tls { server_name },
                ..
            } => server_name.as_deref(),
            _ => None,
        }
    }

    pub(super) fn new(statement: &Statement<'_>, token: &Token) -> Result<Self, Error> {
        const EXPECTED: &str = "an IP address, 'tls://' and an IP address, or a file";
        let (scheme, rest) = zone::split_scheme(&token.text);
        if !["dns", "tls"].contains(&scheme) {
            let message = format!(
                "'{scheme}' is not supported as a destination protocol in forward: {}",
                token.text
            );
            return Err(statement.problem(token, message, EXPECTED));
        }
        if rest.is_empty() {
            let message = format!("invalid address: {:?}", token.text);
            return Err(statement.problem(token, message, EXPECTED));
        }
        let target = match address(scheme, rest) {
            Some(target) => target,
            None if is_file(statement, rest) => ToTarget::File(PathBuf::from(rest)),
            None => {
                let expected = if token.text.contains(PLACEHOLDER) {
                    "an address in place of the variable, which was not replaced"
                } else if zone::is_domain_name(rest) {
                    "an IP address or a file; names of servers are not resolved"
                } else {
                    EXPECTED
                };
                let message = format!("not an IP address or file: {:?}", token.text);
                return Err(statement.problem(token, message, expected));
            }
        };
        Ok(Self {
            position: token.position.clone(),
            target,
        })
    }
}

/// `IP`, `IP:PORT` or `[IP]:PORT`, with a name or interface after `%`.
fn address(scheme: &str, text: &str) -> Option<ToTarget> {
    let (host, port) = match split_host_port(text) {
        Ok((host, port)) if without_name(host).0.parse::<IpAddr>().is_ok() => {
            (host, Some(port.parse().ok()?))
        }
        _ => (text.trim_matches(['[', ']']), None),
    };
    let (host, name) = without_name(host);
    let address = host.parse::<IpAddr>().ok()?;
    let name = name.map(str::to_owned);
    Some(match scheme {
        "tls" => ToTarget::Address {
            address: SocketAddr::new(address, port.unwrap_or(TLS_PORT)),
            interface: None,
            transport: UpstreamTransport::Tls { server_name: name },
        },
        _ => ToTarget::Address {
            address: SocketAddr::new(address, port.unwrap_or(DNS_PORT)),
            interface: name,
            transport: UpstreamTransport::Dns,
        },
    })
}

fn without_name(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once('%') {
        Some((host, name)) if !name.is_empty() => (host, Some(name)),
        Some((host, _)) => (host, None),
        None => (host, None),
    }
}

/// A path is taken for a file, which is read later; a single word only if there is such a file,
/// as it is more likely an address with a slip in it.
fn is_file(statement: &Statement<'_>, text: &str) -> bool {
    text.contains('/') || statement.files.read(Path::new(text)).is_ok()
}

const DNS_PORT: u16 = 53;

/// RFC 7858 section 3.1.
const TLS_PORT: u16 = 853;
