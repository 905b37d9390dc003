//! The page a reader sees: medians with their range, ratios to the floor and to the best peer,
//! and how far the run can be trusted.

use std::fmt::Write as _;

use super::record::{Phase, Records, Spread};
use super::subject::{Kind, Subject};
use super::{Options, noise, slower};

/// Writes the page.
pub(crate) fn write(
    subjects: &[Subject],
    records: &Records,
    failures: &[String],
    options: &Options,
) -> String {
    let mut page = String::from("# Summary\n\n");
    page.push_str(
        "Median [least..most] over the rounds. A ratio is taken within each round first; its median \
         is shown. How it was measured: [README.md](README.md).\n",
    );
    page.push_str(&noise::section(subjects, records));
    if !failures.is_empty() {
        page.push_str("\n## Not measured\n\n");
        for failure in failures {
            // The log of a server that ended may have lines of its own.
            let line = failure.lines().next().unwrap_or_default();
            writeln!(page, "- {line}").expect("writing to a string succeeds");
        }
    }
    page.push_str(&throughput(
        subjects,
        records,
        Phase::Hit,
        "Cache hits, batched client",
    ));
    page.push_str(&throughput(
        subjects,
        records,
        Phase::HitDnsperf,
        "Cache hits, dnsperf",
    ));
    page.push_str(&throughput(subjects, records, Phase::Miss, "Misses"));
    for rate in records.latency_rates() {
        page.push_str(&latency(subjects, records, rate));
    }
    page.push_str(&memory(subjects, records, options));
    page.push_str(&slower::section(subjects, records));
    page
}

/// Half of what the slowest subject and half of what the best peer could do.
pub(crate) fn latency_rates(subjects: &[Subject], records: &Records) -> Vec<u64> {
    let speed = |subject: &&Subject| {
        records
            .spread(Phase::Hit, subject.name(), "queries_per_second")
            .map(|speed| speed.median)
    };
    let slowest = subjects
        .iter()
        .filter_map(|subject| speed(&subject))
        .min_by(f64::total_cmp);
    let peers = subjects
        .iter()
        .filter(|subject| subject.kind() == Kind::Peer);
    let best_peer = peers
        .filter_map(|subject| speed(&subject))
        .max_by(f64::total_cmp);
    let mut rates: Vec<_> = [slowest, best_peer]
        .into_iter()
        .flatten()
        .map(|speed| whole_thousands(speed / 2.0))
        .collect();
    rates.dedup();
    rates
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate measured on this machine is positive and far below 2^64"
)]
fn whole_thousands(rate: f64) -> u64 {
    ((rate / 1000.0).round() as u64).max(1) * 1000
}

/// The subjects that have a figure, least first.
fn ranked<'a>(
    subjects: &'a [Subject],
    records: &Records,
    phase: Phase,
    measure: &str,
) -> Vec<(&'a Subject, Spread)> {
    let mut rows: Vec<_> = subjects
        .iter()
        .filter_map(|subject| Some((subject, records.spread(phase, subject.name(), measure)?)))
        .collect();
    rows.sort_by(|(_, left), (_, right)| left.median.total_cmp(&right.median));
    rows
}

fn throughput(subjects: &[Subject], records: &Records, phase: Phase, title: &str) -> String {
    let rows = ranked(subjects, records, phase, COST);
    if rows.is_empty() {
        return String::new();
    }
    let best_peer = rows
        .iter()
        .find(|(subject, _)| subject.kind() == Kind::Peer);
    let best_peer = best_peer.map_or("", |(subject, _)| subject.name());
    let mut text = format!(
        "\n## {title}\n\nServer CPU used below 95 % means that the client was the limit: then only \
         the CPU time per query compares servers.\n\n\
         | subject | queries/s | server CPU µs per query | × echo | × {best_peer} | server CPU used | \
         lost | errors | upstream queries per query |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    for (subject, cost) in rows {
        let name = subject.name();
        let median = |measure| {
            records
                .spread(phase, name, measure)
                .map_or(f64::NAN, |spread| spread.median)
        };
        let ratio = |to| match records.ratio(phase, COST, name, to) {
            Some(ratio) => format!("{:.2}", ratio.median),
            None => "–".to_owned(),
        };
        let speed = records.spread(phase, name, "queries_per_second");
        let speed = speed.map_or_else(String::new, |speed| spread(speed, 0));
        let upstream = if subject.kind() == Kind::Floor {
            "–".to_owned()
        } else {
            format!("{:.3}", median("upstream_per_query"))
        };
        row(
            &mut text,
            &[
                subject_name(subject),
                speed,
                spread(cost, 2),
                ratio(FLOOR),
                ratio(best_peer),
                format!("{:.0} %", median("server_cpu_share") * 100.0),
                percent(median("lost_share")),
                percent(median("error_share")),
                upstream,
            ],
        );
    }
    text
}

