//! An entry as words: four of header, then the message, then the places of its times to live.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nodens_dns::HEADER_LENGTH;

use crate::time::Time;

/// What an entry is kept under.
#[derive(Clone, Copy, Debug)]
pub struct StoreKey<'a> {
    /// The name in wire form and lower case.
    pub name: &'a [u8],
    /// The type.
    pub qtype: u16,
    /// The class.
    pub qclass: u16,
    /// DO and CD: answers differ by them.
    pub flags: u8,
    /// A keyed hash of the four above; see [`crate::Resolver`] for the key.
    pub hash: u64,
}

/// An entry to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// The message: its question in lower case, no OPT record.
    pub message: &'a [u8],
    /// Where the times to live of its records are.
    pub ttl_offsets: &'a [u16],
    /// When it ends being fresh.
    pub expires: Time,
    /// How long it was fresh when it was stored, in seconds.
    pub ttl: u32,
}

/// An entry that was read. `out` then holds `length` bytes of message and, from the next multiple of eight on,
/// `ttl_offsets` little-endian 16-bit places of times to live.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// When it ends being fresh.
    pub expires: Time,
    /// How long it was fresh when it was stored, in seconds.
    pub ttl: u32,
    /// Bytes of message.
    pub length: usize,
    /// Records with a time to live.
    pub ttl_offsets: usize,
    pub(super) slot: usize,
}

impl Found {
    /// Splits what was read into the message and the places of its times to live.
    #[inline]
    pub fn parts<'a>(
        &self,
        out: &'a mut [u8],
    ) -> (&'a mut [u8], impl Iterator<Item = usize> + use<'a>) {
        let start = self.length.next_multiple_of(8).min(out.len());
        let (message, offsets) = out.split_at_mut(start);
        let offsets = offsets.get(..self.ttl_offsets * 2).unwrap_or_default();
        let offsets = offsets.chunks_exact(2);
        (
            message,
            offsets.map(|pair| usize::from(u16::from_le_bytes([pair[0], pair[1]]))),
        )
    }
}

/// Words before the message.
pub(super) const ENTRY_HEADER_WORDS: usize = 4;

/// The four words before a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryHeader {
    pub(super) hash: u64,
    pub(super) expires: u64,
    pub(super) ttl: u32,
    pub(super) length: u16,
    pub(super) ttl_offsets: u16,
    pub(super) qtype: u16,
    pub(super) qclass: u16,
    pub(super) flags: u8,
    pub(super) name_length: u8,
    /// Words taken in the ring, padding included.
    pub(super) words: u16,
    /// No entry: the rest of a chunk that was too short for the next one.
    pub(super) filler: bool,
}

impl EntryHeader {
    pub(super) fn filler(words: usize) -> Self {
        Self {
            hash: 0,
            expires: 0,
            ttl: 0,
            length: 0,
            ttl_offsets: 0,
            qtype: 0,
            qclass: 0,
            flags: 0,
            name_length: 0,
            words: u16::try_from(words).expect("a chunk has fewer than 65,536 words"),
            filler: true,
        }
    }

    #[inline]
    pub(super) fn load(words: &[AtomicU64]) -> Option<Self> {
        let [hash, expires, sizes, kind] = words
            .first_chunk::<ENTRY_HEADER_WORDS>()?
            .each_ref()
            .map(|word| word.load(Relaxed));
        let [t0, t1, t2, t3, l0, l1, o0, o1] = sizes.to_le_bytes();
        let [q0, q1, c0, c1, flags, name_length, w0, w1] = kind.to_le_bytes();
        let words = u16::from_le_bytes([w0, w1]);
        Some(Self {
            hash,
            expires,
            ttl: u32::from_le_bytes([t0, t1, t2, t3]),
            length: u16::from_le_bytes([l0, l1]),
            ttl_offsets: u16::from_le_bytes([o0, o1]),
            qtype: u16::from_le_bytes([q0, q1]),
            qclass: u16::from_le_bytes([c0, c1]),
            flags,
            name_length,
            words: words & !FILLER,
            filler: words & FILLER != 0,
        })
    }

    pub(super) fn to_words(self) -> [u64; ENTRY_HEADER_WORDS] {
        let [t0, t1, t2, t3] = self.ttl.to_le_bytes();
        let [l0, l1] = self.length.to_le_bytes();
        let [o0, o1] = self.ttl_offsets.to_le_bytes();
        let [q0, q1] = self.qtype.to_le_bytes();
        let [c0, c1] = self.qclass.to_le_bytes();
        let [w0, w1] = (self.words | if self.filler { FILLER } else { 0 }).to_le_bytes();
        [
            self.hash,
            self.expires,
            u64::from_le_bytes([t0, t1, t2, t3, l0, l1, o0, o1]),
            u64::from_le_bytes([q0, q1, c0, c1, self.flags, self.name_length, w0, w1]),
        ]
    }

    /// Whether this entry can be the one for `key`; the name itself is in the message.
    #[inline]
    pub(super) fn matches(&self, key: &StoreKey<'_>) -> bool {
        self.hash == key.hash
            && self.qtype == key.qtype
            && self.qclass == key.qclass
            && self.flags == key.flags
            && usize::from(self.name_length) == key.name.len()
    }

    /// Words of message and offsets.
    #[inline]
    pub(super) fn body_words(&self) -> usize {
        usize::from(self.length).div_ceil(8) + usize::from(self.ttl_offsets).div_ceil(4)
    }
}

/// The words of a new entry, appended to `words`; nothing when it cannot be an entry.
pub(super) fn encode(
    key: &StoreKey<'_>,
    entry: &NewEntry<'_>,
    allocated: usize,
    words: &mut Vec<u64>,
) -> Option<()> {
    let header = EntryHeader {
        hash: key.hash,
        expires: entry.expires.as_nanos(),
        ttl: entry.ttl,
        length: u16::try_from(entry.message.len()).ok()?,
        ttl_offsets: u16::try_from(entry.ttl_offsets.len()).ok()?,
        qtype: key.qtype,
        qclass: key.qclass,
        flags: key.flags,
        name_length: u8::try_from(key.name.len()).ok()?,
        words: u16::try_from(allocated).ok()?,
        filler: false,
    };
    words.extend_from_slice(&header.to_words());
    for bytes in entry.message.chunks(8) {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        words.push(u64::from_le_bytes(word));
    }
    for offsets in entry.ttl_offsets.chunks(4) {
        let mut word = [0; 8];
        for (place, offset) in word.chunks_exact_mut(2).zip(offsets) {
            place.copy_from_slice(&offset.to_le_bytes());
        }
        words.push(u64::from_le_bytes(word));
    }
    Some(())
}

/// Words an entry takes.
pub(super) fn words_needed(entry: &NewEntry<'_>) -> usize {
    ENTRY_HEADER_WORDS + entry.message.len().div_ceil(8) + entry.ttl_offsets.len().div_ceil(4)
}

/// Whether the message that starts at `bytes` asks for `name`.
#[inline]
pub(super) fn asks_for(bytes: &[u8], name: &[u8]) -> bool {
    bytes.get(HEADER_LENGTH..HEADER_LENGTH + name.len()) == Some(name)
}

/// The bit of the word count that marks a filler.
const FILLER: u16 = 0x8000;
