//! Addresses to listen on: `:9253`, `localhost:9153`, `[2001:db8::1]:8080`.

use std::fmt;
use std::net::IpAddr;

use super::address::split_host_port;
use crate::error::Error;
use crate::lexer::Token;
use crate::position::Position;
use crate::statement::Statement;

/// Where a small HTTP server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// Which addresses of the host.
    pub host: ListenHost,
    /// The port.
    pub port: u16,
    /// Where it was written, or the directive if it was not.
    pub position: Position,
}

/// Which addresses of the host to listen on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListenHost {
    /// All of them.
    Any,
    /// This one.
    Address(IpAddr),
    /// Those of this name, such as `localhost`.
    Name(String),
}

impl ListenAddress {
    /// Reads `host:port`.
    pub(crate) fn new(statement: &Statement<'_>, token: &Token) -> Result<Self, Error> {
        const EXPECTED: &str = "an address and a port, such as ':8080' or '[2001:db8::1]:8080'";
        let (host, port) = split_host_port(&token.text)
            .map_err(|message| statement.problem(token, message, EXPECTED))?;
        let port = port.parse().map_err(|_| {
            let message = format!("address {}: invalid port {port:?}", token.text);
            statement.problem(token, message, "a port between 0 and 65535")
        })?;
        let host = if host.is_empty() {
            ListenHost::Any
        } else if let Ok(address) = host.parse() {
            ListenHost::Address(address)
        } else {
            ListenHost::Name(host.to_owned())
        };
        Ok(Self {
            host,
            port,
            position: token.position.clone(),
        })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            ListenHost::Any => write!(formatter, ":{}", self.port),
            ListenHost::Address(IpAddr::V6(address)) => {
                write!(formatter, "[{address}]:{}", self.port)
            }
            ListenHost::Address(address) => write!(formatter, "{address}:{}", self.port),
            ListenHost::Name(name) => write!(formatter, "{name}:{}", self.port),
        }
    }
}
