//! What one load did to a server, and the figures that follow from it.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::client::Outcome;
use super::record::{Phase, Records};
use super::subject::{Kind, Subject};
use super::{Mode, Turn};

/// What one load did to the server.
pub(crate) struct Observation {
    pub(crate) outcome: Outcome,
    pub(crate) cpu: Duration,
    /// What the server's CPU did, for the server and for others.
    pub(crate) busy: Duration,
    /// What the hypervisor took from the server's CPU.
    pub(crate) stolen: Duration,
    /// Packets that reached the upstream.
    pub(crate) upstream: f64,
}

impl Observation {
    /// Throughput.
    pub(crate) fn queries_per_second(&self) -> f64 {
        self.outcome.answered / self.outcome.elapsed.as_secs_f64()
    }

    /// The server's CPU time.
    pub(crate) fn microseconds_per_query(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.outcome.answered
    }

    /// Queries asked upstream, per query answered.
    pub(crate) fn upstream_share(&self) -> f64 {
        self.upstream / self.outcome.answered
    }

    /// Keeps every figure.
    pub(crate) fn record(
        &self,
        subject: &Subject,
        turn: Turn,
        phase: Phase,
        records: &mut Records,
    ) {
        let elapsed = self.outcome.elapsed.as_secs_f64();
        let cpu = self.cpu.as_secs_f64();
        let mut add = |measure, value| records.add(subject, turn, phase, measure, value);
        add("answered", self.outcome.answered);
        add("queries_per_second", self.queries_per_second());
        add("cpu_us_per_query", self.microseconds_per_query());
        add("server_cpu_share", cpu / elapsed);
        add(
            "whole_cpu_us_per_query",
            self.busy.as_secs_f64() * 1e6 / self.outcome.answered,
        );
        add(
            "other_cpu_share",
            (self.busy.as_secs_f64() - cpu).max(0.0) / elapsed,
        );
        add("stolen_share", self.stolen.as_secs_f64() / elapsed);
        add(
            "lost_share",
            1.0 - self.outcome.answered / self.outcome.sent,
        );
        add("error_share", self.outcome.errors / self.outcome.answered);
        add("upstream_per_query", self.upstream_share());
    }
}

/// Hits come from the cache and misses from the upstream, or the figures mean something else.
pub(crate) fn check_source(mode: Mode, subject: &Subject, seen: &Observation) -> Result<()> {
    let share = seen.upstream_share();
    match mode {
        Mode::Hit if subject.kind() != Kind::Floor => {
            ensure!(
                share < CACHED,
                "{:.1} % of the hits were asked upstream",
                share * 100.0
            );
        }
        Mode::Miss => ensure!(
            share > 0.9,
            "only {:.0} % of the misses were asked upstream",
            share * 100.0
        ),
        _ => {}
    }
    Ok(())
}

/// Below this share of queries asked upstream, the answers came from the cache. Not zero:
/// dnsdist checks its server's health.
pub(crate) const CACHED: f64 = 0.01;
