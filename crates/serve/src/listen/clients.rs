//! All client connections of a worker.

use std::net::{SocketAddr, TcpStream};

use nodens_resolve::{Client, Time, Transport};
use nodens_sys::{Epoll, Readiness};

use super::client::{Asker, Connection};
use super::set::Listener;
use crate::observer::Discard;
use crate::slab::{Key, Slab};
use crate::token::Token;

/// The connections, by key.
pub(crate) struct Clients {
    connections: Slab<Connection>,
    limit: usize,
    /// Connections with replies to be written, or questions to go on with.
    replied: Vec<Key>,
    scratch: Box<[u8]>,
    reply: Vec<u8>,
}

impl Clients {
    /// No connections, and room for `limit` (at least one).
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            connections: Slab::new(),
            limit: limit.max(1),
            replied: Vec::new(),
            scratch: vec![0; SCRATCH].into_boxed_slice(),
            reply: Vec::new(),
        }
    }

    /// Takes a new connection. Gives how many others had to make room for it.
    pub(crate) fn add(
        &mut self,
        epoll: &Epoll,
        now: Time,
        worker: u16,
        listener: &Listener,
        (socket, peer): (TcpStream, SocketAddr),
    ) -> usize {
        let closed = if self.connections.len() >= self.limit {
            self.make_room()
        } else {
            0
        };
        let local = socket.local_addr().unwrap_or(listener.sockets.bound);
        let client = Client {
            transport: Transport::Tcp,
            peer,
            local: SocketAddr::new(local.ip().to_canonical(), local.port()),
            ticket: 0,
            worker,
            server: listener.server,
        };
        let mut added = Ok(());
        let key = self.connections.insert_with(|key| {
            let client = Client {
                ticket: key.to_bits(),
                ..client
            };
            let connection = Connection::new(socket, client, listener.id, listener.timeouts, now);
            let token = Token::Client(key).to_bits();
            added = epoll.add(&connection.socket, token, connection.interest);
            connection
        });
        if added.is_err() {
            self.connections.remove(key);
        }
        closed
    }

    /// Closes the connections on which nothing happened for longest, those that wait for nothing
    /// first: a sixty-fourth at a time, so that the search is not repeated for each newcomer.
    pub(crate) fn make_room(&mut self) -> usize {
        let mut order: Vec<(bool, Time, Key)> = self
            .connections
            .iter_mut()
            .map(|(key, connection)| (!connection.is_quiet(), connection.since(), key))
            .collect();
        let count = order.len().div_ceil(ROOM_SHARE);
        if count > 0 {
            order.select_nth_unstable(count - 1);
        }
        for (_, _, key) in &order[..count] {
            self.connections.remove(*key);
        }
        count
    }

    /// Does what a connection is ready for. Gives why it was closed, if that is worth counting.
    pub(crate) fn ready(
        &mut self,
        epoll: &Epoll,
        now: Time,
        key: Key,
        readiness: Readiness,
        asker: &mut impl Asker,
    ) -> Option<Discard> {
        if readiness.failed {
            // Reset, or closed in both directions: nothing can be written any more.
            let connection = self.connections.remove(key)?;
            return (!connection.is_quiet()).then_some(Discard::ClientGone);
        }
        let connection = self.connections.get_mut(key)?;
        let mut outcome = Ok(());
        if readiness.readable {
            outcome = connection.read(now, &mut self.scratch, &mut self.reply, asker);
        }
        self.go_on(epoll, now, key, outcome, asker)
    }

    /// Puts a reply in line for [`flush`](Self::flush). False when the client is gone.
    pub(crate) fn reply(&mut self, now: Time, key: Key, message: &[u8]) -> bool {
        let Some(connection) = self.connections.get_mut(key) else {
            return false;
        };
        connection.reply(now, message);
        if self.replied.last() != Some(&key) {
            self.replied.push(key);
        }
        true
    }

    /// Whether no connection is in line.
    pub(crate) fn has_no_replies(&self) -> bool {
        self.replied.is_empty()
    }

    /// Writes the replies in line. Gives why connections were closed.
    pub(crate) fn flush(
        &mut self,
        epoll: &Epoll,
        now: Time,
        asker: &mut impl Asker,
    ) -> Vec<Discard> {
        let mut closed = Vec::new();
        for key in std::mem::take(&mut self.replied) {
            closed.extend(self.go_on(epoll, now, key, Ok(()), asker));
        }
        closed
    }

    /// Writes, goes on with questions that were left, and closes what is finished or failed.
    fn go_on(
        &mut self,
        epoll: &Epoll,
        now: Time,
        key: Key,
        outcome: Result<(), Discard>,
        asker: &mut impl Asker,
    ) -> Option<Discard> {
        let connection = self.connections.get_mut(key)?;
        let mut outcome = outcome.and_then(|()| connection.write(now));
        for _ in 0..RESUMPTIONS {
            if outcome.is_err() || !connection.can_resume() {
                break;
            }
            outcome = connection
                .resume(now, &mut self.reply, asker)
                .and_then(|()| connection.write(now));
        }
        if connection.can_resume() {
            self.replied.push(key);
        }
        if self.reply.capacity() > LARGEST_KEPT_REPLY {
            self.reply = Vec::new();
        }
        if let Err(reason) = outcome {
            self.connections.remove(key);
            return Some(reason);
        }
        if connection.is_finished() {
            self.connections.remove(key);
            return None;
        }
        let wanted = connection.wanted();
        if wanted != connection.interest {
            connection.interest = wanted;
            // It fails only for a socket that was never added.
            let _ = epoll.modify(&connection.socket, Token::Client(key).to_bits(), wanted);
        }
        None
    }

    /// Reads a last time from the connections of the listeners `which`, and no more after that.
    /// They close when their questions are answered.
    pub(crate) fn end(
        &mut self,
        epoll: &Epoll,
        now: Time,
        which: &[u64],
        asker: &mut impl Asker,
    ) -> Vec<Discard> {
        let mut closed = Vec::new();
        let concerned = |connection: &mut Connection| which.contains(&connection.listener);
        for key in self.connections.keys_where(concerned) {
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            let outcome = connection.read(now, &mut self.scratch, &mut self.reply, asker);
            connection.end();
            closed.extend(self.go_on(epoll, now, key, outcome, asker));
        }
        closed
    }

    /// Takes over the number that a listener has in a new configuration.
    pub(crate) fn renumber(&mut self, listener: u64, server: u16) {
        for (_, connection) in self.connections.iter_mut() {
            if connection.listener == listener {
                connection.client.server = server;
            }
        }
    }

    /// Closes connections that have taken too long. Gives why.
    pub(crate) fn sweep(&mut self, now: Time) -> Vec<Discard> {
        let overdue = |connection: &mut Connection| connection.overdue(now).is_some();
        let keys = self.connections.keys_where(overdue);
        let closed = keys
            .into_iter()
            .filter_map(|key| self.connections.remove(key));
        closed
            .filter_map(|connection| connection.overdue(now))
            .collect()
    }

    /// Whether nobody waits for a reply.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.connections
            .iter_mut()
            .all(|(_, connection)| connection.is_quiet())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }
}

/// A whole message with its length fits, so that most are read without being kept.
const SCRATCH: usize = 65_537;
/// The part of the connections that is closed at once to make room.
const ROOM_SHARE: usize = 64;
/// How often in a row the questions that a client has sent ahead are taken up again, while it takes
/// the replies as fast as they come.
const RESUMPTIONS: usize = 4;
/// A reply buffer up to this size is kept.
const LARGEST_KEPT_REPLY: usize = 16 * 1024;
