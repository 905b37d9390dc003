//! What the resolver wants done: questions to upstreams, replies to clients that waited, reports.

use nodens_resolve::{AskId, Due, Failure, Protocol, Time, Transport, Upstream};

use super::Worker;
use crate::engine::Engine;
use crate::mailbox::Letter;
use crate::observer::{Answered, Discard, Observer, Question};
use crate::slab::Key;
use crate::upstream::{Listener, Upstreams};

/// The resolver, as upstreams' sockets report to it.
pub(super) struct Answers<'a, E, O> {
    pub(super) engine: &'a mut E,
    pub(super) observer: &'a mut O,
    pub(super) now: Time,
}

impl<E: Engine, O: Observer> Listener for Answers<'_, E, O> {
    fn answered(&mut self, ask: AskId, message: &[u8]) -> bool {
        self.engine.on_answer(self.now, ask, message)
    }

    fn failed(&mut self, ask: AskId, failure: Failure) {
        self.engine.on_failure(self.now, ask, failure);
    }

    fn stray(&mut self) {
        self.observer.dropped(Discard::Stray);
    }

    fn carried(&mut self, upstream: &Upstream, protocol: Protocol, reused: bool) {
        self.observer.carried(upstream, protocol, reused);
    }
}

impl<E: Engine, O: Observer> Worker<E, O> {
    /// The upstreams, and whom they report to.
    pub(super) fn answers(&mut self, now: Time) -> (&mut Upstreams, Answers<'_, E, O>) {
        let answers = Answers {
            engine: &mut self.engine,
            observer: &mut self.observer,
            now,
        };
        (&mut self.upstreams, answers)
    }

    /// Does what the resolver wants, and what comes of that: a question that cannot be sent fails
    /// at once, and the next upstream is asked.
    pub(super) fn settle(&mut self, now: Time) {
        for _ in 0..SETTLEMENTS {
            self.send_questions(now);
            self.deliver_replies(now);
            self.engine.take_asks(&mut self.asks);
            if self.asks.is_empty() && self.clients.has_no_replies() {
                break;
            }
        }
        self.engine.take_events(&mut self.events);
        for event in self.events.drain(..) {
            self.observer.event(&event);
        }
    }

    fn send_questions(&mut self, now: Time) {
        self.engine.take_asks(&mut self.asks);
        let mut answers = Answers {
            engine: &mut self.engine,
            observer: &mut self.observer,
            now,
        };
        for ask in self.asks.drain(..) {
            self.upstreams.ask(&self.epoll, now, ask, &mut answers);
        }
        self.upstreams.flush(&self.epoll, &mut answers);
    }

    fn deliver_replies(&mut self, now: Time) {
        self.engine.take_dues(&mut self.dues);
        let mut dues = std::mem::take(&mut self.dues);
        for due in dues.drain(..) {
            self.deliver(now, due);
        }
        self.dues = dues;
        let unsent = self.listeners.flush_late();
        self.count(Discard::Unsent, unsent);
        let closed = self.with_clients(|clients, epoll, asker| clients.flush(epoll, now, asker));
        self.count_all(closed);
    }

    /// Brings one reply on its way.
    pub(super) fn deliver(&mut self, now: Time, due: Due) {
        let client = due.client;
        if client.transport == Transport::Tcp && client.worker != self.index {
            return self
                .post
                .send(usize::from(client.worker), Letter::Reply(due));
        }
        let answered = Answered {
            client: &client,
            facts: &due.facts,
            question: Question::Kept(&due.asked),
            reply: &due.message,
            elapsed: now.since(due.asked.started),
        };
        let delivered = match client.transport {
            Transport::Tcp => self
                .clients
                .reply(now, Key::from_bits(client.ticket), &due.message),
            Transport::Udp => self.listeners.can_reply(client.ticket),
        };
        if !delivered {
            return self.observer.dropped(Discard::ClientGone);
        }
        self.observer.reply(&answered);
        if client.transport == Transport::Udp {
            let local = client.local.ip();
            self.listeners
                .push_late(client.ticket, due.message, client.peer, local);
        }
    }
}

/// How often in one turn new questions are sent that come of the failure of others. The resolver
/// tries each upstream a few times at most; what is left goes on in the next turn.
const SETTLEMENTS: usize = 16;
