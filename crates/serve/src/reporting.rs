//! From what workers observe to metrics and log lines.
//!
//! A [`Reporting`] is what a configuration is called in metrics and what it wants logged, shared
//! by all workers; each worker's [`Reporter`] holds the cells for it. A reload publishes a new one
//! through [`Publisher`], and each worker takes it over between two batches.

mod events;
mod from_config;
mod generation;

use std::sync::Arc;
use std::time::Duration;

use nodens_dns::{Header, Query, Rcode};
use nodens_resolve::{Asked, CacheOutcome, Event, Facts, Plugin, Protocol, Transport, Upstream};

pub use self::from_config::plugins_enabled;
pub use self::generation::{BlockReporting, Publisher, Reporting, TemplateLabels};

use self::events::Events;
use self::generation::Subscription;
use crate::clock::Clock;
use crate::log::{LoggedQuery, LoggedReply, Logger, ReplyKind, buffer_size};
use crate::metrics::{
    AddressFamily, CacheSeries, Half, Metrics, Request, Response, Series, TypeIndex, WorkerSeries,
    families,
};
use crate::observer::{Answered, Discard, Observer, Question};

/// One worker's observer: counts into its own cells and gathers its log lines.
pub struct Reporter {
    worker: u16,
    metrics: Arc<Metrics>,
    logger: Logger,
    subscription: Subscription,
    reporting: Arc<Reporting>,
    /// By server, and within it by zone, with one more for what has no zone.
    series: Vec<Series>,
    /// By server, and within it by block.
    caches: Vec<CacheSeries>,
    outside: WorkerSeries,
    events: Events,
    lines: Vec<u8>,
    line_count: u64,
}

impl Reporter {
    /// The observer of worker `worker`.
    pub fn new(
        worker: u16,
        metrics: Arc<Metrics>,
        logger: Logger,
        clock: Clock,
        publisher: &Publisher,
    ) -> Self {
        let subscription = publisher.subscribe();
        let reporting = subscription.current();
        let mut reporter = Reporter {
            worker,
            outside: metrics.worker_series(worker),
            events: Events::new(Arc::clone(&metrics), logger.clone(), clock),
            metrics,
            logger,
            subscription,
            reporting: Arc::clone(&reporting),
            series: Vec::new(),
            caches: Vec::new(),
            lines: Vec::new(),
            line_count: 0,
        };
        reporter.adopt(reporting);
        reporter
    }

    /// The worker's cells that belong to no zone, for what only its loop knows.
    pub fn worker_series(&self) -> &WorkerSeries {
        &self.outside
    }

    fn adopt(&mut self, reporting: Arc<Reporting>) {
        self.series.clear();
        self.caches.clear();
        for server in &reporting.servers {
            for zone in reporting.zones.iter().map(String::as_str).chain([DROPPED]) {
                self.series
                    .push(self.metrics.series(self.worker, server, zone, VIEW));
            }
            for block in &reporting.blocks {
                let series = self
                    .metrics
                    .cache_series(self.worker, server, &block.zones, VIEW);
                self.caches.push(series);
            }
        }
        self.reporting = reporting;
    }

    /// The cells of a reply; those of `dropped` when its zone is of no configuration in force.
    #[inline]
    fn series(&self, facts: &Facts) -> Option<&Series> {
        let zones = self.reporting.zones.len();
        let zone = usize::from(facts.zone).min(zones);
        self.series
            .get(usize::from(facts.server) * (zones + 1) + zone)
    }

    #[inline]
    fn cache(&self, server: u16, block: u16) -> Option<&CacheSeries> {
        let blocks = self.reporting.blocks.len();
        if usize::from(block) >= blocks {
            return None;
        }
        self.caches
            .get(usize::from(server) * blocks + usize::from(block))
    }

    fn count(&self, answered: &Answered<'_>) {
        let facts = answered.facts;
        let transport = answered.client.transport;
        if let Some(series) = self.series(facts) {
            series.request(Request {
                transport,
                family: AddressFamily::of(&answered.client.peer.ip()),
                qtype: TypeIndex::of(facts.qtype),
                size: question_size(answered.question),
                dnssec_ok: facts.dnssec_ok,
            });
            series.response(Response {
                transport,
                rcode: facts.rcode,
                plugin: facts.plugin,
                size: length(answered.reply),
                nanoseconds: nanoseconds(answered.elapsed),
            });
        }
        if facts.cache != CacheOutcome::Unused
            && let Some(cache) = self.cache(facts.server, facts.block)
        {
            match facts.cache {
                CacheOutcome::Unused => {}
                CacheOutcome::Hit => cache.hit(Half::Success, 1),
                CacheOutcome::DenialHit => cache.hit(Half::Denial, 1),
                CacheOutcome::Stale => cache.served_stale(Half::Success),
                CacheOutcome::StaleOnFailure => {
                    cache.miss();
                    cache.stale_on_failure();
                }
                CacheOutcome::Miss => cache.miss(),
                CacheOutcome::Joined => {
                    cache.miss();
                    cache.joined();
                }
            }
        }
    }

