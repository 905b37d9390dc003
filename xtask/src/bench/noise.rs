//! How far a run can be trusted.

use super::record::{Phase, Records, Spread};
use super::subject::Subject;
use super::summary::{COST, FLOOR};

/// What kept the machine from being a quiet place, in plain words.
pub(crate) fn section(subjects: &[Subject], records: &Records) -> String {
    let mut reasons = Vec::new();
    for phase in [Phase::Hit, Phase::HitDnsperf] {
        let width = records
            .spread(phase, FLOOR, COST)
            .map_or(0.0, Spread::width);
        if width > QUIET {
            reasons.push(format!(
                "{phase}: the echo's own cost per query varied by {:.0} %",
                width * 100.0
            ));
        }
    }
    for phase in [Phase::Hit, Phase::HitDnsperf, Phase::Miss] {
        for (measure, words) in [
            ("other_cpu_share", "other work"),
            ("stolen_share", "the hypervisor"),
        ] {
            let worst = subjects
                .iter()
                .filter_map(|subject| {
                    Some((
                        subject.name(),
                        records.spread(phase, subject.name(), measure)?.most,
                    ))
                })
                .max_by(|(_, left), (_, right)| left.total_cmp(right));
            if let Some((name, share)) = worst.filter(|(_, share)| *share > DISTURBED) {
                let share = share * 100.0;
                reasons.push(format!(
                    "{phase}: {words} took up to {share:.0} % of the server's CPU ({name})"
                ));
            }
        }
    }
    for rate in records.latency_rates() {
        let lag = client_lag(subjects, records, rate);
        if lag > LATE {
            let microseconds = lag * 1e-3;
            reasons.push(format!(
                "latency at {rate} queries/s: the client itself was late by {microseconds:.0} µs at \
                 the 99th percentile, so p99 and above say little about the servers"
            ));
        }
    }
    if reasons.is_empty() && records.spread(Phase::Hit, FLOOR, COST).is_none() {
        return "\nHow quiet the machine was is not known: the hits of the echo were not measured.\n"
            .to_owned();
    }
    if reasons.is_empty() {
        return "\nThe run was quiet: the echo varied by less than 15 %, nothing else used the server's CPU.\n"
            .to_owned();
    }
    let reasons: Vec<_> = reasons
        .iter()
        .map(|reason| format!("- {reason}\n"))
        .collect();
    format!(
        "\n**This run was noisy**; small differences in it mean nothing.\n\n{}",
        reasons.concat()
    )
}

/// How late the latency client was at the 99th percentile, in its worst turns, in nanoseconds.
pub(crate) fn client_lag(subjects: &[Subject], records: &Records, rate: u64) -> f64 {
    let phase = Phase::Latency(rate);
    let lags = subjects
        .iter()
        .filter_map(|subject| records.spread(phase, subject.name(), "lag_p99"));
    lags.map(|lag| lag.median).fold(0.0, f64::max)
}

/// The echo does the same work in every round; what varies more than this is the machine.
const QUIET: f64 = 0.15;

/// Nanoseconds of the client's lateness above which its p99 is about itself.
pub(crate) const LATE: f64 = 200_000.0;

/// A share of the server's CPU taken by others that shows in the figures.
const DISTURBED: f64 = 0.05;
