//! What the program counts, and how a scrape reads it.
//!
//! Two kinds of cells: those of the hot path ([`Series`], [`CacheSeries`], [`WorkerSeries`]),
//! which belong to one worker and cost a load and a store each, and all others, found by family
//! and label values ([`Metrics::counter`], [`Metrics::gauge`], [`Metrics::histogram`]). Both are
//! asked for once per configuration and kept forever: a label set that comes back after a reload
//! gets its old cells, so counters never go back.

mod buckets;
mod cache_series;
mod collect;
pub mod families;
mod family;
mod labels;
mod process;
mod registry;
mod series;
mod text;
mod upstream_series;
mod worker_series;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

pub use self::cache_series::{CacheSeries, Half};
pub use self::collect::{Collect, Collector};
pub use self::family::{Family, Kind};
pub use self::labels::TypeIndex;
pub(crate) use self::labels::rcode_name;
pub use self::registry::{Counter, Gauge, Histogram};
pub use self::series::{AddressFamily, Request, Response, Series};
pub use self::text::CONTENT_TYPE;
pub use self::upstream_series::UpstreamSeries;
pub use self::worker_series::WorkerSeries;

pub(crate) use self::registry::lock;

use self::collect::Totals;
use self::registry::Registry;
use self::text::Samples;

/// What `coredns_build_info` says.
#[derive(Debug, Clone, Copy)]
pub struct Build<'a> {
    /// This program's version.
    pub version: &'a str,
    /// The commit it was built from.
    pub revision: &'a str,
    /// The compiler, in the place of the Go version.
    pub compiler: &'a str,
}

/// All metrics of the process; shared by everyone.
pub struct Metrics {
    registry: Registry,
    /// Keyed by server, zone, view and worker.
    series: Mutex<BTreeMap<Place, Series>>,
    caches: Mutex<BTreeMap<Place, CacheSeries>>,
    workers: Mutex<BTreeMap<u16, WorkerSeries>>,
    upstreams: Mutex<BTreeMap<String, UpstreamSeries>>,
    upstreams_in_use: Mutex<BTreeSet<String>>,
    collector: Mutex<Option<Arc<dyn Collect>>>,
    totals: Mutex<Totals>,
}

type Place = ([String; 3], u16);

impl Metrics {
    /// Makes the metrics of a process; those without labels and the five causes of set-up errors
    /// start at zero.
    pub fn new(build: Build<'_>) -> Arc<Self> {
        let metrics = Metrics {
            registry: Registry::default(),
            series: Mutex::default(),
            caches: Mutex::default(),
            workers: Mutex::default(),
            upstreams: Mutex::default(),
            upstreams_in_use: Mutex::default(),
            collector: Mutex::default(),
            totals: Mutex::default(),
        };
        let build_info = [build.version, build.revision, build.compiler];
        metrics.gauge(&families::BUILD_INFO, &build_info).set(1.0);
        for family in families::ALL
            .iter()
            .filter(|family| family.labels.is_empty())
        {
            match family.kind {
                Kind::Counter if !READ_AT_SCRAPE.contains(&family.name) => {
                    metrics.counter(family, &[]);
                }
                Kind::Histogram(_) => drop(metrics.histogram(family, &[])),
                Kind::Counter | Kind::Gauge => {}
            }
        }
        for cause in SETUP_ERRORS {
            metrics.counter(&families::SETUP_ERRORS, &[cause]);
        }
        for code in ["200", "500", "503"] {
            metrics.counter(&families::METRIC_HANDLER_REQUESTS, &[code]);
        }
        Arc::new(metrics)
    }

    /// The cells of one worker for questions to a server address (`dns://192.0.2.10:53`) about a
    /// zone (`cluster.local.`, or `dropped`).
    pub fn series(&self, worker: u16, server: &str, zone: &str, view: &str) -> Series {
        lock(&self.series)
            .entry(place(worker, server, zone, view))
            .or_default()
            .clone()
    }

    /// The cells of one worker for a cache; `zones` are the zones of its block joined by commas.
    pub fn cache_series(&self, worker: u16, server: &str, zones: &str, view: &str) -> CacheSeries {
        lock(&self.caches)
            .entry(place(worker, server, zones, view))
            .or_default()
            .clone()
    }

