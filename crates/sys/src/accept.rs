//! Accepting a connection that does not block and is closed on exec, with one system call.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};

/// Accepts the next waiting connection, if there is one.
///
/// A connection that its client has already given up is passed over. IPv4-mapped peers are given
/// as IPv4.
///
/// # Errors
///
/// The error of the kernel; the important one is "too many open files".
pub fn accept(listener: &TcpListener) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    loop {
        match acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            Ok((socket, peer)) => {
                let Some(peer) = peer.and_then(|peer| SocketAddr::try_from(peer).ok()) else {
                    continue;
                };
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                return Ok(Some((TcpStream::from(socket), peer)));
            }
            Err(Errno::AGAIN) => return Ok(None),
            // accept(2): pending network errors of the new connection are passed on like this.
            Err(
                Errno::INTR
                | Errno::CONNABORTED
                | Errno::NETDOWN
                | Errno::PROTO
                | Errno::NOPROTOOPT
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::OPNOTSUPP
                | Errno::NETUNREACH,
            ) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
