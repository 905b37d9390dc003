//! Asking upstreams one question: whom, by what, how often, until when. A state machine without a clock.
//!
//! One upstream is asked at a time, and the next when it failed or has been silent for a while; a late answer of an earlier one
//! still counts. Silence is met early, since a client's own patience is 5 s at best: CoreDNS waits 2 s for a reply and up to
//! 30 s for a connection before it looks elsewhere.
//!
//! TCP that does not work is met with UDP to the same upstream: some resolvers (cloud private zones among them) never had TCP,
//! and a firewall may drop it. Sending the same question by another way beats failing it.

use std::sync::Arc;
use std::time::Duration;

use nodens_dns::Rcode;

use crate::ask::Failure;
use crate::client::Transport;
use crate::forward::{Forward, Place};
use crate::time::Time;
use crate::upstream::{Protocol, Upstream};

/// One question on its way through the upstreams of one `forward` line.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) forward: Arc<Forward>,
    /// Its place among the questions that the line allows at once; given back when nobody waits any more.
    pub(crate) admission: Option<Place>,
    transport: Transport,
    order: Vec<u8>,
    place: usize,
    rounds: usize,
    closed: usize,
    /// Tries so far, the first one included: what was asked again in another way does not count.
    tries: u32,
    pub(crate) attempts: Vec<Attempt>,
    /// Attempts that are to be sent.
    unsent: Vec<usize>,
    /// When silence is long enough to ask the next.
    pub(crate) retry_at: Time,
    /// The last failure.
    pub(crate) failure: Option<(Arc<Upstream>, Protocol, Failure)>,
}

/// One message to one upstream.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) protocol: Protocol,
    pub(crate) sent: Time,
    /// Without EDNS.
    pub(crate) plain: bool,
    /// Random bits for the case of the name, should it be varied.
    pub(crate) case: u64,
    state: State,
    /// Its silence was reported.
    silence_noted: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Answered,
    Failed,
}

/// What is to become of a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the answer.
    Accept,
    /// Something better was asked for; keep it in case that fails.
    Retry,
}

/// Whether there is hope.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Hope {
    /// Something is under way or due.
    Waiting,
    /// Everything failed.
    Lost,
}

/// What of a response matters here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Response {
    pub(crate) rcode: Rcode,
    pub(crate) truncated: bool,
    pub(crate) has_edns: bool,
}

impl Exchange {
    /// Starts with the first upstream of `order`.
    pub(crate) fn new(
        forward: Arc<Forward>,
        admission: Place,
        transport: Transport,
        order: Vec<u8>,
        now: Time,
    ) -> Self {
        let mut exchange = Self {
            forward,
            admission: Some(admission),
            transport,
            order,
            place: 0,
            rounds: 0,
            closed: 0,
            tries: 1,
            attempts: Vec::with_capacity(1),
            unsent: Vec::with_capacity(1),
            retry_at: now,
            failure: None,
        };
        exchange.ask_next(now);
        exchange
    }

