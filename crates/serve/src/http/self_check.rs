//! The program's own request to `/health`, once a second: how long it takes shows whether the
//! process keeps up, and its failures are in the log and the metrics even when nobody else asks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::client::get;
use super::pages::Pages;
use crate::log::{Level, Logger, go_duration};
use crate::metrics::families;
use crate::own_address::reachable;

/// The running check; ends when dropped.
pub(super) struct SelfCheck {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl SelfCheck {
    pub(super) fn start(
        name: &str,
        address: SocketAddr,
        pages: Arc<Pages>,
        logger: Logger,
    ) -> Self {
        let url = match name.strip_prefix(':') {
            Some(port) => format!("http://localhost:{port}/health"),
            None => format!("http://{name}/health"),
        };
        let task = tokio::spawn(check(url, reachable(address), pages, logger));
        SelfCheck { address, task }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for SelfCheck {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn check(url: String, address: SocketAddr, pages: Arc<Pages>, logger: Logger) {
    let durations = pages
        .metrics()
        .histogram(&families::HEALTH_REQUEST_DURATION, &[]);
    let failures = pages
        .metrics()
        .counter(&families::HEALTH_REQUEST_FAILURES, &[]);
    let mut ticks = interval_at(Instant::now() + PERIOD, PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        ticks.tick().await;
        let start = Instant::now();
        let failure = match timeout(PATIENCE, get(address, "/health")).await {
            Ok(Ok((200, _))) => None,
            Ok(Ok((status, reason))) => Some(format!("{status} {reason}")),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {}", go_duration(PATIENCE))),
        };
        let elapsed = start.elapsed();
        durations.observe(elapsed);
        if let Some(failure) = &failure {
            failures.increment();
            // Once per cause, not once a second.
            if last.as_ref() != Some(failure) {
                let text = format_args!("Local health request to \"{url}\" failed: {failure}");
                logger.plugin(Level::Warning, "health", text);
            }
        } else if last.is_some() {
            let text = format_args!("Local health request to \"{url}\" succeeded again");
            logger.plugin(Level::Info, "health", text);
        } else if elapsed > SLOW {
            let elapsed = go_duration(elapsed);
            let text =
                format_args!("Local health request to \"{url}\" took more than 1s: {elapsed}");
            logger.plugin(Level::Warning, "health", text);
        }
        last = failure;
    }
}

/// As in `CoreDNS`.
const PERIOD: Duration = Duration::from_secs(1);

/// As in `CoreDNS`; a kubelet's probe gives up after 1 to 5 s.
const PATIENCE: Duration = Duration::from_secs(3);

/// As in `CoreDNS`: long for a request that never leaves the host.
const SLOW: Duration = Duration::from_secs(1);
