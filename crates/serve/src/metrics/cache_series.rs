//! The cells of one worker for one cache: what was asked of it and what it answered.

use std::sync::Arc;

use super::families;
use super::series::Cell;
use super::text::Samples;

/// Which half of a cache: the `type` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Answers with records: `success`.
    Success,
    /// Name errors and empty answers: `denial`.
    Denial,
}

/// One worker's counters for the cache of one server block, seen from one server address.
///
/// Only the thread that is this worker may count.
#[derive(Debug, Clone, Default)]
pub struct CacheSeries(Arc<CacheCells>);

#[derive(Debug, Default)]
struct CacheCells {
    requests: Cell,
    hits: [Cell; 2],
    misses: Cell,
    prefetches: Cell,
    drops: Cell,
    stale: Cell,
    stale_on_failure: Cell,
    joined: Cell,
}

impl CacheSeries {
    /// Counts questions answered with fresh entries.
    #[inline]
    pub fn hit(&self, half: Half, count: u64) {
        self.0.requests.add(count);
        self.0.hits[half as usize].add(count);
    }

    /// Counts a question answered with a stale entry, which is a hit as well.
    pub fn served_stale(&self, half: Half) {
        self.hit(half, 1);
        self.0.stale.add(1);
    }

    /// Counts a question the cache could not answer.
    #[inline]
    pub fn miss(&self) {
        self.0.requests.add(1);
        self.0.misses.add(1);
    }

    /// Counts a question counted as a miss before and now answered with a stale entry because the
    /// upstreams failed.
    pub fn stale_on_failure(&self) {
        self.0.stale.add(1);
        self.0.stale_on_failure.add(1);
    }

    /// Counts a question that waits for an answer already asked for.
    pub fn joined(&self) {
        self.0.joined.add(1);
    }

    /// Counts an entry asked for again before its end.
    pub fn prefetched(&self) {
        self.0.prefetches.add(1);
    }

    /// Counts an answer that is not stored because it is malformed.
    pub fn not_stored(&self) {
        self.0.drops.add(1);
    }

    pub(super) fn gather(&self, samples: &mut Samples, place: &[&str; 3]) {
        let [server, zones, view] = *place;
        let cells = &*self.0;
        for (family, cell) in [
            (&families::CACHE_REQUESTS, &cells.requests),
            (&families::CACHE_MISSES, &cells.misses),
            (&families::CACHE_PREFETCH, &cells.prefetches),
            (&families::CACHE_DROPS, &cells.drops),
            (&families::CACHE_SERVED_STALE, &cells.stale),
            (&families::STALE_ON_FAILURE, &cells.stale_on_failure),
            (&families::JOINED_QUESTIONS, &cells.joined),
        ] {
            samples.counter(family, place, cell.value());
        }
        for (index, half) in HALVES.iter().enumerate() {
            let labels = [server, half, zones, view];
            samples.counter(&families::CACHE_HITS, &labels, cells.hits[index].value());
        }
    }
}

impl Half {
    /// The value of the `type` label.
    pub fn label(self) -> &'static str {
        HALVES[self as usize]
    }
}

const HALVES: [&str; 2] = ["success", "denial"];
