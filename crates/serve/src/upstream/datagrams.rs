//! Questions by UDP: for each upstream a few connected sockets on random ports, replaced often.
//!
//! What an attacker who cannot see the traffic must guess to forge an answer (RFC 5452, section
//! 9): the 16 bits of the id, which the kernel's generator draws; which port, of about 28,000 that
//! the kernel draws from (15 bits), where [`SOCKETS`] ports are open per worker and upstream but
//! each question was sent from one of them; and that within the few milliseconds until the real
//! answer is there. A port lives for at most five seconds or 512 questions, so learning an open
//! port by probing (the SAD DNS attack, CVE-2020-25705) gains next to nothing. Sockets are
//! connected, so the address and port of the upstream are checked by the kernel. Identical
//! questions are asked once (the resolver's part), so the birthday attack has nothing to multiply.
//!
//! All questions of one turn of the worker to one upstream leave from one socket by one system
//! call; the next turn takes another socket.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use nodens_resolve::{Ask, Failure, Time};
use nodens_sys::{Addressing, Epoll, Interest, SecureRandom, SendBatch, UdpBatch, connect_udp};

use super::Listener;
use super::failure::failure;
use super::outstanding::Question;
use super::port::Port;
use crate::slab::{Key, Slab};
use crate::token::Token;

/// All datagram sockets of a worker towards upstreams.
pub(crate) struct Datagrams {
    pools: HashMap<SocketAddr, Pool>,
    sockets: Slab<Port>,
    /// Pools with staged questions.
    staged: Vec<SocketAddr>,
    received: UdpBatch,
    random: SecureRandom,
}

/// The sockets towards one upstream.
#[derive(Default)]
struct Pool {
    places: [Option<Key>; SOCKETS],
    /// The socket of this turn.
    current: Option<Key>,
    batch: SendBatch,
    /// The ids of the questions in `batch`.
    ids: Vec<u16>,
}

impl Datagrams {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            pools: HashMap::new(),
            sockets: Slab::new(),
            staged: Vec::new(),
            received: UdpBatch::new(BATCH),
            random: SecureRandom::new()?,
        })
    }

    /// Takes a question, to leave at the next [`flush`](Self::flush).
    pub(crate) fn ask(
        &mut self,
        epoll: &Epoll,
        now: Time,
        mut ask: Ask,
        listener: &mut impl Listener,
    ) {
        let address = ask.upstream.address();
        let pool = self.pools.entry(address).or_default();
        let current = pool.current.and_then(|key| self.sockets.get_mut(key));
        if current.is_none_or(|socket| socket.is_spent()) {
            pool.send(&mut self.sockets, listener);
            let place = usize::from(self.random.next_u16()) % SOCKETS;
            match pool.socket_in(place, &mut self.sockets, epoll, now, address) {
                Ok(key) => pool.current = Some(key),
                Err(error) => return listener.failed(ask.id, failure(&error)),
            }
        }
        let current = pool.current.and_then(|key| self.sockets.get_mut(key));
        let Some(socket) = current else { return };
        let question = Question {
            ask: ask.id,
            sent: now,
            give_up: ask.give_up,
        };
        match socket
            .outstanding
            .add(&mut self.random, &mut ask.message, question)
        {
            Some(id) => {
                listener.carried(&ask.upstream, ask.protocol, socket.note_question());
                pool.ids.push(id);
                pool.batch.push(ask.message);
                if pool.ids.len() == 1 {
                    self.staged.push(address);
                }
            }
            None => listener.failed(ask.id, Failure::System("message without a header".into())),
        }
    }

    /// Sends what was staged.
    pub(crate) fn flush(&mut self, listener: &mut impl Listener) {
        while let Some(address) = self.staged.pop() {
            if let Some(pool) = self.pools.get_mut(&address) {
                pool.send(&mut self.sockets, listener);
            }
        }
    }

    /// Reads what has come to a socket.
    pub(crate) fn ready(&mut self, key: Key, listener: &mut impl Listener) {
        let Some(socket) = self.sockets.get_mut(key) else {
            return;
        };
        for _ in 0..ROUNDS {
            let more = match self.received.receive(&socket.socket, Addressing::Connected) {
                Ok(more) => more,
                Err(error) => {
                    // An ICMP error. Reading took it off the socket, so it is reported once; it
                    // does not say which question it means, and they all went to the same place.
                    let failure = failure(&error);
                    socket.retired = true;
                    let questions = socket.outstanding.take_all();
                    self.sockets.remove(key);
                    for question in questions {
                        listener.failed(question.ask, failure.clone());
                    }
                    return;
                }
            };
            for index in 0..self.received.len() {
                let received = self.received.message(index);
                let short = received
                    .truncated
                    .then(|| cut_short(received.bytes))
                    .flatten();
                let message = short.as_deref().unwrap_or(received.bytes);
                match socket.outstanding.find(message) {
                    Some((id, question)) if listener.answered(question.ask, message) => {
                        socket.outstanding.remove(id);
                    }
                    _ => {
                        socket.note_stray();
                        listener.stray();
                    }
                }
            }
            if !more {
                break;
            }
        }
        if socket.retired && socket.outstanding.is_empty() {
            self.sockets.remove(key);
        }
    }

    /// Closes sockets that have served their time, and forgets pools without sockets.
    pub(crate) fn sweep(&mut self, now: Time) {
        for key in self.sockets.keys_where(|socket| socket.is_done(now)) {
            self.sockets.remove(key);
        }
        let sockets = &mut self.sockets;
        self.pools.retain(|_, pool| {
            !pool.batch.is_empty()
                || pool
                    .places
                    .iter()
                    .flatten()
                    .any(|&key| sockets.get_mut(key).is_some())
        });
    }

    /// Whether no socket is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }
}

