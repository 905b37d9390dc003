//! Making room: which entries leave a shard, and which move to the main queue (S3-FIFO; see [`crate::store`]).

use std::sync::atomic::Ordering::Relaxed;

use super::super::arena::write_words;
use super::super::index::Slot;
use super::super::queue::Reserve;
use super::{Shard, Writer, ghost_mark};

impl Shard {
    /// Takes room for a new entry, freeing tails as needed.
    pub(super) fn take(&self, writer: &mut Writer, words: usize, to_main: bool) -> Option<usize> {
        loop {
            let queue = if to_main {
                &mut writer.main
            } else {
                &mut writer.small
            };
            if let Some(location) = queue.take(&self.arena, words, Reserve::Keep) {
                return Some(location);
            }
            let freed = if to_main {
                self.advance_main(writer)
            } else {
                // Bytes, not entries, are short in the small queue only: the main one may well have room.
                self.advance_small(writer, true)
            };
            if !freed {
                return None;
            }
        }
    }

    /// Evicts until there is one entry less. False when there is none to evict.
    pub(super) fn evict_one(&self, writer: &mut Writer) -> bool {
        let before = self.entries.load(Relaxed);
        while self.entries.load(Relaxed) >= before {
            let from_small = writer.small.live > self.entry_limit / 10 || writer.main.live == 0;
            let freed = if from_small {
                self.advance_small(writer, false)
            } else {
                self.advance_main(writer)
            };
            if !freed {
                return false;
            }
        }
        true
    }

    /// Frees the tail of the small queue: what was asked for again moves to the main queue, the rest goes.
    fn advance_small(&self, writer: &mut Writer, keep_if_room: bool) -> bool {
        let Some((location, header)) = writer.small.free_tail(&self.arena) else {
            return false;
        };
        let Some(slot) = self.slot_at(header.hash, location) else {
            return true;
        };
        let words = usize::from(header.words);
        let asked = self.index.heat(slot) > 0;
        if asked || keep_if_room && writer.main.has_room(words) {
            self.load_words(writer, location, words);
            self.release(writer, slot);
            while !writer.main.has_room(words) {
                if !self.advance_main_keeping(writer) {
                    return true;
                }
            }
            self.place(writer, slot, header.hash, 0, Reserve::Keep);
        } else {
            let ghost = writer.ghost_place(header.hash);
            writer.ghosts[ghost] = ghost_mark(header.hash);
            self.release(writer, slot);
            self.evictions.fetch_add(1, Relaxed);
        }
        true
    }

    /// As [`Self::advance_main`], while `writer.words` holds an entry on its way.
    fn advance_main_keeping(&self, writer: &mut Writer) -> bool {
        let words = std::mem::take(&mut writer.words);
        let freed = self.advance_main(writer);
        writer.words = words;
        freed
    }

    /// Frees the tail of the main queue: what was asked for since it was last looked at goes to the head again.
    fn advance_main(&self, writer: &mut Writer) -> bool {
        let Some((location, header)) = writer.main.free_tail(&self.arena) else {
            return false;
        };
        let Some(slot) = self.slot_at(header.hash, location) else {
            return true;
        };
        let heat = self.index.heat(slot);
        if heat > 0 {
            self.load_words(writer, location, usize::from(header.words));
            self.release(writer, slot);
            self.place(writer, slot, header.hash, heat - 1, Reserve::Use);
        } else {
            self.release(writer, slot);
            self.evictions.fetch_add(1, Relaxed);
        }
        true
    }

    /// Writes `writer.words`, an entry taken from elsewhere, into the main queue and points the empty `slot` to it.
    fn place(&self, writer: &mut Writer, slot: usize, hash: u64, heat: u8, reserve: Reserve) {
        let Some(location) = writer.main.take(&self.arena, writer.words.len(), reserve) else {
            self.evictions.fetch_add(1, Relaxed);
            return;
        };
        write_words(self.arena.words_to_write(location), &writer.words);
        self.index.set_heat(slot, heat);
        self.index
            .set(slot, Slot::new(hash, writer.next_generation(), location));
        writer.main.live += 1;
        self.entries.fetch_add(1, Relaxed);
    }

    fn load_words(&self, writer: &mut Writer, location: usize, count: usize) {
        writer.words.clear();
        let words = self.arena.words_to_write(location);
        writer
            .words
            .extend(words[..count].iter().map(|word| word.load(Relaxed)));
    }
}
