//! One worker: a thread with a loop that waits for sockets and does what they are ready for.
//!
//! A worker shares nothing with others on its way from question to reply but what the resolver
//! shares (cache, questions under way, health of upstreams). One turn of the loop: wait; handle
//! each ready socket; do what is due by time; send the questions, replies and reports that came of
//! it. A question answered at once has its reply sent before the next event is looked at.

mod asking;
mod datagrams;
mod deliver;
mod letters;
mod streams;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use nodens_resolve::{Ask, Due, Event, Time};
use nodens_sys::{Epoll, Events, Interest, Readiness, SecureRandom, UdpBatch};

use self::datagrams::Taken;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::engine::Engine;
use crate::heartbeat::Heartbeats;
use crate::listen::{Clients, Listeners, Placement};
use crate::mailbox::Post;
use crate::observer::{Discard, Observer};
use crate::token::Token;
use crate::upstream::Upstreams;

/// What a worker is made of before its thread runs.
pub(crate) struct Plan<E: Engine, O> {
    pub(crate) index: u16,
    pub(crate) clock: Clock,
    pub(crate) generation: Arc<E::Generation>,
    pub(crate) observer: O,
    pub(crate) listeners: Vec<Placement>,
    pub(crate) post: Post<E::Generation>,
    pub(crate) heartbeats: Heartbeats,
    pub(crate) client_limit: usize,
}

/// A worker.
pub(crate) struct Worker<E: Engine, O> {
    index: u16,
    clock: Clock,
    epoll: Epoll,
    engine: E,
    observer: O,
    listeners: Listeners,
    clients: Clients,
    upstreams: Upstreams,
    batch: UdpBatch,
    /// What became of each datagram of the batch.
    taken: Vec<Taken>,
    dice: Dice,
    post: Post<E::Generation>,
    heartbeats: Heartbeats,
    asks: Vec<Ask>,
    dues: Vec<Due>,
    events: Vec<Event>,
    /// When sockets are looked through next.
    next_tick: Time,
    /// When to end, once told to.
    ending: Option<Time>,
}

/// The parts of a worker that need not be made in its thread; making them can fail.
pub(crate) struct Prepared<E: Engine, O> {
    plan: Plan<E, O>,
    epoll: Epoll,
    listeners: Listeners,
    upstreams: Upstreams,
    dice: Dice,
}

impl<E: Engine, O: Observer> Plan<E, O> {
    /// Makes what can fail to be made.
    pub(crate) fn prepare(mut self) -> io::Result<Prepared<E, O>> {
        let epoll = Epoll::new()?;
        let mut listeners = Listeners::default();
        for placement in std::mem::take(&mut self.listeners) {
            listeners.add(&epoll, placement)?;
        }
        if let Some(wake) = self.post.wake(usize::from(self.index)) {
            epoll.add(wake, Token::Mailbox.to_bits(), Interest::Readable)?;
        }
        let dice = Dice::new(SecureRandom::new()?.next_u64());
        Ok(Prepared {
            plan: self,
            epoll,
            listeners,
            upstreams: Upstreams::new()?,
            dice,
        })
    }
}

impl<E: Engine, O: Observer> Prepared<E, O> {
    /// Works until told to end.
    pub(crate) fn run(self) {
        let Self {
            plan,
            epoll,
            listeners,
            upstreams,
            dice,
        } = self;
        let mut worker = Worker {
            index: plan.index,
            clock: plan.clock,
            epoll,
            engine: E::start(plan.generation, plan.index),
            observer: plan.observer,
            listeners,
            clients: Clients::new(plan.client_limit),
            upstreams,
            batch: UdpBatch::new(BATCH),
            taken: Vec::with_capacity(BATCH),
            dice,
            post: plan.post,
            heartbeats: plan.heartbeats,
            asks: Vec::new(),
            dues: Vec::new(),
            events: Vec::new(),
            next_tick: Time::EPOCH,
            ending: None,
        };
        let mut events = Events::new(EVENTS);
        while !worker.is_finished() {
            worker.turn(&mut events);
        }
        worker.observer.turn();
    }
}

