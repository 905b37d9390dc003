//! Netlink (netlink(7)): requests to the kernel about links, addresses and packet rules, and its answers.
//!
//! One socket, one request at a time: send, then read until the kernel has acknowledged. No program is run and no lock file
//! is taken for any of this, and what belongs to the socket (an nftables table with the owner flag) is gone when it is closed.

mod message;

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, getsockname,
    recv, sendto, socket_with,
};

pub(crate) use message::{Attributes, Message};

/// A netlink socket.
#[derive(Debug)]
pub(crate) struct Netlink {
    socket: OwnedFd,
    port: u32,
    sequence: Cell<u32>,
}

/// One message of the kernel: its type and what follows the header.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) kind: u16,
    pub(crate) payload: Vec<u8>,
}

impl Netlink {
    /// Opens a socket for links, addresses and routes (rtnetlink(7)).
    pub(crate) fn route() -> io::Result<Self> {
        // Its number is 0, which is what no protocol means.
        Self::open(None)
    }

    /// Opens a socket for packet rules.
    pub(crate) fn netfilter() -> io::Result<Self> {
        Self::open(Some(netlink::NETFILTER))
    }

    fn open(protocol: Option<Protocol>) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        let name = SocketAddrNetlink::try_from(getsockname(&socket)?)?;
        Ok(Self {
            socket,
            port: name.pid(),
            sequence: Cell::new(1),
        })
    }

    /// The number the kernel knows this socket by, unique in its network namespace.
    pub(crate) fn port(&self) -> u32 {
        self.port
    }

    /// Replaces the descriptor, for one that stays open under another number.
    pub(crate) fn move_to(&mut self, socket: OwnedFd) {
        self.socket = socket;
    }

    /// Makes a change and waits until it is made.
    pub(crate) fn request(&self, message: Message) -> io::Result<()> {
        let sequence = self.next();
        self.send(&message.acknowledged().finish(sequence))?;
        self.acknowledgements(1)
    }

    /// Makes several changes, of which all are made or none.
    pub(crate) fn batch(
        &self,
        begin: Message,
        messages: Vec<Message>,
        end: Message,
    ) -> io::Result<()> {
        let count = messages.len();
        let mut bytes = begin.finish(self.next());
        for message in messages {
            bytes.extend(message.acknowledged().finish(self.next()));
        }
        bytes.extend(end.finish(self.next()));
        self.send(&bytes)?;
        self.acknowledgements(count)
    }

    /// Asks for one object or, with a dump message, for all.
    pub(crate) fn ask(&self, message: Message) -> io::Result<Vec<Reply>> {
        let dump = message.is_dump();
        let sequence = self.next();
        self.send(&message.acknowledged().finish(sequence))?;
        let mut replies = Vec::new();
        loop {
            for reply in self.receive(RecvFlags::empty())? {
                if reply.0 != sequence {
                    continue;
                }
                match reply.1.kind {
                    ERROR => {
                        outcome(&reply.1)?;
                        return Ok(replies);
                    }
                    DONE => {
                        outcome(&reply.1)?;
                        if dump {
                            return Ok(replies);
                        }
                    }
                    _ => replies.push(reply.1),
                }
            }
        }
    }

    fn next(&self) -> u32 {
        let next = self.sequence.get();
        self.sequence.set(next.wrapping_add(1).max(1));
        next
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(&self.socket, bytes, SendFlags::empty(), &kernel)?;
        Ok(())
    }

    /// Reads `count` acknowledgements; after the first refusal, whatever else has come already.
    fn acknowledgements(&self, count: usize) -> io::Result<()> {
        let mut left = count;
        while left > 0 {
            for (_, reply) in self.receive(RecvFlags::empty())? {
                if reply.kind != ERROR {
                    continue;
                }
                if let Err(error) = outcome(&reply) {
                    while self.receive(RecvFlags::DONTWAIT).is_ok() {}
                    return Err(error);
                }
                left = left.saturating_sub(1);
            }
        }
        Ok(())
    }

    fn receive(&self, flags: RecvFlags) -> io::Result<Vec<(u32, Reply)>> {
        let mut buffer = vec![0; BUFFER];
        loop {
            match recv(&self.socket, &mut buffer[..], flags) {
                Ok((length, _)) => return Ok(message::split(&buffer[..length])),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What an acknowledgement, or the end of a dump, says.
fn outcome(reply: &Reply) -> io::Result<()> {
    let code = reply.payload.first_chunk::<4>();
    match code.map_or(0, |code| i32::from_ne_bytes(*code)) {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code.saturating_neg())),
    }
}

/// `NLMSG_ERROR`
const ERROR: u16 = 2;
/// `NLMSG_DONE`
const DONE: u16 = 3;
/// The kernel answers within a system call; only a lost message is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// The kernel's largest piece of a dump is 32 KiB.
const BUFFER: usize = 64 << 10;
