//! What upstreams say to an errand, and what their silence means.

use std::sync::Arc;
use std::time::Duration;

use nodens_dns::{Flags, HEADER_LENGTH, Message, NameKey, RecordType};

use super::Worker;
use super::conclude::Outcome;
use super::errand::{Errand, Phase, vary_case};
use super::stages_behind::{Path, forward_path, section_of};
use super::tasks::{Task, TaskId};
use crate::ask::{Ask, AskId, AskSource, Failure};
use crate::exchange::{Hope, Response, Verdict};
use crate::facts::{Event, FailureText, Plugin};
use crate::time::Time;
use crate::upstream::{Protocol, Upstream};

impl Worker {
    /// Takes an upstream's reply. False when it is no answer to that question: keep listening.
    pub fn on_answer(&mut self, now: Time, ask: AskId, message: &[u8]) -> bool {
        let (id, attempt) = TaskId::of(ask);
        self.doubts.remove(&ask);
        let Some(mut task) = self.tasks.take(id) else {
            return true;
        };
        match &mut *task {
            Task::Check(check) => {
                let fits = answers(message, check.question(), None);
                if fits {
                    self.check_answered(now, id, &task);
                } else {
                    let deadline = check.deadline;
                    self.tasks.put_back(id, task, deadline);
                }
                fits
            }
            Task::Errand(errand) => {
                if !answers(message, errand.asking(), errand.sent_case(attempt)) {
                    self.events.push(Event::MismatchedReply {
                        block: errand.subject.route.block,
                        upstream: Arc::clone(&errand.exchange.attempts[attempt].upstream),
                    });
                    self.keep(id, task);
                    return false;
                }
                self.errand_answered(now, id, task, attempt, message);
                true
            }
        }
    }

    /// Takes the news that an ask will not be answered.
    pub fn on_failure(&mut self, now: Time, ask: AskId, failure: Failure) {
        let (id, attempt) = TaskId::of(ask);
        let doubted = self.doubts.remove(&ask);
        if let Some(upstream) = doubted
            && failure != Failure::Timeout
        {
            self.tcp_failed(now, &upstream, &failure);
        }
        let Some(mut task) = self.tasks.take(id) else {
            return;
        };
        match &mut *task {
            Task::Check(_) => self.check_failed(now, id, task, &failure),
            Task::Errand(errand) => {
                let upstream = errand.exchange.attempts.get(attempt);
                if let Some(attempt) = upstream {
                    let upstream = Arc::clone(&attempt.upstream);
                    let text = failure_in_words(&upstream, attempt.protocol, &failure);
                    self.note_failure(now, errand, &upstream, text);
                }
                match errand.exchange.on_failure(now, attempt, &failure) {
                    Hope::Waiting => self.go_on(now, id, task),
                    Hope::Lost => self.lost(now, id, task),
                }
            }
        }
    }

    /// Does what is due at `now`.
    pub fn on_timeout(&mut self, now: Time) {
        while let Some(id) = self.tasks.due(now) {
            let Some(mut task) = self.tasks.take(id) else {
                continue;
            };
            match &mut *task {
                Task::Check(check) if check.deadline <= now => {
                    self.check_failed(now, id, task, &Failure::Timeout);
                }
                Task::Check(check) => {
                    let deadline = check.deadline;
                    self.tasks.put_back(id, task, deadline);
                }
                Task::Errand(errand) if errand.answered => {
                    if errand.deadline <= now || !errand.exchange.is_waiting() {
                        self.finish_errand(id, &task);
                    } else {
                        self.keep(id, task);
                    }
                }
                Task::Errand(errand) if errand.deadline <= now => {
                    self.note_silence(now, errand);
                    self.lost(now, id, task);
                }
                Task::Errand(errand) if errand.exchange.retry_at <= now => {
                    self.note_silence(now, errand);
                    match errand.exchange.on_silence(now) {
                        Hope::Waiting => self.go_on(now, id, task),
                        Hope::Lost => self.lost(now, id, task),
                    }
                }
                Task::Errand(_) => self.keep(id, task),
            }
        }
    }

    /// Gives a new task a place and sends what it asks.
    pub(super) fn send_new(&mut self, now: Time, task: Task) {
        let deadline = deadline_of(&task);
        if let Some(id) = self.tasks.add(task, deadline)
            && let Some(task) = self.tasks.take(id)
        {
            self.go_on(now, id, task);
        }
    }