    /// Counts what the `acl` directive did; by label values, because it is rare.
    #[cold]
    fn count_acl(&self, facts: &Facts) {
        let family = match Rcode(facts.rcode) {
            Rcode::NOERROR => &families::ACL_FILTERED,
            _ => &families::ACL_BLOCKED,
        };
        let server = label(&self.reporting.servers, facts.server);
        let zone = label(&self.reporting.zones, facts.zone);
        self.metrics
            .counter(family, &[server, zone, VIEW])
            .increment();
    }

    #[cold]
    fn log(&mut self, answered: &Answered<'_>) {
        let Some(block) = self.reporting.blocks.get(usize::from(answered.facts.block)) else {
            return;
        };
        let logged = match answered.question {
            Question::Kept(asked) => block
                .query_log
                .append(&mut self.lines, &from_asked(answered, asked)),
            Question::Message(message) => match Query::parse(message) {
                Ok(query) => block
                    .query_log
                    .append(&mut self.lines, &from_query(answered, &query)),
                Err(_) => false,
            },
        };
        self.line_count += u64::from(logged);
        if self.lines.len() > LARGEST_BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.logger.write(&self.lines, self.line_count);
        self.lines.clear();
        self.line_count = 0;
    }
}

impl Observer for Reporter {
    #[inline]
    fn reply(&mut self, answered: &Answered<'_>) {
        self.count(answered);
        if answered.facts.plugin == Plugin::Acl {
            self.count_acl(answered.facts);
        }
        if self.reporting.logs_queries {
            self.log(answered);
        }
    }

    fn dropped(&mut self, reason: Discard) {
        self.outside.dropped(reason, 1);
    }

    fn event(&mut self, event: &Event) {
        if let Event::Prefetch { server, block } = event {
            if let Some(cache) = self.cache(*server, *block) {
                cache.prefetched();
            }
        } else {
            self.events.report(&self.reporting, event);
        }
    }

    fn carried(&mut self, upstream: &Upstream, protocol: Protocol, reused: bool) {
        self.events.carried(upstream, protocol, reused);
    }

    fn panicked(&mut self) {
        self.events.panicked();
    }

    fn load(&mut self, questions: usize, connections: usize) {
        self.outside
            .set_questions_in_flight(u64::try_from(questions).unwrap_or(u64::MAX));
        self.outside
            .set_tcp_connections(u64::try_from(connections).unwrap_or(u64::MAX));
    }

    fn turn(&mut self) {
        if !self.lines.is_empty() {
            self.flush();
        }
        if let Some(reporting) = self.subscription.changed() {
            self.adopt(reporting);
        }
    }
}

fn from_query<'a>(answered: &Answered<'_>, query: &Query<'a>) -> LoggedQuery<'a> {
    let transport = answered.client.transport;
    LoggedQuery {
        remote: answered.client.peer,
        local: answered.client.local,
        id: query.header.id,
        opcode: opcode(query.header.flags),
        qtype: query.qtype.0,
        class: query.qclass.0,
        name: query.qname(),
        transport,
        size: length(query.message()),
        dnssec_ok: query.dnssec_ok(),
        buffer_size: buffer_size(transport, query.edns.map(|edns| edns.udp_size)),
        reply: logged_reply(answered),
        duration: answered.elapsed,
    }
}

fn from_asked<'a>(answered: &Answered<'_>, asked: &'a Asked) -> LoggedQuery<'a> {
    let transport: Transport = answered.client.transport;
    LoggedQuery {
        remote: answered.client.peer,
        local: answered.client.local,
        id: asked.id,
        opcode: opcode(asked.flags),
        qtype: asked.qtype(),
        class: asked.qclass(),
        name: asked.qname(),
        transport,
        size: asked.size,
        dnssec_ok: asked.edns.is_some_and(|edns| edns.dnssec_ok),
        buffer_size: buffer_size(transport, asked.edns.map(|edns| edns.udp_size)),
        reply: logged_reply(answered),
        duration: answered.elapsed,
    }
}

fn logged_reply(answered: &Answered<'_>) -> Option<LoggedReply> {
    Some(LoggedReply {
        rcode: answered.facts.rcode,
        flags: Header::read(answered.reply)?.flags,
        size: length(answered.reply),
        kind: ReplyKind::of(answered.reply),
    })
}

fn opcode(flags: nodens_dns::Flags) -> u8 {
    u8::try_from(flags.opcode().0).unwrap_or_default()
}

fn question_size(question: Question<'_>) -> u16 {
    match question {
        Question::Message(message) => length(message),
        Question::Kept(asked) => asked.size,
    }
}

/// The label at an index, or `dropped`.
fn label(labels: &[String], index: u16) -> &str {
    labels
        .get(usize::from(index))
        .map_or(DROPPED, String::as_str)
}

fn length(message: &[u8]) -> u16 {
    u16::try_from(message.len()).unwrap_or(u16::MAX)
}

/// Nanoseconds in 64 bits: 584 years of them.
#[inline]
fn nanoseconds(duration: Duration) -> u64 {
    duration.as_secs().wrapping_mul(1_000_000_000) + u64::from(duration.subsec_nanos())
}

/// The zone label of what reached no server block; without the closing dot no name can be it.
const DROPPED: &str = "dropped";

/// Views are not offered; `CoreDNS` leaves the label empty without them.
const VIEW: &str = "";

/// Bytes of log lines a worker gathers before it hands them on within a turn.
const LARGEST_BATCH: usize = 32 * 1024;

#[cfg(test)]
mod tests;