impl Pool {
    /// Sends the staged questions and ends the turn of the current socket.
    fn send(&mut self, sockets: &mut Slab<Port>, listener: &mut impl Listener) {
        let Some(socket) = self.current.take().and_then(|key| sockets.get_mut(key)) else {
            // Its questions were reported when it was closed.
            self.batch.clear();
            self.ids.clear();
            return;
        };
        let (outstanding, ids) = (&mut socket.outstanding, &self.ids);
        let mut unsent = Vec::new();
        // A refusal heard while sending is that of earlier questions. It needs no care: the
        // questions sent now will be refused as well, and that is reported when it is read.
        self.batch.flush(&socket.socket, |index, error| {
            if let Some(question) = ids.get(index).and_then(|&id| outstanding.remove(id)) {
                unsent.push((question.ask, failure(error)));
            }
        });
        self.ids.clear();
        for (ask, failure) in unsent {
            listener.failed(ask, failure);
        }
    }

    /// The socket in a place; an empty place, or one whose socket has served its time, gets a new
    /// one.
    fn socket_in(
        &mut self,
        place: usize,
        sockets: &mut Slab<Port>,
        epoll: &Epoll,
        now: Time,
        address: SocketAddr,
    ) -> io::Result<Key> {
        let place = &mut self.places[place];
        if let Some(key) = place.take()
            && let Some(socket) = sockets.get_mut(key)
        {
            if socket.is_fresh(now) {
                *place = Some(key);
                return Ok(key);
            }
            if socket.is_done(now) {
                sockets.remove(key);
            }
        }
        let socket = connect_udp(address)?;
        let mut added = Ok(());
        let key = sockets.insert_with(|key| {
            let token = Token::UpstreamDatagrams(key).to_bits();
            added = epoll.add(&socket, token, Interest::Readable);
            Port::new(socket, now)
        });
        if let Err(error) = added {
            sockets.remove(key);
            return Err(error);
        }
        *place = Some(key);
        Ok(key)
    }
}

/// The start of an answer that was longer than the buffer, as an empty answer that says so: the
/// resolver then does what it does with any truncated answer.
fn cut_short(message: &[u8]) -> Option<Vec<u8>> {
    let mut end = HEADER;
    while let Some(&label) = message.get(end).filter(|&&label| label != 0) {
        end += 1 + usize::from(label);
    }
    let mut short = message.get(..end + 1 + TYPE_AND_CLASS)?.to_vec();
    short[2] |= TRUNCATED;
    short[6..HEADER].fill(0);
    Some(short)
}

/// Sockets in use at once per worker and upstream. More would open more ports to guess at; fewer
/// would keep more questions on one port.
const SOCKETS: usize = 8;
/// Answers received by one system call.
const BATCH: usize = 32;
/// A socket is left to others after so many batches; it will be reported again.
const ROUNDS: usize = 4;
/// Bytes of a message's header.
const HEADER: usize = 12;
/// Bytes after the name in a question.
const TYPE_AND_CLASS: usize = 4;
/// TC, in the third byte of the header.
const TRUNCATED: u8 = 0x02;

#[cfg(test)]
mod tests;
