//! Datagrams in batches: many received by one system call, their replies sent by another.
//!
//! A batch is a fixed set of slots, made once and used for ever: a receive buffer, the peer's
//! address as the kernel wrote it, the control message that carries the local address, and a
//! reusable buffer for the reply. Nothing is allocated per packet once the reply buffers have
//! grown to what replies need.
//!
//! How many slots are offered to the kernel follows the load: preparing sixty-four headers to
//! receive a single datagram would cost more than the datagram.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use crate::mmsg::{self, Sent};
use crate::packet_info::{self, Control};
use crate::raw_address::{self, RawAddress};

/// Slots for datagrams received together, with a reply buffer each.
pub struct UdpBatch {
    slots: Box<[Slot]>,
    buffers: Box<[u8]>,
    headers: Box<[libc::mmsghdr]>,
    vectors: Box<[libc::iovec]>,
    /// How many slots hold a datagram.
    received: usize,
    /// How many slots to offer next time.
    offer: usize,
}

/// What is known of one datagram besides its bytes.
struct Slot {
    address: RawAddress,
    control: Control,
    control_length: usize,
    length: usize,
    truncated: bool,
    reply: Vec<u8>,
}

/// What a socket's datagrams carry besides their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// The socket is connected: the peer is known.
    Connected,
    /// The socket is bound to one address: datagrams differ by peer.
    Peer,
    /// The socket is bound to a wildcard address: datagrams differ by peer and local address.
    PeerAndLocal,
}

/// A received datagram.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Its bytes, as far as they fit.
    pub bytes: &'a [u8],
    /// Whether it was longer than [`UdpBatch::MESSAGE_LIMIT`].
    pub truncated: bool,
}

// SAFETY: the pointers in `headers` and `vectors` lead into the batch's own heap memory, are
// written anew before every system call and are not read between calls.
unsafe impl Send for UdpBatch {}

impl UdpBatch {
    /// The longest datagram received whole. Questions are far shorter, and 4096 is what resolvers
    /// announce at most for answers (RFC 6891, section 6.2.5).
    pub const MESSAGE_LIMIT: usize = 4096;

    /// A batch of up to `slots` datagrams (at least one).
    pub fn new(slots: usize) -> Self {
        let slots = slots.max(1);
        let null = libc::iovec {
            iov_base: std::ptr::null_mut(),
            iov_len: 0,
        };
        Self {
            slots: std::iter::repeat_with(Slot::empty).take(slots).collect(),
            // Zeroed memory is not backed by pages until a datagram touches it.
            buffers: vec![0; slots * Self::MESSAGE_LIMIT].into_boxed_slice(),
            headers: std::iter::repeat_with(mmsg::zeroed).take(slots).collect(),
            vectors: vec![null; slots].into_boxed_slice(),
            received: 0,
            offer: slots.min(SMALLEST_OFFER),
        }
    }

    /// Receives what is there, without waiting, and forgets the previous datagrams and replies.
    ///
    /// Gives whether more may be waiting: all offered slots were filled.
    pub fn receive(&mut self, socket: impl AsFd, addressing: Addressing) -> io::Result<bool> {
        self.forget();
        let offered = self.offer;
        self.prepare_to_receive(offered, addressing);
        // SAFETY: `prepare_to_receive` has pointed each of the first `offered` headers at the
        // address, control and data buffers of its own slot, with their lengths.
        let received = match unsafe { mmsg::receive(socket.as_fd(), &mut self.headers[..offered]) }
        {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        for (slot, header) in self.slots.iter_mut().zip(&self.headers).take(received) {
            slot.length = usize::try_from(header.msg_len).map_or(Self::MESSAGE_LIMIT, |length| {
                length.min(Self::MESSAGE_LIMIT)
            });
            slot.truncated = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            slot.control_length = control_length(&header.msg_hdr);
        }
        self.received = received;
        let full = received == offered;
        self.offer = if full {
            (offered * 2).min(self.slots.len())
        } else if received < offered / 4 {
            (offered / 2).max(SMALLEST_OFFER.min(self.slots.len()))
        } else {
            offered
        };
        Ok(full)
    }

    /// How many datagrams the last [`receive`](Self::receive) brought.
    pub fn len(&self) -> usize {
        self.received
    }

    /// Whether it brought none.
    pub fn is_empty(&self) -> bool {
        self.received == 0
    }

    /// The datagram in slot `index`.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`len`](Self::len).
    pub fn message(&self, index: usize) -> Received<'_> {
        assert!(index < self.received, "slot {index} of {}", self.received);
        let slot = &self.slots[index];
        let start = index * Self::MESSAGE_LIMIT;
        let bytes = &self.buffers[start..start + slot.length];
        Received {
            bytes,
            truncated: slot.truncated,
        }
    }

    /// The datagram in slot `index` with the buffer for its reply. A reply that is left empty is
    /// not sent.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`len`](Self::len).
    pub fn exchange(&mut self, index: usize) -> (Received<'_>, &mut Vec<u8>) {
        assert!(index < self.received, "slot {index} of {}", self.received);
        let slot = &mut self.slots[index];
        let start = index * Self::MESSAGE_LIMIT;
        let bytes = &self.buffers[start..start + slot.length];
        (
            Received {
                bytes,
                truncated: slot.truncated,
            },
            &mut slot.reply,
        )
    }

