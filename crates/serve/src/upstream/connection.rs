//! One pipelined connection to an upstream (RFC 7766).

use std::ops::ControlFlow;
use std::time::Duration;

use nodens_resolve::{Failure, Time};
use nodens_sys::{Interest, Readiness, SecureRandom, take_socket_error};

use super::Listener;
use super::choice::Candidate;
use super::outstanding::{Outstanding, Question};
use super::transport::{Reading, Transport};
use crate::framing::{Frames, Outbox};

/// A connection with the questions that wait on it.
pub(crate) struct Connection {
    transport: Transport,
    connected: bool,
    frames: Frames,
    outbox: Outbox,
    outstanding: Outstanding,
    opened: Time,
    /// When the last question was put on it, or the last answer came.
    used: Time,
    /// Since when something should have been heard.
    expecting: Time,
    /// What epoll was told.
    pub(crate) interest: Interest,
}

impl Connection {
    /// A connection that is being made.
    pub(crate) fn new(transport: Transport, now: Time) -> Self {
        Self {
            transport,
            connected: false,
            frames: Frames::default(),
            outbox: Outbox::default(),
            outstanding: Outstanding::default(),
            opened: now,
            used: now,
            expecting: now,
            interest: Interest::Both,
        }
    }

    /// Puts a question in line.
    pub(crate) fn ask(
        &mut self,
        random: &mut SecureRandom,
        mut message: Vec<u8>,
        question: Question,
    ) -> Result<(), Failure> {
        let first = self.outstanding.is_empty();
        let id = self.outstanding.add(random, &mut message, question);
        let Some(id) = id else {
            return Err(Failure::System("message without a header".into()));
        };
        if !self.outbox.push(&message) {
            self.outstanding.remove(id);
            return Err(Failure::System("message too long".into()));
        }
        if first {
            self.expecting = question.sent;
        }
        self.used = question.sent;
        Ok(())
    }

    /// Does what the socket is ready for. After an error the connection is of no use.
    pub(crate) fn advance(
        &mut self,
        now: Time,
        readiness: Readiness,
        scratch: &mut [u8],
        listener: &mut impl Listener,
    ) -> Result<(), Failure> {
        if !self.connected {
            if !readiness.writable {
                return Ok(());
            }
            take_socket_error(self.transport.socket())
                .map_err(|error| super::failure::failure(&error))?;
            self.connected = true;
            self.expecting = now;
        }
        if readiness.readable {
            self.read(now, scratch, listener)?;
        }
        self.flush()
    }

    fn read(
        &mut self,
        now: Time,
        scratch: &mut [u8],
        listener: &mut impl Listener,
    ) -> Result<(), Failure> {
        let Self {
            transport,
            frames,
            outstanding,
            used,
            expecting,
            ..
        } = self;
        let reading = transport.receive(scratch, |bytes| {
            let cut = frames.feed(bytes, |message| {
                match outstanding.find(message) {
                    Some((id, question)) if listener.answered(question.ask, message) => {
                        outstanding.remove(id);
                        (*used, *expecting) = (now, now);
                    }
                    _ => listener.stray(),
                }
                ControlFlow::Continue(())
            });
            cut.map_err(|_| Failure::Closed)
        })?;
        if reading == Reading::Ended {
            Err(Failure::Closed)
        } else {
            Ok(())
        }
    }

    /// Writes what can be written.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if !self.connected {
            return Ok(());
        }
        self.transport.send(&mut self.outbox)
    }

    /// What epoll is to be told.
    pub(crate) fn wanted(&self) -> Interest {
        let write = !self.connected || !self.outbox.is_empty() || self.transport.wants_write();
        Interest::of(true, write)
    }

    /// The socket.
    pub(crate) fn socket(&self) -> &std::net::TcpStream {
        self.transport.socket()
    }

    /// Takes all questions out.
    pub(crate) fn take_all(&mut self) -> Vec<Question> {
        self.outstanding.take_all()
    }

    /// Takes out the questions that nobody waits for any more.
    ///
    /// Gives what they are to be told, if anything, and what the connection has come to.
    pub(crate) fn give_up(&mut self, now: Time) -> (Vec<Question>, Verdict) {
        let given_up = self.outstanding.take_given_up(now);
        let ready = self.connected && self.transport.is_ready();
        let verdict = if !ready {
            if self.outstanding.is_empty() {
                Verdict::NeverMade
            } else {
                Verdict::BeingMade
            }
        } else if given_up
            .iter()
            .any(|question| question.sent >= self.expecting)
        {
            // Sent, and nothing heard since, not even the answer to another question. A pod that
            // vanished leaves connections like this; the kernel would notice in a quarter hour.
            Verdict::Dead
        } else {
            Verdict::Alive
        };
        (given_up, verdict)
    }

    /// The first moment at which a question is given up.
    pub(crate) fn next_give_up(&self) -> Option<Time> {
        self.outstanding.next_give_up()
    }

    /// Whether no question waits, and since when it was not used.
    pub(crate) fn idle_since(&self) -> Option<Time> {
        self.outstanding.is_empty().then_some(self.used)
    }

    /// What is to be known for choosing a connection.
    pub(crate) fn candidate(&self, now: Time, limits: &Limits) -> Candidate {
        let outstanding = self.outstanding.len();
        Candidate {
            outstanding,
            stalled: outstanding > 0 && now.since(self.expecting) > limits.stall,
            expired: self.is_expired(now, limits),
        }
    }

    /// Whether no new question is to be put on it.
    pub(crate) fn is_expired(&self, now: Time, limits: &Limits) -> bool {
        let idle = self
            .idle_since()
            .is_some_and(|since| now.since(since) >= limits.idle);
        let old = limits.age.is_some_and(|age| now.since(self.opened) >= age);
        idle || old
    }
}

/// How long a connection may be what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Idle.
    pub(crate) idle: Duration,
    /// In use at all.
    pub(crate) age: Option<Duration>,
    /// Silent while questions wait.
    pub(crate) stall: Duration,
}

/// What a connection has come to when questions on it are given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is of use.
    Alive,
    /// Nothing is heard on it any more.
    Dead,
    /// It is not made yet, and questions wait for it that have time.
    BeingMade,
    /// It was not made in time for any question.
    NeverMade,
}
