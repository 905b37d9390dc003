//! The pages a node's caretakers look at: `/metrics`, `/health` and `/ready`.
//!
//! One listener per address, whatever the number of directives that name it; each serves the
//! pages of its directives and nothing else. A reload opens what is new before it closes what is
//! gone, so a port that cannot be had leaves the running listeners as they are (`CoreDNS` closes
//! first and may be left without).

mod address;
mod client;
mod from_config;
mod listener;
mod pages;
mod self_check;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use self::client::{ClientError, get};
pub use self::from_config::HttpPlan;
pub use self::pages::{Page, Pages, ReadyMonitor, Verdict};

use self::listener::Listener;
use self::pages::PageSet;
use self::self_check::SelfCheck;
use crate::log::{Level, Logger, go_duration};

/// A page that a directive or flag wants at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Who wants it, for messages: `prometheus`, `-metrics-listen-address`.
    pub directive: String,
    /// Where: `192.0.2.10:8080`, `[2001:db8::1]:8080`, `localhost:9153` or `:9253`.
    pub address: String,
    /// Which page.
    pub page: Page,
    /// Whether the configuration fails when the address cannot be had; otherwise it is logged.
    pub required: bool,
}

/// Why the pages of a configuration cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// An address is none.
    #[error("{directive}: `{address}` is not an address to listen on")]
    Address {
        /// Who named it.
        directive: String,
        /// The address as written.
        address: String,
        /// What the resolver said.
        source: std::io::Error,
    },
    /// An address cannot be listened on.
    #[error("{directive}: listen on tcp {address}")]
    Listen {
        /// Who named it.
        directive: String,
        /// The address as written.
        address: String,
        /// What the kernel said.
        source: std::io::Error,
    },
}

/// The listeners of the configuration in force. Lives on the control thread, within a tokio
/// runtime.
pub struct HttpServer {
    pages: Arc<Pages>,
    logger: Logger,
    /// Keyed by the address as written.
    listeners: BTreeMap<String, Listener>,
    self_check: Option<SelfCheck>,
}

/// Listeners made ready for a configuration that is not in force yet; dropping it closes the new
/// ones.
pub struct Prepared {
    wanted: BTreeMap<String, Wanted>,
    opened: BTreeMap<String, Listener>,
}

struct Wanted {
    pages: PageSet,
    directives: Vec<String>,
    required: bool,
}

impl HttpServer {
    /// A server without listeners.
    pub fn new(pages: Arc<Pages>, logger: Logger) -> Self {
        HttpServer {
            pages,
            logger,
            listeners: BTreeMap::new(),
            self_check: None,
        }
    }

    /// Opens the addresses that are not open yet. Nothing else changes before
    /// [`commit`](Self::commit).
    ///
    /// # Errors
    /// When a required address cannot be listened on.
    pub async fn prepare(&self, endpoints: &[Endpoint]) -> Result<Prepared, HttpError> {
        let mut wanted = BTreeMap::<String, Wanted>::new();
        for endpoint in endpoints {
            let entry = wanted
                .entry(endpoint.address.clone())
                .or_insert_with(|| Wanted {
                    pages: PageSet::default(),
                    directives: Vec::new(),
                    required: false,
                });
            entry.pages.insert(endpoint.page);
            entry.required |= endpoint.required;
            if !entry.directives.contains(&endpoint.directive) {
                entry.directives.push(endpoint.directive.clone());
            }
        }
        let mut opened = BTreeMap::new();
        for (address, entry) in &wanted {
            if self.listeners.contains_key(address) {
                continue;
            }
            match Listener::open(address, &entry.directives.join(", ")).await {
                Ok(listener) => {
                    opened.insert(address.clone(), listener);
                }
                Err(error) if entry.required => return Err(error),
                Err(error) => self.logger.log(Level::Error, failure(&error)),
            }
        }
        Ok(Prepared { wanted, opened })
    }

    /// Puts a prepared configuration in force: new listeners answer, those no longer wanted close.
    pub fn commit(&mut self, prepared: Prepared) {
        let Prepared { wanted, opened } = prepared;
        self.listeners
            .retain(|address, _| wanted.contains_key(address));
        for (address, mut listener) in opened {
            listener.serve(&self.pages);
            self.listeners.insert(address, listener);
        }
        self.pages.restart_ready();
        // `localhost:8080` and `127.0.0.1:8080` are one address with two sockets, between which the
        // kernel chooses: both must have the pages of both.
        let mut pages = BTreeMap::<SocketAddr, PageSet>::new();
        for (address, entry) in &wanted {
            if let Some(listener) = self.listeners.get(address) {
                pages
                    .entry(listener.local_address())
                    .or_default()
                    .extend(entry.pages);
            }
        }
        let mut health = None;
        for (name, listener) in &self.listeners {
            let address = listener.local_address();
            let pages = pages.get(&address).copied().unwrap_or_default();
            listener.set_pages(pages);
            if pages.contains(Page::Health) && health.is_none() {
                health = Some((name.clone(), address));
            }
        }
        let running = self.self_check.as_ref().map(SelfCheck::address);
        if running != health.as_ref().map(|(_, address)| *address) {
            self.self_check = health.map(|(name, address)| {
                SelfCheck::start(&name, address, Arc::clone(&self.pages), self.logger.clone())
            });
        }
    }

    /// [`prepare`](Self::prepare) and [`commit`](Self::commit) in one.
    ///
    /// # Errors
    /// When a required address cannot be listened on; the listeners are as before.
    pub async fn apply(&mut self, endpoints: &[Endpoint]) -> Result<(), HttpError> {
        let prepared = self.prepare(endpoints).await?;
        self.commit(prepared);
        Ok(())
    }

    /// The address a listener is bound to, by the address as written.
    pub fn local_address(&self, address: &str) -> Option<SocketAddr> {
        self.listeners.get(address).map(Listener::local_address)
    }

    /// Answers `/ready` with 503 from now on, and waits: `/health` stays 200 and questions are
    /// answered while load balancers look elsewhere.
    pub async fn lameduck(&self, duration: Duration) {
        self.pages.begin_shutdown();
        if !duration.is_zero() {
            let text = format_args!("Going into lameduck mode for {}", go_duration(duration));
            self.logger.plugin(Level::Info, "health", text);
            tokio::time::sleep(duration).await;
        }
    }

    /// Closes all listeners.
    pub fn close(&mut self) {
        self.self_check = None;
        self.listeners.clear();
    }
}

/// An error and its cause on one line.
fn failure(error: &HttpError) -> String {
    match error {
        HttpError::Address { source, .. } | HttpError::Listen { source, .. } => {
            format!("{error}: {source}")
        }
    }
}