impl<E: Engine, O: Observer> Worker<E, O> {
    /// One turn of the loop.
    fn turn(&mut self, events: &mut Events) {
        let pause = self.pause(self.clock.now());
        if self.epoll.wait(events, pause).is_err() {
            // Epoll itself does not fail; if it does, this must not become a spin.
            std::thread::sleep(SHORTEST_PAUSE);
        }
        let now = self.clock.now();
        self.heartbeats.beat(usize::from(self.index), now);
        for index in 0..events.len() {
            if let Some(event) = events.get(index) {
                self.guarded(|worker| worker.handle(now, event));
            }
        }
        self.guarded(|worker| worker.do_what_is_due(now));
        self.guarded(|worker| worker.settle(now));
        self.observer
            .load(self.engine.in_flight(), self.clients.len());
        self.observer.turn();
    }

    /// Handles one ready socket.
    fn handle(&mut self, now: Time, event: Readiness) {
        match Token::from_bits(event.token) {
            Token::Mailbox => self.read_letters(now),
            Token::Datagrams(listener) => self.serve_datagrams(listener, ROUNDS),
            Token::Connections(listener) => self.accept(now, listener),
            Token::Client(key) => self.serve_client(now, key, event),
            Token::UpstreamDatagrams(key) => {
                let (upstreams, mut answers) = self.answers(now);
                upstreams.datagrams_ready(key, &mut answers);
            }
            Token::UpstreamConnection(key) => {
                let epoll = &self.epoll;
                let mut answers = deliver::Answers {
                    engine: &mut self.engine,
                    observer: &mut self.observer,
                    now,
                };
                self.upstreams
                    .connection_ready(epoll, now, key, event, &mut answers);
            }
        }
    }

    /// Does what time has come for.
    fn do_what_is_due(&mut self, now: Time) {
        if self.upstreams.next_give_up().is_some_and(|due| due <= now) {
            let (upstreams, mut answers) = self.answers(now);
            upstreams.give_up(now, &mut answers);
        }
        if self.engine.poll_timeout().is_some_and(|due| due <= now) {
            self.engine.on_timeout(now);
        }
        if now >= self.next_tick && self.needs_tick() {
            self.next_tick = now + TICK;
            self.listeners.tick(&self.epoll, now);
            self.upstreams.sweep(now);
            for reason in self.clients.sweep(now) {
                self.observer.dropped(reason);
            }
        }
    }

    /// How long to wait for sockets at most. Rounded up by epoll, so a deadline has passed when
    /// the wait ends; a deadline that passed already was not met by the resolver either, and must
    /// not make the loop spin.
    fn pause(&self, now: Time) -> Duration {
        if !self.asks.is_empty() || !self.clients.has_no_replies() {
            return Duration::ZERO;
        }
        let tick = self.needs_tick().then_some(self.next_tick);
        let due = [
            self.engine.poll_timeout(),
            self.upstreams.next_give_up(),
            tick,
            self.ending,
        ];
        let longest = now + Heartbeats::LONGEST_PAUSE;
        let first = due.into_iter().flatten().fold(longest, Time::min);
        first.since(now).max(SHORTEST_PAUSE)
    }

    /// Whether sockets are open that must be looked through from time to time.
    fn needs_tick(&self) -> bool {
        !self.clients.is_empty() || !self.upstreams.is_empty() || self.listeners.needs_tick()
    }

    /// Whether the worker was told to end, and nothing keeps it.
    fn is_finished(&mut self) -> bool {
        let Some(latest) = self.ending else {
            return false;
        };
        self.clock.now() >= latest || self.engine.in_flight() == 0 && self.clients.is_quiet()
    }

    /// Does something; a panic in it is counted, and the worker goes on. Whoever waits for what
    /// was being done is answered by the resolver's deadlines.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.observer.panicked();
        }
    }

    /// Counts what was closed or lost.
    fn count(&mut self, reason: Discard, times: usize) {
        for _ in 0..times {
            self.observer.dropped(reason);
        }
    }
}

/// Datagrams received by one system call at most.
const BATCH: usize = 64;
/// Batches from one listener before others are served.
const ROUNDS: usize = 4;
/// Ready sockets reported by one wait at most.
const EVENTS: usize = 256;
/// How often sockets are looked through for those that have taken too long.
const TICK: Duration = Duration::from_millis(500);
/// Epoll waits in milliseconds.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
