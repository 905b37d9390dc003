//! One worker's listeners, and how they change when the configuration does.

use std::io;
use std::net::{IpAddr, SocketAddr};

use nodens_resolve::Time;
use nodens_sys::{Addressing, Epoll, Interest, RawAddress, SendBatch, retire_udp_listener};

use super::{Sockets, Timeouts};
use crate::token::Token;

/// A listener as a configuration wants it: `sockets` are given when it is new.
#[derive(Debug)]
pub(crate) struct Placement {
    /// Names the listener in all workers, and in no other way for as long as the process lives.
    pub(crate) id: u64,
    /// Index of the listen address in the configuration.
    pub(crate) server: u16,
    pub(crate) timeouts: Timeouts,
    pub(crate) sockets: Option<Sockets>,
}

/// One address that is listened on.
pub(crate) struct Listener {
    pub(crate) id: u64,
    pub(crate) server: u16,
    pub(crate) timeouts: Timeouts,
    pub(crate) sockets: Sockets,
    pub(crate) addressing: Addressing,
    /// Replies that had to be waited for, to be sent together.
    late: SendBatch,
    /// Accepting is suspended, for want of descriptors.
    accept_paused: bool,
}

/// The listeners of a worker.
#[derive(Default)]
pub(crate) struct Listeners {
    active: Vec<Listener>,
    /// Those no longer wanted, with when they were given up: they are only sent from.
    retired: Vec<(Time, Listener)>,
}

impl Listeners {
    /// Adds a listener and registers its sockets.
    pub(crate) fn add(&mut self, epoll: &Epoll, placement: Placement) -> io::Result<()> {
        let Placement {
            id,
            server,
            timeouts,
            sockets: Some(sockets),
        } = placement
        else {
            return Ok(());
        };
        epoll.add(
            &sockets.udp,
            Token::Datagrams(id).to_bits(),
            Interest::Readable,
        )?;
        epoll.add(
            &sockets.tcp,
            Token::Connections(id).to_bits(),
            Interest::Readable,
        )?;
        let addressing = sockets.addressing();
        self.active.push(Listener {
            id,
            server,
            timeouts,
            sockets,
            addressing,
            late: SendBatch::new(),
            accept_paused: false,
        });
        Ok(())
    }

    /// The numbers of the listeners that `placements` does not want.
    pub(crate) fn unwanted(&self, placements: &[Placement]) -> Vec<u64> {
        let wanted = |id| placements.iter().any(|placement| placement.id == id);
        self.ids().into_iter().filter(|&id| !wanted(id)).collect()
    }

    /// The numbers of all listeners.
    pub(crate) fn ids(&self) -> Vec<u64> {
        self.active.iter().map(|listener| listener.id).collect()
    }

    /// Takes over what a configuration says of a listener that stays.
    pub(crate) fn update(&mut self, placement: &Placement) {
        if let Some(listener) = self.get_mut(placement.id) {
            listener.server = placement.server;
            listener.timeouts = placement.timeouts;
        }
    }

    /// The listener, unless it was retired.
    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Listener> {
        self.active.iter_mut().find(|listener| listener.id == id)
    }

    /// Makes the kernel send new datagrams elsewhere. What has come already can still be read.
    pub(crate) fn stop_receiving(&mut self, id: u64) {
        if let Some(listener) = self.get_mut(id) {
            // Without it, datagrams that come until the socket is closed are lost; no more.
            let _ = retire_udp_listener(&listener.sockets.udp);
        }
    }

    /// Hears no more; replies can be sent for [`LINGER`].
    pub(crate) fn retire(&mut self, epoll: &Epoll, id: u64, now: Time) {
        let Some(place) = self.active.iter().position(|listener| listener.id == id) else {
            return;
        };
        let listener = self.active.remove(place);
        // They fail only for sockets that were never added.
        let _ = epoll.remove(&listener.sockets.udp);
        let _ = epoll.remove(&listener.sockets.tcp);
        self.retired.push((now, listener));
    }

    /// Whether replies can be sent from a listener's address.
    pub(crate) fn can_reply(&self, id: u64) -> bool {
        let retired = self.retired.iter().map(|(_, listener)| listener);
        self.active
            .iter()
            .chain(retired)
            .any(|listener| listener.id == id)
    }

    /// Puts a reply for a datagram client in line.
    pub(crate) fn push_late(&mut self, id: u64, message: Vec<u8>, peer: SocketAddr, local: IpAddr) {
        let retired = self.retired.iter_mut().map(|(_, listener)| listener);
        let mut all = self.active.iter_mut().chain(retired);
        let Some(listener) = all.find(|listener| listener.id == id) else {
            return;
        };
        let peer = if listener.sockets.bound.is_ipv6() {
            RawAddress::mapped(peer)
        } else {
            RawAddress::new(peer)
        };
        let local = (listener.addressing == Addressing::PeerAndLocal).then_some(local);
        listener.late.push_to(message, peer, local);
    }

    /// Sends the replies that are in line; gives how many could not be sent.
    pub(crate) fn flush_late(&mut self) -> usize {
        let retired = self.retired.iter_mut().map(|(_, listener)| listener);
        let with_replies = self
            .active
            .iter_mut()
            .chain(retired)
            .filter(|listener| !listener.late.is_empty());
        with_replies
            .map(|l| l.late.flush(&l.sockets.udp, |_, _| {}).failed)
            .sum()
    }

    /// Suspends accepting, until [`tick`](Self::tick).
    pub(crate) fn pause_accepting(&mut self, epoll: &Epoll, id: u64) {
        if let Some(listener) = self.get_mut(id) {
            listener.accept_paused = true;
            let token = Token::Connections(id).to_bits();
            let _ = epoll.modify(&listener.sockets.tcp, token, Interest::Nothing);
        }
    }

    /// Resumes accepting where it was suspended, and closes retired sockets in time.
    pub(crate) fn tick(&mut self, epoll: &Epoll, now: Time) {
        self.retired.retain(|(since, _)| now.since(*since) < LINGER);
        for listener in self
            .active
            .iter_mut()
            .filter(|listener| listener.accept_paused)
        {
            listener.accept_paused = false;
            let token = Token::Connections(listener.id).to_bits();
            let _ = epoll.modify(&listener.sockets.tcp, token, Interest::Readable);
        }
    }

    /// Whether [`tick`](Self::tick) has something to do, sooner or later.
    pub(crate) fn needs_tick(&self) -> bool {
        !self.retired.is_empty() || self.active.iter().any(|listener| listener.accept_paused)
    }
}

/// Every question is answered within two seconds; a socket that is no longer wanted is kept that
/// long to send the replies from.
const LINGER: std::time::Duration = std::time::Duration::from_millis(2500);
