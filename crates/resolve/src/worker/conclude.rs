//! An errand's end: the answer goes back through the stages, into the cache, and to everyone who waits.

use std::net::IpAddr;

use nodens_dns::{Flags, Header, Message, Rcode};

use super::errand::{Errand, Subject};
use super::outcome::{Outcome, Settled, Trouble};
use super::query::{reply_limit, stale_note};
use super::{Due, Worker};
use crate::cache::{Answer, AnswerKind};
use crate::facts::{CacheOutcome, Event, Plugin};
use crate::flights::Waiter;
use crate::reply::{ReplyTo, set_ttls};
use crate::stages::{Reverter, minimal};
use crate::store::Found;
use crate::time::Time;

impl Worker {
    /// Tells everyone who waits for the errand, and the cache.
    pub(super) fn answer_waiting(&mut self, now: Time, errand: &mut Errand, outcome: Outcome) {
        let reverter = errand.reverter.take();
        if !errand.answered {
            let origin = errand.origin.take();
            return self.conclude(now, &errand.subject, reverter.as_ref(), outcome, origin);
        }
        // Too late for the clients, not for the cache.
        if let Outcome::Message { .. } = outcome {
            self.settle(now, &errand.subject, reverter.as_ref(), outcome);
        }
    }

    /// Tells everyone who waits for `subject`, and the cache.
    pub(super) fn conclude(
        &mut self,
        now: Time,
        subject: &Subject,
        reverter: Option<&Reverter>,
        outcome: Outcome,
        origin: Option<IpAddr>,
    ) {
        self.forget_asking(origin);
        let settled = self.settle(now, subject, reverter, outcome);
        let waiters = subject.resolver.shared.flights.take(&subject.key);
        self.tell(subject, &settled, waiters);
    }

    /// Upstreams take their time: those who wait get what has expired, while the question goes on (`serve_stale verify`). False
    /// when there is nothing to give.
    pub(super) fn serve_expired_meanwhile(&mut self, now: Time, errand: &mut Errand) -> bool {
        let subject = &errand.subject;
        let Some(mut settled) = self.expired(now, subject) else {
            return false;
        };
        settled.stale = Some(CacheOutcome::Stale);
        let waiters = subject.resolver.shared.flights.take_waiters(&subject.key);
        self.tell(subject, &settled, waiters);
        self.forget_asking(errand.origin.take());
        true
    }

    fn tell(&mut self, subject: &Subject, settled: &Settled, waiters: Vec<Waiter>) {
        for (index, waiter) in waiters.into_iter().enumerate() {
            let Waiter {
                client,
                asked,
                mut facts,
            } = waiter;
            let limit = reply_limit(subject.block(), client.transport, asked.udp_size());
            let mut message = Vec::new();
            let reply_to = ReplyTo::asked(&asked, limit);
            facts.rcode = settled.rcode_for(&reply_to).0;
            settled.write(subject, &reply_to, self.draw(), &mut message);
            facts.plugin = settled.plugin;
            facts.cache = match facts.cache {
                outcome if let Some(stale) = settled.stale => {
                    debug_assert_ne!(outcome, CacheOutcome::Unused);
                    stale
                }
                CacheOutcome::Miss if index > 0 => CacheOutcome::Joined,
                outcome => outcome,
            };
            self.dues.push(Due {
                client,
                message,
                facts,
                asked,
            });
        }
    }

    /// Brings an outcome through the stages on the way back and keeps it; a failure may become an expired answer.
    pub(super) fn settle(
        &mut self,
        now: Time,
        subject: &Subject,
        reverter: Option<&Reverter>,
        outcome: Outcome,
    ) -> Settled {
        let (message, plugin, error) = match outcome {
            Outcome::Message {
                message,
                plugin,
                error,
            } => (message, plugin, error),
            Outcome::Failed(trouble) => return self.failed(now, subject, trouble),
        };
        let Some(mut answer) = on_the_way_back(subject, reverter, message) else {
            let trouble = Trouble {
                plugin,
                ..Trouble::upstreams("the answer is malformed")
            };
            return self.failed(now, subject, trouble);
        };
        if let Some(settled) = self.keep_answer(now, subject, plugin, &mut answer) {
            return settled;
        }
        Settled {
            rcode: answer.rcode,
            answer: Some(answer.message),
            plugin,
            stale: None,
            note: error,
        }
    }

