//! What a configuration is called and what it wants logged, and how workers learn of a new one.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Release},
};

use crate::clock::Clock;
use crate::log::{ErrorLog, Logger, QueryLog};
use crate::metrics::lock;

/// The labels and log rules of one configuration.
#[derive(Debug, Default)]
pub struct Reporting {
    /// The `server` label by index of the listen address: `dns://192.0.2.10:53`.
    pub servers: Vec<String>,
    /// The `zone` label by zone index: `cluster.local.`.
    pub zones: Vec<String>,
    /// By index of the server block.
    pub blocks: Vec<BlockReporting>,
    /// Whether any block has a `log` directive: seen once per reply.
    pub(super) logs_queries: bool,
}

/// The labels and log rules of one server block.
#[derive(Debug, Default)]
pub struct BlockReporting {
    /// The `zones` label: its zones joined by commas.
    pub zones: String,
    /// Its `log` directives.
    pub query_log: QueryLog,
    /// Its `errors` directive.
    pub errors: Option<Arc<ErrorLog>>,
    /// Its `template` directives by index.
    pub templates: Vec<TemplateLabels>,
}

/// How the template counters name a `template` directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateLabels {
    /// The zone it is for.
    pub zone: String,
    /// The class it is for.
    pub class: String,
    /// The record type it is for.
    pub rtype: String,
}

/// Where the control thread puts the reporting of a new configuration.
#[derive(Debug, Clone)]
pub struct Publisher(Arc<Published>);

#[derive(Debug)]
struct Published {
    generation: AtomicU64,
    reporting: Mutex<Arc<Reporting>>,
}

/// One worker's view of what is published.
pub(super) struct Subscription {
    published: Arc<Published>,
    seen: u64,
}

impl Reporting {
    /// Puts labels and rules together.
    pub fn new(servers: Vec<String>, zones: Vec<String>, blocks: Vec<BlockReporting>) -> Arc<Self> {
        let logs_queries = blocks.iter().any(|block| !block.query_log.is_empty());
        Arc::new(Reporting {
            servers,
            zones,
            blocks,
            logs_queries,
        })
    }

    /// Starts the timers of the `errors` directives, each as a task of the tokio runtime this is
    /// called in; they end with [`stop`](Self::stop).
    pub fn start(&self, logger: &Logger, clock: Clock) {
        for errors in self.blocks.iter().filter_map(|block| block.errors.as_ref()) {
            let (errors, logger) = (Arc::clone(errors), logger.clone());
            tokio::spawn(async move { errors.run(&logger, || clock.now()).await });
        }
    }

    /// Logs what the `errors` directives have gathered: when another configuration has taken this
    /// one's place, and before the process ends.
    pub fn stop(&self, logger: &Logger) {
        for errors in self.blocks.iter().filter_map(|block| block.errors.as_ref()) {
            errors.stop(logger);
        }
    }
}

impl Publisher {
    /// Publishes the first configuration.
    pub fn new(reporting: Arc<Reporting>) -> Self {
        Publisher(Arc::new(Published {
            generation: AtomicU64::new(1),
            reporting: Mutex::new(reporting),
        }))
    }

    /// Publishes the next configuration, which workers take over at the end of their turn, and
    /// gives the old one back to be stopped.
    pub fn publish(&self, reporting: Arc<Reporting>) -> Arc<Reporting> {
        let old = std::mem::replace(&mut *lock(&self.0.reporting), reporting);
        self.0.generation.fetch_add(1, Release);
        old
    }

    /// The configuration published last.
    pub fn current(&self) -> Arc<Reporting> {
        Arc::clone(&lock(&self.0.reporting))
    }

    pub(super) fn subscribe(&self) -> Subscription {
        let seen = self.0.generation.load(Acquire);
        Subscription {
            published: Arc::clone(&self.0),
            seen,
        }
    }
}

impl Subscription {
    pub(super) fn current(&self) -> Arc<Reporting> {
        Arc::clone(&lock(&self.published.reporting))
    }

    /// What was published since last asked; one load when nothing was.
    #[inline]
    pub(super) fn changed(&mut self) -> Option<Arc<Reporting>> {
        let generation = self.published.generation.load(Acquire);
        if generation == self.seen {
            return None;
        }
        self.seen = generation;
        Some(self.current())
    }
}