    /// The attempts to be sent now.
    pub(crate) fn take_unsent(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.unsent)
    }

    /// Whether an answer may still come.
    pub(crate) fn is_waiting(&self) -> bool {
        self.attempts
            .iter()
            .any(|attempt| attempt.state == State::Waiting)
    }

    /// The upstreams that have been silent since they were asked, each attempt once.
    pub(crate) fn take_silent(&mut self) -> Vec<(Arc<Upstream>, Protocol)> {
        self.attempts
            .iter_mut()
            .filter(|attempt| attempt.state == State::Waiting && !attempt.silence_noted)
            .map(|attempt| {
                attempt.silence_noted = true;
                (Arc::clone(&attempt.upstream), attempt.protocol)
            })
            .collect()
    }

    /// Notes an answer or failure of attempt `index` where nothing more is to be asked.
    pub(crate) fn note_end(&mut self, index: usize) {
        if let Some(attempt) = self.attempts.get_mut(index) {
            attempt.state = State::Answered;
        }
    }

    /// Silence has lasted: asks the next upstream, or the same one again.
    pub(crate) fn on_silence(&mut self, now: Time) -> Hope {
        if self.may_try_again() {
            self.tries += 1;
            self.ask_next(now);
            return Hope::Waiting;
        }
        self.retry_at = Time::NEVER;
        if self.is_waiting() {
            Hope::Waiting
        } else {
            Hope::Lost
        }
    }

    /// Attempt `index` failed.
    pub(crate) fn on_failure(&mut self, now: Time, index: usize, failure: Failure) -> Hope {
        let Some(attempt) = self.attempts.get_mut(index) else {
            return Hope::Waiting;
        };
        attempt.state = State::Failed;
        let (upstream, protocol, plain) = (
            Arc::clone(&attempt.upstream),
            attempt.protocol,
            attempt.plain,
        );
        let closed = failure == Failure::Closed && protocol != Protocol::Udp;
        self.failure = Some((Arc::clone(&upstream), protocol, failure));
        // A server may close an idle connection just when a question is written to it (RFC 7766 section 6.2.4).
        let room = self.attempts.len() < MAX_ATTEMPTS;
        if room && closed && self.closed < MAX_CLOSED {
            self.closed += 1;
            self.ask(now, upstream, protocol, plain);
            return Hope::Waiting;
        }
        if room && protocol == Protocol::Tcp && !self.was_asked(&upstream, Protocol::Udp) {
            self.ask(now, upstream, Protocol::Udp, plain);
            return Hope::Waiting;
        }
        if !self.may_try_again() {
            return if self.is_waiting() {
                Hope::Waiting
            } else {
                Hope::Lost
            };
        }
        if self.place < self.order.len() * (self.rounds + 1) {
            self.tries += 1;
            self.ask_next(now);
            return Hope::Waiting;
        }
        if self.is_waiting() {
            return Hope::Waiting;
        }
        // Everyone refused. A server that restarts is back within a moment; a busy loop would not bring it back sooner.
        let Some(&pause) = ROUND_PAUSES.get(self.rounds) else {
            return Hope::Lost;
        };
        self.rounds += 1;
        self.retry_at = now + pause;
        Hope::Waiting
    }

    /// Attempt `index` was answered.
    pub(crate) fn on_response(&mut self, now: Time, index: usize, response: Response) -> Verdict {
        let Some(attempt) = self.attempts.get_mut(index) else {
            return Verdict::Retry;
        };
        attempt.state = State::Answered;
        let (upstream, protocol, plain) = (
            Arc::clone(&attempt.upstream),
            attempt.protocol,
            attempt.plain,
        );
        if self.attempts.len() >= MAX_ATTEMPTS {
            return Verdict::Accept;
        }
        // BADVERS needs an OPT record to be said at all; the other two, said with one, are about the question itself.
        let refuses_edns = match response.rcode {
            Rcode::BADVERS => true,
            Rcode::FORMERR | Rcode::NOTIMP => !response.has_edns,
            _ => false,
        };
        if plain && !refuses_edns && !upstream.is_plain(now) {
            // Only now is it known that it was EDNS that the server refused, and not the question.
            upstream.note_plain(now + PLAIN_FOR);
        }
        if refuses_edns && !plain {
            self.ask(now, upstream, protocol, true);
            return Verdict::Retry;
        }
        let wants_more = self.forward.prefer_udp || self.wants_tcp();
        if response.truncated
            && protocol == Protocol::Udp
            && wants_more
            && !upstream.tcp_was_unusable()
            && !self.was_asked(&upstream, Protocol::Tcp)
        {
            self.ask(now, upstream, Protocol::Tcp, plain);
            return Verdict::Retry;
        }
        if self.forward.failover.contains(&response.rcode) && self.place < self.order.len() {
            self.ask_next(now);
            return Verdict::Retry;
        }
        Verdict::Accept
    }

    /// Whether TCP to `upstream` failed in this exchange, and whether it is still being tried.
    pub(crate) fn tcp_state(&self, upstream: &Arc<Upstream>) -> (bool, bool) {
        let of = |state: State| {
            self.attempts.iter().any(|attempt| {
                attempt.protocol == Protocol::Tcp
                    && Arc::ptr_eq(&attempt.upstream, upstream)
                    && attempt.state == state
            })
        };
        (of(State::Failed), of(State::Waiting))
    }

    fn may_try_again(&self) -> bool {
        let most = self.forward.max_attempts;
        self.attempts.len() < MAX_ATTEMPTS && most.is_none_or(|most| self.tries < most)
    }

    fn wants_tcp(&self) -> bool {
        self.forward.force_tcp || !self.forward.prefer_udp && self.transport == Transport::Tcp
    }

    fn ask_next(&mut self, now: Time) {
        let Some(count) = std::num::NonZeroUsize::new(self.order.len()) else {
            return;
        };
        let index = usize::from(self.order[self.place % count]);
        self.place += 1;
        let upstream = Arc::clone(&self.forward.upstreams[index]);
        let protocol = if upstream.settings().tls.is_some() {
            Protocol::Tls
        } else if self.wants_tcp()
            && !upstream.tcp_was_unusable()
            && !self.was_asked(&upstream, Protocol::Tcp)
        {
            Protocol::Tcp
        } else {
            Protocol::Udp
        };
        let plain = upstream.is_plain(now);
        self.ask(now, upstream, protocol, plain);
    }

    fn ask(&mut self, now: Time, upstream: Arc<Upstream>, protocol: Protocol, plain: bool) {
        self.retry_at = now
            + self
                .forward
                .read_timeout
                .unwrap_or_else(|| patience(&upstream));
        self.unsent.push(self.attempts.len());
        let state = State::Waiting;
        self.attempts.push(Attempt {
            upstream,
            protocol,
            sent: now,
            plain,
            case: 0,
            state,
            silence_noted: false,
        });
    }

    fn was_asked(&self, upstream: &Arc<Upstream>, protocol: Protocol) -> bool {
        self.attempts
            .iter()
            .any(|attempt| attempt.protocol == protocol && Arc::ptr_eq(&attempt.upstream, upstream))
    }
}

/// How long an upstream may be silent before the next one is asked: a few of its usual round trips.
fn patience(upstream: &Upstream) -> Duration {
    let usual = upstream
        .round_trip()
        .map_or(LONGEST_SILENCE, |time| time * 4);
    usual.clamp(SHORTEST_SILENCE, LONGEST_SILENCE)
}

/// Less would send questions twice that an upstream resolver is itself still asking elsewhere.
const SHORTEST_SILENCE: Duration = Duration::from_millis(300);
/// Three attempts fit before the client is answered without them.
const LONGEST_SILENCE: Duration = Duration::from_millis(600);
/// After every upstream refused, and after it did so again.
const ROUND_PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(300)];
/// Messages for one question, to all upstreams together.
const MAX_ATTEMPTS: usize = 8;
/// Connections closed under one question before that counts as a failure.
const MAX_CLOSED: usize = 2;
/// How long a server that takes EDNS for an error is asked without it (RFC 6891 section 7).
const PLAIN_FOR: Duration = Duration::from_mins(15);
