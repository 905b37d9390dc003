//! The service and its pages under one configuration, and the step from one configuration to the next.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nodens_corefile::Config;
use nodens_resolve::Shared;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

use super::collect::StoreCollector;
use super::generation::Generation;
use super::self_question::SelfQuestion;
use super::{ProgramError, ProgramOptions, hosts_files, start_lines, system, with_causes};
use crate::clock::Clock;
use crate::http::{HttpPlan, HttpServer, Page, Pages};
use crate::log::{Level, Logger};
use crate::loop_detection::{LoopProbe, LoopVerdict};
use crate::metrics::Metrics;
use crate::node::Node;
use crate::reload::Watch;
use crate::reporting::{Publisher, Reporter};
use crate::service::{Service, ServiceOptions};

/// What outlives configurations.
pub(super) struct Standing<'a> {
    options: &'a ProgramOptions,
    clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    logger: Logger,
    shared: Arc<Shared>,
    publisher: Publisher,
    pages: Arc<Pages>,
    question: SelfQuestion,
    fatal: Sender<String>,
    service_options: ServiceOptions,
}

/// Everything a reload replaces.
pub(super) struct Running {
    generation: Generation,
    service: Option<Service>,
    http: HttpServer,
    lameduck: Duration,
    asking: JoinHandle<()>,
    hosts: Vec<JoinHandle<()>>,
    node: Option<Node>,
}

impl Running {
    /// Puts the first configuration in force: workers first, then the pages that speak of them.
    pub(super) async fn start(
        options: &ProgramOptions,
        clock: Clock,
        metrics: Arc<Metrics>,
        logger: Logger,
        fatal: Sender<String>,
        config: Config,
        mut node: Option<Node>,
    ) -> Result<(Self, Standing<'_>), ProgramError> {
        let mut random = nodens_sys::SecureRandom::new().map_err(system("draw random numbers"))?;
        let shared = Arc::new(Shared::new(random.next_u64()));
        let generation =
            Generation::new(&shared, config, None).map_err(ProgramError::Configuration)?;
        logger.set_debug(generation.wants_debug());
        let publisher = Publisher::new(generation.reporting(&metrics)?);
        publisher.current().start(&logger, clock);
        let _ = nodens_sys::raise_open_files();
        let service_options = ServiceOptions::new(clock);
        let reporter = |worker| {
            Reporter::new(
                worker,
                Arc::clone(&metrics),
                logger.clone(),
                clock,
                &publisher,
            )
        };
        let service = Service::start(
            &generation.resolver,
            &generation.listen,
            &service_options,
            reporter,
        )
        .map_err(|error| ProgramError::Configuration(with_causes(&error)))?;
        if let Some(node) = &mut node {
            node.start(service.heartbeats(), &generation.resolver)
                .map_err(system("watch the cache"))?;
        }
        let question = SelfQuestion::new(service.heartbeats(), clock);
        let (health, ready) = (question.verdict(), question.verdict());
        let pages = Pages::new(Arc::clone(&metrics), logger.clone(), health, ready);
        let plan = http_plan(&generation.config, options);
        pages.set_ready_monitor(plan.monitor);
        let mut http = HttpServer::new(Arc::clone(&pages), logger.clone());
        http.apply(&plan.endpoints)
            .await
            .map_err(|error| ProgramError::Configuration(with_causes(&error)))?;
        metrics.set_collector(Arc::new(StoreCollector::new(&generation)));
        let standing = Standing {
            options,
            clock,
            metrics,
            logger,
            shared,
            publisher,
            pages,
            question,
            fatal,
            service_options,
        };
        let addresses = service.addresses();
        let running = Self {
            asking: tokio::task::spawn_local(standing.question.clone().ask(addresses.clone())),
            hosts: hosts_files::watch(&generation, &standing.metrics, &standing.logger),
            lameduck: plan.lameduck,
            service: Some(service),
            generation,
            http,
            node,
        };
        standing.watch_loops(&running.generation, &addresses);
        Ok((running, standing))
    }

    /// Puts another configuration in force, or leaves everything as it is and says why.
    pub(super) async fn replace(
        &mut self,
        standing: &Standing<'_>,
        config: Config,
    ) -> Result<(), String> {
        let Standing {
            metrics, logger, ..
        } = standing;
        let next = Generation::new(&standing.shared, config, Some(&self.generation.resolver))?;
        let plan = http_plan(&next.config, standing.options);
        let prepared = self
            .http
            .prepare(&plan.endpoints)
            .await
            .map_err(|error| with_causes(&error))?;
        let reporting = next.reporting(metrics).map_err(|error| error.to_string())?;
        let Some(service) = self.service.as_mut() else {
            return Err("ending".into());
        };
        service
            .replace(&next.resolver, &next.listen)
            .map_err(|error| with_causes(&error))?;
        let addresses = service.addresses();
        reporting.start(logger, standing.clock);
        standing.publisher.publish(reporting).stop(logger);
        self.http.commit(prepared);
        self.lameduck = plan.lameduck;
        standing.pages.set_ready_monitor(plan.monitor);
        metrics.set_collector(Arc::new(StoreCollector::new(&next)));
        logger.set_debug(next.wants_debug());
        self.asking.abort();
        self.asking = tokio::task::spawn_local(standing.question.clone().ask(addresses.clone()));
        standing.watch_loops(&next, &addresses);
        self.hosts.iter().for_each(JoinHandle::abort);
        self.hosts = hosts_files::watch(&next, metrics, logger);
        if let Some(node) = &self.node {
            node.set_resolver(&next.resolver);
        }
        self.generation = next;
        Ok(())
    }

    /// Takes no more questions and answers those under way.
    pub(super) async fn drain(&mut self) {
        if let Some(node) = &self.node {
            node.let_go();
        }
        self.http.lameduck(self.lameduck).await;
        self.asking.abort();
        if let Some(service) = self.service.take() {
            service.drain(DRAIN);
        }
        self.http.close();
    }

    /// Says what is served and where, unless the program is to be quiet.
    pub(super) fn say_start(&self, standing: &Standing<'_>) {
        if let Some(service) = self.service.as_ref().filter(|_| !standing.options.quiet) {
            let workers = standing.service_options.workers;
            start_lines::say(
                &standing.logger,
                &self.generation,
                &service.addresses(),
                workers,
            );
        }
    }

    /// What tells this configuration from the next.
    pub(super) fn fingerprint(&self) -> String {
        self.generation.config.tokens_fingerprint.to_string()
    }

    /// How often the files are to be looked at.
    pub(super) fn watch(&self) -> Option<Watch> {
        Watch::from_config(&self.generation.config)
    }
}

impl Standing<'_> {
    /// Sends the probes of `loop`; a loop ends the program.
    fn watch_loops(&self, generation: &Generation, addresses: &[SocketAddr]) {
        let Standing { logger, fatal, .. } = self;
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
}

/// The pages of a configuration and of the command line.
fn http_plan(config: &Config, options: &ProgramOptions) -> HttpPlan {
    let mut plan = HttpPlan::from_config(config);
    if let Some(address) = &options.metrics_address {
        plan.add_optional("-metrics-listen-address", address, Page::Metrics);
    }
    plan
}

/// How long questions under way are waited for at the end: what is not answered by then will be asked again elsewhere.
const DRAIN: Duration = Duration::from_millis(500);
