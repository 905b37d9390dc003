//! Cells for what is counted seldom, found by family and label values.
//!
//! Counters and histograms are never removed, so they stay monotone when the configuration is
//! replaced and asked for again; gauges of a family can be cleared.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::family::{Family, Kind};
use super::text::{Distribution, Samples};

/// A counter that any thread may add to.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds a number.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Relaxed);
    }

    /// The count so far.
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A value that any thread may set.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Replaces the value.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }

    /// The value now.
    pub fn value(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
}

/// A histogram of durations that any thread may add to.
#[derive(Debug, Clone)]
pub struct Histogram(Arc<HistogramCells>);

#[derive(Debug)]
struct HistogramCells {
    bounds: &'static [f64],
    buckets: Box<[AtomicU64]>,
    nanoseconds: AtomicU64,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        let buckets = bounds
            .iter()
            .chain([&f64::INFINITY])
            .map(|_| AtomicU64::new(0))
            .collect();
        Histogram(Arc::new(HistogramCells {
            bounds,
            buckets,
            nanoseconds: AtomicU64::new(0),
        }))
    }

    /// Counts a duration.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = self.0.bounds.partition_point(|bound| *bound < seconds);
        self.0.buckets[bucket].fetch_add(1, Relaxed);
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }

    pub(super) fn distribution(&self) -> Distribution {
        Distribution {
            buckets: self
                .0
                .buckets
                .iter()
                .map(|bucket| bucket.load(Relaxed))
                .collect(),
            sum: Duration::from_nanos(self.0.nanoseconds.load(Relaxed)).as_secs_f64(),
        }
    }
}

type Series<T> = Mutex<BTreeMap<(&'static str, Vec<String>), (&'static Family, T)>>;

/// All cold cells.
#[derive(Debug, Default)]
pub(super) struct Registry {
    counters: Series<Counter>,
    gauges: Series<Gauge>,
    histograms: Series<Histogram>,
}

impl Registry {
    pub(super) fn counter(&self, family: &'static Family, labels: &[&str]) -> Counter {
        debug_assert_eq!(family.kind, Kind::Counter, "{}", family.name);
        cell(&self.counters, family, labels, Counter::default)
    }

    pub(super) fn gauge(&self, family: &'static Family, labels: &[&str]) -> Gauge {
        debug_assert_eq!(family.kind, Kind::Gauge, "{}", family.name);
        cell(&self.gauges, family, labels, Gauge::default)
    }

    pub(super) fn histogram(&self, family: &'static Family, labels: &[&str]) -> Histogram {
        let bounds: &[f64] = match family.kind {
            Kind::Histogram(bounds) => bounds,
            Kind::Counter | Kind::Gauge => {
                debug_assert!(false, "{} is no histogram", family.name);
                &[]
            }
        };
        cell(&self.histograms, family, labels, || Histogram::new(bounds))
    }

    pub(super) fn clear(&self, family: &'static Family) {
        lock(&self.gauges).retain(|(name, _), _| *name != family.name);
    }

    pub(super) fn gather(&self, samples: &mut Samples) {
        for ((_, labels), (family, counter)) in lock(&self.counters).iter() {
            samples.counter(family, &borrowed(labels), counter.value());
        }
        for ((_, labels), (family, gauge)) in lock(&self.gauges).iter() {
            samples.gauge(family, &borrowed(labels), gauge.value());
        }
        for ((_, labels), (family, histogram)) in lock(&self.histograms).iter() {
            samples.histogram(family, &borrowed(labels), &histogram.distribution());
        }
    }
}

fn cell<T: Clone>(
    series: &Series<T>,
    family: &'static Family,
    labels: &[&str],
    new: impl FnOnce() -> T,
) -> T {
    debug_assert_eq!(
        labels.len(),
        family.labels.len(),
        "labels of {}",
        family.name
    );
    let key = (
        family.name,
        labels.iter().map(|&label| label.to_owned()).collect(),
    );
    lock(series)
        .entry(key)
        .or_insert_with(|| (family, new()))
        .1
        .clone()
}

fn borrowed(labels: &[String]) -> Vec<&str> {
    labels.iter().map(String::as_str).collect()
}

/// Locks a map whose entries are whole after any panic: an insertion happens or it does not.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
