//! The cells of questions and replies: one set per worker, server address and zone.
//!
//! A reply from the cache is counted in nine cells. With one writer per cell a count is a load
//! and a store, not a locked read-modify-write; which cell it is comes from small integers, not
//! from a look-up of label values. A scrape adds the workers' cells up.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nodens_resolve::{Plugin, Transport};

use super::buckets::{DURATION_BUCKETS, SIZE_BUCKETS, duration_bucket, size_bucket};
use super::families;
use super::labels::{COMMON_RCODES, TYPES, TypeIndex, reply_rcode};
use super::registry::lock;
use super::text::{Distribution, Samples};

/// A count with one writer and any number of readers.
#[derive(Debug, Default)]
pub(super) struct Cell(AtomicU64);

impl Cell {
    /// Adds without a read-modify-write; counts are lost if two threads do it at once.
    #[inline]
    pub(super) fn add(&self, count: u64) {
        self.0
            .store(self.0.load(Relaxed).wrapping_add(count), Relaxed);
    }

    #[inline]
    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    pub(super) fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The `family` label: the client's address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressFamily {
    /// `1`.
    V4,
    /// `2`.
    V6,
}

impl AddressFamily {
    /// The family of an address; an IPv4 address seen through an IPv6 socket is IPv4.
    #[inline]
    pub fn of(address: &IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(_) => AddressFamily::V4,
            IpAddr::V6(_) => AddressFamily::V6,
        }
    }
}

/// What is counted of a question.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// How it came.
    pub transport: Transport,
    /// The client's address family.
    pub family: AddressFamily,
    /// The type asked for.
    pub qtype: TypeIndex,
    /// Its size in bytes.
    pub size: u16,
    /// Whether it asks for DNSSEC records.
    pub dnssec_ok: bool,
}

/// What is counted of a reply.
#[derive(Debug, Clone, Copy)]
pub struct Response {
    /// How it left.
    pub transport: Transport,
    /// The full response code.
    pub rcode: u16,
    /// The stage that gave it.
    pub plugin: Plugin,
    /// Its size in bytes.
    pub size: u16,
    /// Nanoseconds from question to reply.
    pub nanoseconds: u64,
}

/// One worker's counters for one server address and zone.
///
/// Only the thread that is this worker may count; see [`Cell::add`].
#[derive(Debug, Clone, Default)]
pub struct Series(Arc<SeriesCells>);

#[derive(Debug, Default)]
struct SeriesCells {
    requests: [[[Cell; TYPES.len()]; 2]; 2],
    dnssec_ok: Cell,
    durations: [Cell; DURATION_BUCKETS],
    nanoseconds: Cell,
    request_sizes: [SizeCells; 2],
    response_sizes: [SizeCells; 2],
    responses: [[Cell; COMMON_RCODES]; Plugin::ALL.len()],
    rare_responses: Mutex<BTreeMap<(u16, usize), u64>>,
}

#[derive(Debug, Default)]
struct SizeCells {
    buckets: [Cell; SIZE_BUCKETS],
    bytes: Cell,
}

impl Series {
    /// Counts a question.
    #[inline]
    pub fn request(&self, request: Request) {
        self.requests(request, 1);
    }

    /// Counts several questions that are equal in what is counted.
    #[inline]
    pub fn requests(&self, request: Request, count: u64) {
        let cells = &*self.0;
        let transport = request.transport as usize;
        // Bounded for the compiler: `TypeIndex` is only made with a valid place.
        let qtype = usize::from(request.qtype.0).min(TYPES.len() - 1);
        cells.requests[transport][request.family as usize][qtype].add(count);
        cells.request_sizes[transport].add(request.size, count);
        if request.dnssec_ok {
            cells.dnssec_ok.add(count);
        }
    }

    /// Counts a reply.
    #[inline]
    pub fn response(&self, response: Response) {
        self.responses(response, 1);
    }

