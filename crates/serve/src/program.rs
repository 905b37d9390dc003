//! The cache as a program: from a Corefile to a running service, through reloads, to its end.
//!
//! Workers are threads of their own ([`crate::Service`]); everything that is not a query happens here, on one thread: HTTP pages,
//! reload, signals, the probe of `loop`, and a question of its own each second that shows whether the workers answer.

mod collect;
mod generation;
mod hosts_files;
mod running;
mod self_question;
mod source;
mod start_lines;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nodens_corefile::Config;
use tokio::task::LocalSet;

use crate::clock::Clock;
use crate::log::{Level, Logger};
use crate::metrics::{Build, Metrics, families};
use crate::node::{self, Node, NodeOptions};
use crate::reload::{Loaded, ReloadHandle, Reloader};
use crate::signals::{Request, Signals};
use crate::template;
use running::Running;
use source::Loader;

pub use source::Source;

/// How the program is to be run.
#[derive(Clone, Debug)]
pub struct ProgramOptions {
    /// The configuration.
    pub source: Source,
    /// The port of a server block that names none.
    pub port: u16,
    /// A file to write the process id to, once questions are answered.
    pub pid_file: Option<PathBuf>,
    /// Say nothing at start.
    pub quiet: bool,
    /// Where to serve the metrics besides what the configuration says (`-metrics-listen-address`).
    pub metrics_address: Option<String>,
    /// What is to be set up on the node, if anything.
    pub node: Option<NodeOptions>,
}

/// Why the program ended other than by request.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The configuration cannot be used; the text names file and line.
    #[error("{0}")]
    Configuration(String),
    /// The kernel refused something the program cannot do without.
    #[error("{operation}")]
    System {
        /// What was tried.
        operation: String,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// `loop` found that questions come back.
    #[error("{0}")]
    Loop(String),
}

/// Runs the cache until it is told to end.
///
/// # Errors
/// When it cannot start, or must not go on.
pub fn run(options: &ProgramOptions) -> Result<(), ProgramError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|source| ProgramError::System {
        operation: "start the runtime".into(),
        source,
    })?;
    if let Some(node) = options.node.as_ref().filter(|node| node.supervise)
        && node::supervising_parent().is_none()
    {
        let outcome = LocalSet::new().block_on(&runtime, node::supervise(node));
        return outcome.map_err(|error| ProgramError::Configuration(with_causes(&error)));
    }
    LocalSet::new().block_on(&runtime, run_here(options))
}

async fn run_here(options: &ProgramOptions) -> Result<(), ProgramError> {
    let clock = Clock::start();
    let metrics = Metrics::new(Build {
        version: env!("CARGO_PKG_VERSION"),
        revision: "",
        compiler: "rust",
    });
    let logger = Logger::to_stdout(metrics.counter(&families::LOG_LINES_DROPPED, &[]))
        .map_err(system("start the log"))?;
    let mut loader = Loader::new(options, &logger, &metrics);
    let config = loader.load().map_err(ProgramError::Configuration)?;
    let signals = Signals::new(logger.clone()).map_err(system("watch signals"))?;
    // Before anything listens: addresses must be there to be listened on, and their descriptor must be the lowest.
    let node = Node::prepare(options.node.as_ref(), &logger, &metrics, clock)
        .map_err(system("reach the supervising process"))?;
    let (fatal, fatalities) = tokio::sync::mpsc::channel::<String>(1);
    let (running, standing) =
        Running::start(options, clock, metrics, logger.clone(), fatal, config, node).await?;
    running.say_start(&standing);
    if let Some(path) = &options.pid_file {
        std::fs::write(path, format!("{}\n", shown_process()))
            .map_err(system(&format!("write {}", path.display())))?;
    }
    let fingerprint = running.fingerprint();
    let watch = running.watch();
    let running = tokio::sync::Mutex::new(running);
    let (reloader, handle) = Reloader::new(
        &fingerprint,
        watch,
        move || loader.load().map(Loaded::from_config),
        async |config: Config| running.lock().await.replace(&standing, config).await,
        logger.clone(),
        Arc::clone(&standing.metrics),
    );
    if let Source::Template(template) = &options.source {
        let (template, logger, handle) = (template.clone(), logger.clone(), handle.clone());
        tokio::task::spawn_local(async move {
            template::watch(&template, &logger, || handle.changed()).await;
        });
    }
    let ended = until_the_end(
        reloader.run(),
        &handle,
        &running,
        signals,
        fatalities,
        &logger,
    )
    .await;
    if let Some(path) = &options.pid_file {
        remove_pid_file(path);
    }
    logger.flush(LOG_FLUSH);
    ended
}

/// Reloads and waits until a signal or a forwarding loop ends the program.
async fn until_the_end(
    reloading: impl Future<Output = ()>,
    handle: &ReloadHandle,
    running: &tokio::sync::Mutex<Running>,
    mut signals: Signals,
    mut fatalities: tokio::sync::mpsc::Receiver<String>,
    logger: &Logger,
) -> Result<(), ProgramError> {
    let mut reloading = Box::pin(reloading);
    loop {
        tokio::select! {
            () = &mut reloading => return Ok(()),
            Some(text) = fatalities.recv() => {
                logger.plugin(Level::Fatal, "loop", &text);
                return Err(ProgramError::Loop(text));
            }
            request = signals.next() => match request {
                Request::Reload => handle.request(),
                Request::Quit => return Ok(()),
                Request::Drain => {
                    // One that is under way holds what is to be drained, and nothing moves it on any more. Until its last wait
                    // it has changed nothing.
                    drop(reloading);
                    tokio::select! {
                        () = async { running.lock().await.drain().await } => {}
                        _ = signals.next() => {}
                    }
                    return Ok(());
                }
            },
        }
    }
}

/// Makes an error of what the kernel said to an operation.
fn system(operation: &str) -> impl FnOnce(std::io::Error) -> ProgramError {
    let operation = operation.to_owned();
    move |source| ProgramError::System { operation, source }
}

/// The process that a process id file names: a supervising parent stands for its child.
fn shown_process() -> u32 {
    node::supervising_parent().unwrap_or_else(std::process::id)
}

/// Removes the file unless it names another process: one that has taken over already.
fn remove_pid_file(path: &Path) {
    let ours = shown_process().to_string();
    if std::fs::read_to_string(path).is_ok_and(|text| text.trim() == ours) {
        let _ = std::fs::remove_file(path);
    }
}

/// An error and what caused it, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

/// How long the last log lines may take.
const LOG_FLUSH: Duration = Duration::from_millis(200);