    /// The cells of one worker that belong to no zone.
    pub fn worker_series(&self, worker: u16) -> WorkerSeries {
        lock(&self.workers).entry(worker).or_default().clone()
    }

    /// The cells of an upstream address (`10.96.0.10:53`).
    pub fn upstream_series(&self, to: &str) -> UpstreamSeries {
        let mut upstreams = lock(&self.upstreams);
        upstreams
            .entry(to.to_owned())
            .or_insert_with(UpstreamSeries::new)
            .clone()
    }

    /// Says which upstreams the configuration in force names: only their state is reported.
    pub fn set_upstreams_in_use<'a>(&self, to: impl IntoIterator<Item = &'a str>) {
        *lock(&self.upstreams_in_use) = to.into_iter().map(str::to_owned).collect();
    }

    /// Says which directives are in force: server, zone, view and directive name of each.
    pub fn set_plugins_enabled<'a>(&self, enabled: impl IntoIterator<Item = [&'a str; 4]>) {
        self.registry.clear(&families::PLUGIN_ENABLED);
        for labels in enabled {
            self.gauge(&families::PLUGIN_ENABLED, &labels).set(1.0);
        }
    }

    /// Says which configuration a reload has put in force.
    pub fn set_reload_version(&self, sha512: &str) {
        self.registry.clear(&families::RELOAD_VERSION_INFO);
        self.gauge(&families::RELOAD_VERSION_INFO, &["sha512", sha512])
            .set(1.0);
    }

    /// Replaces what is asked for values at a scrape; the old one is asked once more, for what it
    /// has counted since the last scrape.
    pub fn set_collector(&self, collector: Arc<dyn Collect>) {
        let old = lock(&self.collector).replace(collector);
        if let Some(old) = old {
            let totals = &mut *lock(&self.totals);
            old.collect(&mut Collector {
                samples: &mut Samples::default(),
                totals,
            });
        }
    }

    /// The cell of a counter.
    pub fn counter(&self, family: &'static Family, labels: &[&str]) -> Counter {
        self.registry.counter(family, labels)
    }

    /// The cell of a gauge.
    pub fn gauge(&self, family: &'static Family, labels: &[&str]) -> Gauge {
        self.registry.gauge(family, labels)
    }

    /// The cell of a histogram of durations.
    pub fn histogram(&self, family: &'static Family, labels: &[&str]) -> Histogram {
        self.registry.histogram(family, labels)
    }

    /// Forgets the gauges of a family, before those of a new configuration are set.
    pub fn clear_gauges(&self, family: &'static Family) {
        self.registry.clear(family);
    }

    /// Everything, as the text of a scrape's answer.
    pub fn encode(&self) -> String {
        let mut samples = Samples::default();
        self.registry.gather(&mut samples);
        for (([server, zone, view], _), series) in lock(&self.series).iter() {
            series.gather(&mut samples, &[server, zone, view]);
        }
        for (([server, zones, view], _), series) in lock(&self.caches).iter() {
            series.gather(&mut samples, &[server, zones, view]);
        }
        for series in lock(&self.workers).values() {
            series.gather(&mut samples);
        }
        let in_use = lock(&self.upstreams_in_use).clone();
        for (to, series) in lock(&self.upstreams).iter() {
            series.gather(&mut samples, to, in_use.contains(to));
        }
        let collector = lock(&self.collector).clone();
        {
            let totals = &mut *lock(&self.totals);
            if let Some(collector) = collector {
                collector.collect(&mut Collector {
                    samples: &mut samples,
                    totals,
                });
            }
            totals.gather(&mut samples);
        }
        process::gather(&mut samples);
        samples.encode()
    }
}

fn place(worker: u16, server: &str, zone: &str, view: &str) -> Place {
    (
        [server.to_owned(), zone.to_owned(), view.to_owned()],
        worker,
    )
}

/// The causes node-cache reports, each at zero from the start so that an alert can compare.
const SETUP_ERRORS: [&str; 5] = [
    "iptables",
    "iptables_lock",
    "interface_add",
    "interface_check",
    "configmap",
];

/// Counters without labels whose value comes from the kernel, not from a cell.
const READ_AT_SCRAPE: [&str; 1] = ["process_cpu_seconds_total"];
