//! The cells of one upstream address, shared by all workers.
//!
//! A question to an upstream costs tens of microseconds, so these are plain atomic additions.
//! Each value is reported under the `coredns_proxy_*` name and under the older
//! `coredns_forward_*` name.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nodens_resolve::Protocol;

use super::buckets::DURATION_BOUNDS;
use super::families;
use super::labels::upstream_rcode;
use super::registry::{Counter, Histogram, lock};
use super::text::Samples;

/// The counters of one upstream address (the `to` label).
#[derive(Debug, Clone)]
pub struct UpstreamSeries(Arc<UpstreamCells>);

#[derive(Debug)]
struct UpstreamCells {
    answers: Mutex<BTreeMap<u16, Histogram>>,
    failures: Mutex<BTreeMap<&'static str, u64>>,
    connections_reused: [Counter; 3],
    connections_opened: [Counter; 3],
    probes_failed: Counter,
    healthy: AtomicBool,
    tcp_unusable: AtomicBool,
}

impl UpstreamSeries {
    pub(super) fn new() -> Self {
        UpstreamSeries(Arc::new(UpstreamCells {
            answers: Mutex::default(),
            failures: Mutex::default(),
            connections_reused: Default::default(),
            connections_opened: Default::default(),
            probes_failed: Counter::default(),
            healthy: AtomicBool::new(true),
            tcp_unusable: AtomicBool::new(false),
        }))
    }

    /// Counts an answer and the time it took.
    pub fn answered(&self, rcode: u16, duration: Duration) {
        let histogram = {
            let mut answers = lock(&self.0.answers);
            answers
                .entry(rcode)
                .or_insert_with(|| Histogram::new(&DURATION_BOUNDS))
                .clone()
        };
        histogram.observe(duration);
    }

    /// Counts a question without an answer; `failure` is a short word such as `timeout`.
    pub fn failed(&self, failure: &'static str) {
        *lock(&self.0.failures).entry(failure).or_default() += 1;
    }

    /// Counts a question sent over a socket that was open already.
    pub fn connection_reused(&self, protocol: Protocol) {
        self.0.connections_reused[protocol as usize].increment();
    }

    /// Counts a question that needed a new socket.
    pub fn connection_opened(&self, protocol: Protocol) {
        self.0.connections_opened[protocol as usize].increment();
    }

    /// Counts a health probe without an answer.
    pub fn probe_failed(&self) {
        self.0.probes_failed.increment();
    }

    /// Says whether the upstream is used.
    pub fn set_healthy(&self, healthy: bool) {
        self.0.healthy.store(healthy, Relaxed);
    }

    /// Says whether the upstream answers over UDP but not over TCP.
    pub fn set_tcp_unusable(&self, unusable: bool) {
        self.0.tcp_unusable.store(unusable, Relaxed);
    }

    pub(super) fn gather(&self, samples: &mut Samples, to: &str, in_use: bool) {
        let cells = &*self.0;
        for (rcode, histogram) in lock(&cells.answers).iter() {
            let rcode = upstream_rcode(*rcode);
            let times = histogram.distribution();
            let count = times.count();
            samples.histogram(
                &families::PROXY_REQUEST_DURATION,
                &[PROXY, to, &rcode],
                &times,
            );
            samples.histogram(&families::FORWARD_REQUEST_DURATION, &[to, &rcode], &times);
            samples.counter(&families::FORWARD_RESPONSES, &[&rcode, to], count);
            samples.counter(&families::FORWARD_REQUESTS, &[to], count);
        }
        for (failure, count) in lock(&cells.failures).iter() {
            samples.counter(&families::UPSTREAM_FAILURES, &[to, failure], *count);
        }
        for (index, protocol) in PROTOCOLS.into_iter().enumerate() {
            let reused = cells.connections_reused[index].value();
            let opened = cells.connections_opened[index].value();
            if reused + opened > 0 {
                let labels = [PROXY, to, protocol];
                samples.counter(&families::PROXY_CONN_CACHE_HITS, &labels, reused);
                samples.counter(&families::PROXY_CONN_CACHE_MISSES, &labels, opened);
                samples.counter(&families::FORWARD_CONN_CACHE_HITS, &labels[1..], reused);
                samples.counter(&families::FORWARD_CONN_CACHE_MISSES, &labels[1..], opened);
            }
        }
        let failed = cells.probes_failed.value();
        samples.counter(&families::PROXY_HEALTHCHECK_FAILURES, &[PROXY, to], failed);
        samples.counter(&families::FORWARD_HEALTHCHECK_FAILURES, &[to], failed);
        if in_use {
            let healthy = cells.healthy.load(Relaxed);
            samples.gauge(
                &families::UPSTREAM_HEALTHY,
                &[to],
                f64::from(u8::from(healthy)),
            );
            let unusable = cells.tcp_unusable.load(Relaxed);
            samples.gauge(
                &families::UPSTREAM_TCP_UNUSABLE,
                &[to],
                f64::from(u8::from(unusable)),
            );
        }
    }
}

/// The `proto` label of each [`Protocol`].
const PROTOCOLS: [&str; 3] = ["udp", "tcp", "tcp-tls"];

/// The `proxy_name` label: the directive that owns the upstream.
const PROXY: &str = "forward";