    /// Sends what the task asks next and puts it back.
    pub(super) fn go_on(&mut self, now: Time, id: TaskId, mut task: Box<Task>) {
        match &mut *task {
            Task::Check(check) => self.asks.push(check.ask(id)),
            Task::Errand(errand) => {
                for attempt in errand.exchange.take_unsent() {
                    errand.exchange.attempts[attempt].case = self.draw();
                    let sent = &errand.exchange.attempts[attempt];
                    // A connection that cannot be made within a few attempts' time is reported, so that TCP can be judged.
                    let patience = match sent.protocol {
                        Protocol::Udp => errand.deadline + LATE,
                        Protocol::Tcp | Protocol::Tls => (now + CONNECT_LIMIT).max(errand.deadline),
                    };
                    self.asks.push(Ask {
                        id: id.ask(attempt),
                        upstream: Arc::clone(&sent.upstream),
                        protocol: sent.protocol,
                        message: errand.message(sent),
                        give_up: patience,
                        source: AskSource::Question,
                    });
                }
            }
        }
        self.keep(id, task);
    }

    /// Puts a task back until its next deadline.
    fn keep(&mut self, id: TaskId, task: Box<Task>) {
        let deadline = deadline_of(&task);
        self.tasks.put_back(id, task, deadline);
    }

    fn errand_answered(
        &mut self,
        now: Time,
        id: TaskId,
        mut task: Box<Task>,
        attempt: usize,
        message: &[u8],
    ) {
        let Task::Errand(errand) = &mut *task else {
            return;
        };
        let Ok(view) = Message::parse(message) else {
            return self.go_on(now, id, task);
        };
        let sent = &errand.exchange.attempts[attempt];
        let (upstream, protocol) = (Arc::clone(&sent.upstream), sent.protocol);
        let duration = now.since(sent.sent);
        upstream.note_round_trip(duration);
        let response = Response {
            rcode: view.rcode(),
            truncated: view.flags().has(Flags::TC),
            has_edns: matches!(view.edns(), Ok(Some(_))),
        };
        self.alive(&upstream);
        self.events.push(Event::UpstreamAnswered {
            upstream: Arc::clone(&upstream),
            rcode: response.rcode.0,
            duration,
        });
        if protocol == Protocol::Udp {
            self.compare_with_tcp(now, id, errand, &upstream);
        } else if protocol == Protocol::Tcp {
            self.tcp_works(&upstream);
        }
        if errand.exchange.on_response(now, attempt, response) == Verdict::Retry {
            errand.fallback = Some(message.to_vec());
            return self.go_on(now, id, task);
        }
        self.accept(now, id, task, message.to_vec());
    }

    /// UDP has answered: what does that say of TCP, if it was tried?
    fn compare_with_tcp(
        &mut self,
        now: Time,
        id: TaskId,
        errand: &Errand,
        upstream: &Arc<Upstream>,
    ) {
        let (failed, waiting) = errand.exchange.tcp_state(upstream);
        if failed {
            let failure = errand.exchange.failure.as_ref();
            let failure = failure.map_or(Failure::Closed, |(_, _, failure)| failure.clone());
            self.tcp_failed(now, upstream, &failure);
        } else if waiting {
            for (index, attempt) in errand.exchange.attempts.iter().enumerate() {
                if attempt.protocol == Protocol::Tcp && Arc::ptr_eq(&attempt.upstream, upstream) {
                    self.doubts.insert(id.ask(index), Arc::clone(upstream));
                }
            }
        }
    }

    /// A response that is taken: the errand's end, or its next question.
    fn accept(&mut self, now: Time, id: TaskId, mut task: Box<Task>, message: Vec<u8>) {
        let Task::Errand(errand) = &mut *task else {
            return;
        };
        let next = match &mut errand.phase {
            Phase::Question => match self.after_question(errand, message) {
                Ok(next) => next,
                Err(outcome) => return self.end(now, id, &mut task, outcome),
            },
            Phase::Dns64 { aaaa } => {
                let dns64 = errand.subject.block().dns64.as_ref();
                let made = dns64.and_then(|dns64| dns64.synthesize(aaaa, &message));
                let reply = made.unwrap_or_else(|| std::mem::take(aaaa));
                return self.end(now, id, &mut task, Outcome::upstream(reply));
            }
            Phase::Alias { reply } => {
                let reply = std::mem::take(reply);
                let reply = match &errand.reverter {
                    Some(reverter) => reverter.apply(&reply, Some(&message)),
                    None => reply,
                };
                errand.reverter = None;
                return self.end(now, id, &mut task, Outcome::upstream(reply));
            }
            Phase::Template {
                questions, replies, ..
            } => {
                replies.push(Some(message));
                questions.get(replies.len()).map(section_of)
            }
        };
        self.ask_more(now, id, task, next);
    }

