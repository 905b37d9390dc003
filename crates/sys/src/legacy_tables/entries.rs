//! A table as a block of entries, and the same without some of them.

use std::ops::Range;

use super::Family;

/// A table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    family: Family,
    valid_hooks: [u8; 4],
    /// Where the built-in chains begin, and where their policies are.
    hooks: [u32; 10],
    block: Vec<u8>,
    /// Where each entry is in the block.
    places: Vec<Range<usize>>,
}

impl Table {
    /// Reads what the kernel says; nothing when the lengths in it are not as they should be.
    pub(super) fn parse(family: Family, info: &[u8], block: &[u8]) -> Option<Self> {
        let mut places = Vec::new();
        let mut start = 0;
        while start < block.len() {
            let end = start + usize::from(number16(block, start + next_offset(family))?);
            if end < start + fixed_length(family) || end > block.len() {
                return None;
            }
            places.push(start..end);
            start = end;
        }
        let mut hooks = [0; 10];
        for (index, hook) in hooks.iter_mut().enumerate() {
            *hook = number32(info, HOOKS + 4 * index)?;
        }
        Some(Self {
            family,
            valid_hooks: *info.get(NAME..)?.first_chunk()?,
            hooks,
            block: block.to_vec(),
            places,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn any(&self, unwanted: impl Fn(&[u8]) -> bool) -> bool {
        self.places
            .iter()
            .any(|place| unwanted(&self.block[place.clone()]))
    }

    /// The table without the unwanted entries, and the indexes of those that are left.
    pub(super) fn without(&self, unwanted: impl Fn(&[u8]) -> bool) -> (Self, Vec<usize>) {
        let (mut block, mut places, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        // What referred to a deleted entry refers to the one behind it.
        let mut moved = Vec::with_capacity(self.len());
        for (index, place) in self.places.iter().enumerate() {
            moved.push((place.start, block.len()));
            let entry = &self.block[place.clone()];
            if !unwanted(entry) {
                places.push(block.len()..block.len() + entry.len());
                block.extend_from_slice(entry);
                kept.push(index);
            }
        }
        let new_offset = |old: u32| {
            let old_place = usize::try_from(old).unwrap_or(usize::MAX);
            let found = moved.binary_search_by_key(&old_place, |(before, _)| *before);
            found
                .ok()
                .and_then(|at| u32::try_from(moved[at].1).ok())
                .unwrap_or(old)
        };
        for place in &places {
            let Some(at) = verdict_place(self.family, &block[place.clone()]) else {
                continue;
            };
            let at = place.start + at;
            // Negative verdicts are final; the others are the offset to go on at.
            if let Some(old) = number32(&block, at).filter(|verdict| *verdict < 1 << 31) {
                block[at..at + 4].copy_from_slice(&new_offset(old).to_ne_bytes());
            }
        }
        let table = Self {
            family: self.family,
            valid_hooks: self.valid_hooks,
            hooks: self.hooks.map(new_offset),
            block,
            places,
        };
        (table, kept)
    }

    /// The block that puts this table in the place of one with `counters` entries, whose counters go to that address. The
    /// name is left to be filled in.
    pub(super) fn replacement(&self, counters: usize, address: usize) -> Vec<u8> {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_ne_bytes();
        let mut bytes = vec![0; NAME];
        bytes.extend_from_slice(&self.valid_hooks);
        bytes.extend_from_slice(&number(self.len()));
        bytes.extend_from_slice(&number(self.block.len()));
        bytes.extend(self.hooks.iter().flat_map(|hook| hook.to_ne_bytes()));
        bytes.extend_from_slice(&number(counters));
        bytes.resize(bytes.len().next_multiple_of(size_of::<usize>()), 0);
        bytes.extend_from_slice(&address.to_ne_bytes());
        bytes.extend_from_slice(&self.block);
        bytes
    }
}

/// How many bytes of entries a table has, by what the kernel says of it.
pub(super) fn size(info: &[u8]) -> usize {
    number32(info, INFO - 4)
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(0)
}

/// Where an entry holds its verdict, if its target is the standard one, whose name is empty.
fn verdict_place(family: Family, entry: &[u8]) -> Option<usize> {
    let target = usize::from(number16(entry, next_offset(family) - 2)?);
    let name = *entry.get(target + 2)?;
    (name == 0 && entry.len() >= target + TARGET_HEADER + 4).then_some(target + TARGET_HEADER)
}

/// Where an entry says how long it is; two bytes before, where its target is: behind the addresses and `nfcache`.
fn next_offset(family: Family) -> usize {
    match family {
        Family::V4 => 84 + 4 + 2,
        Family::V6 => 136 + 4 + 2,
    }
}

/// `sizeof(struct ipt_entry)`, `sizeof(struct ip6t_entry)`
fn fixed_length(family: Family) -> usize {
    match family {
        Family::V4 => 112,
        Family::V6 => 168,
    }
}

fn number16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|bytes| u16::from_ne_bytes(*bytes))
}

fn number32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|bytes| u32::from_ne_bytes(*bytes))
}

