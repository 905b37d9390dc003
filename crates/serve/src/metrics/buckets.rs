//! Histogram buckets: `CoreDNS`'s bounds, and the index of an observation found without a float.
//!
//! The bounds are those of `plugin.go` (`TimeBuckets`, `SlimTimeBuckets`) and of
//! `metrics/vars/vars.go` (sizes), so that recording rules and dashboards keep working.

/// Upper bounds of query durations in seconds: a quarter of a millisecond, doubled fifteen times.
pub(super) const DURATION_BOUNDS: [f64; 16] = [
    0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024,
    2.048, 4.096, 8.192,
];

/// Upper bounds of the health check's durations in seconds.
pub(super) const SLIM_DURATION_BOUNDS: [f64; 5] = [0.00025, 0.0025, 0.025, 0.25, 2.5];

/// Upper bounds of message sizes in bytes.
pub(super) const SIZE_BOUNDS: [f64; 14] = [
    0.0, 100.0, 200.0, 300.0, 400.0, 511.0, 1023.0, 2047.0, 4095.0, 8291.0, 16e3, 32e3, 48e3, 64e3,
];

/// Buckets of a duration histogram, the unbounded one included.
pub(super) const DURATION_BUCKETS: usize = DURATION_BOUNDS.len() + 1;

/// Buckets of a size histogram, the unbounded one included.
pub(super) const SIZE_BUCKETS: usize = SIZE_BOUNDS.len() + 1;

/// The bucket of a duration: the number of doublings of the first bound that stay below it.
#[inline]
pub(super) fn duration_bucket(nanoseconds: u64) -> usize {
    let whole = nanoseconds.saturating_sub(1) / FIRST_BOUND;
    let doublings = u64::BITS - whole.leading_zeros();
    (doublings as usize).min(DURATION_BUCKETS - 1)
}

/// The bucket of a message size: how many bounds it exceeds, counted without a branch.
#[inline]
pub(super) fn size_bucket(size: u16) -> usize {
    SIZE_LIMITS
        .iter()
        .map(|limit| usize::from(size > *limit))
        .sum()
}

/// The first duration bound in nanoseconds.
const FIRST_BOUND: u64 = 250_000;

/// [`SIZE_BOUNDS`] as integers.
const SIZE_LIMITS: [u16; 14] = [
    0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "the values compared are small")]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let mut samples = vec![0_u64, 1, u64::MAX];
        for bound in 0..17 {
            let edge = FIRST_BOUND << bound;
            samples.extend([edge - 1, edge, edge + 1]);
        }
        for nanoseconds in samples {
            let expected = DURATION_BOUNDS
                .iter()
                .position(|bound| nanoseconds as f64 <= (bound * 1e9).round())
                .unwrap_or(DURATION_BOUNDS.len());
            assert_eq!(duration_bucket(nanoseconds), expected, "{nanoseconds} ns");
        }
    }

    #[test]
    fn a_size_falls_into_the_first_bucket_that_holds_it() {
        for size in 0..=u16::MAX {
            let expected = SIZE_BOUNDS
                .iter()
                .position(|bound| f64::from(size) <= *bound)
                .unwrap_or(SIZE_BOUNDS.len());
            assert_eq!(size_bucket(size), expected, "{size} bytes");
        }
    }
}
