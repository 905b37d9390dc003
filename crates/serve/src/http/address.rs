//! Addresses to listen on, as they are written in a Corefile or a flag.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// The socket addresses to try in turn; the first that can be bound is used. A port without a
/// host is every address of both families, or of IPv4 where the kernel has no IPv6.
pub(super) async fn candidates(text: &str) -> io::Result<Vec<SocketAddr>> {
    if let Some(port) = text.strip_prefix(':') {
        let port = port.parse().map_err(io::Error::other)?;
        return Ok(vec![
            SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port),
            SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
        ]);
    }
    let found: Vec<SocketAddr> = tokio::net::lookup_host(text).await?.collect();
    // Go listens on one address of a name and prefers IPv4.
    let first = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first())
        .copied();
    first
        .map(|address| vec![address])
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}
