//! Where the workers tell what happens, for metrics and the query log.
//!
//! The trait is a type parameter of everything that uses it, so a worker calls its observer
//! directly: counting a reply costs what the counting costs.

use std::time::Duration;

use nodens_resolve::{Asked, Client, DropReason, Event, Facts, Protocol, Upstream};

/// One worker's share of metrics and logs.
pub trait Observer {
    /// A client's message came in, before anything is known of it.
    fn request(&mut self, client: &Client, message: &[u8]) {
        let _ = (client, message);
    }

    /// A reply was given to the network.
    fn reply(&mut self, answered: &Answered<'_>);

    /// Something was not answered, and never will be.
    fn dropped(&mut self, reason: Discard);

    /// A question went to an upstream over a socket that had carried others, or over a new one.
    fn carried(&mut self, upstream: &Upstream, protocol: Protocol, reused: bool) {
        let _ = (upstream, protocol, reused);
    }

    /// The resolver has something to say.
    fn event(&mut self, event: &Event);

    /// Handling something ended in a panic; the worker goes on.
    fn panicked(&mut self) {}

    /// How much the worker has on its hands as it is about to wait: questions that wait for an
    /// upstream, and connections of clients.
    fn load(&mut self, questions: usize, connections: usize) {
        let _ = (questions, connections);
    }

    /// The worker is about to wait: the place to hand on what was collected.
    fn turn(&mut self) {}
}

/// A question and its reply.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// Who asked.
    pub client: &'a Client,
    /// What to count.
    pub facts: &'a Facts,
    /// What was asked.
    pub question: Question<'a>,
    /// The reply as sent, without the length of a stream.
    pub reply: &'a [u8],
    /// From the question's arrival until its reply was handed to the kernel. For replies given at
    /// once it is measured for the whole batch they were sent in.
    pub elapsed: Duration,
}

/// What was asked, in the form that is at hand.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    /// Answered at once: the message itself.
    Message(&'a [u8]),
    /// Answered after waiting: what was kept of it.
    Kept(&'a Asked),
}

/// Why something from the network, or a reply, came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Discard {
    /// The resolver wants no reply to it.
    Resolver(DropReason),
    /// A datagram longer than any question.
    TooLong,
    /// The kernel did not take the reply.
    Unsent,
    /// The client was gone when its reply was due, or its address is no longer served.
    ClientGone,
    /// A client's stream held a message of no bytes; the connection was closed.
    EmptyFrame,
    /// A client did not read its replies in time; the connection was closed.
    SlowReader,
    /// A client sent nothing, or only a part of a question, in time; the connection was closed.
    Idle,
    /// A connection was closed to make room for another.
    Crowded,
    /// From an upstream: a message that answers no question of its socket, or the wrong one.
    Stray,
}

impl Discard {
    /// All reasons.
    pub const ALL: [Self; 12] = [
        Self::Resolver(DropReason::TooShort),
        Self::Resolver(DropReason::Response),
        Self::Resolver(DropReason::Acl),
        Self::Resolver(DropReason::Overload),
        Self::TooLong,
        Self::Unsent,
        Self::ClientGone,
        Self::EmptyFrame,
        Self::SlowReader,
        Self::Idle,
        Self::Crowded,
        Self::Stray,
    ];

    /// The value of the metric label `reason`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resolver(reason) => reason.name(),
            Self::TooLong => "too_long",
            Self::Unsent => "unsent",
            Self::ClientGone => "client_gone",
            Self::EmptyFrame => "empty_frame",
            Self::SlowReader => "slow_reader",
            Self::Idle => "idle",
            Self::Crowded => "crowded",
            Self::Stray => "stray",
        }
    }

    /// Its place in [`Discard::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Resolver(reason) => reason as usize,
            Self::TooLong => 4,
            Self::Unsent => 5,
            Self::ClientGone => 6,
            Self::EmptyFrame => 7,
            Self::SlowReader => 8,
            Self::Idle => 9,
            Self::Crowded => 10,
            Self::Stray => 11,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_listed_at_its_index() {
        for (index, reason) in Discard::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), index, "{}", reason.name());
        }
    }
}
