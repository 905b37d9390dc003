//! Questions by UDP: a batch in, the replies that are known at once out.

use std::net::SocketAddr;

use nodens_resolve::{Client, Step, Transport};
use nodens_sys::{Addressing, UdpBatch};

use super::Worker;
use super::asking::ask;
use crate::engine::Engine;
use crate::observer::{Answered, Discard, Observer, Question};

/// What became of a datagram.
pub(crate) enum Taken {
    /// The resolver was asked for this client.
    Asked(Client, Step),
    /// Nothing that is counted here.
    Otherwise,
}

impl<E: Engine, O: Observer> Worker<E, O> {
    /// Answers what has come to a listener, up to so many batches.
    ///
    /// The clock is read before and after each batch and not for each question: all that came
    /// together came at one time, and their replies leave together.
    pub(super) fn serve_datagrams(&mut self, id: u64, rounds: usize) {
        let Self {
            listeners,
            batch,
            taken,
            engine,
            observer,
            dice,
            clock,
            index,
            ..
        } = self;
        let Some(listener) = listeners.get_mut(id) else {
            return;
        };
        let (socket, addressing) = (&listener.sockets.udp, listener.addressing);
        for _ in 0..rounds {
            // Errors of a listening socket are about replies sent before, and gone once read.
            let Ok(more) = batch.receive(socket, addressing) else {
                continue;
            };
            if batch.is_empty() {
                break;
            }
            let before = clock.now();
            taken.clear();
            for slot in 0..batch.len() {
                let client = Client {
                    transport: Transport::Udp,
                    peer: batch.peer(slot),
                    local: local(batch, slot, addressing, listener.sockets.bound),
                    ticket: id,
                    worker: *index,
                    server: listener.server,
                };
                let (received, reply) = batch.exchange(slot);
                if received.truncated {
                    observer.dropped(Discard::TooLong);
                    taken.push(Taken::Otherwise);
                    continue;
                }
                let random = dice.roll();
                let step = ask(
                    engine,
                    observer,
                    before,
                    &client,
                    received.bytes,
                    random,
                    reply,
                );
                taken.push(step.map_or(Taken::Otherwise, |step| Taken::Asked(client, step)));
            }
            let sent = batch.send_replies(socket, addressing);
            let elapsed = clock.now().since(before);
            for (slot, taken) in taken.iter().enumerate() {
                match taken {
                    Taken::Asked(client, Step::Reply(facts)) => observer.reply(&Answered {
                        client,
                        facts,
                        question: Question::Message(batch.message(slot).bytes),
                        reply: batch.reply(slot),
                        elapsed,
                    }),
                    Taken::Asked(_, Step::Drop(reason)) => {
                        observer.dropped(Discard::Resolver(*reason));
                    }
                    Taken::Asked(_, Step::Waiting) | Taken::Otherwise => {}
                }
            }
            for _ in 0..sent.failed {
                observer.dropped(Discard::Unsent);
            }
            // Sending takes long enough for more to come when several came together: looking again is cheaper than waiting.
            if !more && taken.len() < LIKELY_MORE {
                break;
            }
        }
    }
}

/// So many datagrams at once mean that others are on their way.
const LIKELY_MORE: usize = 3;

/// The address that the question in a slot was sent to.
fn local(batch: &UdpBatch, slot: usize, addressing: Addressing, bound: SocketAddr) -> SocketAddr {
    if addressing != Addressing::PeerAndLocal {
        return bound;
    }
    batch
        .local(slot)
        .map_or(bound, |ip| SocketAddr::new(ip, bound.port()))
}
