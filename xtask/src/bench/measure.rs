//! One subject's turn: start it, warm it, measure it, end it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::client::{Client, Loader, Outcome};
use super::observation::{CACHED, Observation, check_source};
use super::record::{Phase, Records};
use super::scratch::Scratch;
use super::server::Server;
use super::subject::{Capacity, Kind, Subject};
use super::tools::Tools;
use super::topology::{Place, SERVER_LINK, Topology, UPSTREAM};
use super::usage::{self, Ticks};
use super::{Mode, Options, Turn, names};
use crate::interrupt::Interrupt;

/// Everything that stays up between turns. Fields are dropped in order: processes before the
/// namespaces they live in.
pub(crate) struct Bench<'a> {
    pub(crate) options: &'a Options,
    pub(crate) interrupt: &'a Interrupt,
    upstream: Server,
    topology: Topology,
    tools: Tools,
    pub(crate) scratch: Scratch,
}

impl<'a> Bench<'a> {
    /// Compiles the tools, makes the namespaces, starts the upstream.
    pub(crate) fn set_up(options: &'a Options, interrupt: &'a Interrupt) -> Result<Self> {
        let scratch = Scratch::create()?;
        let tools = Tools::compile(&scratch.path("tools"))?;
        let topology = Topology::set_up(options)?;
        let mut responder = topology.command(Place::Upstream, tools.path("responder"));
        responder.args([UPSTREAM, "53", UPSTREAM_TTL]);
        let upstream = Server::start(&mut responder, &scratch.path("upstream.log"))?;
        names::write(&scratch.path(PROBE), "probe", 1)?;
        names::write(&scratch.path(WARM), "service", options.names)?;
        if options.modes.contains(&Mode::Miss) {
            let count = usize::try_from(options.seconds)? * MISSES_PER_SECOND;
            names::write(&scratch.path(NEW), "new", count)?;
        }
        Ok(Self {
            options,
            interrupt,
            upstream,
            topology,
            tools,
            scratch,
        })
    }

    /// Queries per second and CPU time per query, in a closed loop.
    pub(crate) fn throughput(
        &self,
        mode: Mode,
        subject: &Subject,
        turn: Turn,
        records: &mut Records,
    ) -> Result<()> {
        if mode == Mode::Miss && subject.kind() == Kind::Floor {
            return Ok(());
        }
        let mut server = self.start(subject, self.small())?;
        let loads = if mode == Mode::Miss {
            vec![(Phase::Miss, Loader::Batched)]
        } else {
            self.warm(subject, &server)?;
            self.record_memory(subject, turn, &server, records)?;
            vec![
                (Phase::Hit, Loader::Batched),
                (Phase::HitDnsperf, Loader::Dnsperf),
            ]
        };
        for (phase, loader) in loads {
            let Options {
                outstanding,
                seconds,
                ..
            } = *self.options;
            let client = self.client();
            let seen = self.observe(&server, || match phase {
                Phase::Miss => client.ask_once(&self.scratch.path(NEW), outstanding, seconds),
                _ => client.load(loader, &self.scratch.path(WARM), outstanding, seconds),
            })?;
            server.must_run()?;
            check_source(mode, subject, &seen)?;
            seen.record(subject, turn, phase, records);
            self.progress(subject, turn, phase, &seen);
        }
        Ok(())
    }

    /// How long answers from the warm cache take at each of the rates.
    pub(crate) fn latency(
        &self,
        rates: &[u64],
        subject: &Subject,
        turn: Turn,
        records: &mut Records,
    ) -> Result<()> {
        let mut server = self.start(subject, self.small())?;
        self.warm(subject, &server)?;
        for rate in rates {
            let said =
                self.client()
                    .latency(&self.scratch.path(WARM), *rate, self.options.seconds)?;
            server.must_run()?;
            for (measure, value) in said {
                records.add(subject, turn, Phase::Latency(*rate), &measure, value);
            }
            println!(
                "  round {} {:<14} latency at {rate}/s",
                turn.round + 1,
                subject.name()
            );
        }
        Ok(())
    }