    /// Counts several replies that are equal in what is counted.
    #[inline]
    pub fn responses(&self, response: Response, count: u64) {
        let cells = &*self.0;
        cells.durations[duration_bucket(response.nanoseconds)].add(count);
        cells
            .nanoseconds
            .add(response.nanoseconds.wrapping_mul(count));
        cells.response_sizes[response.transport as usize].add(response.size, count);
        let plugin = response.plugin as usize;
        match cells.responses[plugin].get(usize::from(response.rcode)) {
            Some(cell) => cell.add(count),
            None => self.rare_response(response.rcode, plugin, count),
        }
    }

    #[cold]
    fn rare_response(&self, rcode: u16, plugin: usize, count: u64) {
        *lock(&self.0.rare_responses)
            .entry((rcode, plugin))
            .or_default() += count;
    }

    pub(super) fn gather(&self, samples: &mut Samples, place: &[&str; 3]) {
        let [server, zone, view] = *place;
        let cells = &*self.0;
        for (protocol, by_family) in PROTOCOLS.iter().zip(&cells.requests) {
            for (family, by_type) in ["1", "2"].iter().zip(by_family) {
                for (qtype, cell) in TYPES.iter().zip(by_type) {
                    let labels = [server, zone, view, protocol, family, qtype];
                    counted(samples, &families::DNS_REQUESTS, &labels, cell.value());
                }
            }
        }
        counted(
            samples,
            &families::DNS_DO_REQUESTS,
            place,
            cells.dnssec_ok.value(),
        );
        let durations = Distribution {
            buckets: cells.durations.iter().map(Cell::value).collect(),
            sum: Duration::from_nanos(cells.nanoseconds.value()).as_secs_f64(),
        };
        observed(samples, &families::DNS_REQUEST_DURATION, place, &durations);
        for (index, protocol) in PROTOCOLS.iter().enumerate() {
            let labels = [server, zone, view, protocol];
            let requests = cells.request_sizes[index].distribution();
            observed(samples, &families::DNS_REQUEST_SIZE, &labels, &requests);
            let responses = cells.response_sizes[index].distribution();
            observed(samples, &families::DNS_RESPONSE_SIZE, &labels, &responses);
        }
        let rare = lock(&cells.rare_responses).clone();
        let common = cells
            .responses
            .iter()
            .enumerate()
            .flat_map(|(plugin, by_rcode)| {
                (0_u16..)
                    .zip(by_rcode)
                    .map(move |(rcode, cell)| ((rcode, plugin), cell.value()))
            });
        for ((rcode, plugin), count) in common.chain(rare) {
            let labels = [
                server,
                zone,
                view,
                &*reply_rcode(rcode),
                Plugin::ALL[plugin].name(),
            ];
            counted(samples, &families::DNS_RESPONSES, &labels, count);
        }
    }
}

impl SizeCells {
    #[inline]
    fn add(&self, size: u16, count: u64) {
        self.buckets[size_bucket(size)].add(count);
        self.bytes.add(u64::from(size).wrapping_mul(count));
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the exposition's numbers are floats"
    )]
    fn distribution(&self) -> Distribution {
        Distribution {
            buckets: self.buckets.iter().map(Cell::value).collect(),
            sum: self.bytes.value() as f64,
        }
    }
}

/// Reports a counter once it has counted something, as a labeled counter of the Go client appears
/// with its first use.
fn counted(samples: &mut Samples, family: &'static super::Family, labels: &[&str], count: u64) {
    if count > 0 {
        samples.counter(family, labels, count);
    }
}

fn observed(
    samples: &mut Samples,
    family: &'static super::Family,
    labels: &[&str],
    distribution: &Distribution,
) {
    if distribution.count() > 0 {
        samples.histogram(family, labels, distribution);
    }
}

/// The `proto` label of each [`Transport`].
const PROTOCOLS: [&str; 2] = ["udp", "tcp"];
