//! Replacing the configuration while questions are answered.
//!
//! The `reload` directive has the files read every INTERVAL, give or take half of JITTER; a
//! changed configuration (not a changed comment: what is compared is a fingerprint of the tokens)
//! is put in force. A signal asks for the same at once. What cannot be loaded or put in force
//! leaves the old configuration in force, is counted, and is not tried again until the files
//! change again. The log lines are those of `CoreDNS`, which operators wait for.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

use crate::log::{Level, Logger};
use crate::metrics::{Counter, Metrics, families};

mod from_config;

/// A configuration as it was found.
#[derive(Debug, Clone)]
pub struct Loaded<C> {
    /// The configuration.
    pub configuration: C,
    /// SHA-512 of its tokens in hexadecimal digits.
    pub fingerprint: String,
    /// How it wants to be watched; `None` without a `reload` directive.
    pub watch: Option<Watch>,
}

/// The `reload` directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// How often the files are read.
    pub interval: Duration,
    /// By how much the interval varies from process to process.
    pub jitter: Duration,
}

/// Keeps the running configuration in step with its files.
pub struct Reloader<L, A> {
    load: L,
    apply: A,
    logger: Logger,
    failed: Counter,
    version: Box<dyn Fn(&str) + Send + Sync>,
    requests: mpsc::Receiver<()>,
    changes: Arc<Notify>,
    /// What is in force.
    running: String,
    /// What was tried last, in force or not.
    tried: String,
    /// The last complaint about files that could not be loaded.
    complaint: Option<String>,
    /// How often the files are read; the jitter is drawn once per configuration.
    period: Option<Duration>,
}

/// Asks for a reload from elsewhere, such as a signal; cheap to clone.
#[derive(Debug, Clone)]
pub struct ReloadHandle {
    requests: mpsc::Sender<()>,
    changes: Arc<Notify>,
}

impl Watch {
    /// The time between two readings for a process that has drawn `random`: the interval plus or
    /// minus up to half of the jitter, which is at most half of the interval.
    pub fn period(self, random: u64) -> Duration {
        let jitter = self.jitter.min(self.interval / 2);
        let nanoseconds = u64::try_from(jitter.as_nanos()).unwrap_or(u64::MAX);
        let drawn = Duration::from_nanos(random.checked_rem(nanoseconds).unwrap_or_default());
        (self.interval + drawn).saturating_sub(jitter / 2)
    }
}

impl<C, L, A> Reloader<L, A>
where
    L: FnMut() -> Result<Loaded<C>, String>,
    A: AsyncFnMut(C) -> Result<(), String>,
{
    /// Takes over after the first configuration is in force. `load` reads the files, `apply` puts
    /// a configuration in force or leaves everything as it is.
    pub fn new(
        running: &str,
        watch: Option<Watch>,
        load: L,
        apply: A,
        logger: Logger,
        metrics: Arc<Metrics>,
    ) -> (Self, ReloadHandle) {
        let (sender, requests) = mpsc::channel(1);
        let changes = Arc::new(Notify::new());
        let reloader = Reloader {
            load,
            apply,
            logger,
            failed: metrics.counter(&families::RELOAD_FAILED, &[]),
            version: Box::new(move |fingerprint| metrics.set_reload_version(fingerprint)),
            requests,
            changes: Arc::clone(&changes),
            running: running.into(),
            tried: running.into(),
            complaint: None,
            period: watch.map(|watch| watch.period(random())),
        };
        if watch.is_some() {
            reloader.say_running();
        }
        let handle = ReloadHandle {
            requests: sender,
            changes,
        };
        (reloader, handle)
    }

    /// Watches the files and waits for requests; ends when every [`ReloadHandle`] is gone.
    pub async fn run(mut self) {
        let mut last = Instant::now();
        loop {
            let next = self.period.map(|period| last + period);
            let due = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => self.reload(false).await,
                () = self.changes.notified() => self.reload(false).await,
                request = self.requests.recv() => match request {
                    Some(()) => self.reload(true).await,
                    None => return,
                },
            }
            last = Instant::now();
        }
    }

    /// Reads the files and puts a changed configuration in force; with `asked`, an unchanged one
    /// as well.
    pub async fn reload(&mut self, asked: bool) {
        let loaded = match (self.load)() {
            Ok(loaded) => loaded,
            Err(complaint) => {
                if asked || self.complaint.as_ref() != Some(&complaint) {
                    self.fail(&complaint);
                }
                self.complaint = Some(complaint);
                return;
            }
        };
        self.complaint = None;
        if !asked && (loaded.fingerprint == self.tried || loaded.fingerprint == self.running) {
            self.tried = loaded.fingerprint;
            return;
        }
        self.tried.clone_from(&loaded.fingerprint);
        self.logger.log(Level::Info, "Reloading");
        if let Err(error) = (self.apply)(loaded.configuration).await {
            self.fail(&error);
            return;
        }
        self.running = loaded.fingerprint;
        self.period = loaded.watch.map(|watch| watch.period(random()));
        (self.version)(&self.running);
        if self.period.is_some() {
            self.say_running();
        }
        self.logger.log(Level::Info, "Reloading complete");
    }

    fn say_running(&self) {
        let text = format_args!("Running configuration SHA512 = {}", self.running);
        self.logger.plugin(Level::Info, PLUGIN, text);
    }

    fn fail(&self, error: &str) {
        self.failed.increment();
        let text = format_args!("Corefile changed but reload failed: {error}");
        self.logger.plugin(Level::Error, PLUGIN, text);
    }
}

impl ReloadHandle {
    /// Asks for a reload, even of an unchanged configuration. Requests made while one waits are
    /// one request.
    pub fn request(&self) {
        // Full means that a request waits already.
        let _ = self.requests.try_send(());
    }

    /// Says that the files may have changed: they are read now, and a changed configuration is put in force.
    pub fn changed(&self) {
        self.changes.notify_one();
    }
}

/// A number no two processes share: the standard library seeds its hasher from the kernel.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

const PLUGIN: &str = "reload";

#[cfg(test)]
mod tests;
