//! Who asked, and what must be remembered of a question while its answer is fetched.

use std::net::SocketAddr;

use nodens_dns::{Edns, Flags, Header, Query};

use crate::time::Time;

/// How a client's message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A stream with two length bytes before each message (RFC 7766).
    Tcp,
}

/// Who asked. `ticket`, `worker` and `server` belong to the driver; they come back with the reply.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// How the question came, and so how the reply goes.
    pub transport: Transport,
    /// The client's address.
    pub peer: SocketAddr,
    /// The address the question was sent to.
    pub local: SocketAddr,
    /// The driver's mark for the place to reply to.
    pub ticket: u64,
    /// The worker that received the question.
    pub worker: u16,
    /// Index of the listen address in [`crate::Resolver::servers`].
    pub server: u16,
}

/// What a reply needs to know of the question it answers, kept while an upstream is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The message id.
    pub id: u16,
    /// The flags of the question.
    pub flags: Flags,
    /// The question section as sent: name in its case, type, class.
    pub question: Box<[u8]>,
    /// The client sent an OPT record with this size and DO bit.
    pub edns: Option<AskedEdns>,
    /// Length of the question message, in bytes.
    pub size: u16,
    /// When the question came.
    pub started: Time,
}

/// The OPT record of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedEdns {
    /// The largest UDP reply its sender takes, in bytes.
    pub udp_size: u16,
    /// DNSSEC records are wanted.
    pub dnssec_ok: bool,
}

impl Asked {
    /// Copies what a reply needs from `query`.
    pub fn remember(query: &Query<'_>, started: Time) -> Self {
        Self {
            id: query.header.id,
            flags: query.header.flags,
            question: query.question().into(),
            edns: query.edns.as_ref().map(AskedEdns::from_edns),
            size: u16::try_from(query.message().len()).unwrap_or(u16::MAX),
            started,
        }
    }

    /// What an unreadable question still tells: its id and flags.
    pub fn remember_header(message: &[u8], started: Time) -> Self {
        let header = Header::read(message).unwrap_or_default();
        Self {
            id: header.id,
            flags: header.flags,
            question: Box::default(),
            edns: None,
            size: u16::try_from(message.len()).unwrap_or(u16::MAX),
            started,
        }
    }

    /// The largest UDP reply its sender takes, in bytes; see [`Query::udp_size`].
    pub fn udp_size(&self) -> u16 {
        self.edns.map_or(512, |edns| edns.udp_size.max(512))
    }

    /// The name asked for, in wire form and in the case it was asked.
    pub fn qname(&self) -> &[u8] {
        self.question
            .split_last_chunk::<4>()
            .map_or(&[0], |(name, _)| name)
    }

    /// The type asked for.
    pub fn qtype(&self) -> u16 {
        match self.question.last_chunk::<4>() {
            Some(&[high, low, _, _]) => u16::from_be_bytes([high, low]),
            None => 0,
        }
    }

    /// The class asked for.
    pub fn qclass(&self) -> u16 {
        self.question
            .last_chunk::<2>()
            .map_or(0, |&class| u16::from_be_bytes(class))
    }
}

impl AskedEdns {
    fn from_edns(edns: &Edns<'_>) -> Self {
        Self {
            udp_size: edns.udp_size,
            dnssec_ok: edns.dnssec_ok,
        }
    }
}
