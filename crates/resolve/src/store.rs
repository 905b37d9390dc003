//! Where answers are kept: bytes that are ready to be sent, read without a lock.
//!
//! # Reading
//! A store is a few shards. A shard has an index of 64-bit slots and an arena of 64-bit words; everything a reader
//! touches is an atomic, so reading races with writing are defined behavior and the crate needs no `unsafe`. A slot holds the
//! place of an entry, a tag from the hash of its key and a generation. A reader loads the slot, copies the entry's words, and
//! loads the slot again: when it has not changed, the copy is whole (a sequence lock whose sequence is the slot itself, see
//! Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012). A writer takes the slot away
//! before it reuses the words behind it.
//!
//! # Eviction
//! Entries enter a small queue and move to the main queue when they are asked for again before they reach its end, or when they
//! come back soon after they left it (S3-FIFO: Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023). What is
//! asked once passes through the small queue only, so a flood of random names cannot push out what is asked often. Both
//! queues are rings in the arena: eviction frees memory in the order it was taken, and nothing fragments.
//!
//! # Limits
//! A store has a limit of entries and one of bytes; the bytes count the arena and the index. Arena memory is taken in
//! chunks when first needed, so a store that is never filled stays small.

mod arena;
mod entry;
mod index;
mod queue;
mod shard;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub use entry::{Found, NewEntry, StoreKey};
use shard::Shard;

/// How much a store may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries at most.
    pub entries: usize,
    /// Bytes at most, of arena and index.
    pub bytes: usize,
}

/// A bounded set of answers: reads take no lock, writes lock one shard.
#[derive(Debug)]
pub struct Store {
    shards: Box<[Shard]>,
    limits: Limits,
    counts_hits: bool,
    id: u64,
}

/// What a store holds and did, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Entries held, expired ones included.
    pub entries: usize,
    /// Bytes of memory taken.
    pub bytes: usize,
    /// Entries pushed out since the store was made.
    pub evictions: u64,
    /// Tells stores apart, so that a count which starts anew is known for what it is.
    pub id: u64,
}

impl Store {
    /// An empty store. `counts_hits` keeps for each entry how often it is asked for, which prefetching needs.
    pub fn new(limits: Limits, counts_hits: bool) -> Self {
        let asked = limits;
        let limits = Limits {
            entries: asked.entries.min(asked.bytes / LEAST_BYTES_PER_ENTRY),
            ..asked
        };
        let worthwhile = (limits.entries / ENTRIES_PER_SHARD).min(limits.bytes / BYTES_PER_SHARD);
        let shards = worthwhile.clamp(1, MAX_SHARDS);
        let shards = 1 << shards.ilog2();
        let share = Limits {
            entries: limits.entries.div_ceil(shards).max(1),
            bytes: limits.bytes.div_ceil(shards),
        };
        Self {
            shards: (0..shards)
                .map(|_| Shard::new(share, counts_hits))
                .collect(),
            limits: asked,
            counts_hits,
            id: NEXT_ID.fetch_add(1, Relaxed),
        }
    }

    /// The limits it was made with.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether hits are counted per entry.
    pub fn counts_hits(&self) -> bool {
        self.counts_hits
    }

    /// Copies the entry for `key` into `out` (cleared first): the message, then its time-to-live offsets. See [`Found`].
    #[inline]
    pub fn read(&self, key: &StoreKey<'_>, out: &mut Vec<u8>) -> Option<Found> {
        let shard = self.shard_of(key.hash);
        self.shards[shard].read(key, out)
    }

    /// Notes that the entry just read was asked for: it is kept longer.
    #[inline]
    pub fn touch(&self, key: &StoreKey<'_>, found: &Found) {
        self.shards[self.shard_of(key.hash)].touch(found);
    }

    /// Counts a question for the entry just read and returns how many came with pauses shorter than `pause_seconds`,
    /// this one included; 0 when the store does not count.
    pub fn count_hit(
        &self,
        key: &StoreKey<'_>,
        found: &Found,
        now_seconds: u32,
        pause_seconds: u32,
    ) -> u32 {
        self.shards[self.shard_of(key.hash)].count_hit(found, now_seconds, pause_seconds)
    }

    /// Keeps an entry, replacing what was kept for its key. False when it is too large to be kept.
    pub fn insert(&self, key: &StoreKey<'_>, entry: &NewEntry<'_>) -> bool {
        self.shards[self.shard_of(key.hash)].insert(key, entry)
    }

    /// Forgets the entry for `key`.
    pub fn remove(&self, key: &StoreKey<'_>) {
        self.shards[self.shard_of(key.hash)].remove(key);
    }

    /// Copies every entry into `other`, as far as it has room: a reload that changes limits loses nothing else.
    pub fn copy_into(&self, other: &Self) {
        for shard in &self.shards {
            shard.for_each(|key, entry| {
                other.insert(key, entry);
            });
        }
    }

    /// What it holds and did.
    pub fn counts(&self) -> StoreCounts {
        let mut counts = StoreCounts {
            id: self.id,
            ..StoreCounts::default()
        };
        for shard in &self.shards {
            counts.entries += shard.entries.load(Relaxed);
            counts.bytes += shard.bytes();
            counts.evictions += shard.evictions.load(Relaxed);
        }
        counts
    }

    #[inline]
    fn shard_of(&self, hash: u64) -> usize {
        // Bits that neither the bucket numbers nor the tag of the index use.
        usize::from((hash >> 24).to_le_bytes()[0]) & (self.shards.len() - 1)
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);
/// A shard is worth its fixed costs (two partly filled chunks, a lock) from about this many entries on.
const ENTRIES_PER_SHARD: usize = 4096;
/// No entry takes less (header, question, one record, index): a larger index than this allows would be memory for nothing.
const LEAST_BYTES_PER_ENTRY: usize = 112;
/// And only with this much memory: four chunks are its least.
const BYTES_PER_SHARD: usize = 1 << 20;
/// More shards than this would not make writers wait less: a miss costs microseconds, a write under the lock a few hundred nanoseconds.
const MAX_SHARDS: usize = 16;

#[cfg(test)]
mod tests;