    /// Starts a subject in a directory of its own and waits until it answers.
    pub(crate) fn start(&self, subject: &Subject, capacity: Capacity) -> Result<Server> {
        self.interrupt.check()?;
        let directory = self.scratch.empty("subject")?;
        if let Some((file, text)) = subject.configure(&directory, capacity) {
            let path = directory.join(file);
            fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        }
        let program = match subject.kind() {
            Kind::Floor => self.tools.path("echo"),
            Kind::Ours | Kind::Peer => subject.program().to_path_buf(),
        };
        let mut command = self.topology.command(Place::Server, program);
        command
            .args(subject.arguments(&directory, capacity))
            .current_dir(&directory);
        let mut server = Server::start(&mut command, &self.scratch.path("subject.log"))?;
        for _ in 0..READY_ATTEMPTS {
            self.interrupt.sleep(READY_INTERVAL)?;
            server.must_run()?;
            let probe = self.client().ask_once(&self.scratch.path(PROBE), 1, 1)?;
            if probe.answered > 0.0 && probe.errors == 0.0 {
                return Ok(server);
            }
        }
        bail!("it does not answer:\n{}", server.last_words());
    }

    /// Asks every name until the upstream is not asked any more.
    fn warm(&self, subject: &Subject, server: &Server) -> Result<()> {
        for _ in 0..WARM_PASSES {
            let client = self.client();
            let pass = self.observe(server, || {
                client.ask_once(&self.scratch.path(WARM), WARM_OUTSTANDING, 60)
            })?;
            let all = pass.outcome.answered >= pass.outcome.sent && pass.outcome.errors == 0.0;
            if all && (subject.kind() == Kind::Floor || pass.upstream_share() < CACHED) {
                return Ok(());
            }
        }
        bail!(
            "its cache does not hold {} names after {WARM_PASSES} passes",
            self.options.names
        );
    }

    /// Runs a load and reads every counter before and after.
    pub(crate) fn observe(
        &self,
        server: &Server,
        load: impl FnOnce() -> Result<Outcome>,
    ) -> Result<Observation> {
        let read = || -> Result<_> {
            let packets = usage::received_packets(self.upstream.id(), SERVER_LINK)?;
            Ok((
                usage::cpu_time(server.id())?,
                Ticks::of(self.options.server_cpu)?,
                packets,
            ))
        };
        let (cpu, ticks, packets) = read()?;
        let outcome = load()?;
        ensure!(outcome.answered > 0.0, "no query was answered");
        let (cpu_after, ticks_after, packets_after) = read()?;
        Ok(Observation {
            outcome,
            cpu: cpu_after.saturating_sub(cpu),
            busy: ticks_after.busy_since(ticks),
            stolen: ticks_after.stolen_since(ticks),
            upstream: count(packets_after - packets),
        })
    }

    /// The clients.
    pub(crate) fn client(&self) -> Client<'_> {
        Client {
            topology: &self.topology,
            tools: &self.tools,
            interrupt: self.interrupt,
        }
    }

    /// Room for twice the names, so that no cache has to evict.
    fn small(&self) -> Capacity {
        Capacity {
            entries: self.options.names * 2,
            megabytes: 128.max(self.options.names / 100),
        }
    }

    fn record_memory(
        &self,
        subject: &Subject,
        turn: Turn,
        server: &Server,
        records: &mut Records,
    ) -> Result<()> {
        self.interrupt.check()?;
        let memory = usage::memory(server.id())?;
        records.add(subject, turn, Phase::Hit, "resident_bytes", memory.resident);
        records.add(
            subject,
            turn,
            Phase::Hit,
            "proportional_bytes",
            memory.proportional,
        );
        records.add(subject, turn, Phase::Hit, "private_bytes", memory.private);
        Ok(())
    }

    fn progress(&self, subject: &Subject, turn: Turn, phase: Phase, seen: &Observation) {
        println!(
            "  round {}/{} {:<14} {:<12} {:>8.0} queries/s {:>7.2} µs/query",
            turn.round + 1,
            self.options.rounds,
            subject.name(),
            phase.to_string(),
            seen.queries_per_second(),
            seen.microseconds_per_query(),
        );
    }
}

/// A counter as a figure.
#[expect(
    clippy::cast_precision_loss,
    reason = "packets of seconds are far below 2^52"
)]
fn count(value: u64) -> f64 {
    value as f64
}

/// No entry expires while it is measured.
const UPSTREAM_TTL: &str = "86400";

const PROBE: &str = "probe.names";
const WARM: &str = "warm.names";
const NEW: &str = "new.names";

/// More new names per second than any subject on one CPU can ask for.
const MISSES_PER_SECOND: usize = 200_000;

/// Few enough that no upstream socket buffer overflows while the cache fills.
pub(crate) const WARM_OUTSTANDING: usize = 20;
const WARM_PASSES: usize = 5;

const READY_INTERVAL: Duration = Duration::from_millis(300);
const READY_ATTEMPTS: usize = 10;
