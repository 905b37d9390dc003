//! Questions being asked, across all workers: an identical one waits for the same answer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use crate::client::{Asked, Client};
use crate::facts::Facts;

/// What makes two questions the same: block, name, type, class, flags, and what carried them.
pub(crate) type FlightKey = Box<[u8]>;

/// A client that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) client: Client,
    pub(crate) asked: Asked,
    pub(crate) facts: Facts,
}

/// Whether a question is new.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It is: the caller asks upstreams.
    First,
    /// It is being asked: the client was added to those that wait.
    Waiting,
    /// It is being asked, and too many wait already.
    Full,
}

/// Some of the questions being asked, and who waits for each.
type Shard = HashMap<FlightKey, Vec<Waiter>, foldhash::quality::FixedState>;

/// All questions being asked.
#[derive(Debug)]
pub(crate) struct Flights {
    shards: Box<[Mutex<Shard>]>,
    hasher: foldhash::quality::FixedState,
}

impl Flights {
    pub(crate) fn new(seed: u64) -> Self {
        let hasher = foldhash::quality::FixedState::with_seed(seed);
        let shard = |_| Mutex::new(HashMap::with_hasher(hasher.clone()));
        Self {
            shards: (0..SHARDS).map(shard).collect(),
            hasher,
        }
    }

    /// Adds a client to those that wait for `key`; a question of our own has none.
    pub(crate) fn join(&self, key: &FlightKey, waiter: Option<Waiter>) -> Joined {
        let mut shard = self
            .shard(key)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match shard.entry(key.clone()) {
            Entry::Vacant(place) => {
                place.insert(waiter.into_iter().collect());
                Joined::First
            }
            Entry::Occupied(mut place) => {
                if place.get().len() >= MAX_WAITERS {
                    return Joined::Full;
                }
                place.get_mut().extend(waiter);
                Joined::Waiting
            }
        }
    }

    /// Those that wait for the question, which goes on.
    pub(crate) fn take_waiters(&self, key: &FlightKey) -> Vec<Waiter> {
        let mut shard = self
            .shard(key)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        shard.get_mut(key).map(std::mem::take).unwrap_or_default()
    }

    /// Ends the question: those that waited for it.
    pub(crate) fn take(&self, key: &FlightKey) -> Vec<Waiter> {
        let mut shard = self
            .shard(key)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        shard.remove(key).unwrap_or_default()
    }

    fn shard(&self, key: &FlightKey) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(key);
        &self.shards[usize::from((hash >> 56).to_le_bytes()[0]) % SHARDS]
    }
}

/// Enough that workers seldom meet.
const SHARDS: usize = 32;
/// Clients that may wait for one answer. Each takes some hundred bytes; more than this is an attack or a loop.
const MAX_WAITERS: usize = 10_000;
