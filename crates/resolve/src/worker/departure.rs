//! A question sets out to the upstreams, unless it is on its way already or there is too much to do.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use nodens_dns::{Query, Question, Rcode};

use super::errand::{Errand, Phase, Subject};
use super::outcome::{Outcome, Trouble};
use super::stages_behind::{Path, Prepared, forward_for, section_of};
use super::tasks::Task;
use super::{Step, Worker};
use crate::client::Asked;
use crate::exchange::Exchange;
use crate::facts::{DropReason, Event, Facts, Plugin};
use crate::flights::{Joined, Waiter};
use crate::time::Time;

impl Worker {
    /// Keeps the client waiting and asks upstreams, unless they are being asked already.
    pub(super) fn ask_upstreams(
        &mut self,
        now: Time,
        subject: Subject,
        query: &Query<'_>,
        prepared: Prepared,
        facts: Facts,
    ) -> Step {
        let client = subject.client;
        let waiter = Waiter {
            client,
            asked: Asked::remember(query, now),
            facts,
        };
        let resolver = Arc::clone(&subject.resolver);
        match resolver.shared.flights.join(&subject.key, Some(waiter)) {
            Joined::Waiting => return Step::Waiting,
            Joined::Full => return Step::Drop(DropReason::Overload),
            Joined::First => {}
        }
        let origin = client.peer.ip();
        let asking = self.asking.get(&origin).copied().unwrap_or(0);
        if !self.tasks.has_room() || asking >= MAX_TASKS_PER_CLIENT {
            // Others may have joined since: they are told as well, so nobody is left waiting.
            let trouble = Trouble::overload("too many questions at once", Rcode::SERVFAIL);
            self.conclude(now, &subject, None, Outcome::Failed(trouble), None);
            return Step::Waiting;
        }
        *self.asking.entry(origin).or_insert(0) += 1;
        self.start_errand(now, subject, prepared, Some(origin));
        Step::Waiting
    }

    /// Starts asking: the question itself, or what a template's answer lacks.
    pub(super) fn start_errand(
        &mut self,
        now: Time,
        subject: Subject,
        prepared: Prepared,
        origin: Option<IpAddr>,
    ) {
        let (phase, forward, wanted) = match prepared.path {
            Path::Upstreams { forward } => (Phase::Question, forward, prepared.wanted),
            Path::Template(reply) => {
                let questions: Vec<Question> = reply.lookups().cloned().collect();
                let wanted = questions.first().map_or(prepared.wanted, section_of);
                let forward = forward_for(subject.block(), &wanted);
                let replies = Vec::new();
                let phase = Phase::Template {
                    reply,
                    questions,
                    replies,
                };
                (phase, forward, wanted)
            }
            Path::Answered { .. } | Path::Failed { .. } => return,
        };
        match self.exchange(now, &subject, forward) {
            Ok(exchange) => {
                let errand = Errand {
                    deadline: now + PATIENCE,
                    serve_expired: self.serve_expired_from(now, &subject),
                    subject,
                    wanted,
                    options: prepared.options,
                    reverter: prepared.reverter,
                    phase,
                    exchange,
                    first_ask: 0,
                    forward,
                    fallback: None,
                    answered: false,
                    origin,
                };
                self.send_new(now, Task::Errand(errand));
            }
            Err(trouble) => {
                let outcome = match phase {
                    // Without upstreams, what the template itself said is all there is.
                    Phase::Template { reply, .. } => {
                        Outcome::from_stage(&subject, &reply.finish(&[]), Plugin::Template)
                    }
                    _ => Outcome::Failed(trouble),
                };
                self.conclude(now, &subject, prepared.reverter.as_ref(), outcome, origin);
            }
        }
    }

    /// When, and from then on how often, those who wait are given what has expired (`serve_stale verify TIMEOUT`).
    fn serve_expired_from(&mut self, now: Time, subject: &Subject) -> Option<(Time, Duration)> {
        let cache = subject.block().cache.as_ref()?;
        let timeout = cache.verify_timeout()?.max(SHORTEST_VERIFY);
        if !subject.is_cacheable() {
            return None;
        }
        cache.look_up_stale(now, &subject.store_key(), &mut self.scratch)?;
        Some((now + timeout, timeout))
    }

    /// Starts on the upstreams of a `forward` line.
    ///
    /// # Errors
    /// Why they are not to be asked.
    pub(super) fn exchange(
        &mut self,
        now: Time,
        subject: &Subject,
        forward: usize,
    ) -> Result<Exchange, Trouble> {
        let block = subject.block();
        let Some(line) = block.forwards.get(forward) else {
            let error = "plugin/forward: no next plugin found";
            return Err(Trouble::stage(Plugin::Forward, error));
        };
        let (order, all_down) = line.order(self.draw());
        if all_down {
            self.events.push(Event::AllUpstreamsDown {
                block: subject.route.block,
            });
            if line.fail_fast {
                return Err(Trouble::upstreams("no healthy proxies"));
            }
        }
        let admission = line.enter().map_err(|limit| {
            self.events.push(Event::TooManyConcurrent {
                block: subject.route.block,
                limit,
            });
            // REFUSED, as CoreDNS has it.
            let error = format!("concurrent queries exceeded maximum {limit}");
            Trouble::overload(error, Rcode::REFUSED)
        })?;
        let line = Arc::clone(line);
        let exchange = Exchange::new(line, admission, subject.client.transport, order, now);
        for attempt in &exchange.attempts {
            self.probe_tcp_if_due(now, &attempt.upstream);
        }
        Ok(exchange)
    }
}

/// How long a client waits for upstreams at most (RFC 8767 section 5: 1.8 s, so that its own timer of two seconds or more does
/// not expire first).
pub(super) const PATIENCE: Duration = Duration::from_millis(1800);
/// Questions under way in one worker for one client address: a flood from one client leaves room for the others.
const MAX_TASKS_PER_CLIENT: u32 = 4096;
/// Giving out what has expired more often than this while one question is asked would only cost wake-ups.
const SHORTEST_VERIFY: Duration = Duration::from_millis(10);
