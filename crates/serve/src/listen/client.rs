//! One client's connection (RFC 7766): questions in, replies out in the order they come to be.

use std::io::{self, Read};
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::time::Duration;

use nodens_resolve::{Client, Time};
use nodens_sys::Interest;

use super::Timeouts;
use crate::framing::{Frames, Outbox};
use crate::observer::Discard;

/// Who answers questions.
pub(crate) trait Asker {
    /// Answers into `reply`, or says what happens instead.
    fn ask(&mut self, client: &Client, message: &[u8], reply: &mut Vec<u8>) -> Handled;
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// The reply is there.
    Replied,
    /// The reply comes later.
    Waiting,
    /// There is no reply.
    Dropped,
}

/// A connection. While it is idle it holds no buffer.
pub(crate) struct Connection {
    pub(crate) socket: TcpStream,
    pub(crate) client: Client,
    /// The number of the listener it came through.
    pub(crate) listener: u64,
    timeouts: Timeouts,
    frames: Frames,
    outbox: Outbox,
    /// Questions whose replies are still to come.
    waiting: u32,
    /// Since when nothing happened: no question was completed, no reply given.
    since: Time,
    /// Since when the client takes no replies.
    blocked: Option<Time>,
    /// No question came yet.
    new: bool,
    /// Complete questions may be left, because too much was waiting.
    left: bool,
    /// Nothing more is read: the client has closed its direction, or we are about to go.
    ended: bool,
    /// What epoll was told.
    pub(crate) interest: Interest,
}

impl Connection {
    pub(crate) fn new(
        socket: TcpStream,
        client: Client,
        listener: u64,
        timeouts: Timeouts,
        now: Time,
    ) -> Self {
        Self {
            socket,
            client,
            listener,
            timeouts,
            frames: Frames::default(),
            outbox: Outbox::default(),
            waiting: 0,
            since: now,
            blocked: None,
            new: true,
            left: false,
            ended: false,
            interest: Interest::Readable,
        }
    }

    /// Reads what is there, up to a bound, and asks the questions in it.
    pub(crate) fn read(
        &mut self,
        now: Time,
        scratch: &mut [u8],
        reply: &mut Vec<u8>,
        asker: &mut impl Asker,
    ) -> Result<(), Discard> {
        for _ in 0..ROUNDS {
            if self.ended || self.left || self.is_paused() {
                break;
            }
            match (&self.socket).read(scratch) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.take(now, &scratch[..count], reply, asker)?;
                    if count < scratch.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Discard::ClientGone),
            }
        }
        Ok(())
    }

    /// Whether questions that were left because too much was waiting can be asked now.
    pub(crate) fn can_resume(&self) -> bool {
        self.left && !self.is_paused()
    }

    /// Goes on with questions that were left.
    pub(crate) fn resume(
        &mut self,
        now: Time,
        reply: &mut Vec<u8>,
        asker: &mut impl Asker,
    ) -> Result<(), Discard> {
        self.take(now, &[], reply, asker)
    }

    fn take(
        &mut self,
        now: Time,
        bytes: &[u8],
        reply: &mut Vec<u8>,
        asker: &mut impl Asker,
    ) -> Result<(), Discard> {
        let Self {
            client,
            frames,
            outbox,
            waiting,
            since,
            new,
            left,
            ..
        } = self;
        *left = false;
        let fed = frames.feed(bytes, |message| {
            (*since, *new) = (now, false);
            match asker.ask(client, message, reply) {
                Handled::Replied => {
                    outbox.push(reply);
                }
                Handled::Waiting => *waiting += 1,
                Handled::Dropped => {}
            }
            if is_too_much(outbox, *waiting) {
                *left = true;
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        fed.map_err(|_| Discard::EmptyFrame)
    }

    /// Takes a reply that had to be waited for.
    pub(crate) fn reply(&mut self, now: Time, message: &[u8]) {
        self.waiting = self.waiting.saturating_sub(1);
        self.since = now;
        self.outbox.push(message);
    }

    /// Writes replies as far as the client takes them.
    pub(crate) fn write(&mut self, now: Time) -> Result<(), Discard> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        let written = self
            .outbox
            .write_to(&self.socket)
            .map_err(|_| Discard::ClientGone)?;
        if self.outbox.is_empty() {
            self.blocked = None;
            self.since = now;
        } else if self.blocked.is_none() || written >= PROGRESS {
            self.blocked = Some(now);
        }
        Ok(())
    }

    /// Reads no more questions.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether there is nothing left to do.
    pub(crate) fn is_finished(&self) -> bool {
        self.ended && !self.left && self.is_quiet()
    }

    /// Whether nobody waits for anything.
    pub(crate) fn is_quiet(&self) -> bool {
        self.waiting == 0 && self.outbox.is_empty()
    }

    /// Since when nothing happened.
    pub(crate) fn since(&self) -> Time {
        self.since
    }

    /// Whether, and why, it has taken too long.
    pub(crate) fn overdue(&self, now: Time) -> Option<Discard> {
        if self
            .blocked
            .is_some_and(|since| now.since(since) >= self.timeouts.write)
        {
            return Some(Discard::SlowReader);
        }
        let limit = match (self.is_quiet(), self.new) {
            (true, true) => self.timeouts.read,
            (true, false) => self.timeouts.idle,
            (false, _) => LONGEST_WAIT,
        };
        (now.since(self.since) >= limit).then_some(Discard::Idle)
    }

    /// What epoll is to be told.
    pub(crate) fn wanted(&self) -> Interest {
        let read = !self.ended && !self.left && !self.is_paused();
        Interest::of(read, !self.outbox.is_empty())
    }

    fn is_paused(&self) -> bool {
        is_too_much(&self.outbox, self.waiting)
    }
}

/// Whether so much waits for the client, or for upstreams on its behalf, that no more questions
/// are taken from it.
fn is_too_much(outbox: &Outbox, waiting: u32) -> bool {
    outbox.len() >= OUTPUT_LIMIT || waiting >= PIPELINE
}

/// Reads per event; the rest waits until others were served.
const ROUNDS: usize = 2;
/// Replies waiting to be read by the client, in bytes, beyond which it is not read from. The
/// largest reply may come on top.
const OUTPUT_LIMIT: usize = 64 * 1024;
/// Questions of one connection under way, beyond which it is not read from.
const PIPELINE: u32 = 512;
/// A client that takes so many bytes is slow, not stuck.
const PROGRESS: usize = 16 * 1024;
/// Every question is answered within seconds; a connection that waits longer waits in vain.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
