//! The pages over real connections on loopback.

#![expect(
    clippy::unwrap_used,
    reason = "the lint takes helpers of tests for other code"
)]

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nodens_serve::http::{Endpoint, HttpServer, Page, Pages, ReadyMonitor, get};
use nodens_serve::log::Logger;
use nodens_serve::metrics::{Build, Counter, Metrics};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test(flavor = "current_thread")]
async fn each_address_serves_the_pages_of_its_directives() {
    let fixture = Fixture::new();
    let mut server = fixture.server();
    let endpoints = [
        endpoint("prometheus", "127.0.0.1:0", Page::Metrics),
        endpoint("prometheus", "127.0.0.1:0", Page::Metrics),
        endpoint("health", "localhost:0", Page::Health),
        endpoint("ready", ":0", Page::Ready),
    ];
    server.apply(&endpoints).await.unwrap();
    let metrics = server.local_address("127.0.0.1:0").unwrap();
    let health = server.local_address("localhost:0").unwrap();
    let mut ready = server.local_address(":0").unwrap();
    ready.set_ip("127.0.0.1".parse().unwrap());

    let (status, text) = get(metrics, "/metrics").await.unwrap();
    assert_eq!(status, 200);
    assert!(text.contains("\n# TYPE coredns_panics_total counter\ncoredns_panics_total 0\n"));
    assert_eq!(get(metrics, "/health").await.unwrap().0, 404);
    assert_eq!(get(health, "/health").await.unwrap(), (200, "OK".into()));
    assert_eq!(
        get(health, "/metrics").await.unwrap(),
        (404, "404 page not found\n".into())
    );
    assert_eq!(get(ready, "/ready").await.unwrap(), (200, "OK".into()));
}

#[tokio::test(flavor = "current_thread")]
async fn directives_that_name_one_address_share_its_listener() {
    let fixture = Fixture::new();
    let mut server = fixture.server();
    let address = free_address().await;
    server
        .apply(&[
            endpoint("prometheus", &address, Page::Metrics),
            endpoint("health", &address, Page::Health),
        ])
        .await
        .unwrap();
    let local = server.local_address(&address).unwrap();
    assert_eq!(get(local, "/metrics").await.unwrap().0, 200);
    assert_eq!(get(local, "/health").await.unwrap().0, 200);

    // A page that leaves while the listener stays is not found any more.
    server
        .apply(&[endpoint("prometheus", &address, Page::Metrics)])
        .await
        .unwrap();
    assert_eq!(get(local, "/metrics").await.unwrap().0, 200);
    assert_eq!(get(local, "/health").await.unwrap().0, 404);
}

