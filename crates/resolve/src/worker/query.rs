//! From a client's message to a reply: the checks, the stages before the cache, the cache.

use std::net::IpAddr;

use nodens_dns::{Class, HEADER_LENGTH, Name, Opcode, Query, QueryError, Question, Rcode};

use super::errand::{Subject, store_flags};
use super::{Step, Worker};
use crate::block::Block;
use crate::cache::LookUp;
use crate::client::{Client, Transport};
use crate::facts::{CacheOutcome, DropReason, Event, Facts, Plugin};
use crate::reply::{ReplyTo, set_ttls};
use crate::router::Route;
use crate::stages::{AclVerdict, Reply, any};
use crate::store::StoreKey;
use crate::time::Time;

/// What could be said at once.
enum Quick {
    /// All of it.
    Done(Step),
    /// The reply is in `out`, and its entry is to be fetched again.
    Refresh(Facts, Route),
    /// Nothing.
    Miss(Facts, Route),
}

impl Worker {
    /// Answers at once into `out` (cleared first), or keeps the question.
    #[inline]
    pub fn on_query(
        &mut self,
        now: Time,
        client: &Client,
        message: &[u8],
        random: u64,
        out: &mut Vec<u8>,
    ) -> Step {
        out.clear();
        let query = match Query::parse(message) {
            Ok(query) => query,
            Err(error) => return reject(error, client, message, out),
        };
        match self.quick(now, client, &query, random, out) {
            Quick::Done(step) => step,
            Quick::Refresh(facts, route) => {
                self.random ^= random;
                self.refresh(now, client, &query, route);
                Step::Reply(facts)
            }
            Quick::Miss(facts, route) => {
                self.random ^= random;
                self.miss(now, client, &query, facts, route, out)
            }
        }
    }

    #[inline]
    fn quick(
        &self,
        now: Time,
        client: &Client,
        query: &Query<'_>,
        random: u64,
        out: &mut Vec<u8>,
    ) -> Quick {
        let mut facts = Facts {
            server: client.server,
            block: Facts::NONE,
            zone: Facts::NONE,
            qtype: query.qtype.0,
            dnssec_ok: query.dnssec_ok(),
            rcode: Rcode::REFUSED.0,
            plugin: Plugin::Server,
            cache: CacheOutcome::Unused,
        };
        let Some(route) = self.resolver.route(client.server, &query.key, query.qtype) else {
            ReplyTo::query(query, usize::from(u16::MAX)).empty(out, Rcode::REFUSED, None);
            return Quick::Done(Step::Reply(facts));
        };
        let block = &self.resolver.blocks[usize::from(route.block)];
        let reply_to = ReplyTo::query(
            query,
            reply_limit(block, client.transport, query.udp_size()),
        );
        // CoreDNS lets other classes through only where something may know them: its list has `forward`.
        if !block.can_answer() || query.qclass != Class::IN && block.forwards.is_empty() {
            reply_to.empty(out, Rcode::REFUSED, None);
            return Quick::Done(Step::Reply(facts));
        }
        (facts.block, facts.zone) = (route.block, route.zone);
        if (block.acl.is_some() || block.local.is_some() || block.any)
            && let Some(step) = before_cache(block, client.peer.ip(), query, &reply_to, facts, out)
        {
            return Quick::Done(step);
        }
        let Some(cache) = &block.cache else {
            return Quick::Miss(facts, route);
        };
        if query.header.flags.opcode() != Opcode::QUERY || !cache.covers(&query.key) {
            return Quick::Miss(facts, route);
        }
        let flags = store_flags(block, client, query);
        let key = StoreKey {
            name: query.key.as_wire(),
            qtype: query.qtype.0,
            qclass: query.qclass.0,
            flags,
            hash: self
                .resolver
                .hash(query.key.as_wire(), query.qtype.0, query.qclass.0, flags),
        };
        facts.cache = CacheOutcome::Miss;
        let mut failed = false;
        let (found, ttl, outcome) = match cache.look_up(now, &key, out) {
            LookUp::Nothing => return Quick::Miss(facts, route),
            LookUp::Stale { found } if !cache.serves_stale_at_once(now, &found) => {
                return Quick::Miss(facts, route);
            }
            LookUp::Fresh { found, denial } => {
                let outcome = if denial {
                    CacheOutcome::DenialHit
                } else {
                    CacheOutcome::Hit
                };
                (found, cache.ttl_left(now, &found), outcome)
            }
            LookUp::Stale { found } => (found, cache.stale_ttl(), CacheOutcome::Stale),
            LookUp::Failing { found } => (found, cache.stale_ttl(), CacheOutcome::StaleOnFailure),
            LookUp::Failed { found } => {
                failed = true;
                (found, cache.ttl_left(now, &found), CacheOutcome::DenialHit)
            }
        };
        // The offsets stand behind the message in `out`; they are read before it is cut to the message.
        let (message, offsets) = found.parts(out);
        set_ttls(message, offsets, ttl);
        out.truncate(found.length);
        if let Some(loadbalance) = &block.loadbalance {
            loadbalance.apply(out, random);
        }
        facts.plugin = Plugin::Cache;
        facts.cache = outcome;
        let rcode = Rcode(u16::from(out.get(3).copied().unwrap_or(0) & 0xf));
        facts.rcode = rcode.0;
        let note = match outcome {
            CacheOutcome::Stale | CacheOutcome::StaleOnFailure => Some((stale_note(rcode), "")),
            _ if failed => Some((CACHED_ERROR, "")),
            _ => None,
        };
        reply_to.finish(out, rcode, true, note);
        let denial = outcome == CacheOutcome::DenialHit;
        match outcome {
            CacheOutcome::Hit | CacheOutcome::DenialHit
                if !failed && !cache.wants_prefetch(now, &key, &found, denial) =>
            {
                Quick::Done(Step::Reply(facts))
            }
            // While upstreams fail, the mark of the failure says when to try again.
            CacheOutcome::StaleOnFailure => Quick::Done(Step::Reply(facts)),
            CacheOutcome::DenialHit if failed => Quick::Done(Step::Reply(facts)),
            _ => Quick::Refresh(facts, route),
        }
    }

