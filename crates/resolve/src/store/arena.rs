//! The words behind a shard: chunks that are taken when first written.

use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, Release},
    fence,
};

/// Words in a chunk: 64 KiB, room for the largest DNS message and its entry header.
pub(super) const CHUNK_WORDS: usize = 8192 + 64;

/// Chunks of words, addressed by one number.
#[derive(Debug)]
pub(super) struct Arena {
    chunks: Box<[OnceLock<Box<[AtomicU64]>>]>,
}

impl Arena {
    /// Room for `chunks` chunks, none taken yet.
    pub(super) fn new(chunks: usize) -> Self {
        Self {
            chunks: (0..chunks).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The words from `location` to the end of its chunk; nothing where no one has written yet.
    #[inline]
    pub(super) fn words(&self, location: usize) -> Option<&[AtomicU64]> {
        self.chunks
            .get(location / CHUNK_WORDS)?
            .get()?
            .get(location % CHUNK_WORDS..)
    }

    /// The words from `location` to the end of its chunk, taking the chunk if need be.
    pub(super) fn words_to_write(&self, location: usize) -> &[AtomicU64] {
        let chunk = self.chunks[location / CHUNK_WORDS]
            .get_or_init(|| (0..CHUNK_WORDS).map(|_| AtomicU64::new(0)).collect());
        &chunk[location % CHUNK_WORDS..]
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> usize {
        let taken = self
            .chunks
            .iter()
            .filter(|chunk| chunk.get().is_some())
            .count();
        taken * CHUNK_WORDS * size_of::<u64>()
    }
}

/// Copies `source` over `words`, which no slot points to any more (or only a busy one).
pub(super) fn write_words(words: &[AtomicU64], source: &[u64]) {
    // A reader that still holds an old slot to these words must find that slot changed once it has seen a new word.
    fence(Release);
    for (word, &value) in words.iter().zip(source) {
        word.store(value, Relaxed);
    }
}
