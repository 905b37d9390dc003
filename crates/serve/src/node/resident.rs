//! The plumbing in the hands of the process that answers.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::comparison::Suspicion;
use super::keeper::Keeper;
use super::watch::{Pace, Watch};
use super::{NodeOptions, lock};
use crate::clock::Clock;
use crate::log::Logger;
use crate::metrics::Metrics;

/// The keeper and the thread that moves it.
pub(super) struct Resident {
    keeper: Arc<Mutex<Keeper>>,
    metrics: Arc<Metrics>,
    clock: Clock,
    /// Ends the thread when it is dropped.
    stop: Option<Sender<()>>,
}

impl Resident {
    /// Puts the addresses up.
    pub(super) fn prepare(
        options: &NodeOptions,
        logger: &Logger,
        metrics: &Arc<Metrics>,
        clock: Clock,
    ) -> Self {
        let mut keeper = Keeper::prepare(options, logger, clock.now());
        count_news(&mut keeper, metrics);
        Self {
            keeper: Arc::new(Mutex::new(keeper)),
            metrics: Arc::clone(metrics),
            clock,
            stop: None,
        }
    }

    /// Begins to watch.
    pub(super) fn start(&mut self, watch: Watch, suspicion: Suspicion) -> io::Result<()> {
        let (stop, stopped) = channel();
        self.stop = Some(stop);
        let (keeper, metrics, clock) = (
            Arc::clone(&self.keeper),
            Arc::clone(&self.metrics),
            self.clock,
        );
        lock(&keeper).begin(watch.own_ports(), clock.now());
        thread::Builder::new().name("node".into()).spawn(move || {
            let outcome = watch.run(suspicion, &stopped, |seen| {
                let mut keeper = lock(&keeper);
                keeper.tick(clock.now(), seen);
                count_news(&mut keeper, &metrics);
                if keeper.is_on_trial() {
                    Pace::Quick
                } else {
                    Pace::Steady
                }
            });
            // A thread that cannot be started leaves the comparison out; nothing is watched then.
            if outcome.is_err() {
                lock(&keeper).let_go(clock.now());
            }
        })?;
        Ok(())
    }

    /// Has traffic directed elsewhere.
    pub(super) fn let_go(&self) {
        let mut keeper = lock(&self.keeper);
        keeper.let_go(self.clock.now());
        count_news(&mut keeper, &self.metrics);
    }
}

impl Drop for Resident {
    /// The thread holds the keeper too, and may be in the middle of something.
    fn drop(&mut self) {
        self.stop = None;
        let mut keeper = lock(&self.keeper);
        keeper.let_go(self.clock.now());
        keeper.clear();
    }
}

fn count_news(keeper: &mut Keeper, metrics: &Metrics) {
    for report in keeper.news() {
        report.count(metrics);
    }
}
