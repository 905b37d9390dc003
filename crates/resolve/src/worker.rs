//! One worker's share of the resolver: answers what it can at once, keeps the rest until upstreams have spoken.
//!
//! A question that is not answered at once becomes an [`errand`](errand::Errand): it goes through the stages behind the cache, then
//! to upstreams, and its answer comes back through the same stages into the cache and to everyone who waits.
//! - [`query`]: from a client's message to a reply from the cache
//! - [`stages_behind`]: what happens to a question that the cache cannot answer
//! - [`departure`]: it sets out to the upstreams
//! - [`progress`]: answers, failures and deadlines of upstreams
//! - [`phases`]: what follows an answer: the end, or another question
//! - [`conclude`]: an errand's end: the cache, the replies ([`outcome`])
//! - [`upkeep`]: health checks
//! - [`doubts`]: whether an upstream that answers by UDP can do TCP

mod conclude;
mod departure;
mod doubts;
mod errand;
mod listening;
mod outcome;
mod phases;
mod progress;
mod query;
mod stages_behind;
mod tasks;
mod upkeep;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::vec::Drain;

use crate::ask::Ask;
use crate::client::{Asked, Client};
use crate::facts::{DropReason, Event, Facts};
use crate::resolver::Resolver;
use crate::time::Time;
use doubts::Doubts;
use tasks::Tasks;

/// One worker's share of the resolver: the questions it is asking and their deadlines. No socket, no clock.
#[derive(Debug)]
pub struct Worker {
    resolver: Arc<Resolver>,
    tasks: Tasks,
    asks: Vec<Ask>,
    dues: Vec<Due>,
    events: Vec<Event>,
    /// Questions under way for each client address that asked first.
    asking: HashMap<IpAddr, u32>,
    /// Attempts by TCP that were still waiting when UDP had answered.
    doubts: Doubts,
    scratch: Vec<u8>,
    random: u64,
}

/// What becomes of a client's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The reply is in `out`: send it.
    Reply(Facts),
    /// The reply comes later, as a [`Due`].
    Waiting,
    /// No reply is ever sent.
    Drop(DropReason),
}

/// A reply to a client that waited.
#[derive(Clone, Debug)]
pub struct Due {
    /// Whom to send it to. It may have asked another worker.
    pub client: Client,
    /// The reply.
    pub message: Vec<u8>,
    /// What to count and log.
    pub facts: Facts,
    /// What was asked, and when.
    pub asked: Asked,
}

impl Worker {
    /// A worker with nothing to do. `index` tells workers apart.
    pub fn new(resolver: Arc<Resolver>, index: u16) -> Self {
        Self {
            resolver,
            tasks: Tasks::default(),
            asks: Vec::new(),
            dues: Vec::new(),
            events: Vec::new(),
            asking: HashMap::new(),
            doubts: Doubts::default(),
            scratch: Vec::new(),
            random: u64::from(index),
        }
    }

    /// Takes a new configuration. Questions under way finish under the old one.
    pub fn replace(&mut self, resolver: Arc<Resolver>) {
        self.resolver = resolver;
    }

    /// The configuration in use.
    pub fn resolver(&self) -> &Arc<Resolver> {
        &self.resolver
    }

    /// When [`Self::on_timeout`] wants to be called; nothing when no question is under way.
    pub fn poll_timeout(&self) -> Option<Time> {
        match (self.tasks.next_deadline(), self.doubts.next_deadline()) {
            (Some(task), Some(doubt)) => Some(task.min(doubt)),
            (task, doubt) => task.or(doubt),
        }
    }

    /// Takes the messages to send to upstreams.
    pub fn asks(&mut self) -> Drain<'_, Ask> {
        self.asks.drain(..)
    }

    /// Takes the replies to send to clients that waited.
    pub fn dues(&mut self) -> Drain<'_, Due> {
        self.dues.drain(..)
    }

    /// Takes what is to be logged and counted.
    pub fn events(&mut self) -> Drain<'_, Event> {
        self.events.drain(..)
    }

    /// Questions under way that a client waits for.
    pub fn in_flight(&self) -> usize {
        self.tasks.waited_for()
    }

    /// A number that differs each time, from those that came with questions.
    fn draw(&mut self) -> u64 {
        // splitmix64: cheap, and as good as the numbers it is fed.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