/// `XT_TABLE_MAXNAMELEN`
pub(super) const NAME: usize = 32;
/// Where `struct ipt_getinfo` has its hooks, behind the name and the set of valid ones.
const HOOKS: usize = NAME + 4;
/// `sizeof(struct ipt_getinfo)`: the hooks and the underflows, the number of entries, their size.
pub(super) const INFO: usize = HOOKS + 40 + 8;
/// Where the entries begin in `struct ipt_get_entries`, and the counters in `struct xt_counters_info`: behind the name, a
/// number, and a gap.
pub(super) const ENTRIES: usize = NAME + 8;
/// `sizeof(struct xt_entry_target)`
const TARGET_HEADER: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_refers_behind_a_deleted_entry_is_moved() {
        let mut block = entry(152 * 2);
        block.extend(entry(152 * 3));
        block.extend(entry(u32::MAX));
        block.extend(entry(0));
        let mut info = vec![0; INFO];
        info[HOOKS..HOOKS + 4].copy_from_slice(&152_u32.to_ne_bytes());
        info[HOOKS + 20..HOOKS + 24].copy_from_slice(&304_u32.to_ne_bytes());
        let table = Table::parse(Family::V4, &info, &block).unwrap();
        assert_eq!(table.len(), 4);
        let unwanted = |entry: &[u8]| number32(entry, 144) == Some(152 * 3);
        assert!(table.any(unwanted));
        let (without, kept) = table.without(unwanted);
        assert_eq!(kept, [0, 2, 3]);
        assert_eq!(number32(&without.block, 144), Some(152));
        assert_eq!(number32(&without.block, 152 + 144), Some(u32::MAX));
        assert_eq!(number32(&without.block, 2 * 152 + 144), Some(0));
        assert_eq!((without.hooks[0], without.hooks[5]), (152, 152));
        assert_eq!(without.replacement(4, 0).len(), 96 + 3 * 152);
    }

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        let info = vec![0; INFO];
        for length in [0_u16, 50, 200] {
            let mut block = entry(0);
            block[90..92].copy_from_slice(&length.to_ne_bytes());
            assert!(
                Table::parse(Family::V4, &info, &block).is_none(),
                "{length}"
            );
        }
        assert!(Table::parse(Family::V6, &info, &[0; 100]).is_none());
        assert!(Table::parse(Family::V4, &info[..40], &[]).is_none());
    }

    /// An entry without matches whose target is the standard one.
    fn entry(verdict: u32) -> Vec<u8> {
        let mut entry = vec![0; 152];
        entry[88..90].copy_from_slice(&112_u16.to_ne_bytes());
        entry[90..92].copy_from_slice(&152_u16.to_ne_bytes());
        entry[112..114].copy_from_slice(&40_u16.to_ne_bytes());
        entry[144..148].copy_from_slice(&verdict.to_ne_bytes());
        entry
    }
}