    /// Keeps an answer; gives the expired one that is better than it.
    fn keep_answer(
        &mut self,
        now: Time,
        subject: &Subject,
        plugin: Plugin,
        answer: &mut Answer,
    ) -> Option<Settled> {
        if !subject.is_cacheable() {
            return None;
        }
        let cache = subject.block().cache.as_ref()?;
        if !subject.flags.has(Flags::RD)
            && (answer.no_data && answer.kind == AnswerKind::Success
                || answer.kind == AnswerKind::Failure)
        {
            // Upstreams say so because they were not to look further. It must not be what clients are told that want them to.
            answer.kind = AnswerKind::Uncacheable;
        }
        cache.store(now, &subject.store_key(), &subject.name(), answer);
        if plugin != Plugin::Forward {
            return None;
        }
        let good = matches!(answer.rcode, Rcode::NOERROR | Rcode::NXDOMAIN);
        if good {
            let positive = answer.kind == AnswerKind::Success && !answer.no_data;
            if positive || !cache.prefers_positive() {
                return None;
            }
            return self.preferred(now, subject);
        }
        let settled = self.expired(now, subject)?;
        cache.store_failure(now, &subject.store_key(), &subject.question, true);
        let error = format!("upstream answered {}", answer.rcode);
        self.report_failure(subject, error, true);
        Some(settled)
    }

    /// No answer: an expired one if there is one, else SERVFAIL.
    fn failed(&mut self, now: Time, subject: &Subject, trouble: Trouble) -> Settled {
        let Trouble {
            plugin,
            error,
            rcode,
            note,
            lasting,
        } = trouble;
        let mut expired = None;
        if plugin == Plugin::Forward {
            expired = self.expired(now, subject);
            if lasting
                && subject.is_cacheable()
                && let Some(cache) = &subject.block().cache
            {
                let key = subject.store_key();
                cache.store_failure(now, &key, &subject.question, expired.is_some());
            }
        }
        self.report_failure(subject, error.clone(), expired.is_some());
        expired.unwrap_or(Settled {
            answer: None,
            rcode,
            plugin,
            stale: None,
            note: note.map(|code| (code, error)),
        })
    }

    /// The expired answer to serve in place of a failure.
    fn expired(&mut self, now: Time, subject: &Subject) -> Option<Settled> {
        self.kept(subject, |cache, message| {
            cache.look_up_stale(now, &subject.store_key(), message)
        })
    }

    /// The success, expired or not, to serve in place of a denial.
    fn preferred(&mut self, now: Time, subject: &Subject) -> Option<Settled> {
        let mut settled = self.kept(subject, |cache, message| {
            cache.look_up_preferred(now, &subject.store_key(), message)
        })?;
        settled.stale = Some(CacheOutcome::Stale);
        Some(settled)
    }

    fn kept(
        &mut self,
        subject: &Subject,
        look_up: impl FnOnce(&crate::cache::Cache, &mut Vec<u8>) -> Option<Found>,
    ) -> Option<Settled> {
        if !subject.is_cacheable() {
            return None;
        }
        let cache = subject.block().cache.as_ref()?;
        let mut message = std::mem::take(&mut self.scratch);
        let settled = look_up(cache, &mut message).map(|found| {
            let (bytes, offsets) = found.parts(&mut message);
            set_ttls(bytes, offsets, cache.stale_ttl());
            let answer = message[..found.length].to_vec();
            let rcode = Header::read(&answer).unwrap_or_default().flags.rcode();
            Settled {
                answer: Some(answer),
                rcode,
                plugin: Plugin::Cache,
                stale: Some(CacheOutcome::StaleOnFailure),
                note: Some((stale_note(rcode), String::new())),
            }
        });
        self.scratch = message;
        settled
    }

    fn report_failure(&mut self, subject: &Subject, error: String, stale: bool) {
        let block = subject.route.block;
        let question = subject.in_words();
        self.events.push(Event::QuestionFailed {
            block,
            question,
            error,
            stale,
        });
    }

    fn forget_asking(&mut self, origin: Option<IpAddr>) {
        let Some(origin) = origin else { return };
        if let Some(count) = self.asking.get_mut(&origin) {
            *count -= 1;
            if *count == 0 {
                self.asking.remove(&origin);
            }
        }
    }
}

/// Through `minimal` and the reverse of `rewrite`; then the form in which the cache keeps it.
fn on_the_way_back(
    subject: &Subject,
    reverter: Option<&Reverter>,
    mut message: Vec<u8>,
) -> Option<Answer> {
    if subject.block().minimal {
        minimal(&mut message);
    }
    if let Some(reverter) = reverter {
        message = reverter.apply(&message, None);
    }
    with_question(&mut message, &subject.question);
    Answer::read(&message, &subject.question)
}

/// Puts the question in where a server left it out of an error.
fn with_question(message: &mut Vec<u8>, question: &[u8]) {
    let Ok(view) = Message::parse(message) else {
        return;
    };
    let header = view.header();
    if header.questions == 0 && header.answers == 0 {
        *message = [
            &Header {
                questions: 1,
                authorities: 0,
                additionals: 0,
                ..header
            }
            .to_bytes()[..],
            question,
        ]
        .concat();
    }
}

impl Subject {
    /// Whether the answer is to be made for a client that has IPv6 only.
    pub(super) fn client_wants_dns64(&self) -> bool {
        self.block().dns64.as_ref().is_some_and(|dns64| {
            dns64.intercepts(self.client.peer.ip(), self.qtype(), self.qclass())
        })
    }
}
