//! A ring of entries in the arena: taken at the head, freed at the tail.

use super::arena::{Arena, CHUNK_WORDS, write_words};
use super::entry::{ENTRY_HEADER_WORDS, EntryHeader};

/// A ring over whole chunks of an arena. Positions only grow; a place in the arena is a position modulo the ring.
#[derive(Debug)]
pub(super) struct Queue {
    first_chunk: usize,
    capacity: usize,
    head: usize,
    tail: usize,
    /// Entries that a slot still points to.
    pub(super) live: usize,
}

/// Whether an allocation may use the last chunk's worth of room, which is kept for entries that are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reserve {
    /// A new entry: leave the reserve alone.
    Keep,
    /// An entry on the move from the tail: it must find room.
    Use,
}

impl Queue {
    /// A ring over `chunks` chunks from `first_chunk` on; at least two.
    pub(super) fn new(first_chunk: usize, chunks: usize) -> Self {
        Self {
            first_chunk,
            capacity: chunks * CHUNK_WORDS,
            head: 0,
            tail: 0,
            live: 0,
        }
    }

    /// Takes `words` words; nothing when the tail must be freed first.
    pub(super) fn take(&mut self, arena: &Arena, words: usize, reserve: Reserve) -> Option<usize> {
        let left_in_chunk = CHUNK_WORDS - self.head % CHUNK_WORDS;
        let skipped = if words > left_in_chunk {
            left_in_chunk
        } else {
            0
        };
        if skipped + words > self.room(reserve) {
            return None;
        }
        if skipped >= ENTRY_HEADER_WORDS {
            let filler = EntryHeader::filler(skipped).to_words();
            write_words(arena.words_to_write(self.location(self.head)), &filler);
        }
        let location = self.location(self.head + skipped);
        self.head += skipped + words;
        Some(location)
    }

    /// Whether an entry of `words` words finds room without freeing anything.
    pub(super) fn has_room(&self, words: usize) -> bool {
        // The worst case wastes less than `words` at the end of a chunk.
        2 * words <= self.room(Reserve::Keep)
    }

    /// The entry at the tail and its place, which is free from now on; nothing when the ring is empty.
    pub(super) fn free_tail(&mut self, arena: &Arena) -> Option<(usize, EntryHeader)> {
        while self.tail < self.head {
            let left_in_chunk = CHUNK_WORDS - self.tail % CHUNK_WORDS;
            if left_in_chunk < ENTRY_HEADER_WORDS {
                self.tail += left_in_chunk;
                continue;
            }
            let location = self.location(self.tail);
            let header = EntryHeader::load(arena.words_to_write(location))?;
            self.tail += usize::from(header.words);
            if !header.filler {
                return Some((location, header));
            }
        }
        None
    }

    /// Whether `location` belongs to this ring.
    pub(super) fn holds(&self, location: usize) -> bool {
        let start = self.first_chunk * CHUNK_WORDS;
        (start..start + self.capacity).contains(&location)
    }

    fn room(&self, reserve: Reserve) -> usize {
        let free = self.capacity - (self.head - self.tail);
        match reserve {
            Reserve::Keep => free.saturating_sub(CHUNK_WORDS),
            Reserve::Use => free,
        }
    }

    fn location(&self, position: usize) -> usize {
        self.first_chunk * CHUNK_WORDS + position % self.capacity
    }
}
