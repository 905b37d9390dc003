//! The clients: ours and dnsperf in a closed loop, ours at a fixed rate.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::tools::Tools;
use super::topology::{Place, SERVER, Topology};
use crate::interrupt::Interrupt;

/// Runs clients in the client's namespace.
pub(crate) struct Client<'a> {
    pub(crate) topology: &'a Topology,
    pub(crate) tools: &'a Tools,
    pub(crate) interrupt: &'a Interrupt,
}

/// A closed-loop client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loader {
    /// bench/load.c: batched, so that the server is the bottleneck.
    Batched,
    /// dnsperf: one system call per message, known to everybody.
    Dnsperf,
}

/// What became of the queries of a closed loop.
#[derive(Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) sent: f64,
    pub(crate) answered: f64,
    /// Answers that were no answer: an rcode other than NOERROR.
    pub(crate) errors: f64,
    pub(crate) elapsed: Duration,
}

impl Client<'_> {
    /// Asks the names of the file over and over for a time.
    pub(crate) fn load(
        &self,
        loader: Loader,
        names: &Path,
        outstanding: usize,
        seconds: u64,
    ) -> Result<Outcome> {
        match loader {
            Loader::Batched => self.batched(names, outstanding, seconds, false),
            Loader::Dnsperf => self.dnsperf(names, outstanding, seconds),
        }
    }

    /// Asks each name of the file once.
    pub(crate) fn ask_once(
        &self,
        names: &Path,
        outstanding: usize,
        seconds: u64,
    ) -> Result<Outcome> {
        self.batched(names, outstanding, seconds, true)
    }

    fn batched(
        &self,
        names: &Path,
        outstanding: usize,
        seconds: u64,
        once: bool,
    ) -> Result<Outcome> {
        let mut command = self
            .topology
            .command(Place::Client, self.tools.path("load"));
        command
            .args([SERVER, "53", &outstanding.to_string(), &seconds.to_string()])
            .arg(names);
        command.args(once.then_some("once"));
        let said = figures(&self.run(&mut command, seconds)?);
        let figure = |key: &str| figure(&said, key);
        Ok(Outcome {
            sent: figure("sent")?,
            answered: figure("answered")?,
            errors: figure("errors")?,
            elapsed: Duration::from_secs_f64(figure("elapsed")? / 1e9),
        })
    }

    fn dnsperf(&self, names: &Path, outstanding: usize, seconds: u64) -> Result<Outcome> {
        let mut command = self.topology.command(Place::Client, "dnsperf");
        command
            .args(["-s", SERVER, "-T", "1", "-c", DNSPERF_SOCKETS, "-t", "1"])
            .args([
                "-q",
                &outstanding.to_string(),
                "-l",
                &seconds.to_string(),
                "-d",
            ])
            .arg(names);
        dnsperf_report(&self.run(&mut command, seconds)?)
    }

    /// Asks at a fixed rate. Returns the figures of bench/latency.c by name; times are in
    /// nanoseconds.
    pub(crate) fn latency(
        &self,
        names: &Path,
        rate: u64,
        seconds: u64,
    ) -> Result<BTreeMap<String, f64>> {
        let mut command = self
            .topology
            .command(Place::Client, self.tools.path("latency"));
        command
            .args([SERVER, "53", &rate.to_string(), &seconds.to_string()])
            .arg(names);
        let said = figures(&self.run(&mut command, seconds)?);
        figure(&said, "answered")?;
        Ok(said)
    }

    fn run(&self, command: &mut Command, seconds: u64) -> Result<String> {
        let shown = crate::step::show(command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {shown}"))?;
        // What these programs say fits into a pipe's buffer, so it can be read afterwards.
        let limit = Duration::from_secs(seconds) + GRACE;
        let status = self
            .interrupt
            .wait(&mut child, limit)
            .with_context(|| shown.clone())?;
        if !status.success() {
            bail!("{shown}: {status}");
        }
        let mut text = String::new();
        if let Some(mut pipe) = child.stdout.take() {
            pipe.read_to_string(&mut text)
                .with_context(|| format!("read from {shown}"))?;
        }
        Ok(text)
    }
}

/// The `key=value` words of a line.
fn figures(text: &str) -> BTreeMap<String, f64> {
    text.split_whitespace()
        .filter_map(|word| word.split_once('='))
        .filter_map(|(key, value)| Some((key.to_owned(), value.parse().ok()?)))
        .collect()
}

fn figure(figures: &BTreeMap<String, f64>, key: &str) -> Result<f64> {
    figures
        .get(key)
        .copied()
        .with_context(|| format!("the client did not say {key}"))
}

fn dnsperf_report(text: &str) -> Result<Outcome> {
    let after = |label: &str| {
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix(label));
        line.with_context(|| format!("dnsperf did not say `{label}`"))
    };
    let number = |label: &str| {
        let word = after(label)?.split_whitespace().next();
        word.and_then(|word| word.parse::<f64>().ok())
            .with_context(|| format!("dnsperf said no number after `{label}`"))
    };
    let answered = number("Queries completed:")?;
    let good = after("Response codes:").ok().and_then(|codes| {
        let codes: Vec<_> = codes.split_whitespace().collect();
        codes.windows(2).find(|pair| pair[0] == "NOERROR")?[1]
            .parse::<f64>()
            .ok()
    });
    Ok(Outcome {
        sent: number("Queries sent:")?,
        answered,
        errors: answered - good.unwrap_or(0.0),
        elapsed: Duration::from_secs_f64(number("Run time (s):")?),
    })
}

/// A few clients' worth of source ports; more only cost dnsperf time.
const DNSPERF_SOCKETS: &str = "4";

/// How long a client may take beyond its measurement: reading names, waiting for the last.
const GRACE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_dnsperf_is_understood() {
        let text = "Statistics:\n\n  Queries sent:         205064\n  Queries completed:    205060 (100.00%)\n\
              Queries lost:         4 (0.00%)\n\n  Response codes:       SERVFAIL 60 (0.03%), NOERROR 205000 (99.97%)\n\
              Average packet size:  request 43, response 43\n  Run time (s):         2.000135\n";
        let outcome = dnsperf_report(text).unwrap();
        assert_eq!(
            (outcome.sent, outcome.answered, outcome.errors),
            (205_064.0, 205_060.0, 60.0)
        );
        assert_eq!(outcome.elapsed.as_micros(), 2_000_135);
    }
}
