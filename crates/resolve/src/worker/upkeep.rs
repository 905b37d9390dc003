//! Looking after upstreams: are they alive, can they do TCP again.
//!
//! As in CoreDNS, an upstream is checked only after it failed, every half second until it answers anything at all. One worker
//! checks for all.

use std::sync::Arc;
use std::time::Duration;

use nodens_dns::{Class, Flags, NameKey, RecordType};

use super::Worker;
use super::errand::compose;
use super::progress::failure_in_words;
use super::tasks::{Task, TaskId};
use crate::ask::{Ask, AskSource, Failure};
use crate::facts::{Event, FailureText};
use crate::time::Time;
use crate::upstream::{Protocol, Upstream};

/// A question that only shows whether an upstream answers.
#[derive(Debug)]
pub(super) struct Check {
    upstream: Arc<Upstream>,
    protocol: Protocol,
    source: AskSource,
    question: Box<[u8]>,
    /// The number of the latest message.
    number: u8,
    started: Time,
    /// When the check has failed; between two checks, when the next one is due.
    pub(super) deadline: Time,
    /// Waiting for the next check rather than for an answer.
    resting: bool,
}

impl Worker {
    /// Starts checking an upstream that failed, unless someone does already.
    pub(super) fn check(&mut self, now: Time, upstream: &Arc<Upstream>, force_tcp: bool) {
        if !upstream.begin_check() {
            return;
        }
        let protocol = if upstream.settings().tls.is_some() {
            Protocol::Tls
        } else if force_tcp && !upstream.tcp_was_unusable() {
            Protocol::Tcp
        } else {
            Protocol::Udp
        };
        let check = Check::new(now, upstream, protocol, AskSource::HealthProbe);
        if !self.tasks.has_room() {
            upstream.end_check();
            return;
        }
        self.send_new(now, Task::Check(check));
    }

    /// Tries TCP again with an upstream that could not do it, when that is due.
    pub(super) fn probe_tcp_if_due(&mut self, now: Time, upstream: &Arc<Upstream>) {
        if self.tasks.has_room() && upstream.claim_tcp_probe(now, now + TCP_RETRY) {
            let check = Check::new(now, upstream, Protocol::Tcp, AskSource::TcpProbe);
            self.send_new(now, Task::Check(check));
        }
    }

    pub(super) fn check_answered(&mut self, now: Time, id: TaskId, task: &Task) {
        let Task::Check(check) = task else { return };
        self.tasks.end(id);
        self.alive(&check.upstream);
        match check.source {
            AskSource::TcpProbe => self.tcp_works(&check.upstream),
            _ => check.upstream.end_check(),
        }
        check.upstream.note_round_trip(now.since(check.started));
    }

    /// A check's deadline has come.
    pub(super) fn check_due(&mut self, now: Time, id: TaskId, mut task: Box<Task>) {
        let Task::Check(check) = &mut *task else {
            return;
        };
        if !check.resting {
            return self.check_failed(now, id, task, &Failure::Timeout);
        }
        let upstreams = self.resolver.upstreams();
        if !upstreams
            .iter()
            .any(|upstream| Arc::ptr_eq(upstream, &check.upstream))
        {
            // A reload has removed it.
            check.upstream.end_check();
            return self.tasks.end(id);
        }
        check.resting = false;
        check.number = check.number.wrapping_add(1);
        check.started = now;
        check.deadline = now + CHECK_TIMEOUT;
        self.go_on(now, id, task);
    }

    pub(super) fn check_failed(
        &mut self,
        now: Time,
        id: TaskId,
        mut task: Box<Task>,
        failure: &Failure,
    ) {
        let Task::Check(check) = &mut *task else {
            return;
        };
        let upstream = Arc::clone(&check.upstream);
        if check.source == AskSource::TcpProbe {
            self.tasks.end(id);
            return self.tcp_failed(now, &upstream, failure);
        }
        self.events.push(Event::HealthCheckFailed {
            upstream: Arc::clone(&upstream),
        });
        if upstream.note_failed_check() {
            self.events.push(Event::UpstreamHealth {
                upstream: Arc::clone(&upstream),
                healthy: false,
            });
        }
        if check.protocol == Protocol::Tcp && upstream.tcp_was_unusable() {
            check.protocol = Protocol::Udp;
        }
        // From one question to the next, not from failure to question: a refusal comes at once, and must not be met at once.
        let interval = upstream.settings().health_check.max(SHORTEST_INTERVAL);
        check.resting = true;
        check.deadline = (check.started + interval).max(now);
        self.keep(id, task);
    }

    /// An upstream has answered something.
    pub(super) fn alive(&mut self, upstream: &Arc<Upstream>) {
        if upstream.note_alive() {
            self.events.push(Event::UpstreamHealth {
                upstream: Arc::clone(upstream),
                healthy: true,
            });
        }
    }

    /// An upstream answers by UDP and not by TCP.
    pub(super) fn tcp_failed(&mut self, now: Time, upstream: &Arc<Upstream>, failure: &Failure) {
        if upstream.note_tcp_unusable(now + TCP_RETRY) {
            let reason = failure_in_words(upstream, Protocol::Tcp, failure);
            self.events.push(Event::UpstreamTcp {
                upstream: Arc::clone(upstream),
                usable: false,
                reason: FailureText(reason.into()),
            });
        }
    }

    /// An upstream has answered by TCP.
    pub(super) fn tcp_works(&mut self, upstream: &Arc<Upstream>) {
        if upstream.note_tcp_usable() {
            self.events.push(Event::UpstreamTcp {
                upstream: Arc::clone(upstream),
                usable: true,
                reason: FailureText("answered".into()),
            });
        }
    }
}

impl Check {
    fn new(now: Time, upstream: &Arc<Upstream>, protocol: Protocol, source: AskSource) -> Self {
        let name = NameKey::from(&upstream.settings().health_check_domain);
        let numbers = [RecordType::NS.0.to_be_bytes(), Class::IN.0.to_be_bytes()];
        Self {
            upstream: Arc::clone(upstream),
            protocol,
            source,
            question: [name.as_wire(), &numbers[0], &numbers[1]].concat().into(),
            number: 0,
            started: now,
            deadline: now + CHECK_TIMEOUT,
            resting: false,
        }
    }

    pub(super) fn question(&self) -> &[u8] {
        &self.question
    }

    /// Whether the failure of this message is the failure of the check.
    pub(super) fn is_waiting_for(&self, number: u8) -> bool {
        !self.resting && number == self.number
    }

    /// The message to send.
    pub(super) fn ask(&self, id: TaskId) -> Ask {
        let recursion = self.upstream.settings().health_check_recursion;
        let flags = Flags(0).with(Flags::RD, recursion);
        Ask {
            id: id.ask(self.number),
            upstream: Arc::clone(&self.upstream),
            protocol: self.protocol,
            message: compose(flags, &self.question, None, None),
            give_up: self.started + CHECK_LATE,
            source: self.source,
        }
    }
}

/// How long an answer to a check may take before the check counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_millis(500);
/// How long an answer still shows that the upstream lives (CoreDNS: one second).
const CHECK_LATE: Duration = Duration::from_secs(1);
/// `health_check 0s` is no request for a busy loop.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);
/// How long an upstream without TCP is asked by UDP before TCP is tried again.
const TCP_RETRY: Duration = Duration::from_secs(30);
