//! The thread that watches the cache from within its process and tells what it sees.
//!
//! A thread of its own, not a task beside the pages and the signals: it must notice when those hang.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::comparison::{Comparison, Suspicion};
use super::interception::Observation;
use super::questions::Questions;
use super::rules::OwnPorts;
use crate::clock::Clock;
use crate::heartbeat::Heartbeats;

/// What watches.
pub(super) struct Watch {
    questions: Questions,
    comparison: Option<Comparison>,
    worse: Arc<AtomicBool>,
    heartbeats: Heartbeats,
    clock: Clock,
}

/// How soon to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Clients wait for what will be seen.
    Quick,
    /// Nobody waits.
    Steady,
}

impl Watch {
    /// Opens the sockets.
    pub(super) fn open(
        addresses: &[IpAddr],
        port: u16,
        heartbeats: Heartbeats,
        clock: Clock,
    ) -> io::Result<Self> {
        Ok(Self {
            questions: Questions::open(addresses, port)?,
            comparison: Comparison::open(addresses, port)?,
            worse: Arc::default(),
            heartbeats,
            clock,
        })
    }

    /// The ports its questions come from.
    pub(super) fn own_ports(&self) -> OwnPorts {
        let mut inward = self.questions.ports();
        let comparison = self.comparison.as_ref();
        inward.extend(comparison.and_then(Comparison::inward_port));
        OwnPorts {
            inward,
            around: comparison
                .and_then(Comparison::around_port)
                .into_iter()
                .collect(),
        }
    }

    /// Looks and tells until `stop` says so or is gone.
    pub(super) fn run(
        mut self,
        suspicion: Suspicion,
        stop: &Receiver<()>,
        mut tell: impl FnMut(&Observation) -> Pace,
    ) -> io::Result<()> {
        if let Some(comparison) = self.comparison.take() {
            let worse = Arc::clone(&self.worse);
            thread::Builder::new()
                .name("node-compare".into())
                .spawn(move || comparison.run(&suspicion, &worse))?;
        }
        loop {
            let observation = Observation {
                answered: self.questions.ask(self.clock),
                pulse: Some(self.heartbeats.oldest(self.clock.now())),
                worse: self.worse.load(Relaxed),
            };
            let pause = match tell(&observation) {
                Pace::Quick => QUICK,
                Pace::Steady => STEADY,
            };
            match stop.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }
}

/// Between the start of the workers and the first client.
const QUICK: Duration = Duration::from_millis(5);
const STEADY: Duration = Duration::from_millis(250);
