//! A question on its way: what was asked, what is asked instead, and what is to be done with the answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use nodens_dns::{
    Class, EdnsOption, Flags, HEADER_LENGTH, Header, MAX_NAME_LENGTH, NameKey, Opcode, Query,
    Question, Rcode, RecordType,
};

use crate::block::Block;
use crate::client::Client;
use crate::exchange::{Attempt, Exchange};
use crate::flights::FlightKey;
use crate::reply::OUR_UDP_SIZE;
use crate::resolver::Resolver;
use crate::router::Route;
use crate::stages::{Reverter, TemplateReply};
use crate::store::StoreKey;
use crate::time::Time;

/// A question that upstreams are asked.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) subject: Subject,
    /// What upstreams are asked: name, type and class in lower case; a rewritten question differs from the subject's.
    pub(super) wanted: Box<[u8]>,
    /// Options to ask with.
    pub(super) options: Vec<EdnsOption>,
    /// What the answer goes through on its way back.
    pub(super) reverter: Option<Reverter>,
    pub(super) phase: Phase,
    pub(super) exchange: Exchange,
    /// The number of the exchange's first message: numbers go on from phase to phase, so that a late word about a message of
    /// an earlier phase is not taken for one about this phase's.
    pub(super) first_ask: u8,
    /// Which `forward` line of the block.
    pub(super) forward: usize,
    /// A response that is used if nothing better comes.
    pub(super) fallback: Option<Vec<u8>>,
    /// Until when clients wait.
    pub(super) deadline: Time,
    /// When to give those who wait what has expired, and how long after that again.
    pub(super) serve_expired: Option<(Time, Duration)>,
    /// Nobody waits any more; an answer is only kept.
    pub(super) answered: bool,
    /// The client that asked first; nothing for a question of our own.
    pub(super) origin: Option<IpAddr>,
}

/// A client's question as the cache and the flights know it.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) resolver: Arc<Resolver>,
    pub(super) route: Route,
    pub(super) client: Client,
    /// Names the flight.
    pub(super) key: FlightKey,
    /// The question section in lower case.
    pub(super) question: Box<[u8]>,
    /// DO, CD and whether the answer is made for an IPv6-only client.
    pub(super) store_flags: u8,
    pub(super) hash: u64,
    /// Opcode, RD, AD and CD as asked.
    pub(super) flags: Flags,
}

/// Which of several questions an errand is asking.
#[derive(Debug)]
pub(super) enum Phase {
    /// The question itself.
    Question,
    /// The A records for an AAAA answer that had none.
    Dns64 { aaaa: Vec<u8> },
    /// The target of an alias that a rule of `rewrite` changed.
    Alias { reply: Vec<u8> },
    /// The targets of aliases in a template's answer, one after the other.
    Template {
        reply: TemplateReply,
        questions: Vec<Question>,
        replies: Vec<Option<Vec<u8>>>,
    },
}

impl Subject {
    pub(super) fn new(
        resolver: &Arc<Resolver>,
        route: Route,
        client: &Client,
        query: &Query<'_>,
    ) -> Self {
        let block = &resolver.blocks[usize::from(route.block)];
        let store_flags = store_flags(block, client, query);
        let question = [
            query.key.as_wire(),
            &query.qtype.0.to_be_bytes(),
            &query.qclass.0.to_be_bytes(),
        ]
        .concat();
        let flags = Flags(query.header.flags.0 & ASKED_FLAGS);
        let carried = [
            store_flags,
            u8::from(client.transport == crate::client::Transport::Tcp),
        ];
        let key = [
            &block.id.to_le_bytes()[..],
            &flags.0.to_be_bytes(),
            &carried,
            &question,
        ]
        .concat();
        Self {
            hash: resolver.hash(
                query.key.as_wire(),
                query.qtype.0,
                query.qclass.0,
                store_flags,
            ),
            resolver: Arc::clone(resolver),
            route,
            client: *client,
            key: key.into(),
            question: question.into(),
            store_flags,
            flags,
        }
    }

    pub(super) fn block(&self) -> &Block {
        &self.resolver.blocks[usize::from(self.route.block)]
    }

    pub(super) fn dnssec_ok(&self) -> bool {
        self.store_flags & DNSSEC_OK != 0
    }

    pub(super) fn qtype(&self) -> RecordType {
        let [high, low, _, _] = *self
            .question
            .last_chunk()
            .expect("a question ends in type and class");
        RecordType(u16::from_be_bytes([high, low]))
    }

    pub(super) fn qclass(&self) -> Class {
        Class(u16::from_be_bytes(
            *self
                .question
                .last_chunk()
                .expect("a question ends in type and class"),
        ))
    }

    pub(super) fn name(&self) -> NameKey {
        NameKey::read(&self.question, 0).expect("a subject's name was checked when it was asked")
    }

