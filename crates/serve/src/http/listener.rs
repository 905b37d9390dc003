//! One listening socket and the task that serves it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::HttpError;
use super::address::candidates;
use super::pages::{PageSet, Pages};

/// A listening socket; closed when dropped. Requests under way are still answered.
pub(super) struct Listener {
    socket: Option<TcpListener>,
    local_address: SocketAddr,
    page_set: Arc<AtomicU8>,
    task: Option<JoinHandle<()>>,
}

impl Listener {
    /// Binds an address; nobody is answered before [`serve`](Self::serve).
    pub(super) async fn open(address: &str, directive: &str) -> Result<Self, HttpError> {
        let candidates = candidates(address)
            .await
            .map_err(|source| HttpError::Address {
                directive: directive.into(),
                address: address.into(),
                source,
            })?;
        let mut result = Err(io::ErrorKind::NotFound.into());
        for candidate in candidates {
            result = bind(candidate);
            // Only a missing address family is a reason to try the next one.
            if !matches!(&result, Err(error) if error.raw_os_error() == Some(NO_SUCH_FAMILY)) {
                break;
            }
        }
        let (socket, local_address) = result.map_err(|source| HttpError::Listen {
            directive: directive.into(),
            address: address.into(),
            source,
        })?;
        Ok(Listener {
            socket: Some(socket),
            local_address,
            page_set: Arc::new(AtomicU8::new(0)),
            task: None,
        })
    }

    /// Starts to answer.
    pub(super) fn serve(&mut self, pages: &Arc<Pages>) {
        if let Some(socket) = self.socket.take() {
            let accepting = accept(socket, Arc::clone(pages), Arc::clone(&self.page_set));
            self.task = Some(tokio::spawn(accepting));
        }
    }

    /// Says which pages are found here.
    pub(super) fn set_pages(&self, pages: PageSet) {
        self.page_set.store(pages.bits(), Relaxed);
    }

    pub(super) fn local_address(&self) -> SocketAddr {
        self.local_address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Binds with `SO_REUSEPORT`, as `CoreDNS` does, so that a new process can start before the old
/// one ends.
fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let local_address = listener.local_addr()?;
    Ok((listener, local_address))
}

async fn accept(socket: TcpListener, pages: Arc<Pages>, page_set: Arc<AtomicU8>) {
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            return;
        };
        match socket.accept().await {
            Ok((stream, _)) => {
                let (pages, page_set) = (Arc::clone(&pages), Arc::clone(&page_set));
                tokio::spawn(async move {
                    let _ =
                        tokio::time::timeout(LONGEST_CONNECTION, answer(stream, pages, page_set))
                            .await;
                    drop(permit);
                });
            }
            // Out of file descriptors, or a connection that is gone again: neither is a reason to
            // stop, and the first lasts a while.
            Err(_) => tokio::time::sleep(PAUSE_AFTER_FAILURE).await,
        }
    }
}

async fn answer(stream: TcpStream, pages: Arc<Pages>, page_set: Arc<AtomicU8>) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let page_set = PageSet::from_bits(page_set.load(Relaxed));
        let response = pages.answer(request.uri().path(), page_set);
        async move { Ok::<_, std::convert::Infallible>(response) }
    });
    // An error here is a client that went away or does not speak HTTP.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// `EAFNOSUPPORT`: the kernel was started without IPv6.
const NO_SUCH_FAMILY: i32 = 97;

/// Connections waiting to be accepted: scrapers and probes are few.
const BACKLOG: u32 = 128;

/// Connections open at once per address, so that a port scan cannot use up file descriptors.
const MOST_CONNECTIONS: usize = 64;

/// Time for a request's head, and for an idle connection; `CoreDNS` has the same 5 s.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// The end of every connection, busy or not: a reader that takes a page byte by byte must not
/// hold its place for ever.
const LONGEST_CONNECTION: Duration = Duration::from_mins(2);

const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);
