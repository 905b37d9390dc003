//! A table whose entries are named by keys that are not reused soon.
//!
//! The kernel reports events for many sockets at once; handling the first may close the socket of
//! the second and open another in its place. A key carries the place's generation, so the event of
//! the closed socket finds nothing instead of a stranger.

/// Names an entry of a [`Slab`]: place and generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    place: u32,
    generation: u32,
}

/// Entries found by [`Key`].
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
    /// The generation of the next entry, wherever it is put.
    next: u32,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    entry: Option<T>,
}

impl Key {
    /// As the lower 56 bits of a number, which [`Key::from_bits`] reads.
    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.place)
    }

    /// Reads the lower 56 bits of a number.
    pub(crate) fn from_bits(bits: u64) -> Self {
        let place = u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        let generation = u32::try_from(bits >> 32 & u64::from(GENERATIONS)).unwrap_or(0);
        Self { place, generation }
    }
}

impl<T> Slab<T> {
    /// A table without entries.
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            next: 0,
        }
    }

    /// Adds the entry that `make` makes of its key.
    pub(crate) fn insert_with(&mut self, make: impl FnOnce(Key) -> T) -> Key {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place {
                generation: 0,
                entry: None,
            });
            u32::try_from(self.places.len() - 1).expect("there are fewer sockets than 2^32")
        });
        let slot = &mut self.places[place as usize];
        slot.generation = self.next;
        self.next = self.next.wrapping_add(1) & GENERATIONS;
        let key = Key {
            place,
            generation: slot.generation,
        };
        slot.entry = Some(make(key));
        key
    }

    /// Takes the entry out.
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let slot = self.places.get_mut(key.place as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        let entry = slot.entry.take()?;
        self.free.push(key.place);
        if self.free.len() == self.places.len() {
            self.release();
        }
        Some(entry)
    }

    /// The entry.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.places.get_mut(key.place as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        slot.entry.as_mut()
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries with their keys.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        self.places
            .iter_mut()
            .enumerate()
            .filter_map(|(place, slot)| {
                let place = u32::try_from(place).ok()?;
                let key = Key {
                    place,
                    generation: slot.generation,
                };
                Some((key, slot.entry.as_mut()?))
            })
    }

    /// The keys of all entries of which `wanted` holds.
    pub(crate) fn keys_where(&mut self, mut wanted: impl FnMut(&mut T) -> bool) -> Vec<Key> {
        self.iter_mut()
            .filter_map(|(key, entry)| wanted(entry).then_some(key))
            .collect()
    }

    /// Gives back the memory of a table that was large once.
    fn release(&mut self) {
        if self.places.len() > LARGEST_KEPT {
            self.places.truncate(LARGEST_KEPT);
            self.places.shrink_to_fit();
            self.free = (0..).take(self.places.len()).collect();
        }
    }
}

/// Generations have 24 bits, which leaves eight of a 64-bit number to say what the key is for.
const GENERATIONS: u32 = 0x00ff_ffff;
/// An empty table with up to so many places keeps them.
const LARGEST_KEPT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_key_does_not_find_the_next_tenant() {
        let mut slab = Slab::new();
        let first = slab.insert_with(|_| "first");
        assert_eq!(slab.remove(first), Some("first"));
        let second = slab.insert_with(|_| "second");
        assert_eq!(slab.get_mut(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get_mut(second), Some(&mut "second"));
        assert_eq!(slab.len(), 1);
    }

    #[test]
    fn a_key_survives_as_bits() {
        let mut slab = Slab::new();
        for _ in 0..5 {
            let key = slab.insert_with(|key| key);
            assert_eq!(Key::from_bits(key.to_bits()), key);
            assert_eq!(Key::from_bits(key.to_bits() | 7 << 56), key);
            slab.remove(key);
        }
    }

    #[test]
    fn a_table_that_empties_gives_its_memory_back() {
        let mut slab = Slab::new();
        let keys: Vec<Key> = (0..10_000).map(|n| slab.insert_with(|_| n)).collect();
        assert_eq!(slab.iter_mut().count(), 10_000);
        for key in keys {
            slab.remove(key);
        }
        assert!(slab.is_empty());
        assert!(slab.places.capacity() <= LARGEST_KEPT);
        let key = slab.insert_with(|_| 1);
        assert_eq!(slab.keys_where(|entry| *entry == 1), [key]);
    }
}
