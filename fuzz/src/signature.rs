//! What was remarkable about an input: the stand-in for branch coverage.

/// Features an input showed. Two inputs with the same features are alike for the driver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    features: Vec<u32>,
}

impl Signature {
    /// Nothing remarkable yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a feature: what kind it is of, and which of that kind. There should be some hundreds of
    /// them for a target, not thousands: each may keep an input in the corpus.
    pub fn note(&mut self, kind: &str, which: impl Into<u64>) {
        let start = u64::from(u32::MAX);
        let folded = kind
            .bytes()
            .chain(which.into().to_le_bytes())
            .fold(start, |hash, byte| {
                // FNV-1a, 32 bit.
                ((hash ^ u64::from(byte)) * 0x0100_0193) & u64::from(u32::MAX)
            });
        let feature = u32::try_from(folded).unwrap_or(u32::MAX);
        if !self.features.contains(&feature) {
            self.features.push(feature);
        }
    }

    /// Notes a number by its magnitude: 0, 1, 2 to 3, 4 to 7, …
    pub fn magnitude(&mut self, kind: &str, number: usize) {
        let magnitude = number.checked_ilog2().map_or(0, |log| log + 1);
        self.note(kind, magnitude);
    }

    /// Notes an error by its text up to what it quotes from the input, numbers left out.
    pub fn error(&mut self, kind: &str, error: &dyn std::fmt::Display) {
        let text = error.to_string();
        let ours = text
            .split(['\'', '"', '`', '‘', '“'])
            .next()
            .unwrap_or_default();
        let ours: String = ours.chars().filter(|each| !each.is_ascii_digit()).collect();
        self.note(&format!("{kind}: {ours}"), 0_u8);
    }

    /// All features, in the order they were first noted.
    pub fn features(&self) -> &[u32] {
        &self.features
    }
}

#[cfg(test)]
mod tests {
    use super::Signature;

    #[test]
    fn a_feature_counts_once_and_numbers_by_their_magnitude() {
        let mut signature = Signature::new();
        signature.magnitude("records", 4);
        signature.magnitude("records", 7);
        assert_eq!(signature.features().len(), 1);
        signature.magnitude("records", 8);
        signature.error("parse", &"at 3: bad");
        signature.error("parse", &"at 4: bad");
        assert_eq!(signature.features().len(), 3);
    }
}
