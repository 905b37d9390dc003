//! What upstreams say to an errand, and what their silence means.

use std::sync::Arc;
use std::time::Duration;

use nodens_dns::{Flags, Message, Rcode};

use super::Worker;
use super::errand::{Errand, Phase};
use super::listening::{answers, readable};
use super::outcome::{Outcome, Trouble};
use super::stages_behind::section_of;
use super::tasks::{Task, TaskId};
use crate::ask::{Ask, AskId, AskSource, Failure};
use crate::exchange::{Hope, Response, Verdict};
use crate::facts::{Event, FailureText};
use crate::time::Time;
use crate::upstream::{Protocol, Upstream};

impl Worker {
    /// Takes an upstream's reply. False when it is no answer to that question: keep listening.
    pub fn on_answer(&mut self, now: Time, ask: AskId, message: &[u8]) -> bool {
        let (id, number) = TaskId::of(ask);
        self.clear_doubt(ask);
        let Some(mut task) = self.tasks.take(id) else {
            return true;
        };
        match &mut *task {
            Task::Check(check) => {
                let fits = answers(message, check.question(), None);
                if fits {
                    self.check_answered(now, id, &task);
                } else {
                    self.keep(id, task);
                }
                fits
            }
            Task::Errand(errand) => {
                let Some(attempt) = errand.attempt(number) else {
                    self.keep(id, task);
                    return true;
                };
                if !answers(message, errand.asking(), errand.sent_case(attempt)) {
                    self.events.push(Event::MismatchedReply {
                        block: errand.subject.route.block,
                        upstream: Arc::clone(&errand.exchange.attempts[attempt].upstream),
                    });
                    self.keep(id, task);
                    return false;
                }
                if let Some(message) = readable(message) {
                    self.errand_answered(now, id, task, attempt, message);
                } else {
                    let failure = Failure::System("malformed answer".into());
                    self.errand_failed(now, id, task, attempt, failure);
                }
                true
            }
        }
    }

    /// Takes the news that an ask will not be answered.
    pub fn on_failure(&mut self, now: Time, ask: AskId, failure: Failure) {
        let (id, number) = TaskId::of(ask);
        self.confirm_doubt(now, ask, &failure);
        let Some(task) = self.tasks.take(id) else {
            return;
        };
        match &*task {
            Task::Check(check) if check.is_waiting_for(number) => {
                self.check_failed(now, id, task, &failure);
            }
            Task::Check(_) => self.keep(id, task),
            Task::Errand(errand) => match errand.attempt(number) {
                Some(attempt) => self.errand_failed(now, id, task, attempt, failure),
                None => self.keep(id, task),
            },
        }
    }

    /// Does what is due at `now`.
    pub fn on_timeout(&mut self, now: Time) {
        self.confirm_old_doubts(now);
        while let Some(id) = self.tasks.due(now) {
            let Some(mut task) = self.tasks.take(id) else {
                continue;
            };
            match &mut *task {
                Task::Check(check) if check.deadline <= now => self.check_due(now, id, task),
                Task::Errand(errand) if errand.next_deadline() <= now => {
                    self.errand_due(now, id, task);
                }
                Task::Check(_) | Task::Errand(_) => self.keep(id, task),
            }
        }
    }

    fn errand_due(&mut self, now: Time, id: TaskId, mut task: Box<Task>) {
        let Task::Errand(errand) = &mut *task else {
            return;
        };
        if errand.answered {
            return self.finish(id, task);
        }
        if errand.deadline <= now {
            self.note_silence(now, errand);
            return self.lost(now, id, task, None);
        }
        if let Some((at, pause)) = errand.serve_expired
            && at <= now
        {
            let served = self.serve_expired_meanwhile(now, errand);
            errand.serve_expired = served.then(|| (now + pause, pause));
        }
        if errand.exchange.retry_at > now {
            return self.keep(id, task);
        }
        self.note_silence(now, errand);
        match errand.exchange.on_silence(now) {
            Hope::Waiting => self.go_on(now, id, task),
            Hope::Lost => self.lost(now, id, task, None),
        }
    }

    /// Gives a new task a place and sends what it asks.
    pub(super) fn send_new(&mut self, now: Time, task: Task) {
        let id = self.tasks.reserve();
        self.go_on(now, id, Box::new(task));
    }

    /// Sends what the task asks next and puts it back.
    pub(super) fn go_on(&mut self, now: Time, id: TaskId, mut task: Box<Task>) {
        match &mut *task {
            Task::Check(check) => self.asks.push(check.ask(id)),
            Task::Errand(errand) => {
                for attempt in errand.exchange.take_unsent() {
                    errand.exchange.attempts[attempt].case = self.draw();
                    let sent = &errand.exchange.attempts[attempt];
                    self.asks.push(Ask {
                        id: id.ask(errand.number(attempt)),
                        upstream: Arc::clone(&sent.upstream),
                        protocol: sent.protocol,
                        message: errand.message(sent),
                        give_up: give_up(errand, sent.protocol, now),
                        source: AskSource::Question,
                    });
                }
            }
        }
        self.keep(id, task);
    }

    /// Puts a task back until its next deadline.
    pub(super) fn keep(&mut self, id: TaskId, task: Box<Task>) {
        let deadline = match &*task {
            Task::Check(check) => check.deadline,
            Task::Errand(errand) => errand.next_deadline(),
        };
        self.tasks.put_back(id, task, deadline);
    }

