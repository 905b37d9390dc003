//! The cache as a program: from a Corefile to a running service, through reloads, to its end.
//!
//! Workers are threads of their own ([`crate::Service`]); everything that is not a query happens here, on one thread: HTTP pages,
//! reload, signals, the probe of `loop`, and a question of its own each second that shows whether the workers answer.

mod collect;
mod generation;
mod hosts_files;
mod self_question;
mod start_lines;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use nodens_corefile::{Config, Defaults, Files, SystemFiles};
use nodens_resolve::Shared;
use tokio::task::LocalSet;

use crate::clock::Clock;
use crate::http::{HttpPlan, HttpServer, Pages};
use crate::log::{Level, Logger};
use crate::loop_detection::{LoopProbe, LoopVerdict};
use crate::metrics::{Build, Metrics, families};
use crate::reload::{Loaded, Reloader, Watch};
use crate::reporting::{Publisher, Reporter};
use crate::service::{Service, ServiceOptions};
use crate::signals::{Request, Signals};
use collect::StoreCollector;
use generation::Generation;
use self_question::SelfQuestion;

/// Where the configuration comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A text built into the program, under the name it has in messages.
    BuiltIn {
        /// The name in messages.
        name: &'static str,
        /// The Corefile.
        text: &'static str,
    },
}

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

impl Source {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The Corefile's own words: file, line, what is wrong, what was expected.
    pub fn load(&self, port: u16) -> Result<Config, String> {
        let defaults = Defaults { port };
        match self {
            Self::File(path) => nodens_corefile::load(path, &SystemFiles, &defaults),
            Self::BuiltIn { name, text } => {
                nodens_corefile::parse(name, text, &SystemFiles as &dyn Files, &defaults)
            }
        }
        .map_err(|error| error.to_string())
    }
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
    LocalSet::new().block_on(&runtime, run_here(options))
}

async fn run_here(options: &ProgramOptions) -> Result<(), ProgramError> {
    let clock = Clock::start();
    let metrics = Metrics::new(Build {
        version: env!("CARGO_PKG_VERSION"),
        revision: "",
        compiler: "rust",
    });
    let system = |operation: &str| {
        let operation = operation.to_owned();
        move |source| ProgramError::System { operation, source }
    };
    let logger = Logger::to_stdout(metrics.counter(&families::LOG_LINES_DROPPED, &[]))
        .map_err(system("start the log"))?;
    let config = options
        .source
        .load(options.port)
        .map_err(ProgramError::Configuration)?;
    let mut signals = Signals::new(logger.clone()).map_err(system("watch signals"))?;
    let mut random = nodens_sys::SecureRandom::new().map_err(system("draw random numbers"))?;
    let shared = Arc::new(Shared::new(random.next_u64()));
    let generation = Generation::new(&shared, config, None).map_err(ProgramError::Configuration)?;
    logger.set_debug(generation.config.blocks.iter().any(|block| block.debug));

    let publisher = Publisher::new(generation.reporting(&metrics, None)?);
    publisher.current().start(&logger, clock);
    let _ = nodens_sys::raise_open_files();
    let service_options = ServiceOptions::new(clock);
    let service = Service::start(
        &generation.resolver,
        &generation.listen,
        &service_options,
        |worker| {
            Reporter::new(
                worker,
                Arc::clone(&metrics),
                logger.clone(),
                clock,
                &publisher,
            )
        },
    )
    .map_err(|error| ProgramError::Configuration(with_causes(&error)))?;

    let question = SelfQuestion::new(service.heartbeats(), clock);
    let pages = Pages::new(
        Arc::clone(&metrics),
        logger.clone(),
        question.verdict(),
        question.verdict(),
    );
    let mut http = HttpServer::new(Arc::clone(&pages), logger.clone());
    let plan = HttpPlan::from_config(&generation.config);
    pages.set_ready_monitor(plan.monitor);
    http.apply(&plan.endpoints)
        .await
        .map_err(|error| ProgramError::Configuration(with_causes(&error)))?;
    metrics.set_collector(Arc::new(StoreCollector::new(&generation)));
    if !options.quiet {
        start_lines::say(
            &logger,
            &generation,
            &service.addresses(),
            service_options.workers,
        );
    }
    let asking = tokio::task::spawn_local(question.clone().ask(service.addresses()));
    let (fatal, mut fatalities) = tokio::sync::mpsc::channel::<String>(1);
    watch_loops(&generation, &service.addresses(), &logger, &fatal);
    let hosts = hosts_files::watch(&generation, &metrics, &logger);
    if let Some(path) = &options.pid_file {
        std::fs::write(path, format!("{}\n", std::process::id()))
            .map_err(system(&format!("write {}", path.display())))?;
    }

    let running = Rc::new(tokio::sync::Mutex::new(Running {
        generation,
        service: Some(service),
        http,
        lameduck: plan.lameduck,
        asking,
        hosts,
    }));
    let fingerprint = running
        .lock()
        .await
        .generation
        .config
        .tokens_fingerprint
        .to_string();
    let watch = Watch::from_config(&running.lock().await.generation.config);
    let source = options.source.clone();
    let port = options.port;
    let load = move || source.load(port).map(Loaded::from_config);
    let apply = {
        let (running, shared, publisher) = (Rc::clone(&running), Arc::clone(&shared), publisher);
        let (metrics, logger, pages) = (Arc::clone(&metrics), logger.clone(), Arc::clone(&pages));
        let question = question.clone();
        async move |config: Config| {
            let mut running = running.lock().await;
            let next = Generation::new(&shared, config, Some(&running.generation.resolver))?;
            let plan = HttpPlan::from_config(&next.config);
            let prepared = running
                .http
                .prepare(&plan.endpoints)
                .await
                .map_err(|error| with_causes(&error))?;
            let reporting = next
                .reporting(&metrics, Some(&running.generation))
                .map_err(|e| e.to_string())?;
            let Some(service) = running.service.as_mut() else {
                return Err("ending".into());
            };
            service
                .replace(&next.resolver, &next.listen)
                .map_err(|error| with_causes(&error))?;
            let addresses = service.addresses();
            reporting.start(&logger, clock);
            publisher.publish(reporting).stop(&logger);
            running.http.commit(prepared);
            running.lameduck = plan.lameduck;
            pages.set_ready_monitor(plan.monitor);
            metrics.set_collector(Arc::new(StoreCollector::new(&next)));
            logger.set_debug(next.config.blocks.iter().any(|block| block.debug));
            running.asking.abort();
            running.asking = tokio::task::spawn_local(question.clone().ask(addresses.clone()));
            watch_loops(&next, &addresses, &logger, &fatal);
            running
                .hosts
                .iter()
                .for_each(tokio::task::JoinHandle::abort);
            running.hosts = hosts_files::watch(&next, &metrics, &logger);
            running.generation = next;
            Ok(())
        }
    };
    let (reloader, handle) = Reloader::new(
        &fingerprint,
        watch,
        load,
        apply,
        logger.clone(),
        Arc::clone(&metrics),
    );
    let reloading = reloader.run();
    tokio::pin!(reloading);
    let ended = loop {
        tokio::select! {
            () = &mut reloading => break Ok(()),
            Some(text) = fatalities.recv() => {
                logger.plugin(Level::Fatal, "loop", &text);
                break Err(ProgramError::Loop(text));
            }
            request = signals.next() => match request {
                Request::Reload => handle.request(),
                Request::Quit => break Ok(()),
                Request::Drain => {
                    tokio::select! {
                        () = drain(&running) => {}
                        _ = signals.next() => {}
                    }
                    break Ok(());
                }
            },
        }
    };
    if let Some(path) = &options.pid_file {
        let _ = std::fs::remove_file(path);
    }
    logger.flush(LOG_FLUSH);
    ended
}

