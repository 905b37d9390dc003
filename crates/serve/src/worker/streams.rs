//! Questions by TCP.

use nodens_resolve::{Client, Step, Time};
use nodens_sys::{Readiness, accept};

use super::Worker;
use super::asking::ask;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::engine::Engine;
use crate::listen::{Asker, Clients, Handled};
use crate::observer::{Answered, Discard, Observer, Question};
use crate::slab::Key;

/// The resolver, as a connection asks it.
pub(super) struct StreamAsker<'a, E, O> {
    engine: &'a mut E,
    observer: &'a mut O,
    dice: &'a mut Dice,
    clock: Clock,
}

impl<E: Engine, O: Observer> Asker for StreamAsker<'_, E, O> {
    fn ask(&mut self, client: &Client, message: &[u8], reply: &mut Vec<u8>) -> Handled {
        let before = self.clock.now();
        let random = self.dice.roll();
        match ask(
            self.engine,
            self.observer,
            before,
            client,
            message,
            random,
            reply,
        ) {
            Some(Step::Reply(facts)) => {
                self.observer.reply(&Answered {
                    client,
                    facts: &facts,
                    question: Question::Message(message),
                    reply,
                    elapsed: self.clock.now().since(before),
                });
                Handled::Replied
            }
            Some(Step::Waiting) => Handled::Waiting,
            Some(Step::Drop(reason)) => {
                self.observer.dropped(Discard::Resolver(reason));
                Handled::Dropped
            }
            None if reply.is_empty() => Handled::Dropped,
            None => Handled::Replied,
        }
    }
}

impl<E: Engine, O: Observer> Worker<E, O> {
    /// Accepts connections, up to a bound; the rest is reported again.
    pub(super) fn accept(&mut self, now: Time, id: u64) {
        for _ in 0..ACCEPTS {
            let Some(listener) = self.listeners.get_mut(id) else {
                return;
            };
            match accept(&listener.sockets.tcp) {
                Ok(Some(accepted)) => {
                    let closed = self
                        .clients
                        .add(&self.epoll, now, self.index, listener, accepted);
                    self.count(Discard::Crowded, closed);
                }
                Ok(None) => return,
                Err(_) => {
                    // Out of descriptors. The idle make room; if none is there, accepting waits,
                    // because the listener would be reported ready again and again.
                    let closed = self.clients.make_room();
                    self.count(Discard::Crowded, closed);
                    if closed == 0 {
                        return self.listeners.pause_accepting(&self.epoll, id);
                    }
                }
            }
        }
    }

    /// Does what a client's connection is ready for.
    pub(super) fn serve_client(&mut self, now: Time, key: Key, readiness: Readiness) {
        let closed = self
            .with_clients(|clients, epoll, asker| clients.ready(epoll, now, key, readiness, asker));
        self.count_all(closed);
    }

    /// Lets the connections ask.
    pub(super) fn with_clients<T>(
        &mut self,
        work: impl FnOnce(&mut Clients, &nodens_sys::Epoll, &mut StreamAsker<'_, E, O>) -> T,
    ) -> T {
        let mut asker = StreamAsker {
            engine: &mut self.engine,
            observer: &mut self.observer,
            dice: &mut self.dice,
            clock: self.clock,
        };
        work(&mut self.clients, &self.epoll, &mut asker)
    }

    /// Counts why connections were closed.
    pub(super) fn count_all(&mut self, reasons: impl IntoIterator<Item = Discard>) {
        for reason in reasons {
            self.observer.dropped(reason);
        }
    }
}

/// Connections accepted per event.
const ACCEPTS: usize = 64;
