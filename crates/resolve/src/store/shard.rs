//! One shard: an index and an arena that anyone reads, and a writer's side behind a lock.

use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed},
    fence,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Limits;
use super::arena::{Arena, CHUNK_WORDS, write_words};
use super::entry::{
    ENTRY_HEADER_WORDS, EntryHeader, Found, NewEntry, StoreKey, asks_for, encode, words_needed,
};
use super::index::{Index, LOCATION_BITS, Slot};
use super::queue::Queue;
use crate::time::Time;

mod eviction;

/// One shard of a store.
#[derive(Debug)]
pub(super) struct Shard {
    index: Index,
    arena: Arena,
    /// For each slot, hits in a row and the second of the last one; only for stores that count.
    hits: Option<Box<[AtomicU64]>>,
    writer: Mutex<Writer>,
    entry_limit: usize,
    pub(super) entries: AtomicUsize,
    pub(super) evictions: AtomicU64,
}

/// What only a writer touches.
#[derive(Debug)]
struct Writer {
    small: Queue,
    main: Queue,
    /// Hashes of entries that left the small queue unasked; coming back soon proves them wrong.
    ghosts: Box<[u32]>,
    words: Vec<u64>,
    generation: u32,
}

impl Shard {
    pub(super) fn new(limits: Limits, counts_hits: bool) -> Self {
        let index = Index::new(limits.entries);
        let ghosts = limits.entries.next_power_of_two();
        let counters = if counts_hits {
            index.slot_count() * size_of::<u64>()
        } else {
            0
        };
        let tables = index.bytes() + ghosts * size_of::<u32>() + counters;
        let chunks = limits.bytes.saturating_sub(tables) / (CHUNK_WORDS * size_of::<u64>());
        let chunks = chunks.min((1 << LOCATION_BITS) / CHUNK_WORDS);
        let small_chunks = (chunks / 10).max(MIN_CHUNKS);
        let main_chunks = chunks.saturating_sub(small_chunks).max(MIN_CHUNKS);
        Self {
            hits: counts_hits.then(|| (0..index.slot_count()).map(|_| AtomicU64::new(0)).collect()),
            index,
            arena: Arena::new(small_chunks + main_chunks),
            writer: Mutex::new(Writer {
                small: Queue::new(0, small_chunks),
                main: Queue::new(small_chunks, main_chunks),
                ghosts: vec![0; ghosts].into(),
                words: Vec::new(),
                generation: 0,
            }),
            entry_limit: limits.entries,
            entries: AtomicUsize::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(super) fn read(&self, key: &StoreKey<'_>, out: &mut Vec<u8>) -> Option<Found> {
        for slot in self.index.candidates(key.hash) {
            for _ in 0..READ_TRIES {
                let seen = self.index.get(slot);
                if seen.is_busy() {
                    std::hint::spin_loop();
                    continue;
                }
                // The slot may have been emptied or given away since its tag was looked at.
                if !seen.may_be(key.hash) {
                    break;
                }
                let found = self.copy(seen, slot, key, out);
                fence(Acquire);
                if self.index.get_again(slot) != seen {
                    continue;
                }
                if found.is_some() {
                    return found;
                }
                break;
            }
        }
        None
    }

    /// Copies the entry that `seen` points to. What it returns counts only if the slot has not changed since.
    #[inline]
    fn copy(
        &self,
        seen: Slot,
        slot: usize,
        key: &StoreKey<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Found> {
        let words = self.arena.words(seen.location())?;
        let header = EntryHeader::load(words)?;
        if !header.matches(key) {
            return None;
        }
        let body = words.get(ENTRY_HEADER_WORDS..ENTRY_HEADER_WORDS + header.body_words())?;
        out.clear();
        out.reserve(body.len() * 8 + REPLY_ROOM);
        out.extend(
            body.iter()
                .flat_map(|word| word.load(Relaxed).to_le_bytes()),
        );
        asks_for(out, key.name).then_some(Found {
            expires: Time::from_nanos(header.expires),
            ttl: header.ttl,
            length: usize::from(header.length),
            ttl_offsets: usize::from(header.ttl_offsets),
            slot,
        })
    }

    #[inline]
    pub(super) fn touch(&self, found: &Found) {
        self.index.warm(found.slot);
    }

    pub(super) fn count_hit(&self, found: &Found, now_seconds: u32, pause_seconds: u32) -> u32 {
        let Some(hits) = &self.hits else { return 0 };
        let cell = &hits[found.slot];
        let [count, last] = unpack(cell.load(Relaxed));
        let in_a_row = now_seconds.saturating_sub(last) <= pause_seconds;
        let count = if in_a_row { count.saturating_add(1) } else { 1 };
        cell.store(pack(count, now_seconds), Relaxed);
        count
    }

    pub(super) fn insert(&self, key: &StoreKey<'_>, entry: &NewEntry<'_>) -> bool {
        let needed = words_needed(entry);
        let fits = asks_for(entry.message, key.name) && needed <= CHUNK_WORDS;
        if !fits || u16::try_from(entry.message.len()).is_err() {
            return false;
        }
        let mut writer = self.lock();
        let mut to_main = false;
        if let Some((slot, header)) = self.find(key) {
            let seen = self.index.get(slot);
            if usize::from(header.words) >= needed {
                return self.overwrite(&mut writer, slot, usize::from(header.words), key, entry);
            }
            to_main = writer.main.holds(seen.location());
            self.release(&mut writer, slot);
        }
        while self.entries.load(Relaxed) >= self.entry_limit {
            if !self.evict_one(&mut writer) {
                return false;
            }
        }
        let ghost = writer.ghost_place(key.hash);
        to_main |= writer.ghosts[ghost] == ghost_mark(key.hash);
        let Some(location) = self.take(&mut writer, needed, to_main) else {
            return false;
        };
        let slot = self.index.vacancy(key.hash).unwrap_or_else(|| {
            let coldest = self.index.coldest(key.hash);
            self.release(&mut writer, coldest);
            self.evictions.fetch_add(1, Relaxed);
            coldest
        });
        let mut words = std::mem::take(&mut writer.words);
        words.clear();
        let encoded = encode(key, entry, needed, &mut words);
        write_words(self.arena.words_to_write(location), &words);
        writer.words = words;
        if encoded.is_none() {
            return false;
        }
        self.index.set_heat(slot, 0);
        if let Some(hits) = &self.hits {
            hits[slot].store(0, Relaxed);
        }
        self.index.set(
            slot,
            Slot::new(key.hash, writer.next_generation(), location),
        );
        writer.queue_of(location).live += 1;
        self.entries.fetch_add(1, Relaxed);
        true
    }

    pub(super) fn remove(&self, key: &StoreKey<'_>) {
        // Most keys have nothing here; the lock is taken only when something may be.
        if self.index.candidates(key.hash).next().is_none() {
            return;
        }
        let mut writer = self.lock();
        if let Some((slot, _)) = self.find(key) {
            self.release(&mut writer, slot);
        }
    }

    pub(super) fn for_each(&self, mut visit: impl FnMut(&StoreKey<'_>, &NewEntry<'_>)) {
        let _writer = self.lock();
        for slot in 0..self.index.slot_count() {
            let seen = self.index.get(slot);
            let Some(words) = self.arena.words(seen.location()) else {
                continue;
            };
            let Some(header) = EntryHeader::load(words) else {
                continue;
            };
            if seen == Slot::EMPTY {
                continue;
            }
            let mut body: Vec<u8> = words[ENTRY_HEADER_WORDS..]
                .iter()
                .take(header.body_words())
                .flat_map(|word| word.load(Relaxed).to_le_bytes())
                .collect();
            let length = usize::from(header.length);
            let found = Found {
                expires: Time::from_nanos(header.expires),
                ttl: header.ttl,
                length,
                ttl_offsets: usize::from(header.ttl_offsets),
                slot,
            };
            let ttl_offsets: Vec<u16> = found
                .parts(&mut body)
                .1
                .filter_map(|offset| u16::try_from(offset).ok())
                .collect();
            let name_end = nodens_dns::HEADER_LENGTH + usize::from(header.name_length);
            let Some(name) = body.get(nodens_dns::HEADER_LENGTH..name_end) else {
                continue;
            };
            let key = StoreKey {
                name,
                qtype: header.qtype,
                qclass: header.qclass,
                flags: header.flags,
                hash: header.hash,
            };
            let message = &body[..length];
            let entry = NewEntry {
                message,
                ttl_offsets: &ttl_offsets,
                expires: found.expires,
                ttl: found.ttl,
            };
            visit(&key, &entry);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let hits = self
            .hits
            .as_ref()
            .map_or(0, |hits| hits.len() * size_of::<u64>());
        let ghosts = self.entry_limit.next_power_of_two() * size_of::<u32>();
        self.arena.bytes() + self.index.bytes() + hits + ghosts
    }

    /// The slot and header of the entry for `key`. The caller holds the lock, so nothing moves.
    fn find(&self, key: &StoreKey<'_>) -> Option<(usize, EntryHeader)> {
        self.index.candidates(key.hash).find_map(|slot| {
            let words = self.arena.words(self.index.get(slot).location())?;
            let header = EntryHeader::load(words)?;
            if !header.matches(key) {
                return None;
            }
            let bytes = words[ENTRY_HEADER_WORDS..].iter();
            let mut bytes = bytes
                .flat_map(|word| word.load(Relaxed).to_le_bytes())
                .skip(nodens_dns::HEADER_LENGTH);
            key.name
                .iter()
                .all(|&byte| bytes.next() == Some(byte))
                .then_some((slot, header))
        })
    }

    /// Writes an entry over the one that `slot` points to, which is at least as large.
    fn overwrite(
        &self,
        writer: &mut Writer,
        slot: usize,
        allocated: usize,
        key: &StoreKey<'_>,
        entry: &NewEntry<'_>,
    ) -> bool {
        let seen = self.index.get(slot);
        writer.words.clear();
        if encode(key, entry, allocated, &mut writer.words).is_none() {
            return false;
        }
        self.index.set(slot, seen.busy());
        write_words(self.arena.words_to_write(seen.location()), &writer.words);
        let generation = writer.next_generation();
        self.index
            .set(slot, Slot::new(key.hash, generation, seen.location()));
        true
    }

    /// Empties `slot`; the words it pointed to wait for the tail to reach them.
    fn release(&self, writer: &mut Writer, slot: usize) {
        let seen = self.index.get(slot);
        if seen == Slot::EMPTY {
            return;
        }
        self.index.set(slot, Slot::EMPTY);
        writer.queue_of(seen.location()).live -= 1;
        self.entries.fetch_sub(1, Relaxed);
    }

    /// The slot that points to the entry at `location`; nothing when the entry was replaced since.
    fn slot_at(&self, hash: u64, location: usize) -> Option<usize> {
        self.index
            .candidates(hash)
            .find(|&slot| self.index.get(slot).location() == location)
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn queue_of(&mut self, location: usize) -> &mut Queue {
        if self.small.holds(location) {
            &mut self.small
        } else {
            &mut self.main
        }
    }

    fn next_generation(&mut self) -> u32 {
        self.generation = self.generation.wrapping_add(1);
        self.generation
    }

    fn ghost_place(&self, hash: u64) -> usize {
        usize::try_from(hash >> 40).expect("24 bits fit") & (self.ghosts.len() - 1)
    }
}

/// What stays of an evicted entry's hash.
fn ghost_mark(hash: u64) -> u32 {
    u32::try_from(hash & 0xffff_ffff).expect("32 bits fit") | 1
}

fn pack(count: u32, seconds: u32) -> u64 {
    u64::from(count) << 32 | u64::from(seconds)
}

fn unpack(cell: u64) -> [u32; 2] {
    [cell >> 32, cell & 0xffff_ffff].map(|half| u32::try_from(half).expect("32 bits fit"))
}

/// A ring needs one chunk to use and one in reserve for entries on the move.
const MIN_CHUNKS: usize = 2;
/// A writer holds a slot busy for well under a microsecond; after this many looks the reader takes it for a miss.
const READ_TRIES: usize = 64;
/// Room behind a reply for the OPT record that is appended to it.
const REPLY_ROOM: usize = 64;
