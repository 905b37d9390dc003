//! What each page says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use crate::log::{Level, Logger};
use crate::metrics::{self, Gauge, Metrics, families};

/// Whether something is as it should be; if not, why.
pub type Verdict = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// `/metrics`
    Metrics,
    /// `/health`
    Health,
    /// `/ready`
    Ready,
}

/// How `/ready` treats a cache that was ready once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReadyMonitor {
    /// It stays ready: `until-ready`.
    #[default]
    UntilReady,
    /// It is asked each time: `continuously`.
    Continuously,
}

/// The pages of one listener.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PageSet(u8);

/// The pages and what they need to know; shared by all listeners.
pub struct Pages {
    metrics: Arc<Metrics>,
    logger: Logger,
    health: Verdict,
    ready: Verdict,
    was_ready: AtomicBool,
    continuously: AtomicBool,
    shutting_down: AtomicBool,
    healthy: Gauge,
}

impl Pages {
    /// Takes the two verdicts: `health` whether the cache can serve (its workers run and its own
    /// test question is answered), `ready` whether it is set up.
    pub fn new(
        metrics: Arc<Metrics>,
        logger: Logger,
        health: Verdict,
        ready: Verdict,
    ) -> Arc<Self> {
        let healthy = metrics.gauge(&families::HEALTHY, &[]);
        Arc::new(Pages {
            metrics,
            logger,
            health,
            ready,
            was_ready: AtomicBool::new(false),
            continuously: AtomicBool::new(false),
            shutting_down: AtomicBool::new(false),
            healthy,
        })
    }

    /// Says how `/ready` treats a cache that was ready once.
    pub fn set_ready_monitor(&self, monitor: ReadyMonitor) {
        self.continuously
            .store(monitor == ReadyMonitor::Continuously, Relaxed);
    }

    /// Asks the health verdict.
    pub fn health(&self) -> Result<(), String> {
        let verdict = (self.health)();
        self.healthy.set(f64::from(u8::from(verdict.is_ok())));
        verdict
    }

    /// Asks for readiness anew under a new configuration.
    pub(super) fn restart_ready(&self) {
        self.was_ready.store(false, Relaxed);
    }

    pub(super) fn begin_shutdown(&self) {
        self.shutting_down.store(true, Relaxed);
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Answers a request for a path.
    pub(super) fn answer(&self, path: &str, pages: PageSet) -> Response<String> {
        match path {
            "/metrics" if pages.contains(Page::Metrics) => self.metrics_page(),
            "/health" if pages.contains(Page::Health) => verdict_page(self.health()),
            "/ready" if pages.contains(Page::Ready) => verdict_page(self.ready()),
            _ => text_page(StatusCode::NOT_FOUND, "404 page not found\n".into()),
        }
    }

    fn metrics_page(&self) -> Response<String> {
        // Looked at for `nodens_healthy`, which must be true of the moment of the scrape.
        let _ = self.health();
        let in_flight = self.metrics.gauge(&families::METRIC_HANDLER_IN_FLIGHT, &[]);
        in_flight.set(1.0);
        let text = self.metrics.encode();
        in_flight.set(0.0);
        self.metrics
            .counter(&families::METRIC_HANDLER_REQUESTS, &["200"])
            .increment();
        let mut response = Response::new(text);
        let content_type = HeaderValue::from_static(metrics::CONTENT_TYPE);
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
    }

    fn ready(&self) -> Result<(), String> {
        if self.shutting_down.load(Relaxed) {
            return Err("Shutting down".into());
        }
        if self.was_ready.load(Relaxed) && !self.continuously.load(Relaxed) {
            return Ok(());
        }
        let verdict = (self.ready)();
        match &verdict {
            Ok(()) => self.was_ready.store(true, Relaxed),
            Err(missing) => {
                let text = format_args!("Plugins not ready: {missing:?}");
                self.logger.plugin(Level::Info, "ready", text);
            }
        }
        verdict
    }
}

impl PageSet {
    pub(super) fn insert(&mut self, page: Page) {
        self.0 |= 1 << page as u8;
    }

    pub(super) fn extend(&mut self, other: PageSet) {
        self.0 |= other.0;
    }

    pub(super) fn contains(self, page: Page) -> bool {
        self.0 & (1 << page as u8) != 0
    }

    pub(super) fn bits(self) -> u8 {
        self.0
    }

    pub(super) fn from_bits(bits: u8) -> Self {
        PageSet(bits)
    }
}

fn verdict_page(verdict: Result<(), String>) -> Response<String> {
    match verdict {
        Ok(()) => text_page(StatusCode::OK, "OK".into()),
        Err(reason) => text_page(StatusCode::SERVICE_UNAVAILABLE, reason),
    }
}

fn text_page(status: StatusCode, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
