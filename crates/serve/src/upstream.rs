//! Questions on their way to upstreams: sockets, message ids, connections.
//!
//! Nothing here decides when a question is asked again, of whom, or when a client has waited
//! enough; that is the resolver's. This carries messages and reports what came of each.

mod choice;
mod connection;
mod datagrams;
mod failure;
mod outstanding;
mod port;
#[cfg(test)]
pub(crate) mod recorder;
mod streams;
mod tls;
mod transport;

use std::io;

use nodens_resolve::{Ask, AskId, Failure, Protocol, Time, Upstream};
use nodens_sys::{Epoll, Readiness};

use self::datagrams::Datagrams;
use self::streams::Streams;
use crate::slab::Key;

pub use self::tls::{TlsError, check_tls};

/// Who is told what came of a question.
pub(crate) trait Listener {
    /// A message with the question's id came; false when it does not answer the question.
    fn answered(&mut self, ask: AskId, message: &[u8]) -> bool;
    /// No answer will come.
    fn failed(&mut self, ask: AskId, failure: Failure);
    /// A message came that answers nothing.
    fn stray(&mut self);
    /// A question was given to a socket: one that had carried others, or a new one.
    fn carried(&mut self, upstream: &Upstream, protocol: Protocol, reused: bool);
}

/// One worker's sockets towards all upstreams.
pub(crate) struct Upstreams {
    datagrams: Datagrams,
    streams: Streams,
}

impl Upstreams {
    /// No sockets yet: they are opened as questions come.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            datagrams: Datagrams::new()?,
            streams: Streams::new()?,
        })
    }

    /// Takes a question. It leaves at the next [`flush`](Self::flush).
    pub(crate) fn ask(&mut self, epoll: &Epoll, now: Time, ask: Ask, listener: &mut impl Listener) {
        match ask.protocol {
            Protocol::Udp => self.datagrams.ask(epoll, now, ask, listener),
            Protocol::Tcp | Protocol::Tls => self.streams.ask(epoll, now, ask, listener),
        }
    }

    /// Sends the questions taken since the last time.
    pub(crate) fn flush(&mut self, epoll: &Epoll, listener: &mut impl Listener) {
        self.datagrams.flush(listener);
        self.streams.flush(epoll, listener);
    }

    /// A datagram socket is ready.
    pub(crate) fn datagrams_ready(&mut self, key: Key, listener: &mut impl Listener) {
        self.datagrams.ready(key, listener);
    }

    /// A connection is ready.
    pub(crate) fn connection_ready(
        &mut self,
        epoll: &Epoll,
        now: Time,
        key: Key,
        readiness: Readiness,
        listener: &mut impl Listener,
    ) {
        self.streams.ready(epoll, now, key, readiness, listener);
    }

    /// When [`give_up`](Self::give_up) wants to be called; nothing when no connection waits.
    pub(crate) fn next_give_up(&self) -> Option<Time> {
        self.streams.next_give_up()
    }

    /// Ends what nobody waits for any more. Questions whose connection could not be made in time
    /// are reported.
    pub(crate) fn give_up(&mut self, now: Time, listener: &mut impl Listener) {
        self.streams.give_up(now, listener);
    }

    /// Closes sockets that have served their time. To be called twice a second or so.
    pub(crate) fn sweep(&mut self, now: Time) {
        self.datagrams.sweep(now);
        self.streams.sweep(now);
    }

    /// Lets go of what was read from files for TLS, so that it is read anew.
    pub(crate) fn forget_tls(&mut self) {
        self.streams.forget_tls();
    }

    /// Whether there is no socket, so that nothing needs sweeping.
    pub(crate) fn is_empty(&self) -> bool {
        self.datagrams.is_empty() && self.streams.is_empty()
    }
}
