//! The section that a reader of a vendor's benchmark misses: where we lose.

use std::fmt::Write as _;

use super::noise::{LATE, client_lag};
use super::record::{Phase, Records, Spread};
use super::subject::{Kind, Subject};
use super::summary::COST;

/// Every figure in which a peer did better than our cache, worst first within each figure.
pub(crate) fn section(subjects: &[Subject], records: &Records) -> String {
    let mut text = String::from("\n## Where nodens is slower\n\n");
    let Some(ours) = subjects.iter().find(|subject| subject.kind() == Kind::Ours) else {
        text.push_str("nodens was not measured in this run.\n");
        return text;
    };
    let mut lost = 0;
    for figure in figures(subjects, records) {
        let Some(own) = records.spread(figure.phase, ours.name(), figure.measure) else {
            continue;
        };
        for peer in subjects
            .iter()
            .filter(|subject| subject.kind() == Kind::Peer)
        {
            let Some(theirs) = records.spread(figure.phase, peer.name(), figure.measure) else {
                continue;
            };
            let excess = figure.excess(own, theirs);
            if excess <= MEANINGLESS {
                continue;
            }
            lost += 1;
            let doubt = if overlap(own, theirs) {
                "; the ranges overlap, so this may be noise"
            } else {
                ""
            };
            let direction = if figure.more_is_better {
                "less"
            } else {
                "more"
            };
            writeln!(
                text,
                "- {}: {} against {} of {} ({:.0} % {direction}{doubt}).",
                figure.words,
                figure.show(own.median),
                figure.show(theirs.median),
                peer.name(),
                excess * 100.0,
            )
            .expect("writing to a string succeeds");
        }
    }
    if lost == 0 {
        text.push_str("In no figure of this run did a peer do better by more than 2 %.\n");
    }
    text
}

/// One figure to compare.
struct Figure {
    phase: Phase,
    measure: &'static str,
    words: String,
    unit: &'static str,
    /// From what was recorded to the unit shown.
    scale: f64,
    more_is_better: bool,
}

impl Figure {
    fn show(&self, value: f64) -> String {
        let value = value * self.scale;
        let digits = if value < 100.0 { 2 } else { 0 };
        format!("{value:.digits$} {}", self.unit)
    }

    /// By what share ours is worse than theirs; negative when it is better.
    fn excess(&self, ours: Spread, theirs: Spread) -> f64 {
        let more = ours.median / theirs.median - 1.0;
        if self.more_is_better { -more } else { more }
    }
}

fn figures(subjects: &[Subject], records: &Records) -> Vec<Figure> {
    let figure = |phase, measure, words: &str, unit, scale, more_is_better| Figure {
        phase,
        measure,
        words: words.to_owned(),
        unit,
        scale,
        more_is_better,
    };
    let mebi = 1.0 / (1024.0 * 1024.0);
    let mut figures = Vec::new();
    for (phase, words) in [
        (Phase::Hit, "cache hits, batched client"),
        (Phase::HitDnsperf, "cache hits, dnsperf"),
        (Phase::Miss, "misses"),
    ] {
        figures.push(figure(
            phase,
            COST,
            &format!("{words}: CPU time"),
            "µs per query",
            1.0,
            false,
        ));
        figures.push(figure(
            phase,
            "queries_per_second",
            &format!("{words}: throughput"),
            "queries/s",
            1.0,
            true,
        ));
    }
    for rate in records.latency_rates() {
        // What the client's own lateness decides is not the servers' difference.
        let measures: &[_] = if client_lag(subjects, records, rate) > LATE {
            &[("p50", "p50")]
        } else {
            &[("p50", "p50"), ("p99", "p99"), ("p999", "p99.9")]
        };
        for (measure, name) in measures {
            let words = format!("latency at {rate} queries/s, {name}");
            figures.push(figure(
                Phase::Latency(rate),
                measure,
                &words,
                "µs",
                1e-3,
                false,
            ));
        }
    }
    figures.push(figure(
        Phase::Hit,
        "resident_bytes",
        "resident memory with the cache warm",
        "MiB",
        mebi,
        false,
    ));
    figures.push(figure(
        Phase::Memory,
        "bytes_per_entry",
        "memory per entry",
        "bytes",
        1.0,
        false,
    ));
    figures
}

fn overlap(left: Spread, right: Spread) -> bool {
    left.least <= right.most && right.least <= left.most
}

/// No run of this benchmark repeats to within less.
const MEANINGLESS: f64 = 0.02;
