//! The bytes of a connection to an upstream, with TLS or without.

use std::io::{self, Read};
use std::net::TcpStream;
use std::sync::Arc;

use nodens_resolve::Failure;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::failure::failure;
use crate::framing::Outbox;

/// A stream to an upstream.
pub(crate) struct Transport {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

/// What reading ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// More may come.
    Open,
    /// The other side has closed.
    Ended,
}

impl Transport {
    /// A stream without TLS.
    pub(crate) fn plain(socket: TcpStream) -> Self {
        Self { socket, tls: None }
    }

    /// A stream that begins with a TLS handshake.
    pub(crate) fn tls(
        socket: TcpStream,
        client: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, Failure> {
        let mut tls = ClientConnection::new(client, name).map_err(|error| tls_failure(&error))?;
        // What is waiting is bounded by the number of questions a connection takes.
        tls.set_buffer_limit(None);
        Ok(Self {
            socket,
            tls: Some(Box::new(tls)),
        })
    }

    /// The socket.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whether the TLS handshake, if there is one, is done.
    pub(crate) fn is_ready(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| !tls.is_handshaking())
    }

    /// Whether there is something to write besides messages.
    pub(crate) fn wants_write(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Writes messages as far as the other side takes them.
    pub(crate) fn send(&mut self, outbox: &mut Outbox) -> Result<(), Failure> {
        let Some(tls) = &mut self.tls else {
            outbox
                .write_to(&self.socket)
                .map_err(|error| failure(&error))?;
            return Ok(());
        };
        if !outbox.is_empty() {
            outbox
                .write_to(tls.writer())
                .map_err(|error| failure(&error))?;
        }
        while tls.wants_write() {
            match tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failure(&error)),
            }
        }
        Ok(())
    }

    /// Reads what is there, up to a bound, and hands it to `take` in parts. `scratch` is any
    /// buffer.
    pub(crate) fn receive(
        &mut self,
        scratch: &mut [u8],
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<Reading, Failure> {
        for _ in 0..ROUNDS {
            let reading = match &mut self.tls {
                None => read(&self.socket, scratch, &mut take)?,
                Some(tls) => read_tls(tls, &mut self.socket, scratch, &mut take)?,
            };
            match reading {
                Some(Reading::Open) => {}
                Some(Reading::Ended) => return Ok(Reading::Ended),
                None => break,
            }
        }
        Ok(Reading::Open)
    }
}

/// One read. Nothing when there is no more for now.
fn read(
    mut socket: &TcpStream,
    scratch: &mut [u8],
    take: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<Option<Reading>, Failure> {
    match socket.read(scratch) {
        Ok(0) => Ok(Some(Reading::Ended)),
        Ok(count) => {
            take(&scratch[..count])?;
            Ok((count == scratch.len()).then_some(Reading::Open))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Some(Reading::Open)),
        Err(error) => Err(failure(&error)),
    }
}

/// One read of TLS records, and all plain text that comes of it.
fn read_tls(
    tls: &mut ClientConnection,
    socket: &mut TcpStream,
    scratch: &mut [u8],
    take: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<Option<Reading>, Failure> {
    let ended = match tls.read_tls(socket) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            return Ok(Some(Reading::Open));
        }
        Err(error) => return Err(failure(&error)),
    };
    if let Err(error) = tls.process_new_packets() {
        // The alert that tells the server why; if it cannot be sent, the close says enough.
        let _ = tls.write_tls(socket);
        return Err(tls_failure(&error));
    }
    loop {
        match tls.reader().read(scratch) {
            Ok(0) => return Ok(Some(Reading::Ended)),
            Ok(count) => take(&scratch[..count])?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // The stream ended without a farewell; for DNS, whose messages have lengths, that is
            // an end like any other.
            Err(_) => return Ok(Some(Reading::Ended)),
        }
    }
    Ok(Some(if ended { Reading::Ended } else { Reading::Open }))
}

fn tls_failure(error: &rustls::Error) -> Failure {
    Failure::Tls(Arc::from(error.to_string()))
}

/// Reads per event; the rest waits until others were served.
const ROUNDS: usize = 4;
