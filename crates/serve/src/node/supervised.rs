//! The child's side of supervision: it tells what it sees and hears what became of it.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::comparison::Suspicion;
use super::pulse::Pulse;
use super::report::Report;
use super::watch::{Pace, Watch};
use crate::clock::Clock;
use crate::metrics::Metrics;

/// The way to the parent.
pub(super) struct Supervised {
    parent: UnixStream,
    /// Whether clients' questions come here.
    active: Arc<AtomicBool>,
    /// Ends the thread when it is dropped.
    stop: Option<Sender<()>>,
}

/// The number of the parent process, if this one is supervised.
pub(crate) fn supervising_parent() -> Option<u32> {
    std::env::var(PARENT).ok()?.parse().ok()
}

impl Supervised {
    /// Takes the socket to the parent, which is the standard input, and puts what comes over it into the metrics.
    pub(super) fn connect(metrics: &Arc<Metrics>) -> io::Result<Self> {
        let parent = supervising_parent().unwrap_or_default();
        if !nodens_sys::die_with_parent(parent)? {
            return Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "the supervising process is gone",
            ));
        }
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        let active = Arc::<AtomicBool>::default();
        let (reports, metrics, told) = (
            socket.try_clone()?,
            Arc::clone(metrics),
            Arc::clone(&active),
        );
        thread::Builder::new()
            .name("node-reports".into())
            .spawn(move || {
                for line in BufReader::new(reports).lines().map_while(Result::ok) {
                    let Ok(report) = line.parse::<Report>() else {
                        continue;
                    };
                    if let Report::Inactive(reason) = &report {
                        told.store(reason.is_none(), Relaxed);
                    }
                    report.count(&metrics);
                }
            })?;
        Ok(Self {
            parent: socket,
            active,
            stop: None,
        })
    }

    /// Begins to watch and to tell.
    pub(super) fn start(
        &mut self,
        watch: Watch,
        suspicion: Suspicion,
        clock: Clock,
    ) -> io::Result<()> {
        let (stop, stopped) = channel();
        self.stop = Some(stop);
        let mut parent = self.parent.try_clone()?;
        let listens = Pulse::Listens(watch.own_ports());
        parent.write_all(listens.to_line(clock.now()).as_bytes())?;
        let active = Arc::clone(&self.active);
        thread::Builder::new().name("node".into()).spawn(move || {
            watch.run(suspicion, &stopped, |seen| {
                let line = Pulse::Sees(seen.clone()).to_line(clock.now());
                // A parent that is gone takes this process along.
                let _ = parent.write_all(line.as_bytes());
                if active.load(Relaxed) {
                    Pace::Steady
                } else {
                    Pace::Quick
                }
            })
        })?;
        Ok(())
    }
}

/// Holds the parent's number in the child's environment.
pub(super) const PARENT: &str = "NODENS_SUPERVISED_BY";