fn latency(subjects: &[Subject], records: &Records, rate: u64) -> String {
    let phase = Phase::Latency(rate);
    let mut text = format!(
        "\n## Latency of hits at {rate} queries/s\n\nMicroseconds from when a query was due. “lag” is \
         the client's own lateness at the 99th percentile: part of every figure in its row.\n\n\
         | subject | p50 | p90 | p99 | p99.9 | max | lag | lost |\n|---|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    for (subject, _) in ranked(subjects, records, phase, "p99") {
        let value = |measure| records.spread(phase, subject.name(), measure);
        let mut cells = vec![subject_name(subject)];
        for measure in ["p50", "p90", "p99", "p999", "max", "lag_p99"] {
            cells
                .push(value(measure).map_or_else(String::new, |time| spread(time.scaled(1e-3), 0)));
        }
        let (lost, sent) = (value("lost"), value("sent"));
        let share = lost
            .zip(sent)
            .map_or(f64::NAN, |(lost, sent)| lost.median / sent.median);
        cells.push(percent(share));
        row(&mut text, &cells);
    }
    text
}

fn memory(subjects: &[Subject], records: &Records, options: &Options) -> String {
    let mut text = String::new();
    let rows = ranked(subjects, records, Phase::Hit, "resident_bytes");
    if !rows.is_empty() {
        write!(
            text,
            "\n## Memory with {} names cached\n\nMiB.\n\n| subject | resident | proportional | private |\n\
             |---|--:|--:|--:|\n",
            options.names
        )
        .expect("writing to a string succeeds");
    }
    for (subject, resident) in rows {
        let value = |measure| records.spread(Phase::Hit, subject.name(), measure);
        let mut cells = vec![subject_name(subject), spread(resident.scaled(MEBI), 1)];
        for measure in ["proportional_bytes", "private_bytes"] {
            cells.push(
                value(measure).map_or_else(String::new, |bytes| spread(bytes.scaled(MEBI), 1)),
            );
        }
        row(&mut text, &cells);
    }
    let rows = ranked(subjects, records, Phase::Memory, "bytes_per_entry");
    if rows.is_empty() {
        return text;
    }
    write!(
        text,
        "\n## Memory per entry, {} names\n\nOne round. Resident memory with the names cached \
         less that of the same server made for 1000 names and empty, over the entries kept. The \
         names have 24 characters, the answers one address.\n\n| subject | bytes per entry | kept | \
         MiB made for few | MiB made for all, empty | MiB full |\n|---|--:|--:|--:|--:|--:|\n",
        options.memory_names
    )
    .expect("writing to a string succeeds");
    for (subject, bytes) in rows {
        let value = |measure| {
            records
                .spread(Phase::Memory, subject.name(), measure)
                .map_or(f64::NAN, |spread| spread.median)
        };
        row(
            &mut text,
            &[
                subject_name(subject),
                format!("{:.0}", bytes.median),
                format!("{:.1} %", value("kept_share") * 100.0),
                format!("{:.1}", value("resident_bytes_before") * MEBI),
                format!("{:.1}", value("resident_bytes_empty") * MEBI),
                format!("{:.1}", value("resident_bytes_after") * MEBI),
            ],
        );
    }
    text
}

fn row(text: &mut String, cells: &[String]) {
    writeln!(text, "| {} |", cells.join(" | ")).expect("writing to a string succeeds");
}

fn subject_name(subject: &Subject) -> String {
    match subject.kind() {
        Kind::Ours => format!("**{}**", subject.name()),
        Kind::Floor | Kind::Peer => subject.name().to_owned(),
    }
}

fn spread(spread: Spread, digits: usize) -> String {
    let Spread {
        median,
        least,
        most,
    } = spread;
    format!("{median:.digits$} [{least:.digits$}..{most:.digits$}]")
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// The figure that compares servers whatever the client can do.
pub(crate) const COST: &str = "cpu_us_per_query";

/// The name of the bare echo.
pub(crate) const FLOOR: &str = "echo";

const MEBI: f64 = 1.0 / (1024.0 * 1024.0);
