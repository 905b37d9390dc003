//! Questions by TCP and TLS: for each upstream a few pipelined connections, kept while in use.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use nodens_resolve::{Ask, AskSource, Failure, Protocol, Time, TlsSettings, Upstream};
use nodens_sys::{Epoll, Readiness, SecureRandom, connect_tcp};

use super::Listener;
use super::choice::{Choice, choose};
use super::connection::{Connection, Limits, Verdict};
use super::failure::failure;
use super::outstanding::Question;
use super::tls::{TlsClients, server_name};
use super::transport::Transport;
use crate::slab::{Key, Slab};
use crate::token::Token;

/// All connections of a worker to upstreams.
pub(crate) struct Streams {
    pools: Vec<Pool>,
    connections: Slab<Connection>,
    /// Connections with questions that are not written yet.
    staged: Vec<Key>,
    /// No question is given up before this.
    next_give_up: Option<Time>,
    tls: TlsClients,
    random: SecureRandom,
    scratch: Box<[u8]>,
}

/// The connections to one upstream, the longest unused first.
struct Pool {
    upstream: Arc<Upstream>,
    protocol: Protocol,
    connections: Vec<Key>,
}

impl Streams {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            pools: Vec::new(),
            connections: Slab::new(),
            staged: Vec::new(),
            next_give_up: None,
            tls: TlsClients::default(),
            random: SecureRandom::new()?,
            scratch: vec![0; SCRATCH].into_boxed_slice(),
        })
    }

    /// Takes a question, to leave at the next [`flush`](Self::flush) or when its connection is
    /// made.
    pub(crate) fn ask(&mut self, epoll: &Epoll, now: Time, ask: Ask, listener: &mut impl Listener) {
        let pool = self.pool_of(&ask);
        let (key, reused) = match self.connection_for(&ask, pool, epoll, now) {
            Ok(found) => found,
            Err(failure) => return listener.failed(ask.id, failure),
        };
        listener.carried(&ask.upstream, ask.protocol, reused);
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let question = Question {
            ask: ask.id,
            sent: now,
            give_up: ask.give_up,
        };
        if let Err(failure) = connection.ask(&mut self.random, ask.message, question) {
            return listener.failed(ask.id, failure);
        }
        self.next_give_up = Some(
            self.next_give_up
                .map_or(ask.give_up, |t| t.min(ask.give_up)),
        );
        // The used one goes to the end, so that those not needed become idle at the front.
        let connections = &mut self.pools[pool].connections;
        if let Some(place) = connections.iter().position(|&other| other == key) {
            connections[place..].rotate_left(1);
        }
        if self.staged.last() != Some(&key) {
            self.staged.push(key);
        }
    }

    /// The pool for the upstream of `ask`: its index.
    fn pool_of(&mut self, ask: &Ask) -> usize {
        let found = self.pools.iter().position(|pool| {
            Arc::ptr_eq(&pool.upstream, &ask.upstream) && pool.protocol == ask.protocol
        });
        found.unwrap_or_else(|| {
            self.pools.push(Pool {
                upstream: Arc::clone(&ask.upstream),
                protocol: ask.protocol,
                connections: Vec::new(),
            });
            self.pools.len() - 1
        })
    }

    /// A connection for `ask`, and whether it was open already.
    fn connection_for(
        &mut self,
        ask: &Ask,
        pool: usize,
        epoll: &Epoll,
        now: Time,
    ) -> Result<(Key, bool), Failure> {
        let Self {
            pools, connections, ..
        } = self;
        let pool = &mut pools[pool];
        pool.connections
            .retain(|&key| connections.get_mut(key).is_some());
        let limits = limits(&pool.upstream);
        let candidates: Vec<_> = pool
            .connections
            .iter()
            .filter_map(|&key| Some(connections.get_mut(key)?.candidate(now, &limits)))
            .collect();
        let choice = if ask.source == AskSource::TcpProbe {
            Choice::Open
        } else {
            choose(&candidates)
        };
        match choice {
            Choice::Use(index) => Ok((pool.connections[index], true)),
            Choice::Full => Err(Failure::System("too many questions under way".into())),
            Choice::Open => {
                let key = self.open(ask, epoll, now)?;
                let pool = self.pool_of(ask);
                self.pools[pool].connections.push(key);
                Ok((key, false))
            }
        }
    }

    fn open(&mut self, ask: &Ask, epoll: &Epoll, now: Time) -> Result<Key, Failure> {
        let address = ask.upstream.address();
        let socket = connect_tcp(address).map_err(|error| failure(&error))?;
        let transport = if ask.protocol == Protocol::Tls {
            let plain = TlsSettings::default();
            let settings = ask.upstream.settings().tls.as_ref().unwrap_or(&plain);
            let failed = |error: super::TlsError| Failure::Tls(error.in_words());
            let client = self.tls.client(settings).map_err(failed)?;
            Transport::tls(
                socket,
                client,
                server_name(settings, address).map_err(failed)?,
            )?
        } else {
            Transport::plain(socket)
        };
        let mut added = Ok(());
        let key = self.connections.insert_with(|key| {
            let connection = Connection::new(transport, now);
            let token = Token::UpstreamConnection(key).to_bits();
            added = epoll.add(connection.socket(), token, connection.interest);
            connection
        });
        if let Err(error) = added {
            self.connections.remove(key);
            return Err(failure(&error));
        }
        Ok(key)
    }

    /// Writes the questions taken since the last time, on connections that are made.
    pub(crate) fn flush(&mut self, epoll: &Epoll, listener: &mut impl Listener) {
        while let Some(key) = self.staged.pop() {
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            match connection.flush() {
                Ok(()) => update_interest(epoll, key, connection),
                Err(failure) => self.close(key, &failure, listener),
            }
        }
    }

    /// Does what a connection is ready for.
    pub(crate) fn ready(
        &mut self,
        epoll: &Epoll,
        now: Time,
        key: Key,
        readiness: Readiness,
        listener: &mut impl Listener,
    ) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        match connection.advance(now, readiness, &mut self.scratch, listener) {
            Ok(()) => update_interest(epoll, key, connection),
            Err(failure) => self.close(key, &failure, listener),
        }
    }

    /// Closes a connection; the questions on it have failed.
    fn close(&mut self, key: Key, failure: &Failure, listener: &mut impl Listener) {
        let Some(mut connection) = self.connections.remove(key) else {
            return;
        };
        let questions = connection.take_all();
        drop(connection);
        for question in questions {
            listener.failed(question.ask, failure.clone());
        }
    }

    /// When [`give_up`](Self::give_up) wants to be called.
    pub(crate) fn next_give_up(&self) -> Option<Time> {
        self.next_give_up
    }

    /// Ends questions that nobody waits for any more, and connections that proved to be dead.
    pub(crate) fn give_up(&mut self, now: Time, listener: &mut impl Listener) {
        if self.next_give_up.is_none_or(|next| next > now) {
            return;
        }
        let late = |connection: &mut Connection| {
            connection
                .next_give_up()
                .is_some_and(|give_up| give_up <= now)
        };
        for key in self.connections.keys_where(late) {
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            let (given_up, verdict) = connection.give_up(now);
            if matches!(verdict, Verdict::BeingMade | Verdict::NeverMade) {
                for question in &given_up {
                    listener.failed(question.ask, Failure::ConnectTimeout);
                }
            }
            if matches!(verdict, Verdict::Dead | Verdict::NeverMade) {
                self.close(key, &Failure::Closed, listener);
            }
        }
        let connections = self.connections.iter_mut();
        self.next_give_up = connections
            .filter_map(|(_, connection)| connection.next_give_up())
            .min();
    }

    /// Closes connections that were idle for long enough or are too many, and forgets pools
    /// without connections.
    pub(crate) fn sweep(&mut self, now: Time) {
        let connections = &mut self.connections;
        self.pools.retain_mut(|pool| {
            let limits = limits(&pool.upstream);
            let most_idle = pool.upstream.settings().max_idle_connections;
            pool.connections
                .retain(|&key| connections.get_mut(key).is_some());
            let idle: Vec<Key> = pool
                .connections
                .iter()
                .copied()
                .filter(|&key| {
                    connections
                        .get_mut(key)
                        .is_some_and(|c| c.idle_since().is_some())
                })
                .collect();
            let surplus = if most_idle == 0 {
                0
            } else {
                idle.len().saturating_sub(most_idle)
            };
            for (place, key) in idle.into_iter().enumerate() {
                let expired = connections
                    .get_mut(key)
                    .is_some_and(|c| c.is_expired(now, &limits));
                if expired || place < surplus {
                    connections.remove(key);
                }
            }
            pool.connections
                .retain(|&key| connections.get_mut(key).is_some());
            !pool.connections.is_empty()
        });
    }

    /// Lets go of what was read from files for TLS.
    pub(crate) fn forget_tls(&mut self) {
        self.tls.forget();
    }

    /// Whether no connection is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }
}

fn update_interest(epoll: &Epoll, key: Key, connection: &mut Connection) {
    let wanted = connection.wanted();
    if wanted != connection.interest {
        connection.interest = wanted;
        // It fails only for a socket that was never added.
        let _ = epoll.modify(
            connection.socket(),
            Token::UpstreamConnection(key).to_bits(),
            wanted,
        );
    }
}

fn limits(upstream: &Upstream) -> Limits {
    let settings = upstream.settings();
    let usual = upstream.round_trip().unwrap_or(UNKNOWN_ROUND_TRIP);
    Limits {
        idle: settings.expire,
        age: settings.max_age,
        stall: (usual * 2).max(SHORTEST_STALL),
    }
}

/// A whole message with its length fits, so that most answers are read without being kept.
const SCRATCH: usize = 65_537;
/// Silence shorter than this is no reason to open another connection.
const SHORTEST_STALL: Duration = Duration::from_millis(20);
/// Taken for the round trip to an upstream until one was measured.
const UNKNOWN_ROUND_TRIP: Duration = Duration::from_millis(25);

#[cfg(test)]
mod tests;
