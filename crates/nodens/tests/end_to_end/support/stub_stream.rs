//! A client that asks by TCP.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::message::{Reply, question};
use super::namespace::Namespace;

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct StubStream {
    pub(crate) socket: TcpStream,
}

impl StubStream {
    pub(crate) fn connect(from: &Namespace, to: SocketAddr) -> Self {
        from.enter(|| Self::connect_here(to))
    }

    /// Connects within the namespace of the calling thread.
    pub(crate) fn connect_here(to: SocketAddr) -> Self {
        let socket = TcpStream::connect_timeout(&to, PATIENCE).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { socket }
    }

    /// Asks and waits for the reply.
    pub(crate) fn ask(&self, name: &str, qtype: u16) -> Reply {
        let start = Instant::now();
        self.send(&question(7, name, qtype)).unwrap();
        let bytes = self.receive().unwrap();
        let elapsed = start.elapsed();
        Reply { bytes, elapsed }
    }

    pub(crate) fn send(&self, message: &[u8]) -> io::Result<()> {
        let length = u16::try_from(message.len())
            .map_err(io::Error::other)?
            .to_be_bytes();
        (&self.socket).write_all(&[&length, message].concat())
    }

    pub(crate) fn receive(&self) -> io::Result<Vec<u8>> {
        let mut length = [0; 2];
        (&self.socket).read_exact(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        (&self.socket).read_exact(&mut message)?;
        Ok(message)
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
