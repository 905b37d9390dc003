//! The index of a shard: buckets of eight slots, two buckets for each key.
//!
//! With two places to choose from the fuller one is avoided, so that buckets overflow only when nearly all of the index is used
//! (Azar et al., "Balanced allocations", 1994). A bucket is one cache line.

use std::sync::atomic::{
    AtomicU8, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// Slots in a bucket.
const BUCKET: usize = 8;

/// Slots and how often what they hold was asked for.
#[derive(Debug)]
pub(super) struct Index {
    slots: Box<[AtomicU64]>,
    heat: Box<[AtomicU8]>,
    bucket_mask: usize,
}

/// The contents of a slot: a tag, a generation, the place of the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u64);

impl Slot {
    pub(super) const EMPTY: Self = Self(0);

    /// A slot for the entry at `location`; the generation makes it differ from what stood here before.
    pub(super) fn new(hash: u64, generation: u32, location: usize) -> Self {
        let location = u64::try_from(location).expect("a location is a small number");
        let generation = u64::from(generation) & GENERATION_MASK;
        Self(tag(hash) | generation << LOCATION_BITS | location & LOCATION_MASK)
    }

    /// The place of the entry.
    #[inline]
    pub(super) fn location(self) -> usize {
        usize::try_from(self.0 & LOCATION_MASK).expect("28 bits fit")
    }

    #[inline]
    pub(super) fn may_be(self, hash: u64) -> bool {
        self.0 & TAG_MASK == tag(hash)
    }

    #[inline]
    pub(super) fn is_busy(self) -> bool {
        self.0 & BUSY != 0
    }

    pub(super) fn busy(self) -> Self {
        Self(self.0 | BUSY)
    }
}

impl Index {
    /// An index that holds `entries` entries at two thirds of its slots.
    pub(super) fn new(entries: usize) -> Self {
        let slots = (entries * 3 / 2).next_power_of_two().max(2 * BUCKET);
        Self {
            slots: (0..slots).map(|_| AtomicU64::new(0)).collect(),
            heat: (0..slots).map(|_| AtomicU8::new(0)).collect(),
            bucket_mask: slots / BUCKET - 1,
        }
    }

    pub(super) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * (size_of::<u64>() + size_of::<u8>())
    }

    /// The slots that may hold the entry of `hash`.
    #[inline]
    pub(super) fn candidates(&self, hash: u64) -> impl Iterator<Item = usize> + '_ {
        let [first, second] = self.buckets(hash);
        (first..first + BUCKET)
            .chain(second..second + BUCKET)
            .filter(move |&slot| Slot(self.slots[slot].load(Relaxed)).may_be(hash))
    }

    /// An empty slot for `hash` in the emptier of its buckets.
    pub(super) fn vacancy(&self, hash: u64) -> Option<usize> {
        let [first, second] = self.buckets(hash).map(|bucket| {
            let vacant = (bucket..bucket + BUCKET).filter(|&slot| self.get(slot) == Slot::EMPTY);
            (vacant.clone().count(), vacant.min())
        });
        if first.0 >= second.0 {
            first.1
        } else {
            second.1
        }
    }

    /// The slot among those of `hash` whose entry was asked for least.
    pub(super) fn coldest(&self, hash: u64) -> usize {
        let [first, second] = self.buckets(hash);
        (first..first + BUCKET)
            .chain(second..second + BUCKET)
            .min_by_key(|&slot| self.heat(slot))
            .expect("a bucket has slots")
    }

    /// The slot's contents, ordered before what is read of the entry afterwards.
    #[inline]
    pub(super) fn get(&self, slot: usize) -> Slot {
        Slot(self.slots[slot].load(Acquire))
    }

    /// The slot's contents, for the second look of a reader, after an acquire fence.
    #[inline]
    pub(super) fn get_again(&self, slot: usize) -> Slot {
        Slot(self.slots[slot].load(Relaxed))
    }

    /// Publishes `contents` after the entry was written.
    pub(super) fn set(&self, slot: usize, contents: Slot) {
        self.slots[slot].store(contents.0, Release);
    }

    #[inline]
    pub(super) fn heat(&self, slot: usize) -> u8 {
        self.heat[slot].load(Relaxed)
    }

    pub(super) fn set_heat(&self, slot: usize, heat: u8) {
        self.heat[slot].store(heat, Relaxed);
    }

    /// Makes the slot's entry warmer, up to [`MAX_HEAT`]. Two readers at once may count as one: good enough.
    #[inline]
    pub(super) fn warm(&self, slot: usize) {
        let heat = self.heat(slot);
        if heat < MAX_HEAT {
            self.set_heat(slot, heat + 1);
        }
    }

    #[inline]
    fn buckets(&self, hash: u64) -> [usize; 2] {
        let low = usize::try_from(hash & 0xff_ffff).expect("24 bits fit");
        let high = usize::try_from((hash >> 32) & 0xffff_ffff).expect("32 bits fit");
        [
            (low & self.bucket_mask) * BUCKET,
            (high & self.bucket_mask) * BUCKET,
        ]
    }
}

/// More hits than this before an eviction pass make no difference (S3-FIFO uses two bits as well).
const MAX_HEAT: u8 = 3;
/// Locations are counted in words: two gigabytes for one shard.
pub(super) const LOCATION_BITS: u32 = 28;
const LOCATION_MASK: u64 = (1 << LOCATION_BITS) - 1;
/// A reader is deceived only if it sleeps in the middle of a copy for an exact multiple of so many writes to its shard:
/// at 100,000 writes a second, for 84 seconds.
const GENERATION_MASK: u64 = (1 << 23) - 1;
/// Says that the entry is being overwritten in place.
const BUSY: u64 = 1 << 51;
/// The bits of a slot that hold the tag.
const TAG_MASK: u64 = 0xfff << 52;

/// Bits of the hash, never all zero, so that no slot in use equals an empty one.
#[inline]
fn tag(hash: u64) -> u64 {
    (hash | 1 << 52) & TAG_MASK
}
