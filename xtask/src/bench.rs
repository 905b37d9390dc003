//! `cargo xtask bench cache`: our cache beside other DNS servers and beside a bare UDP echo.
//!
//! Every subject runs alone on one CPU in its own network namespace, the load on another CPU in
//! another namespace, and the upstream in a third. Subjects take turns, once per round, in an
//! order that rotates, so that whatever else the machine does meets all of them. The figure to
//! trust is the server's CPU time per query: throughput depends on the client as well.

mod client;
mod machine;
mod measure;
mod memory;
mod names;
mod noise;
mod observation;
mod record;
mod run_folder;
mod scratch;
mod server;
mod slower;
mod subject;
mod summary;
mod tools;
mod topology;
mod usage;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use self::measure::Bench;
use self::record::Records;
use self::run_folder::RunFolder;
use self::subject::Subject;
use crate::interrupt::Interrupt;

/// What to measure, and how long.
#[derive(Args)]
pub(crate) struct Options {
    /// The other servers to measure [default: all].
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    peers: Option<Vec<String>>,
    /// What to measure.
    #[arg(long, value_delimiter = ',', default_value = "hit,miss,latency,memory")]
    modes: Vec<Mode>,
    /// How often each subject has its turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// How many names the cache holds.
    #[arg(long, default_value_t = 10_000)]
    names: usize,
    /// How many names the cache holds when its memory is measured.
    #[arg(long, default_value_t = 1_000_000)]
    memory_names: usize,
    /// Queries kept outstanding by the closed-loop clients. The default stays below what a
    /// socket's default receive buffer holds (256 small packets).
    #[arg(long, default_value_t = 128)]
    outstanding: usize,
    /// Rates for the latency measurement, in queries per second [default: half of what the
    /// slowest subject and half of what the best peer could do in this run].
    #[arg(long, value_delimiter = ',', value_name = "RATE")]
    rates: Vec<u64>,
    /// The nodens program [default: built here with --release].
    #[arg(long, value_name = "PATH", conflicts_with = "no_nodens")]
    binary: Option<PathBuf>,
    /// Measures the other servers only.
    #[arg(long)]
    no_nodens: bool,
    /// A `CoreDNS` program to measure too; Debian has no package of it.
    #[arg(long, value_name = "PATH")]
    coredns: Option<PathBuf>,
    /// The CPU of the server under test.
    #[arg(long, default_value_t = 0)]
    server_cpu: usize,
    /// The CPU of everything else: clients and upstream.
    #[arg(long, default_value_t = 1)]
    client_cpu: usize,
    /// Runs servers and clients before all ordinary programs, for a machine that others use
    /// meanwhile (they will notice).
    #[arg(long)]
    realtime: bool,
    /// Where the run directory is made [default: bench/runs].
    #[arg(long, value_name = "DIRECTORY")]
    output: Option<PathBuf>,
}

/// One question to the subjects.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Answers from a warm cache.
    Hit,
    /// Each query a new name.
    Miss,
    /// What a client waits for an answer from a warm cache, at a fixed rate.
    Latency,
    /// What an entry of the cache takes.
    Memory,
}

/// Measures, prints the summary and writes the run directory.
pub(crate) fn cache(options: &Options) -> Result<()> {
    ensure!(options.rounds > 0, "--rounds must be at least 1");
    ensure!(
        options.server_cpu != options.client_cpu,
        "server and client need a CPU each"
    );
    ensure!(
        options.modes.contains(&Mode::Hit)
            || !options.rates.is_empty()
            || !options.modes.contains(&Mode::Latency),
        "the latency mode needs --rates, or the hit mode to derive them from"
    );
    let interrupt = Interrupt::catch()?;
    let subjects = subject::choose(options)?;
    let folder = RunFolder::create(options.output.as_deref())?;
    println!(
        "measuring {}",
        subjects
            .iter()
            .map(Subject::name)
            .collect::<Vec<_>>()
            .join(", ")
    );
    println!("writing {}", folder.path().display());

    let bench = Bench::set_up(options, &interrupt)?;
    let mut records = Records::default();
    let outcome = measure_all(options, &bench, &subjects, &mut records);
    drop(bench);
    // What was measured before a failure is still worth having.
    folder.write("raw.csv", &records.to_csv())?;
    let failures = outcome?;

    let summary = summary::write(&subjects, &records, &failures, options);
    folder.write("README.md", &run_folder::readme(&subjects, options))?;
    folder.write("summary.md", &summary)?;
    println!("\n{summary}");
    ensure!(
        failures.is_empty(),
        "{} turns failed: see the summary",
        failures.len()
    );
    Ok(())
}

/// Measures everything, and returns what went wrong with single subjects.
fn measure_all(
    options: &Options,
    bench: &Bench<'_>,
    subjects: &[Subject],
    records: &mut Records,
) -> Result<Vec<String>> {
    let mut turns = Turns {
        bench,
        subjects,
        failures: Vec::new(),
    };
    for (mode, name) in [(Mode::Hit, "hit"), (Mode::Miss, "miss")] {
        if options.modes.contains(&mode) {
            turns.take(name, options.rounds, |subject, turn| {
                bench.throughput(mode, subject, turn, records)
            })?;
        }
    }
    if options.modes.contains(&Mode::Latency) {
        let rates = match &options.rates[..] {
            [] => summary::latency_rates(subjects, records),
            given => given.to_vec(),
        };
        turns.take("latency", options.rounds, |subject, turn| {
            bench.latency(&rates, subject, turn, records)
        })?;
    }
    if options.modes.contains(&Mode::Memory) {
        turns.take("memory", 1, |subject, turn| {
            bench.memory(subject, turn, records)
        })?;
    }
    Ok(turns.failures)
}

/// When a subject had its turn.
#[derive(Clone, Copy)]
struct Turn {
    round: usize,
    /// Its place within the round.
    position: usize,
}

/// Gives every subject its turn.
struct Turns<'a> {
    bench: &'a Bench<'a>,
    subjects: &'a [Subject],
    failures: Vec<String>,
}

impl Turns<'_> {
    /// One turn in every round; each round starts one subject later. A subject that fails does
    /// not keep the others from being measured; an interrupt does.
    fn take(
        &mut self,
        mode: &str,
        rounds: usize,
        mut measure: impl FnMut(&Subject, Turn) -> Result<()>,
    ) -> Result<()> {
        for round in 0..rounds {
            for position in 0..self.subjects.len() {
                let subject = &self.subjects[(round + position) % self.subjects.len()];
                if let Err(error) = measure(subject, Turn { round, position }) {
                    self.bench.interrupt.check()?;
                    let failure = format!("{mode}, {}: {error:#}", subject.name());
                    println!("  {failure}");
                    self.failures.push(failure);
                }
            }
        }
        Ok(())
    }
}
