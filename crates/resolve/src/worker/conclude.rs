//! An errand's end: the answer goes back through the stages, into the cache, and to everyone who waits.

use std::net::IpAddr;

use nodens_dns::{Header, Message, Question, Rcode};

use super::errand::{Errand, Subject};
use super::query::{STALE_ANSWER, reply_limit};
use super::stages_behind::rcode_of;
use super::{Due, Worker};
use crate::cache::{Answer, AnswerKind};
use crate::facts::{CacheOutcome, Event, Plugin};
use crate::flights::Waiter;
use crate::reply::{ReplyTo, set_ttls};
use crate::stages::{Reply, Reverter, minimal};
use crate::time::Time;

/// How a question ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// With a message.
    Message {
        message: Vec<u8>,
        plugin: Plugin,
        error: Option<(u16, String)>,
    },
    /// Without one; why, in words.
    Failed { plugin: Plugin, error: String },
}

/// What everyone who asked is told.
#[derive(Debug)]
pub(super) struct Settled {
    /// The answer without OPT; nothing for a reply without records.
    answer: Option<Vec<u8>>,
    pub(super) rcode: Rcode,
    pub(super) plugin: Plugin,
    /// An expired answer.
    stale: bool,
    note: Option<(u16, String)>,
}

impl Outcome {
    /// An upstream's message.
    pub(super) fn upstream(message: Vec<u8>) -> Self {
        Self::Message {
            message,
            plugin: Plugin::Forward,
            error: None,
        }
    }

    /// A stage's reply to the subject's question.
    pub(super) fn from_stage(subject: &Subject, reply: &Reply, plugin: Plugin) -> Self {
        let question = Question {
            qname: subject.name().to_name(),
            qtype: subject.qtype(),
            qclass: subject.qclass(),
        };
        let error = reply
            .extended_error
            .as_ref()
            .map(|error| (error.code, error.text.clone()));
        Self::Message {
            message: reply.to_message(0, subject.flags, &question),
            plugin,
            error,
        }
    }
}

impl Worker {
    /// Tells everyone who waits for the errand, and the cache.
    pub(super) fn answer_waiting(&mut self, now: Time, errand: &mut Errand, outcome: Outcome) {
        let reverter = errand.reverter.take();
        if errand.answered {
            // Too late for the clients, not for the cache.
            if let Outcome::Message { .. } = outcome {
                self.settle(now, &errand.subject, reverter.as_ref(), outcome);
            }
            return;
        }
        self.conclude(
            now,
            &errand.subject,
            reverter.as_ref(),
            outcome,
            errand.origin,
        );
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
        if let Some(origin) = origin {
            self.forget_asking(origin);
        }
        let settled = self.settle(now, subject, reverter, outcome);
        for (index, waiter) in subject
            .resolver
            .shared
            .flights
            .take(&subject.key)
            .into_iter()
            .enumerate()
        {
            let Waiter {
                client,
                asked,
                mut facts,
            } = waiter;
            let udp_size = asked.edns.map_or(512, |edns| edns.udp_size.max(512));
            let limit = reply_limit(subject.block(), client.transport, udp_size);
            let mut message = Vec::new();
            settled.write(
                subject,
                &ReplyTo::asked(&asked, limit),
                self.draw(),
                &mut message,
            );
            facts.rcode = settled.rcode.0;
            facts.plugin = settled.plugin;
            facts.cache = match facts.cache {
                _ if settled.stale => CacheOutcome::StaleOnFailure,
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
            Outcome::Failed { plugin, error } => return self.failed(now, subject, plugin, error),
        };
        let Some(mut answer) = on_the_way_back(subject, reverter, message) else {
            let error = "the answer is malformed".to_owned();
            return self.failed(now, subject, plugin, error);
        };
        let good = matches!(answer.rcode, Rcode::NOERROR | Rcode::NXDOMAIN);
        if subject.is_cacheable()
            && let Some(cache) = &subject.block().cache
        {
            cache.store(now, &subject.store_key(), &subject.name(), &mut answer);
            if !good
                && plugin == Plugin::Forward
                && let Some(settled) = self.expired(now, subject)
            {
                let error = format!("upstream answered {}", answer.rcode);
                self.report_failure(subject, error, true);
                return settled;
            }
        }
        debug_assert!(answer.kind != AnswerKind::Failure || !good);
        Settled {
            rcode: answer.rcode,
            answer: Some(answer.message),
            plugin,
            stale: false,
            note: error,
        }
    }

    /// No answer: an expired one if there is one, else SERVFAIL.
    fn failed(&mut self, now: Time, subject: &Subject, plugin: Plugin, error: String) -> Settled {
        let rcode = rcode_of(&error);
        let expired = if plugin == Plugin::Forward {
            self.expired(now, subject)
        } else {
            None
        };
        // The limit of concurrent questions says nothing about this one.
        if plugin == Plugin::Forward
            && rcode == Rcode::SERVFAIL
            && subject.is_cacheable()
            && let Some(cache) = &subject.block().cache
        {
            cache.store_failure(now, &subject.store_key(), &subject.question);
        }
        self.report_failure(subject, error.clone(), expired.is_some());
        expired.unwrap_or(Settled {
            answer: None,
            rcode,
            plugin,
            stale: false,
            note: (plugin == Plugin::Forward).then_some((NO_REACHABLE_AUTHORITY, error)),
        })
    }

    /// The expired answer to serve in place of a failure.
    fn expired(&mut self, now: Time, subject: &Subject) -> Option<Settled> {
        if !subject.is_cacheable() {
            return None;
        }
        let cache = subject.block().cache.as_ref()?;
        let mut message = std::mem::take(&mut self.scratch);
        let found = cache.look_up_stale(now, &subject.store_key(), &mut message);
        let settled = found.map(|found| {
            let (bytes, offsets) = found.parts(&mut message);
            set_ttls(bytes, offsets, cache.stale_ttl());
            let answer = message[..found.length].to_vec();
            let rcode = Header::read(&answer).unwrap_or_default().flags.rcode();
            Settled {
                answer: Some(answer),
                rcode,
                plugin: Plugin::Cache,
                stale: true,
                note: Some((STALE_ANSWER, String::new())),
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

    fn forget_asking(&mut self, origin: IpAddr) {
        if let Some(count) = self.asking.get_mut(&origin) {
            *count -= 1;
            if *count == 0 {
                self.asking.remove(&origin);
            }
        }
    }
}

impl Settled {
    /// Writes the reply to one question into `out`.
    pub(super) fn write(
        &self,
        subject: &Subject,
        reply_to: &ReplyTo<'_>,
        random: u64,
        out: &mut Vec<u8>,
    ) {
        let note = self
            .note
            .as_ref()
            .map(|(code, text)| (*code, text.as_str()));
        let Some(answer) = &self.answer else {
            return reply_to.empty(out, self.rcode, note);
        };
        out.clear();
        out.extend_from_slice(answer);
        if let Some(loadbalance) = &subject.block().loadbalance {
            loadbalance.apply(out, random);
        }
        reply_to.finish(out, self.rcode, self.stale, note);
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

/// Extended DNS Error 22 (RFC 8914 section 4.23).
const NO_REACHABLE_AUTHORITY: u16 = 22;
