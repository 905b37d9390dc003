//! Ctrl-C and SIGTERM as a flag, so that what was set up is taken down by `Drop` and not left
//! behind: every wait in a long command looks at the flag.

use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM};

/// Whether the user wants the command to end.
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Catches the signals from here on.
    pub(crate) fn catch() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&flag)).context("catch signals")?;
        }
        Ok(Self(flag))
    }

    /// Fails when a signal has come.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }

    /// Sleeps, unless a signal comes.
    pub(crate) fn sleep(&self, duration: Duration) -> Result<()> {
        let end = Instant::now() + duration;
        while Instant::now() < end {
            self.check()?;
            sleep(TICK.min(end.saturating_duration_since(Instant::now())));
        }
        self.check()
    }

    /// Waits for a child until `limit` has passed or a signal comes; then it is killed.
    pub(crate) fn wait(&self, child: &mut Child, limit: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = child.try_wait().context("wait for a child process")? {
                return Ok(status);
            }
            let stop = match self.check() {
                Ok(()) if Instant::now() < end => None,
                Ok(()) => Some(anyhow::anyhow!("still running after {} s", limit.as_secs())),
                Err(interrupted) => Some(interrupted),
            };
            if let Some(reason) = stop {
                child.kill().context("kill a child process")?;
                child.wait().context("wait for a killed child process")?;
                return Err(reason);
            }
            sleep(TICK);
        }
    }
}

/// How long a signal may go unnoticed. Long enough that looking for it costs nothing beside a
/// measurement, short enough that nobody presses Ctrl-C twice.
const TICK: Duration = Duration::from_millis(20);
