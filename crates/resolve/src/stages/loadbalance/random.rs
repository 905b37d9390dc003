//! Order from one random number that the driver drew.

/// A stream of numbers from a seed (`SplitMix64`); good enough to spread load, not for secrets.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`, which must not be zero. The bias of the remainder is far below what
    /// any client could notice.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(mixed % limit).unwrap_or(0)
    }

    /// Calls `swap` so that every order of `count` things is equally likely.
    pub(super) fn shuffle(&mut self, count: usize, mut swap: impl FnMut(usize, usize)) {
        for place in 0..count.saturating_sub(1) {
            let other = place + self.below(count - place);
            if place != other {
                swap(place, other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn every_order_comes_about_equally_often() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..6000 {
            let mut order = [0, 1, 2];
            Random::new(seed).shuffle(3, |one, other| order.swap(one, other));
            *counts.entry(order).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(
            counts.values().all(|count| (900..1100).contains(count)),
            "{counts:?}"
        );
    }
}