#[tokio::test(flavor = "current_thread")]
async fn one_address_written_in_two_ways_has_the_pages_of_both() {
    let fixture = Fixture::new();
    let mut server = fixture.server();
    let address = free_address().await;
    let name = address.replace("127.0.0.1", "localhost");
    server
        .apply(&[
            endpoint("prometheus", &name, Page::Metrics),
            endpoint("health", &address, Page::Health),
        ])
        .await
        .unwrap();
    let address = address.parse().unwrap();
    for _ in 0..16 {
        assert_eq!(get(address, "/metrics").await.unwrap().0, 200);
        assert_eq!(get(address, "/health").await.unwrap().0, 200);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn health_says_why_the_cache_cannot_serve() {
    let fixture = Fixture::new();
    let mut server = fixture.server();
    server
        .apply(&[endpoint("health", "127.0.0.1:0", Page::Health)])
        .await
        .unwrap();
    let address = server.local_address("127.0.0.1:0").unwrap();
    fixture.healthy.store(false, SeqCst);
    let answer = get(address, "/health").await.unwrap();
    assert_eq!(answer, (503, "worker 1 has not answered for 4s".into()));
    assert!(fixture.metrics.encode().contains("\nnodens_healthy 0\n"));
    fixture.healthy.store(true, SeqCst);
    assert_eq!(get(address, "/health").await.unwrap(), (200, "OK".into()));
    assert!(fixture.metrics.encode().contains("\nnodens_healthy 1\n"));
}

#[tokio::test(flavor = "current_thread")]
async fn the_program_asks_its_own_health_page_every_second() {
    let fixture = Fixture::new();
    fixture.healthy.store(false, SeqCst);
    let mut server = fixture.server();
    server
        .apply(&[endpoint("health", "127.0.0.1:0", Page::Health)])
        .await
        .unwrap();
    let count = |name: &str| -> u32 {
        let text = fixture.metrics.encode();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.trim().parse().unwrap()
    };
    until(|| count("coredns_health_request_failures_total ") >= 2).await;
    assert!(count("coredns_health_request_duration_seconds_count ") >= 2);
    let log = fixture.log();
    let failed = "[WARNING] plugin/health: Local health request to \"http://127.0.0.1:0/health\" \
                  failed: 503 worker 1 has not answered for 4s\n";
    assert_eq!(log, failed, "once, however often it fails");
    fixture.healthy.store(true, SeqCst);
    until(|| fixture.log().ends_with("succeeded again\n")).await;
}

#[tokio::test(flavor = "current_thread")]
async fn ready_stays_ready_unless_it_is_monitored_continuously() {
    let fixture = Fixture::new();
    fixture.ready.store(false, SeqCst);
    let mut server = fixture.server();
    server
        .apply(&[endpoint("ready", "127.0.0.1:0", Page::Ready)])
        .await
        .unwrap();
    let address = server.local_address("127.0.0.1:0").unwrap();
    assert_eq!(
        get(address, "/ready").await.unwrap(),
        (503, "forward,hosts".into())
    );
    fixture.ready.store(true, SeqCst);
    assert_eq!(get(address, "/ready").await.unwrap().0, 200);
    fixture.ready.store(false, SeqCst);
    assert_eq!(get(address, "/ready").await.unwrap().0, 200);
    fixture.pages.set_ready_monitor(ReadyMonitor::Continuously);
    assert_eq!(get(address, "/ready").await.unwrap().0, 503);
    let line = "[INFO] plugin/ready: Plugins not ready: \"forward,hosts\"\n";
    assert_eq!(fixture.log(), line.repeat(2));
}

#[tokio::test(flavor = "current_thread")]
async fn a_lame_duck_is_healthy_and_not_ready() {
    let fixture = Fixture::new();
    let mut server = fixture.server();
    server
        .apply(&[
            endpoint("health", "127.0.0.1:0", Page::Health),
            endpoint("ready", "127.0.0.1:0", Page::Ready),
        ])
        .await
        .unwrap();
    let address = server.local_address("127.0.0.1:0").unwrap();
    let asked = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        (
            get(address, "/health").await.unwrap(),
            get(address, "/ready").await.unwrap(),
        )
    };
    let ((), (health, ready)) = tokio::join!(server.lameduck(Duration::from_millis(1500)), asked);
    assert_eq!(health, (200, "OK".into()));
    assert_eq!(ready, (503, "Shutting down".into()));
    assert_eq!(
        fixture.log(),
        "[INFO] plugin/health: Going into lameduck mode for 1.5s\n"
    );
    server.close();
    tokio::task::yield_now().await;
    assert!(get(address, "/health").await.is_err());
}

#[tokio::test(flavor = "current_thread")]
async fn an_address_in_use_is_an_error_that_names_it_and_leaves_the_rest_as_it_was() {
    let fixture = Fixture::new();
    let mut server = fixture.server();
    server
        .apply(&[endpoint("health", "127.0.0.1:0", Page::Health)])
        .await
        .unwrap();
    let running = server.local_address("127.0.0.1:0").unwrap();
    // A socket without SO_REUSEPORT keeps others away.
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();

    let error = server
        .apply(&[endpoint("prometheus", &address, Page::Metrics)])
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("prometheus: listen on tcp {address}")
    );
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("Address already in use"), "{cause}");
    assert_eq!(get(running, "/health").await.unwrap().0, 200);

    let optional = Endpoint {
        required: false,
        ..endpoint("-metrics-listen-address", &address, Page::Metrics)
    };
    server.apply(&[optional]).await.unwrap();
    assert_eq!(server.local_address(&address), None);
    let log = fixture.log();
    let start =
        format!("[ERROR] -metrics-listen-address: listen on tcp {address}: Address already");
    assert!(log.contains(&start), "{log}");

    let error = server
        .apply(&[endpoint("health", "nowhere", Page::Health)])
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "health: `nowhere` is not an address to listen on"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_listener_that_stays_keeps_its_connections_and_one_that_goes_is_closed() {
    let fixture = Fixture::new();
    let mut server = fixture.server();
    let (stays, goes, comes) = (
        free_address().await,
        free_address().await,
        free_address().await,
    );
    server
        .apply(&[
            endpoint("health", &stays, Page::Health),
            endpoint("prometheus", &goes, Page::Metrics),
        ])
        .await
        .unwrap();
    let mut connection = TcpStream::connect(&stays).await.unwrap();
    assert!(
        ask(&mut connection)
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    server
        .apply(&[
            endpoint("health", &stays, Page::Health),
            endpoint("prometheus", &comes, Page::Metrics),
        ])
        .await
        .unwrap();
    assert!(
        ask(&mut connection)
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    assert_eq!(
        get(comes.parse().unwrap(), "/metrics").await.unwrap().0,
        200
    );
    tokio::task::yield_now().await;
    assert!(get(goes.parse().unwrap(), "/metrics").await.is_err());
}

#[tokio::test(flavor = "current_thread")]
async fn what_does_not_speak_http_is_shown_out() {
    let fixture = Fixture::new();
    let mut server = fixture.server();
    server
        .apply(&[endpoint("health", "127.0.0.1:0", Page::Health)])
        .await
        .unwrap();
    let address = server.local_address("127.0.0.1:0").unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection
        .write_all(b"\x00\x01\x02 nonsense\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
    assert_eq!(get(address, "/health").await.unwrap().0, 200);
}

struct Fixture {
    metrics: Arc<Metrics>,
    pages: Arc<Pages>,
    healthy: Arc<AtomicBool>,
    ready: Arc<AtomicBool>,
    logger: Logger,
    written: Sink,
}

impl Fixture {
    fn new() -> Self {
        let metrics = Metrics::new(Build {
            version: "0.1.0",
            revision: "none",
            compiler: "rustc",
        });
        let written = Sink::default();
        let logger = Logger::to_writer(written.clone(), Counter::default()).unwrap();
        let healthy = Arc::new(AtomicBool::new(true));
        let ready = Arc::new(AtomicBool::new(true));
        let (health_asked, ready_asked) = (Arc::clone(&healthy), Arc::clone(&ready));
        let pages = Pages::new(
            Arc::clone(&metrics),
            logger.clone(),
            Box::new(move || {
                let reason = "worker 1 has not answered for 4s";
                health_asked
                    .load(SeqCst)
                    .then_some(())
                    .ok_or_else(|| reason.into())
            }),
            Box::new(move || {
                ready_asked
                    .load(SeqCst)
                    .then_some(())
                    .ok_or_else(|| "forward,hosts".into())
            }),
        );
        Fixture {
            metrics,
            pages,
            healthy,
            ready,
            logger,
            written,
        }
    }

    fn server(&self) -> HttpServer {
        HttpServer::new(Arc::clone(&self.pages), self.logger.clone())
    }

    fn log(&self) -> String {
        assert!(self.logger.flush(Duration::from_secs(5)));
        String::from_utf8(self.written.0.lock().unwrap().clone()).unwrap()
    }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .map_err(|_| io::ErrorKind::Other)?
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn endpoint(directive: &str, address: &str, page: Page) -> Endpoint {
    Endpoint {
        directive: directive.into(),
        address: address.into(),
        page,
        required: true,
    }
}

/// An address that was free a moment ago.
async fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Asks for `/health` on a connection that stays open.
async fn ask(connection: &mut TcpStream) -> String {
    connection
        .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = vec![0; 4096];
    let length = connection.read(&mut answer).await.unwrap();
    String::from_utf8(answer[..length].to_vec()).unwrap()
}

async fn until(mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .expect("the condition holds in time");
}