    /// Fetches an answer again that was just given, unless that failed a moment ago.
    fn refresh(&mut self, now: Time, client: &Client, query: &Query<'_>, route: Route) {
        let subject = Subject::new(&self.resolver, route, client, query);
        let cache = subject.block().cache.as_ref();
        if cache
            .is_some_and(|cache| cache.failed_lately(now, &subject.store_key(), &mut self.scratch))
        {
            return;
        }
        if self.start_refresh(now, subject, query) {
            self.events.push(Event::Prefetch {
                server: client.server,
                block: route.block,
            });
        }
    }
}

/// The stages that come before the cache.
fn before_cache(
    block: &Block,
    peer: IpAddr,
    query: &Query<'_>,
    reply_to: &ReplyTo<'_>,
    mut facts: Facts,
    out: &mut Vec<u8>,
) -> Option<Step> {
    if let Some(acl) = &block.acl {
        let verdict = acl.decide(peer, &query.key, query.qtype);
        if matches!(verdict, AclVerdict::Drop { .. }) {
            return Some(Step::Drop(DropReason::Acl));
        }
        if let Some(reply) = verdict.reply() {
            facts.plugin = Plugin::Acl;
            return Some(say(&reply, query, reply_to, facts, out));
        }
    }
    let local = block
        .local
        .as_ref()
        .filter(|local| local.applies(&query.key));
    let question = || Question {
        qname: Name::from_wire(query.qname()).expect("a query's name was checked"),
        qtype: query.qtype,
        qclass: query.qclass,
    };
    if let Some(answer) = local.and_then(|local| local.answer(&question())) {
        facts.plugin = Plugin::Local;
        return Some(say(&answer.reply, query, reply_to, facts, out));
    }
    if block.any
        && query.qtype == nodens_dns::RecordType::ANY
        && let Some(reply) = any(&question())
    {
        facts.plugin = Plugin::Any;
        return Some(say(&reply, query, reply_to, facts, out));
    }
    None
}

/// Writes a stage's reply into `out`.
fn say(
    reply: &Reply,
    query: &Query<'_>,
    reply_to: &ReplyTo<'_>,
    mut facts: Facts,
    out: &mut Vec<u8>,
) -> Step {
    let question = Question {
        qname: Name::from_wire(query.qname()).expect("a query's name was checked"),
        qtype: query.qtype,
        qclass: query.qclass,
    };
    *out = reply.to_message(query.header.id, query.header.flags, &question);
    let note = reply
        .extended_error
        .as_ref()
        .map(|error| (error.code, error.text.as_str()));
    reply_to.finish(out, Rcode(reply.rcode), false, note);
    facts.rcode = reply.rcode;
    Step::Reply(facts)
}

/// The largest reply for a client, in bytes; `bufsize` lowers what EDNS asked for.
#[inline]
pub(super) fn reply_limit(block: &Block, transport: Transport, udp_size: u16) -> usize {
    match transport {
        Transport::Udp => {
            let most = block.bufsize.unwrap_or(u16::MAX).max(512);
            usize::from(udp_size.min(most))
        }
        Transport::Tcp => usize::from(u16::MAX),
    }
}

/// What to say to something that is not a question.
#[cold]
fn reject(error: QueryError, client: &Client, message: &[u8], out: &mut Vec<u8>) -> Step {
    let rcode = match error {
        QueryError::TooShort => return Step::Drop(DropReason::TooShort),
        QueryError::Response => return Step::Drop(DropReason::Response),
        QueryError::NotImplemented => Rcode::NOTIMP,
        QueryError::Malformed => Rcode::FORMERR,
        QueryError::BadVersion => Rcode::BADVERS,
    };
    let header = nodens_dns::Header::read(message).unwrap_or_default();
    // Only the version of a well-formed question can be wrong, so its question can be repeated and EDNS used.
    let bad_version = error == QueryError::BadVersion;
    let question = message
        .get(HEADER_LENGTH..)
        .filter(|_| bad_version)
        .and_then(|rest| {
            let name = nodens_dns::NameKey::read(message, HEADER_LENGTH).ok()?;
            rest.get(..name.as_wire().len() + 4)
        });
    let edns = bad_version.then_some(crate::client::AskedEdns {
        udp_size: 512,
        dnssec_ok: false,
    });
    let reply_to = ReplyTo {
        id: header.id,
        flags: header.flags,
        question: question.unwrap_or_default(),
        edns,
        limit: usize::from(u16::MAX),
    };
    reply_to.empty(out, rcode, None);
    Step::Reply(Facts {
        server: client.server,
        block: Facts::NONE,
        zone: Facts::NONE,
        qtype: 0,
        dnssec_ok: false,
        rcode: rcode.0,
        plugin: Plugin::Server,
        cache: CacheOutcome::Unused,
    })
}

/// The Extended DNS Error of an expired answer (RFC 8914 sections 4.4 and 4.20).
#[inline]
pub(super) fn stale_note(rcode: Rcode) -> u16 {
    if rcode == Rcode::NXDOMAIN { 19 } else { 3 }
}

/// Extended DNS Error 13: a failure from the cache (RFC 8914 section 4.14).
const CACHED_ERROR: u16 = 13;
