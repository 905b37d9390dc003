//! For tests: who is told what came of questions, and writes it down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nodens_resolve::{Ask, AskId, AskSource, Failure, Protocol, Time, Upstream};
use nodens_sys::{Epoll, Events, Readiness};

use super::{Listener, Upstreams};
use crate::clock::Clock;
use crate::engine::scripted;
use crate::token::Token;

/// What came of questions.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) answers: Vec<(u64, Vec<u8>)>,
    pub(crate) failures: Vec<(u64, Failure)>,
    pub(crate) strays: usize,
    pub(crate) reused: usize,
    pub(crate) opened: usize,
}

impl Listener for Record {
    /// An answer to question n has n after its header.
    fn answered(&mut self, ask: AskId, message: &[u8]) -> bool {
        let right = message.get(12..20) == Some(&ask.0.to_be_bytes());
        if right {
            self.answers.push((ask.0, message.to_vec()));
        }
        right
    }

    fn failed(&mut self, ask: AskId, failure: Failure) {
        self.failures.push((ask.0, failure));
    }

    fn stray(&mut self) {
        self.strays += 1;
    }

    fn carried(&mut self, _upstream: &Upstream, _protocol: Protocol, reused: bool) {
        self.reused += usize::from(reused);
        self.opened += usize::from(!reused);
    }
}

/// A small loop around the sockets towards upstreams.
pub(crate) struct Scene {
    pub(crate) upstreams: Upstreams,
    pub(crate) record: Record,
    pub(crate) clock: Clock,
    epoll: Epoll,
    /// Added to the clock, so that tests need not wait for what takes long.
    pub(crate) ahead: Duration,
    turns: usize,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            upstreams: Upstreams::new().unwrap(),
            record: Record::default(),
            clock: Clock::start(),
            epoll: Epoll::new().unwrap(),
            ahead: Duration::ZERO,
            turns: 0,
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now() + self.ahead
    }

    /// Puts question `number` in line, to be given up after two seconds.
    pub(crate) fn ask(&mut self, upstream: &Arc<Upstream>, protocol: Protocol, number: u64) {
        let now = self.now();
        let ask = ask(upstream, protocol, number, now + Duration::from_secs(2));
        self.upstreams.ask(&self.epoll, now, ask, &mut self.record);
    }

    pub(crate) fn flush(&mut self) {
        self.upstreams.flush(&self.epoll, &mut self.record);
    }

    /// Takes turns until `done` holds, for at most five seconds.
    pub(crate) fn run_until(&mut self, what: &str, mut done: impl FnMut(&Record) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(5);
        self.flush();
        while !done(&self.record) {
            assert!(Instant::now() < deadline, "{what}");
            self.turn(Duration::from_millis(50));
        }
    }

    /// Takes turns for a while; gives how many there were.
    pub(crate) fn run_for(&mut self, time: Duration) -> usize {
        let before = self.turns;
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            self.turn(deadline - Instant::now());
        }
        self.turns - before
    }

    fn turn(&mut self, patience: Duration) {
        self.turns += 1;
        let mut events = Events::new(64);
        self.epoll.wait(&mut events, patience).unwrap();
        let now = self.now();
        for index in 0..events.len() {
            self.handle(now, events.get(index).unwrap());
        }
        self.upstreams.give_up(now, &mut self.record);
        self.flush();
    }

    fn handle(&mut self, now: Time, event: Readiness) {
        let Self {
            upstreams,
            record,
            epoll,
            ..
        } = self;
        match Token::from_bits(event.token) {
            Token::UpstreamDatagrams(key) => upstreams.datagrams_ready(key, record),
            Token::UpstreamConnection(key) => {
                upstreams.connection_ready(epoll, now, key, event, record);
            }
            token => panic!("{token:?}"),
        }
    }
}

/// Question `number`: a header and the number.
pub(crate) fn ask(upstream: &Arc<Upstream>, protocol: Protocol, number: u64, until: Time) -> Ask {
    let mut message = vec![0; 12];
    message.extend_from_slice(&number.to_be_bytes());
    Ask {
        id: AskId(number),
        upstream: Arc::clone(upstream),
        protocol,
        message,
        give_up: until,
        source: AskSource::Question,
    }
}

pub(crate) fn upstream(address: SocketAddr) -> Arc<Upstream> {
    scripted::upstream(address)
}
