//! What the driver is asked to send to upstreams, and how it reports back.

use std::fmt;
use std::sync::Arc;

use crate::time::Time;
use crate::upstream::{Protocol, Upstream};

/// Names one message sent to one upstream: given back with its answer or failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AskId(pub u64);

/// One message to be sent to one upstream.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Given back with the answer or failure.
    pub id: AskId,
    /// Whom to ask.
    pub upstream: Arc<Upstream>,
    /// By what.
    pub protocol: Protocol,
    /// The message; its id is 0 and the driver's to choose: random, unique on its socket (RFC 5452 section 9.2).
    pub message: Vec<u8>,
    /// When nobody waits for an answer any more: connecting or waiting may end then.
    pub give_up: Time,
    /// Why it is asked.
    pub source: AskSource,
}

/// Why an upstream is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskSource {
    /// For a client or the cache.
    Question,
    /// To see whether the upstream lives.
    HealthProbe,
    /// To see whether the upstream can do TCP again. A new connection must be made for it.
    TcpProbe,
}

/// Why an ask ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The port is closed (ECONNREFUSED, from a reset or an ICMP message).
    Refused,
    /// No way there (EHOSTUNREACH, ENETUNREACH, EPERM of a local firewall).
    Unreachable,
    /// The connection was closed before the answer.
    Closed,
    /// The connection could not be made in time.
    ConnectTimeout,
    /// The TLS handshake failed.
    Tls(Arc<str>),
    /// Anything else the kernel said.
    System(Arc<str>),
    /// No answer came in time. Only `resolve` itself says so.
    Timeout,
}

impl fmt::Display for Failure {
    /// In Go's words, as CoreDNS logs them and as operators search for them.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Refused => "connection refused",
            Self::Unreachable => "no route to host",
            Self::Closed => "EOF",
            Self::ConnectTimeout | Self::Timeout => "i/o timeout",
            Self::Tls(text) | Self::System(text) => text,
        })
    }
}