    fn errand_answered(
        &mut self,
        now: Time,
        id: TaskId,
        mut task: Box<Task>,
        attempt: usize,
        message: Vec<u8>,
    ) {
        let Task::Errand(errand) = &mut *task else {
            return;
        };
        let sent = &errand.exchange.attempts[attempt];
        let (upstream, protocol) = (Arc::clone(&sent.upstream), sent.protocol);
        let duration = now.since(sent.sent);
        upstream.note_round_trip(duration);
        let Ok(view) = Message::parse(&message) else {
            return self.keep(id, task);
        };
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
        if errand.answered {
            // Nobody waits for another try, but what was sent may still bring something worth keeping.
            errand.exchange.note_end(attempt);
            let good = matches!(response.rcode, Rcode::NOERROR | Rcode::NXDOMAIN);
            if (!good || response.truncated) && errand.exchange.is_waiting() {
                return self.keep(id, task);
            }
        } else if errand.exchange.on_response(now, attempt, response) == Verdict::Retry {
            errand.fallback = Some(message);
            return self.go_on(now, id, task);
        }
        self.accept(now, id, task, message);
    }

    fn errand_failed(
        &mut self,
        now: Time,
        id: TaskId,
        mut task: Box<Task>,
        attempt: usize,
        failure: Failure,
    ) {
        let Task::Errand(errand) = &mut *task else {
            return;
        };
        let sent = &errand.exchange.attempts[attempt];
        let upstream = Arc::clone(&sent.upstream);
        let text = failure_in_words(&upstream, sent.protocol, &failure);
        self.note_failure(now, errand, &upstream, text);
        if errand.answered {
            errand.exchange.note_end(attempt);
            return if errand.exchange.is_waiting() {
                self.keep(id, task);
            } else {
                self.finish(id, task);
            };
        }
        match errand.exchange.on_failure(now, attempt, failure) {
            Hope::Waiting => self.go_on(now, id, task),
            Hope::Lost => self.lost(now, id, task, None),
        }
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
                    let until = give_up(errand, Protocol::Tcp, attempt.sent);
                    self.doubt(id.ask(errand.number(index)), upstream, until);
                }
            }
        }
    }

    /// Nothing better will come: the fallback, or failure.
    pub(super) fn lost(
        &mut self,
        now: Time,
        id: TaskId,
        mut task: Box<Task>,
        trouble: Option<Trouble>,
    ) {
        let Task::Errand(errand) = &mut *task else {
            return;
        };
        if errand.answered {
            return self.finish(id, task);
        }
        match (&mut errand.phase, errand.fallback.take()) {
            (Phase::Question, Some(message)) => {
                return self.end(now, id, task, Outcome::upstream(message));
            }
            (_, Some(message)) => return self.accept(now, id, task, message),
            (Phase::Dns64 { aaaa }, None) => {
                let reply = std::mem::take(aaaa);
                return self.end(now, id, task, Outcome::upstream(reply));
            }
            (
                Phase::Template {
                    questions, replies, ..
                },
                None,
            ) => {
                replies.push(None);
                let next = questions.get(replies.len()).map(section_of);
                return self.ask_more(now, id, task, next);
            }
            (Phase::Question | Phase::Alias { .. }, None) => {}
        }
        let trouble = trouble.unwrap_or_else(|| Trouble::upstreams(last_failure(errand)));
        self.answer_waiting(now, errand, Outcome::Failed(trouble));
        if errand.exchange.is_waiting() && self.tasks.has_room_for_late() {
            // An answer that comes late is kept for the client's next try.
            errand.answered = true;
            errand.deadline = now + LATE;
            errand.exchange.admission = None;
            self.keep(id, task);
        } else {
            self.finish(id, task);
        }
    }

    /// The errand has an outcome.
    pub(super) fn end(&mut self, now: Time, id: TaskId, mut task: Box<Task>, outcome: Outcome) {
        if let Task::Errand(errand) = &mut *task {
            self.answer_waiting(now, errand, outcome);
        }
        self.finish(id, task);
    }

    fn finish(&mut self, id: TaskId, task: Box<Task>) {
        drop(task);
        self.tasks.end(id);
    }

    /// Upstreams have been silent: their health is looked into.
    fn note_silence(&mut self, now: Time, errand: &mut Errand) {
        for (upstream, protocol) in errand.exchange.take_silent() {
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

/// When the driver need not wait any longer for an attempt sent at `sent`. A connection that cannot be made within a few
/// attempts' time is reported, so that TCP can be judged.
fn give_up(errand: &Errand, protocol: Protocol, sent: Time) -> Time {
    match protocol {
        Protocol::Udp => errand.deadline + LATE,
        Protocol::Tcp | Protocol::Tls => (sent + CONNECT_LIMIT).max(errand.deadline),
    }
}

/// Why an errand that is lost is lost.
fn last_failure(errand: &Errand) -> String {
    match &errand.exchange.failure {
        Some((upstream, protocol, failure)) => failure_in_words(upstream, *protocol, failure),
        None => match errand.exchange.attempts.last() {
            Some(attempt) => {
                failure_in_words(&attempt.upstream, attempt.protocol, &Failure::Timeout)
            }
            None => "no upstream to ask".into(),
        },
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
