//! What the resolver says besides replies: upstreams, failures, templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use nodens_dns::Rcode;
use nodens_resolve::{Event, FailureText, Protocol, TemplateOutcome, Upstream};

use super::generation::{Reporting, TemplateLabels};
use super::{VIEW, label};
use crate::clock::Clock;
use crate::log::{Level, Logger};
use crate::metrics::{Counter, Metrics, UpstreamSeries, families};

/// Counts and logs events.
pub(super) struct Events {
    metrics: Arc<Metrics>,
    logger: Logger,
    clock: Clock,
    upstreams: BTreeMap<String, UpstreamSeries>,
    all_down: Counter,
    too_many: Counter,
    panics: Counter,
}

impl Events {
    pub(super) fn new(metrics: Arc<Metrics>, logger: Logger, clock: Clock) -> Self {
        Events {
            all_down: metrics.counter(&families::FORWARD_HEALTHCHECK_BROKEN, &[]),
            too_many: metrics.counter(&families::FORWARD_MAX_CONCURRENT_REJECTS, &[]),
            panics: metrics.counter(&families::PANICS, &[]),
            metrics,
            logger,
            clock,
            upstreams: BTreeMap::new(),
        }
    }

    pub(super) fn panicked(&self) {
        self.panics.increment();
    }

    pub(super) fn report(&mut self, reporting: &Reporting, event: &Event) {
        match event {
            Event::UpstreamAnswered {
                upstream,
                rcode,
                duration,
            } => {
                self.upstream(upstream).answered(*rcode, *duration);
            }
            Event::UpstreamFailed {
                upstream, failure, ..
            } => {
                self.upstream(upstream).failed(failure_word(failure));
            }
            Event::MismatchedReply { upstream, .. } => self.upstream(upstream).failed("mismatch"),
            Event::HealthCheckFailed { upstream } => self.upstream(upstream).probe_failed(),
            Event::UpstreamHealth { upstream, healthy } => {
                self.upstream(upstream).set_healthy(*healthy);
                let (level, state) = match healthy {
                    true => (Level::Info, "answers again"),
                    false => (Level::Warning, "is taken to be down"),
                };
                self.forward(level, format_args!("upstream {} {state}", upstream.label()));
            }
            Event::UpstreamTcp {
                upstream,
                usable,
                reason,
            } => {
                self.upstream(upstream).set_tcp_unusable(!usable);
                let to = upstream.label();
                if *usable {
                    self.forward(
                        Level::Info,
                        format_args!("upstream {to} answers over TCP again"),
                    );
                } else {
                    let text = format_args!(
                        "upstream {to} answers over UDP but not over TCP ({reason}); UDP is used"
                    );
                    self.forward(Level::Warning, text);
                }
            }
            Event::AllUpstreamsDown { .. } => self.all_down.increment(),
            Event::TooManyConcurrent { .. } => self.too_many.increment(),
            Event::QuestionFailed {
                block,
                question,
                error,
                stale,
            } => {
                // A stale answer is an answer; the upstream's failure is in its own counters.
                let block = reporting.blocks.get(usize::from(*block)).filter(|_| !stale);
                if let Some(errors) = block.and_then(|block| block.errors.as_ref()) {
                    let rcode = Rcode::SERVFAIL.0;
                    errors.record(&self.logger, self.clock.now(), rcode, question, error);
                }
            }
            // Counted where the cells of the cache are.
            Event::Prefetch { .. } => {}
            Event::Template {
                server,
                block,
                template,
                outcome,
            } => {
                self.template(reporting, *server, (*block, *template), *outcome);
            }
        }
    }

    fn template(
        &self,
        reporting: &Reporting,
        server: u16,
        (block, template): (u16, u16),
        outcome: TemplateOutcome,
    ) {
        let block = reporting.blocks.get(usize::from(block));
        let Some(template) = block.and_then(|block| block.templates.get(usize::from(template)))
        else {
            return;
        };
        let server = label(&reporting.servers, server);
        let TemplateLabels { zone, class, rtype } = template;
        // The resolver does not say which of a template's sections failed.
        let failure = [server, zone, VIEW, class, rtype, "", ""];
        let counter = match outcome {
            TemplateOutcome::Matched => self
                .metrics
                .counter(&families::TEMPLATE_MATCHES, &failure[..5]),
            TemplateOutcome::TemplateFailed => {
                self.metrics.counter(&families::TEMPLATE_FAILURES, &failure)
            }
            TemplateOutcome::RecordFailed => self
                .metrics
                .counter(&families::TEMPLATE_RR_FAILURES, &failure),
        };
        counter.increment();
    }

    fn forward(&self, level: Level, text: std::fmt::Arguments<'_>) {
        self.logger.plugin(level, "forward", text);
    }

    /// Counts the socket that carried a question.
    pub(super) fn carried(&mut self, upstream: &Upstream, protocol: Protocol, reused: bool) {
        let series = self.upstream(upstream);
        if reused {
            series.connection_reused(protocol);
        } else {
            series.connection_opened(protocol);
        }
    }

    fn upstream(&mut self, upstream: &Upstream) -> &UpstreamSeries {
        let label = upstream.label();
        if !self.upstreams.contains_key(label) {
            let series = self.metrics.upstream_series(label);
            self.upstreams.insert(label.to_owned(), series);
        }
        &self.upstreams[label]
    }
}

/// The `failure` label: one word for what the failure's text says.
fn failure_word(failure: &FailureText) -> &'static str {
    let text = &*failure.0;
    WORDS
        .iter()
        .find(|(part, _)| text.contains(part))
        .map_or("other", |(_, word)| *word)
}

/// Endings of failure texts, which are Go's because operators search for those.
const WORDS: [(&str, &str); 7] = [
    ("i/o timeout", "timeout"),
    ("connection refused", "refused"),
    ("no route to host", "unreachable"),
    ("network is unreachable", "unreachable"),
    ("EOF", "closed"),
    ("connection reset", "closed"),
    ("tls", "tls"),
];
