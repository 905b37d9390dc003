//! Opening sockets the way the cache needs them: non-blocking, closed on exec, listening sockets
//! shared by workers.
//!
//! Every worker binds its own socket to every address (`SO_REUSEPORT`, socket(7)), and the kernel
//! spreads clients over them by a hash of addresses and ports. The same option lets a second copy
//! of the program take over without a moment in which nobody listens.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, listen, socket_with};

/// Binds a UDP socket that shares its address with other workers and other copies.
///
/// On a wildcard address it tells the local address of every datagram; `[::]` takes IPv4 as well,
/// as `bind ::` and a server block without `bind` do in `CoreDNS`.
///
/// # Errors
///
/// The error of the kernel, most often "address in use" or "cannot assign requested address".
pub fn listen_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = open(address, SocketType::DGRAM)?;
    share(&socket, address)?;
    if address.ip().is_unspecified() {
        tell_local_address(&socket, address.is_ipv6())?;
    }
    // Best effort: without these the kernel's defaults hold, and nothing breaks.
    let _ = sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER)
        .or_else(|_| sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER));
    // A forged "fragmentation needed" must not make answers fragment (RFC 8900, section 3.7).
    let _ = if address.is_ipv6() {
        sockopt::set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::OMIT)
    } else {
        sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::OMIT)
    };
    bind(&socket, &address)?;
    Ok(UdpSocket::from(socket))
}

/// Binds and opens a TCP socket that shares its address with other workers and other copies.
///
/// # Errors
///
/// The error of the kernel.
pub fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(address, SocketType::STREAM)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    share(&socket, address)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

/// A UDP socket connected to `address`, from a port that the kernel draws at random from the
/// ephemeral range.
///
/// Connected, so that the kernel drops what comes from elsewhere. The port is left to the kernel
/// because its range is the one the administrator has cleared of other uses
/// (`ip_local_port_range`, `ip_local_reserved_ports`); a port of our own choosing could collide
/// with a tunnel or a node port of the host.
///
/// # Errors
///
/// The error of the kernel, for example when there is no route.
pub fn connect_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = open(address, SocketType::DGRAM)?;
    connect(&socket, &address)?;
    Ok(UdpSocket::from(socket))
}

/// Begins to connect to `address`. The socket becomes writable when that is done; its outcome is
/// then [`take_socket_error`].
///
/// # Errors
///
/// The error of the kernel, where it is known at once.
pub fn connect_tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = open(address, SocketType::STREAM)?;
    // Questions are small and each is somebody waiting.
    sockopt::set_tcp_nodelay(&socket, true)?;
    match connect(&socket, &address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(TcpStream::from(socket)),
        Err(error) => Err(error.into()),
    }
}

/// Takes the pending error of a socket, for example the outcome of a connection attempt.
///
/// # Errors
///
/// That error, if there is one.
pub fn take_socket_error(socket: impl AsFd) -> io::Result<()> {
    sockopt::socket_error(socket)??;
    Ok(())
}

/// Takes a UDP socket out of the group that receives on its address, without closing it.
///
/// A connected socket gets nothing but what its peer sends, and the kernel passes it over when it
/// chooses among sockets that share a port (since Linux 5.4, commit acdcecc61285). So the socket
/// is connected to itself: what it had received can still be read, replies can still be sent
/// from it, and new questions go to the other sockets of the address at once.
///
/// # Errors
///
/// The error of the kernel; the socket is then as it was.
pub fn retire_udp_listener(socket: &UdpSocket) -> io::Result<()> {
    let mut address = socket.local_addr()?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    connect(socket, &address)?;
    Ok(())
}

fn open(address: SocketAddr, kind: SocketType) -> io::Result<OwnedFd> {
    let family = if address.is_ipv6() {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    Ok(socket_with(family, kind, flags, None)?)
}

fn share(socket: &OwnedFd, address: SocketAddr) -> io::Result<()> {
    sockopt::set_socket_reuseport(socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(socket, !address.ip().is_unspecified())?;
    }
    Ok(())
}

/// Asks for a control message with the local address of every datagram.
fn tell_local_address(socket: &OwnedFd, v6: bool) -> io::Result<()> {
    let (level, option) = if v6 {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
    } else {
        (libc::IPPROTO_IP, libc::IP_PKTINFO)
    };
    let on: libc::c_int = 1;
    let length = libc::socklen_t::try_from(size_of_val(&on)).unwrap_or(0);
    // SAFETY: the descriptor is open, and the value is a readable `int` of the given length.
    let outcome = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const on).cast(),
            length,
        )
    };
    if outcome == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// A burst of some thousand questions fits while a worker is busy. Memory is used only for what
/// is queued; the kernel clamps to `net.core.rmem_max` without `CAP_NET_ADMIN`.
const RECEIVE_BUFFER: usize = 4 << 20;
/// Connections that are complete and not accepted yet; the kernel clamps to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

#[cfg(test)]
mod tests;
