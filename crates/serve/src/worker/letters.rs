//! What letters say: deliver a reply, take a new configuration, end.

use std::sync::Arc;

use nodens_resolve::Time;

use super::{ROUNDS, Worker};
use crate::engine::Engine;
use crate::listen::Placement;
use crate::mailbox::Letter;
use crate::observer::Observer;

impl<E: Engine, O: Observer> Worker<E, O> {
    /// Does what the letters say.
    pub(super) fn read_letters(&mut self, now: Time) {
        for letter in self.post.take(usize::from(self.index)) {
            match letter {
                Letter::Reply(due) => self.deliver(now, due),
                Letter::Replace {
                    generation,
                    listeners,
                } => {
                    self.replace(now, generation, listeners);
                }
                Letter::Drain(latest) => self.drain(now, latest),
            }
        }
    }

    /// Takes a new configuration: new listeners are served before old ones go; what had come to
    /// the old ones is still answered as the old configuration says.
    fn replace(&mut self, now: Time, generation: Arc<E::Generation>, placements: Vec<Placement>) {
        let unwanted = self.listeners.unwanted(&placements);
        self.leave(now, &unwanted);
        self.engine.replace(generation);
        self.upstreams.forget_tls();
        for placement in placements {
            self.listeners.update(&placement);
            self.clients.renumber(placement.id, placement.server);
            // It fails only for want of kernel memory; the address is then served by the others.
            let _ = self.listeners.add(&self.epoll, placement);
        }
    }

    /// Ends: takes what has come, and nothing new.
    fn drain(&mut self, now: Time, latest: Time) {
        if self.ending.is_none() {
            let all = self.listeners.ids();
            self.leave(now, &all);
        }
        self.ending = Some(self.ending.map_or(latest, |before| before.min(latest)));
    }

    /// Leaves listeners: new datagrams and connections go elsewhere from now on (to another copy
    /// of the program, if one listens too), what has come is answered, connections end once
    /// their questions are answered.
    fn leave(&mut self, now: Time, listeners: &[u64]) {
        for &id in listeners {
            self.listeners.stop_receiving(id);
            self.serve_datagrams(id, ROUNDS * LAST_ROUNDS);
            for _ in 0..LAST_ROUNDS {
                self.accept(now, id);
            }
            self.listeners.retire(&self.epoll, id, now);
        }
        let closed =
            self.with_clients(|clients, epoll, asker| clients.end(epoll, now, listeners, asker));
        self.count_all(closed);
    }
}

/// How much more than in an ordinary turn is taken from a socket for the last time: what a full
/// receive buffer holds.
const LAST_ROUNDS: usize = 64;