    /// What follows the answer to the question itself: nothing more (the outcome), or another question section.
    fn after_question(
        &mut self,
        errand: &mut Errand,
        message: Vec<u8>,
    ) -> Result<Option<Box<[u8]>>, Outcome> {
        let block = errand.subject.block();
        if errand.subject.client_wants_dns64()
            && let Some(dns64) = &block.dns64
            && dns64.needs(&message)
        {
            let end = errand.wanted.len() - 4;
            let mut wanted = errand.wanted.clone();
            wanted[end..end + 2].copy_from_slice(&RecordType::A.0.to_be_bytes());
            errand.phase = Phase::Dns64 { aaaa: message };
            return Ok(Some(wanted));
        }
        let alias = errand
            .reverter
            .as_ref()
            .and_then(|reverter| reverter.alias_question(&message));
        if let Some(question) = alias {
            errand.phase = Phase::Alias { reply: message };
            return Ok(Some(section_of(&question)));
        }
        if let Ok(view) = Message::parse(&message) {
            let no_data = view.rcode().0 == 0 && view.header().answers == 0;
            if errand.exchange.forward.passes_on(view.rcode(), no_data)
                && let Ok(name) = NameKey::read(&errand.wanted, 0)
                && let Path::Upstreams { forward } = forward_path(block, &name, errand.forward + 1)
            {
                errand.forward = forward;
                errand.fallback = Some(message);
                return Ok(Some(errand.wanted.clone()));
            }
        }
        Err(Outcome::upstream(message))
    }

    /// Asks the errand's next question; without one, a template's answer is complete.
    fn ask_more(&mut self, now: Time, id: TaskId, mut task: Box<Task>, next: Option<Box<[u8]>>) {
        let Task::Errand(errand) = &mut *task else {
            return;
        };
        let Some(wanted) = next else {
            let phase = std::mem::replace(&mut errand.phase, Phase::Question);
            if let Phase::Template { reply, replies, .. } = phase {
                let reply = reply.finish(&replies);
                let outcome = Outcome::from_stage(&errand.subject, &reply, Plugin::Template);
                self.end(now, id, &mut task, outcome);
            }
            return;
        };
        errand.wanted = wanted;
        errand.exchange.forward.leave();
        match self.exchange(now, &errand.subject, errand.forward) {
            Ok(exchange) => {
                errand.exchange = exchange;
                self.go_on(now, id, task);
            }
            Err(error) => {
                // The place among concurrent questions was given back already; `end` gives it back again.
                let _ = errand.exchange.forward.enter();
                self.end(
                    now,
                    id,
                    &mut task,
                    Outcome::Failed {
                        plugin: Plugin::Forward,
                        error,
                    },
                );
            }
        }
    }

    /// Nothing better will come: the fallback, or failure.
    fn lost(&mut self, now: Time, id: TaskId, mut task: Box<Task>) {
        let Task::Errand(errand) = &mut *task else {
            return;
        };
        if errand.answered {
            return self.finish_errand(id, &task);
        }
        match (&mut errand.phase, errand.fallback.take()) {
            (_, Some(message)) => return self.end(now, id, &mut task, Outcome::upstream(message)),
            (Phase::Dns64 { aaaa }, None) => {
                let reply = std::mem::take(aaaa);
                return self.end(now, id, &mut task, Outcome::upstream(reply));
            }
            (
                Phase::Template {
                    questions, replies, ..
                },
                None,
            ) => {
                replies.push(None);
                let next = questions
                    .get(replies.len())
                    .map(section_of)
                    .filter(|_| now < errand.deadline);
                return self.ask_more(now, id, task, next);
            }
            (Phase::Question | Phase::Alias { .. }, None) => {}
        }
        let error = match &errand.exchange.failure {
            Some((upstream, protocol, failure)) => failure_in_words(upstream, *protocol, failure),
            None => match errand.exchange.attempts.last() {
                Some(attempt) => {
                    failure_in_words(&attempt.upstream, attempt.protocol, &Failure::Timeout)
                }
                None => "no upstream to ask".into(),
            },
        };
        let outcome = Outcome::Failed {
            plugin: Plugin::Forward,
            error,
        };
        self.answer_waiting(now, errand, outcome);
        if errand.exchange.is_waiting() {
            // An answer that comes late is kept for the client's next try.
            errand.answered = true;
            errand.deadline = now + LATE;
            errand.exchange.retry_at = Time::NEVER;
            self.keep(id, task);
        } else {
            self.finish_errand(id, &task);
        }
    }