    /// The reply in slot `index` so far.
    pub fn reply(&self, index: usize) -> &[u8] {
        &self.slots[index].reply
    }

    /// Who sent the datagram in slot `index`.
    pub fn peer(&self, index: usize) -> SocketAddr {
        self.slots[index].address.to_socket_addr()
    }

    /// The local address that the datagram in slot `index` was sent to, where the socket tells.
    pub fn local(&self, index: usize) -> Option<IpAddr> {
        let slot = &self.slots[index];
        let local = slot.control.local(slot.control_length)?;
        Some(local.address.to_canonical())
    }

    /// Sends every reply that is not empty to the peer of its slot, from the address that the
    /// question was sent to.
    pub fn send_replies(&mut self, socket: impl AsFd, addressing: Addressing) -> Sent {
        self.send(socket.as_fd(), addressing)
    }

    fn send(&mut self, socket: BorrowedFd<'_>, addressing: Addressing) -> Sent {
        let mut count = 0;
        let replying = self.slots.iter_mut().take(self.received);
        let mut outgoing = self.headers.iter_mut().zip(self.vectors.iter_mut());
        for slot in replying.filter(|slot| !slot.reply.is_empty()) {
            let Some((header, vector)) = outgoing.next() else {
                break;
            };
            vector.iov_base = slot.reply.as_mut_ptr().cast();
            vector.iov_len = slot.reply.len();
            let header = &mut header.msg_hdr;
            *header = mmsg::zeroed().msg_hdr;
            header.msg_iov = vector;
            header.msg_iovlen = 1;
            if addressing != Addressing::Connected {
                header.msg_namelen = slot.address.len();
                header.msg_name = (&raw mut slot.address).cast();
            }
            if addressing == Addressing::PeerAndLocal
                && let Some(local) = slot.control.local(slot.control_length)
            {
                let length = slot.control.send_from(local, false);
                set_control(header, &mut slot.control, length);
                slot.control_length = length;
            }
            count += 1;
        }
        // SAFETY: the first `count` headers were just pointed at the reply, address and control
        // message of their slots, with their lengths; nothing touches the slots meanwhile.
        unsafe { mmsg::send_all(socket, &mut self.headers[..count], |_, _| {}) }
    }

    /// Points the first `count` headers at their slots.
    fn prepare_to_receive(&mut self, count: usize, addressing: Addressing) {
        let buffers = self.buffers.chunks_exact_mut(Self::MESSAGE_LIMIT);
        let parts = self
            .headers
            .iter_mut()
            .zip(&mut self.vectors)
            .zip(&mut self.slots);
        for (((header, vector), slot), buffer) in parts.zip(buffers).take(count) {
            vector.iov_base = buffer.as_mut_ptr().cast();
            vector.iov_len = buffer.len();
            let header = &mut header.msg_hdr;
            *header = mmsg::zeroed().msg_hdr;
            header.msg_iov = vector;
            header.msg_iovlen = 1;
            if addressing != Addressing::Connected {
                header.msg_name = (&raw mut slot.address).cast();
                header.msg_namelen = raw_address::CAPACITY;
            }
            if addressing == Addressing::PeerAndLocal {
                set_control(header, &mut slot.control, packet_info::CAPACITY);
            }
        }
    }

    /// Empties the slots that were used, and lets go of reply buffers that grew unusually large.
    fn forget(&mut self) {
        for slot in self.slots.iter_mut().take(self.received) {
            slot.control_length = 0;
            if slot.reply.capacity() > LARGEST_KEPT_REPLY {
                slot.reply = Vec::new();
            } else {
                slot.reply.clear();
            }
        }
        self.received = 0;
    }
}

impl Slot {
    fn empty() -> Self {
        Self {
            address: RawAddress::EMPTY,
            control: Control::EMPTY,
            control_length: 0,
            length: 0,
            truncated: false,
            reply: Vec::new(),
        }
    }
}

/// The control length the kernel wrote, whatever type the C library gives the field.
#[allow(
    clippy::unnecessary_cast,
    clippy::cast_lossless,
    reason = "the type is the C library's"
)]
fn control_length(header: &libc::msghdr) -> usize {
    header.msg_controllen as usize
}

/// Points `header` at a control message of `length` bytes.
#[allow(
    clippy::unnecessary_cast,
    clippy::cast_possible_truncation,
    reason = "the type is the C library's, and the length at most packet_info::CAPACITY"
)]
pub(crate) fn set_control(header: &mut libc::msghdr, control: &mut Control, length: usize) {
    header.msg_control = (&raw mut *control).cast();
    header.msg_controllen = length as _;
}

/// What one datagram per wake-up needs, with room for a small burst.
const SMALLEST_OFFER: usize = 8;
/// A reply buffer up to this size is kept: the answers to ordinary questions fit many times.
const LARGEST_KEPT_REPLY: usize = 4096;

#[cfg(test)]
mod tests;
