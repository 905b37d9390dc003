//! One upstream server and what all workers know of it: is it well, how fast is it, can it do TCP.
//!
//! The state is a handful of atomics: a worker that asks reads it, a worker that hears an answer or a failure writes it.
//! A race between two workers costs at most one question sent to a server that was just found dead.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::time::Time;

/// How a question is carried to an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// A pipelined stream (RFC 7766).
    Tcp,
    /// A pipelined stream in TLS (RFC 7858).
    Tls,
}

/// What is configured of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamSettings {
    /// Address and port.
    pub address: SocketAddr,
    /// DNS over TLS, and with what; nothing for plain DNS.
    pub tls: Option<TlsSettings>,
    /// How long an idle connection is kept.
    pub expire: Duration,
    /// How long a connection is used at most; nothing for no limit.
    pub max_age: Option<Duration>,
    /// Idle connections kept at most; 0 for no limit.
    pub max_idle_connections: usize,
    /// Failed health checks in a row after which the upstream is down; 0 for never.
    pub max_fails: u32,
    /// Time between health checks of an upstream that failed.
    pub health_check: Duration,
    /// Health checks ask for recursion.
    pub health_check_recursion: bool,
    /// The name health checks ask for.
    pub health_check_domain: nodens_dns::Name,
}

/// What a TLS connection is made with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// The name in the server's certificate; its address when nothing is said.
    pub server_name: Option<String>,
    /// File with our certificate.
    pub certificate: Option<std::path::PathBuf>,
    /// File with our key.
    pub key: Option<std::path::PathBuf>,
    /// File with the authorities to trust; the system's when nothing is said.
    pub authorities: Option<std::path::PathBuf>,
}

/// An upstream server: settings, and health shared by all workers.
#[derive(Debug)]
pub struct Upstream {
    settings: UpstreamSettings,
    label: String,
    fails: AtomicU32,
    /// A health check is under way, by whichever worker set this.
    checking: AtomicBool,
    /// Smoothed round-trip time in microseconds; 0 until measured.
    round_trip: AtomicU32,
    /// TCP is taken for unusable until this moment (nanoseconds); 0 when it is fine.
    tcp_unusable_until: AtomicU64,
    /// The server answered FORMERR to EDNS: plain questions until this moment (nanoseconds).
    plain_until: AtomicU64,
}

impl Upstream {
    /// An upstream that nothing is known of yet.
    pub fn new(settings: UpstreamSettings) -> Self {
        let scheme = if settings.tls.is_some() { "tls://" } else { "" };
        Self {
            label: format!("{scheme}{}", settings.address),
            settings,
            fails: AtomicU32::new(0),
            checking: AtomicBool::new(false),
            round_trip: AtomicU32::new(0),
            tcp_unusable_until: AtomicU64::new(0),
            plain_until: AtomicU64::new(0),
        }
    }

    /// The configuration.
    pub fn settings(&self) -> &UpstreamSettings {
        &self.settings
    }

    /// Address and port.
    pub fn address(&self) -> SocketAddr {
        self.settings.address
    }

    /// The value of the metric label `to`: `192.0.2.1:53`, `tls://192.0.2.1:853`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether more health checks failed than allowed.
    pub fn is_down(&self) -> bool {
        let limit = self.settings.max_fails;
        limit != 0 && self.fails.load(Relaxed) > limit
    }

    /// Claims the right to check this upstream's health: true for one worker at a time.
    pub(crate) fn begin_check(&self) -> bool {
        self.settings.max_fails != 0 && !self.checking.swap(true, Relaxed)
    }

    /// Gives the right to check back.
    pub(crate) fn end_check(&self) {
        self.checking.store(false, Relaxed);
    }

    /// Notes a failed health check; true when the upstream is down because of it.
    pub(crate) fn note_failed_check(&self) -> bool {
        let fails = self.fails.fetch_add(1, Relaxed).saturating_add(1);
        self.settings.max_fails != 0 && fails == self.settings.max_fails.saturating_add(1)
    }

    /// Notes an answer of any kind; true when the upstream was down until now.
    pub(crate) fn note_alive(&self) -> bool {
        // The usual case writes nothing, so the line stays shared between processors.
        if self.fails.load(Relaxed) == 0 {
            return false;
        }
        let fails = self.fails.swap(0, Relaxed);
        self.settings.max_fails != 0 && fails > self.settings.max_fails
    }

    /// Smoothed time from question to answer; nothing until one was measured.
    pub fn round_trip(&self) -> Option<Duration> {
        match self.round_trip.load(Relaxed) {
            0 => None,
            microseconds => Some(Duration::from_micros(u64::from(microseconds))),
        }
    }

    /// Takes a measured round trip into the average (gain 1/8, RFC 6298 section 2).
    pub(crate) fn note_round_trip(&self, measured: Duration) {
        let measured = u32::try_from(measured.as_micros())
            .unwrap_or(u32::MAX)
            .max(1);
        let before = self.round_trip.load(Relaxed);
        let after = if before == 0 {
            measured
        } else {
            before - before / 8 + measured / 8
        };
        self.round_trip.store(after.max(1), Relaxed);
    }

    /// Whether TCP was found unusable and is not tried again yet.
    pub fn tcp_is_unusable(&self, now: Time) -> bool {
        now.as_nanos() < self.tcp_unusable_until.load(Relaxed)
    }

    /// Whether TCP was found unusable and nothing has shown the contrary since.
    pub fn tcp_was_unusable(&self) -> bool {
        self.tcp_unusable_until.load(Relaxed) != 0
    }

    /// Notes that UDP works where TCP does not; true when that is news.
    pub(crate) fn note_tcp_unusable(&self, until: Time) -> bool {
        self.tcp_unusable_until.swap(until.as_nanos(), Relaxed) == 0
    }

    /// Claims the one probe that is due once TCP may be tried again, and holds it off until `next` for everyone else.
    pub(crate) fn claim_tcp_probe(&self, now: Time, next: Time) -> bool {
        let until = self.tcp_unusable_until.load(Relaxed);
        until != 0
            && until <= now.as_nanos()
            && self
                .tcp_unusable_until
                .compare_exchange(until, next.as_nanos(), Relaxed, Relaxed)
                .is_ok()
    }

    /// Notes that TCP works; true when it was taken for unusable.
    pub(crate) fn note_tcp_usable(&self) -> bool {
        self.tcp_unusable_until.load(Relaxed) != 0 && self.tcp_unusable_until.swap(0, Relaxed) != 0
    }

    /// Whether this server takes EDNS for an error and is asked without.
    pub fn is_plain(&self, now: Time) -> bool {
        now.as_nanos() < self.plain_until.load(Relaxed)
    }

    /// Notes that this server takes EDNS for an error.
    pub(crate) fn note_plain(&self, until: Time) {
        self.plain_until.store(until.as_nanos(), Relaxed);
    }
}