/// Everything a reload replaces.
struct Running {
    generation: Generation,
    service: Option<Service>,
    http: HttpServer,
    lameduck: Duration,
    asking: tokio::task::JoinHandle<()>,
    hosts: Vec<tokio::task::JoinHandle<()>>,
}

/// Takes no more questions and answers those under way.
async fn drain(running: &tokio::sync::Mutex<Running>) {
    let mut running = running.lock().await;
    let lameduck = running.lameduck;
    running.http.lameduck(lameduck).await;
    running.asking.abort();
    if let Some(service) = running.service.take() {
        service.drain(DRAIN);
    }
    running.http.close();
}

/// Sends the probes of `loop`; a loop ends the program.
fn watch_loops(
    generation: &Generation,
    addresses: &[SocketAddr],
    logger: &Logger,
    fatal: &tokio::sync::mpsc::Sender<String>,
) {
    for (probe, server) in &generation.loop_probes {
        let Some(&address) = addresses.get(*server) else {
            continue;
        };
        let (probe, logger, fatal): (LoopProbe, _, _) =
            (probe.clone(), logger.clone(), fatal.clone());
        tokio::task::spawn_local(async move {
            match probe.run(address).await {
                LoopVerdict::Clear => {}
                LoopVerdict::Unanswered => logger.plugin(
                    Level::Warning,
                    "loop",
                    format_args!(
                        "no answer to the probe for zone {}: not known whether there is a loop",
                        probe.zone
                    ),
                ),
                LoopVerdict::Loop(text) => {
                    let _ = fatal.send(text).await;
                }
            }
        });
    }
}

/// An error and what caused it, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

/// How long questions under way are waited for at the end: what is not answered by then will be asked again elsewhere.
const DRAIN: Duration = Duration::from_millis(500);
/// How long the last log lines may take.
const LOG_FLUSH: Duration = Duration::from_millis(200);