    pub(super) fn store_key(&self) -> StoreKey<'_> {
        StoreKey {
            name: &self.question[..self.question.len() - 4],
            qtype: self.qtype().0,
            qclass: self.qclass().0,
            flags: self.store_flags,
            hash: self.hash,
        }
    }

    /// The question in words: `name. TYPE`.
    pub(super) fn in_words(&self) -> String {
        format!("{} {}", self.name().to_name(), self.qtype())
    }

    /// Whether answers to this are kept and looked for in the cache.
    pub(super) fn is_cacheable(&self) -> bool {
        let asked = self.flags.opcode() == Opcode::QUERY;
        asked
            && self
                .block()
                .cache
                .as_ref()
                .is_some_and(|cache| cache.covers(&self.name()))
    }
}

impl Errand {
    /// The message for an attempt; the driver puts the id in.
    pub(super) fn message(&self, attempt: &Attempt) -> Vec<u8> {
        let bufsize = self.subject.block().bufsize.unwrap_or(OUR_UDP_SIZE);
        let options = self.options.as_slice();
        let edns = (!attempt.plain).then(|| (bufsize, self.subject.dnssec_ok(), options));
        let case = self
            .exchange
            .forward
            .case_randomization
            .then_some(attempt.case);
        compose(self.subject.flags, self.asking(), edns, case)
    }

    /// The bits that chose the case of the name in an attempt; nothing when it was sent in lower case.
    pub(super) fn sent_case(&self, attempt: usize) -> Option<u64> {
        let attempt = self.exchange.attempts.get(attempt)?;
        self.exchange
            .forward
            .case_randomization
            .then_some(attempt.case)
    }

    /// Which attempt of the exchange the message with this number belongs to; nothing for one of an earlier exchange.
    pub(super) fn attempt(&self, number: u8) -> Option<usize> {
        let attempt = usize::from(number.wrapping_sub(self.first_ask));
        (attempt < self.exchange.attempts.len()).then_some(attempt)
    }

    /// The number of an attempt's message.
    pub(super) fn number(&self, attempt: usize) -> u8 {
        self.first_ask
            .wrapping_add(u8::try_from(attempt).unwrap_or(u8::MAX))
    }

    /// Makes another exchange this errand's.
    pub(super) fn go_on_with(&mut self, exchange: Exchange) {
        self.first_ask = self.number(self.exchange.attempts.len());
        self.exchange = exchange;
    }

    /// When it wants to be looked at.
    pub(super) fn next_deadline(&self) -> Time {
        if self.answered {
            return self.deadline;
        }
        let serve_expired = self.serve_expired.map_or(Time::NEVER, |(at, _)| at);
        self.deadline.min(self.exchange.retry_at).min(serve_expired)
    }

    /// The question section asked in this phase.
    pub(super) fn asking(&self) -> &[u8] {
        &self.wanted
    }
}

/// The store flags of a query.
#[inline]
pub(super) fn store_flags(block: &Block, client: &Client, query: &Query<'_>) -> u8 {
    let mut flags = 0;
    if query.dnssec_ok() {
        flags |= DNSSEC_OK;
    }
    if query.header.flags.has(Flags::CD) {
        flags |= CHECKING_DISABLED;
    }
    if let Some(dns64) = &block.dns64
        && dns64.intercepts(client.peer.ip(), query.qtype, query.qclass)
    {
        flags |= TRANSLATED;
    }
    flags
}

/// A question for an upstream.
pub(super) fn compose(
    flags: Flags,
    question: &[u8],
    edns: Option<(u16, bool, &[EdnsOption])>,
    case: Option<u64>,
) -> Vec<u8> {
    let header = Header {
        id: 0,
        flags,
        questions: 1,
        additionals: u16::from(edns.is_some()),
        ..Header::default()
    };
    let mut message = Vec::with_capacity(HEADER_LENGTH + MAX_NAME_LENGTH + 16);
    message.extend_from_slice(&header.to_bytes());
    message.extend_from_slice(question);
    if let Some(random) = case {
        let end = message.len() - 4;
        vary_case(&mut message[HEADER_LENGTH..end], random);
    }
    if let Some((udp_size, dnssec_ok, options)) = edns {
        let mut builder = nodens_dns::MessageBuilder::new(0, Flags(0));
        builder.edns(udp_size, dnssec_ok, Rcode::NOERROR, options);
        message.extend_from_slice(&builder.finish()[HEADER_LENGTH..]);
    }
    message
}

/// Gives each letter a random case, which the answer must repeat (draft-vixie-dnsext-dns0x20). Length bytes are below 64 and
/// stay as they are.
pub(super) fn vary_case(name: &mut [u8], random: u64) {
    let mut bits = random;
    for byte in name {
        if byte.is_ascii_lowercase() {
            if bits & 1 == 1 {
                *byte = byte.to_ascii_uppercase();
            }
            bits = bits.rotate_right(1);
        }
    }
}

/// DO was set.
const DNSSEC_OK: u8 = 1;
/// CD was set.
const CHECKING_DISABLED: u8 = 2;
/// The answer may be made by `dns64`.
const TRANSLATED: u8 = 4;
/// What of a client's flags an upstream is told.
const ASKED_FLAGS: u16 = 0x7800 | Flags::RD | Flags::AD | Flags::CD;