    /// The errand has an outcome.
    fn end(&mut self, now: Time, id: TaskId, task: &mut Task, outcome: Outcome) {
        if let Task::Errand(errand) = task {
            self.answer_waiting(now, errand, outcome);
        }
        self.finish_errand(id, task);
    }

    fn finish_errand(&mut self, id: TaskId, task: &Task) {
        if let Task::Errand(errand) = task {
            errand.exchange.forward.leave();
        }
        self.tasks.end(id);
    }

    /// Upstreams have been silent: their health is looked into.
    fn note_silence(&mut self, now: Time, errand: &Errand) {
        let silent: Vec<_> = errand
            .exchange
            .silent()
            .map(|attempt| (Arc::clone(&attempt.upstream), attempt.protocol))
            .collect();
        for (upstream, protocol) in silent {
            let text = failure_in_words(&upstream, protocol, &Failure::Timeout);
            self.note_failure(now, errand, &upstream, text);
        }
    }

    fn note_failure(
        &mut self,
        now: Time,
        errand: &Errand,
        upstream: &Arc<Upstream>,
        failure: String,
    ) {
        self.events.push(Event::UpstreamFailed {
            upstream: Arc::clone(upstream),
            block: errand.subject.route.block,
            failure: FailureText(failure.into()),
            question: errand.subject.in_words(),
        });
        self.check(now, upstream, errand.exchange.forward.force_tcp);
    }
}

/// Whether `message` is a response to the question section `asked` (RFC 5452 section 9.1). A name that was sent with `case`
/// must come back in it.
fn answers(message: &[u8], asked: &[u8], case: Option<u64>) -> bool {
    let Some(header) = nodens_dns::Header::read(message) else {
        return false;
    };
    if !header.flags.has(Flags::QR) || header.questions > 1 {
        return false;
    }
    if header.questions == 0 {
        // Some servers leave the question out of an error (FORMERR before the question was read).
        return matches!(header.flags.rcode().0, 1 | 2 | 4 | 5) && header.answers == 0;
    }
    let Some(question) = message.get(HEADER_LENGTH..HEADER_LENGTH + asked.len()) else {
        return false;
    };
    match case {
        None => question.eq_ignore_ascii_case(asked),
        Some(random) => {
            let mut sent = asked.to_vec();
            let name_end = sent.len() - 4;
            vary_case(&mut sent[..name_end], random);
            question == sent
        }
    }
}

/// When a task wants to be looked at.
fn deadline_of(task: &Task) -> Time {
    match task {
        Task::Check(check) => check.deadline,
        Task::Errand(errand) => errand.deadline.min(errand.exchange.retry_at),
    }
}

/// A failure as CoreDNS logs it, so that what operators search for is found.
pub(super) fn failure_in_words(
    upstream: &Upstream,
    protocol: Protocol,
    failure: &Failure,
) -> String {
    let address = upstream.address();
    let network = if protocol == Protocol::Udp {
        "udp"
    } else {
        "tcp"
    };
    match failure {
        Failure::Refused if protocol == Protocol::Udp => {
            format!("read udp {address}: read: connection refused")
        }
        Failure::Refused | Failure::Unreachable => {
            format!("dial {network} {address}: connect: {failure}")
        }
        Failure::ConnectTimeout => format!("dial {network} {address}: {failure}"),
        Failure::Timeout => format!("read {network} {address}: {failure}"),
        Failure::Closed => format!("{failure} from {address}"),
        Failure::Tls(_) | Failure::System(_) => format!("{network} {address}: {failure}"),
    }
}

/// How long after its clients were told of a failure an answer is still taken, for the cache.
const LATE: Duration = Duration::from_secs(3);
/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
