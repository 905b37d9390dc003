//! What a process used, as the kernel counts it.
//!
//! CPU time is the sum of its threads' `schedstat`, in nanoseconds; `utime` and `stime` would
//! count in hundredths of a second. On a kernel without `CONFIG_IRQ_TIME_ACCOUNTING` it includes
//! the network stack's work for the packets the process sends (a packet through a veth pair is
//! delivered by its sender), equally for every subject.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The CPU time that all living threads of a process have used.
pub(crate) fn cpu_time(process: u32) -> Result<Duration> {
    let directory = format!("/proc/{process}/task");
    let mut nanoseconds = 0;
    for entry in fs::read_dir(&directory).with_context(|| format!("list {directory}"))? {
        let path = entry
            .with_context(|| format!("list {directory}"))?
            .path()
            .join("schedstat");
        // A thread may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let running = text
            .split_whitespace()
            .next()
            .and_then(|field| field.parse::<u64>().ok());
        nanoseconds += running.with_context(|| format!("understand {}", path.display()))?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Resident memory, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// Everything mapped and present, as `ps` shows it.
    pub(crate) resident: f64,
    /// The same with shared pages divided by the number of processes that share them.
    pub(crate) proportional: f64,
    /// What ending the process would free.
    pub(crate) private: f64,
}

/// The resident memory of a process.
pub(crate) fn memory(process: u32) -> Result<Memory> {
    let path = format!("/proc/{process}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let bytes = |field: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes
            .map(|value| value * 1024.0)
            .with_context(|| format!("find {field} in {path}"))
    };
    Ok(Memory {
        resident: bytes("Rss:")?,
        proportional: bytes("Pss:")?,
        private: bytes("Private_Clean:")? + bytes("Private_Dirty:")?,
    })
}

/// How many packets a device has received in the namespace of a process.
pub(crate) fn received_packets(process: u32, device: &str) -> Result<u64> {
    let path = format!("/proc/{process}/net/dev");
    let text = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let prefix = format!("{device}:");
    let counters = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(&prefix));
    let packets = counters.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    packets.with_context(|| format!("find the packets of {device} in {path}"))
}

/// What one CPU has done since boot.
#[derive(Clone, Copy)]
pub(crate) struct Ticks {
    busy: u64,
    stolen: u64,
}

impl Ticks {
    /// Reads the counters of one CPU.
    pub(crate) fn of(cpu: usize) -> Result<Self> {
        let text = fs::read_to_string("/proc/stat").context("read /proc/stat")?;
        let prefix = format!("cpu{cpu} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        let line = line.with_context(|| format!("find CPU {cpu} in /proc/stat"))?;
        let fields: Vec<u64> = line
            .split_whitespace()
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        let [
            user,
            nice,
            system,
            _idle,
            _waiting,
            interrupt,
            soft,
            stolen,
            ..,
        ] = fields[..]
        else {
            anyhow::bail!("/proc/stat has only {} fields", fields.len());
        };
        Ok(Self {
            busy: user + nice + system + interrupt + soft,
            stolen,
        })
    }

    /// Time the CPU worked, whoever for, since an earlier reading.
    pub(crate) fn busy_since(self, earlier: Self) -> Duration {
        Duration::from_millis((self.busy - earlier.busy) * TICK_MILLISECONDS)
    }

    /// Time the hypervisor gave the CPU to someone else since an earlier reading.
    pub(crate) fn stolen_since(self, earlier: Self) -> Duration {
        Duration::from_millis((self.stolen.saturating_sub(earlier.stolen)) * TICK_MILLISECONDS)
    }
}

/// `USER_HZ` is 100 on every architecture in use.
const TICK_MILLISECONDS: u64 = 10;
