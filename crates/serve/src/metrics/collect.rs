//! Values that are looked up at a scrape: the size of a cache, entries it has pushed out.

use std::collections::BTreeMap;

use super::family::Family;
use super::text::Samples;

/// Looks up values at a scrape; one per configuration.
pub trait Collect: Send + Sync {
    /// Reports the values of now.
    fn collect(&self, collector: &mut Collector<'_>);
}

/// Takes the values of one scrape.
pub struct Collector<'a> {
    pub(super) samples: &'a mut Samples,
    pub(super) totals: &'a mut Totals,
}

/// Counters kept elsewhere, by family and label values.
///
/// What keeps them, such as a cache, may be replaced by one that counts from zero; the totals go
/// on from where they were.
#[derive(Debug, Default)]
pub(super) struct Totals(BTreeMap<(&'static str, Vec<String>), Total>);

#[derive(Debug)]
struct Total {
    family: &'static Family,
    source: u64,
    last: u64,
    sum: u64,
}

impl Collector<'_> {
    /// Reports a gauge; equal label sets are added up.
    pub fn gauge(&mut self, family: &'static Family, labels: &[&str], value: f64) {
        self.samples.gauge(family, labels, value);
    }

    /// Reports a count kept by `source`, a number that is another one for each thing that counts
    /// from zero.
    pub fn counter(&mut self, family: &'static Family, labels: &[&str], source: u64, count: u64) {
        let key = (
            family.name,
            labels.iter().map(|&label| label.to_owned()).collect(),
        );
        let total = self.totals.0.entry(key).or_insert(Total {
            family,
            source,
            last: 0,
            sum: 0,
        });
        if total.source != source {
            total.source = source;
            total.last = 0;
        }
        total.sum += count.saturating_sub(total.last);
        total.last = count;
    }
}

impl Totals {
    pub(super) fn gather(&self, samples: &mut Samples) {
        for ((_, labels), total) in &self.0 {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            samples.counter(total.family, &labels, total.sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::families;
    use super::*;

    #[test]
    fn a_source_that_is_replaced_does_not_set_a_counter_back() {
        let mut totals = Totals::default();
        let mut count = |source, count| {
            let mut samples = Samples::default();
            let mut collector = Collector {
                samples: &mut samples,
                totals: &mut totals,
            };
            let labels = ["dns://192.0.2.10:53", "success", ".", ""];
            collector.counter(&families::CACHE_EVICTIONS, &labels, source, count);
            totals.gather(&mut samples);
            let text = samples.encode();
            text.trim_end()
                .rsplit(' ')
                .next()
                .unwrap()
                .parse::<u64>()
                .unwrap()
        };
        assert_eq!(count(1, 5), 5);
        assert_eq!(count(1, 7), 7);
        assert_eq!(count(2, 0), 7);
        assert_eq!(count(2, 3), 10);
        assert_eq!(count(2, 3), 10);
    }
}
