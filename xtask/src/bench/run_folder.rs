//! A run's directory: what was run, on what, and the figures.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Options;
use super::machine;
use super::subject::Subject;
use crate::step::root;

/// A new directory below bench/runs.
pub(crate) struct RunFolder(PathBuf);

impl RunFolder {
    /// Makes `<date>-<machine>`, with a number behind it when there is one already.
    pub(crate) fn create(parent: Option<&Path>) -> Result<Self> {
        let parent = parent.map_or_else(|| root().join("bench/runs"), Path::to_path_buf);
        fs::create_dir_all(&parent).with_context(|| format!("make {}", parent.display()))?;
        let name = format!("{}-{}", machine::today(), machine::slug());
        let numbered = (2..).map(|number| parent.join(format!("{name}-{number}")));
        let path = std::iter::once(parent.join(&name))
            .chain(numbered)
            .find(|path| !path.exists());
        let path = path.expect("the numbers do not end");
        fs::create_dir(&path).with_context(|| format!("make {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes one file of it.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.0.join(name);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }
}

/// How the run was made.
pub(crate) fn readme(subjects: &[Subject], options: &Options) -> String {
    let mut page = String::from("# A run of `cargo xtask bench cache`\n\n");
    let words: Vec<_> = std::env::args().skip(1).collect();
    let mut line = |text: std::fmt::Arguments<'_>| {
        page.write_fmt(text).expect("writing to a string succeeds");
        page.push('\n');
    };
    line(format_args!(
        "The figures are in [summary.md](summary.md), each one in [raw.csv](raw.csv).\n"
    ));
    line(format_args!(
        "```text\ncargo xtask {}\n```\n",
        words.join(" ")
    ));
    line(format_args!("| | |\n|---|---|"));
    for (name, value) in machine::facts() {
        line(format_args!("| {name} | {value} |"));
    }
    line(format_args!("\n## Method\n\n{}", method(options)));
    line(format_args!("\n## Subjects\n"));
    line(format_args!(
        "| subject | version | arguments | configuration |\n|---|---|---|---|"
    ));
    for subject in subjects {
        let arguments = subject
            .configuration()
            .map_or_else(String::new, |file| format!("[{file}](../../peers/{file})"));
        line(format_args!(
            "| {} | {} | `{}` | {arguments} |",
            subject.name(),
            subject.version(),
            subject.shown_arguments(),
        ));
    }
    page
}

fn method(options: &Options) -> String {
    let Options {
        rounds,
        seconds,
        names,
        memory_names,
        outstanding,
        server_cpu,
        client_cpu,
        realtime,
        ..
    } = options;
    let priority = if *realtime {
        ", before all ordinary programs (SCHED_RR)"
    } else {
        ""
    };
    format!(
        "- The server alone on CPU {server_cpu}; the clients and the upstream on CPU {client_cpu} \
         (`taskset`){priority}; three network namespaces joined by veth pairs.\n\
         - {rounds} rounds; in each, every subject had one turn, in an order that rotates; a fresh \
         process each turn; {seconds} s per measurement.\n\
         - hit: {names} names of type A asked until the upstream heard of none, then over and over \
         with {outstanding} queries outstanding; checked that fewer than 1 % reached the upstream. \
         Once with bench/load.c, whose batches keep the server busy, once with dnsperf.\n\
         - miss: each query a new name, answered by bench/responder.c over UDP.\n\
         - latency: an open loop at a fixed rate, the same for all; counted from the moment each \
         query was due (bench/latency.c).\n\
         - memory: resident memory with {memory_names} names cached, less that of the same server \
         made for few names and empty, divided by the entries that a second pass found in the cache.\n\
         - CPU time: all threads of the server, from /proc/PID/task/*/schedstat, divided by the \
         queries answered. On a kernel without CONFIG_IRQ_TIME_ACCOUNTING it includes the network \
         stack's work of delivering what the server sends.\n\
         - The caches hold twice the names asked (memory: a fifth more), so nothing is evicted \
         but by the misses.\n\
         - echo is no DNS server: it returns each packet with QR set, by the same batched calls \
         (bench/echo.c). It is the floor."
    )
}
