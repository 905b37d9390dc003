//! A client that asks by UDP.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;

use super::message::{Reply, question};
use super::namespace::Namespace;

/// A connected socket: a reply from another address than the one asked is not seen.
#[derive(Debug)]
pub(crate) struct Stub {
    socket: UdpSocket,
    next_id: u16,
}

impl Stub {
    /// A client in `from` of the server at `to`.
    pub(crate) fn new(from: &Namespace, to: SocketAddr) -> Self {
        let any = if to.is_ipv4() { "0.0.0.0" } else { "::" };
        Self::at(from, any, to)
    }

    /// A client with the address `own`.
    pub(crate) fn at(from: &Namespace, own: &str, to: SocketAddr) -> Self {
        let own = SocketAddr::new(own.parse().unwrap(), 0);
        let socket = from.enter(|| UdpSocket::bind(own).unwrap());
        // Replies may come in one burst; what is lost here would be taken for not sent.
        set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER).unwrap();
        // The route is looked up in the socket's own namespace.
        socket.connect(to).unwrap();
        Self { socket, next_id: 1 }
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Asks and waits for the reply, as long as a stub resolver does. A reply must come.
    pub(crate) fn ask(&mut self, name: &str, qtype: u16) -> Reply {
        let reply = self.try_ask(name, qtype, PATIENCE);
        reply.unwrap_or_else(|| panic!("no reply for {name} within {PATIENCE:?}"))
    }

    /// Asks and waits for the reply up to `patience`.
    pub(crate) fn try_ask(&mut self, name: &str, qtype: u16, patience: Duration) -> Option<Reply> {
        let id = self.send(name, qtype);
        let start = Instant::now();
        loop {
            let left = patience.checked_sub(start.elapsed())?;
            let reply = self.receive(left)?;
            if reply.id() == id {
                let elapsed = start.elapsed();
                return Some(Reply { elapsed, ..reply });
            }
        }
    }

    /// Sends a question and gives its id.
    pub(crate) fn send(&mut self, name: &str, qtype: u16) -> u16 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        self.send_bytes(&question(id, name, qtype));
        id
    }

    pub(crate) fn send_bytes(&self, message: &[u8]) {
        // An error is the news that an earlier message found nobody (a server that restarts).
        if self.socket.send(message).is_err() {
            let _ = self.socket.send(message);
        }
    }

    /// Receives one reply, whatever it answers.
    pub(crate) fn receive(&self, patience: Duration) -> Option<Reply> {
        let start = Instant::now();
        let mut bytes = vec![0; 65_535];
        loop {
            let left = patience.checked_sub(start.elapsed())?;
            let left = left.max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(left)).unwrap();
            if let Ok(length) = self.socket.recv(&mut bytes) {
                bytes.truncate(length);
                let elapsed = start.elapsed();
                return Some(Reply { bytes, elapsed });
            }
        }
    }
}

/// What resolvers wait for by default before they ask again (resolv.conf(5), `timeout`).
const PATIENCE: Duration = Duration::from_secs(5);
/// Some thousand replies.
const RECEIVE_BUFFER: usize = 4 << 20;
