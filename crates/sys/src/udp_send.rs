//! Datagrams sent in batches that are not replies to the batch just received: answers that had to
//! be waited for, and questions to an upstream.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;

use crate::mmsg::{self, Sent};
use crate::packet_info::{Control, Local};
use crate::raw_address::RawAddress;
use crate::udp_batch::set_control;

/// Datagrams collected to be sent together.
#[derive(Default)]
pub struct SendBatch {
    messages: Vec<Outgoing>,
    headers: Vec<libc::mmsghdr>,
    vectors: Vec<libc::iovec>,
}

/// One datagram on its way.
struct Outgoing {
    bytes: Vec<u8>,
    to: Option<RawAddress>,
    control: Control,
    control_length: usize,
}

// SAFETY: the pointers in `headers` and `vectors` are written anew before every system call and
// are not read between calls.
unsafe impl Send for SendBatch {}

impl SendBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a datagram for the peer of a connected socket.
    pub fn push(&mut self, bytes: Vec<u8>) {
        self.messages.push(Outgoing {
            bytes,
            to: None,
            control: Control::EMPTY,
            control_length: 0,
        });
    }

    /// Adds a datagram for `to`, sent from `local` where that is given.
    ///
    /// `to` must be in the form of the socket ([`RawAddress::mapped`] for an IPv6 socket), and
    /// `local` is written in the same form.
    pub fn push_to(&mut self, bytes: Vec<u8>, to: RawAddress, local: Option<IpAddr>) {
        let mut control = Control::EMPTY;
        let control_length =
            local.map_or(0, |local| control.send_from(Local::from(local), to.is_v6()));
        self.messages.push(Outgoing {
            bytes,
            to: Some(to),
            control,
            control_length,
        });
    }

    /// Forgets the datagrams that wait.
    pub fn clear(&mut self) {
        self.messages.clear();
    }

    /// How many datagrams wait to be sent.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Sends all, in order, and empties the batch. `failed` is told which ones the kernel did not
    /// take, by their place in the batch, and why.
    pub fn flush(&mut self, socket: impl AsFd, failed: impl FnMut(usize, &io::Error)) -> Sent {
        let null = libc::iovec {
            iov_base: std::ptr::null_mut(),
            iov_len: 0,
        };
        self.headers.clear();
        self.headers.resize_with(self.messages.len(), mmsg::zeroed);
        self.vectors.clear();
        self.vectors.resize(self.messages.len(), null);
        let parts = self
            .headers
            .iter_mut()
            .zip(&mut self.vectors)
            .zip(&mut self.messages);
        for ((header, vector), message) in parts {
            vector.iov_base = message.bytes.as_mut_ptr().cast();
            vector.iov_len = message.bytes.len();
            let header = &mut header.msg_hdr;
            header.msg_iov = vector;
            header.msg_iovlen = 1;
            if let Some(to) = &mut message.to {
                header.msg_namelen = to.len();
                header.msg_name = (&raw mut *to).cast();
            }
            if message.control_length > 0 {
                set_control(header, &mut message.control, message.control_length);
            }
        }
        // SAFETY: each header was just pointed at the bytes, address and control message of its
        // own entry, with their lengths; nothing touches the entries until they are cleared below.
        let sent = unsafe { mmsg::send_all(socket.as_fd(), &mut self.headers, failed) };
        self.messages.clear();
        sent
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};
    use std::time::Duration;

    use super::*;

    fn loopback() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    fn receive(socket: &UdpSocket) -> Vec<u8> {
        let mut buffer = [0; 128];
        let length = socket.recv(&mut buffer).unwrap();
        buffer[..length].to_vec()
    }

    #[test]
    fn each_message_reaches_its_own_peer() {
        let (sender, _) = loopback();
        let (first, first_address) = loopback();
        let (second, second_address) = loopback();
        let mut batch = SendBatch::new();
        batch.push_to(b"one".to_vec(), RawAddress::new(first_address), None);
        batch.push_to(b"two".to_vec(), RawAddress::new(second_address), None);
        let sent = batch.flush(&sender, |_, _| {});
        assert_eq!((sent.sent, sent.failed), (2, 0));
        assert!(batch.is_empty());
        assert_eq!(receive(&first), b"one");
        assert_eq!(receive(&second), b"two");
    }

    #[test]
    fn a_message_that_cannot_be_sent_costs_only_itself() {
        let (sender, _) = loopback();
        let (receiver, address) = loopback();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut batch = SendBatch::new();
        batch.push_to(b"one".to_vec(), RawAddress::new(address), None);
        batch.push_to(b"lost".to_vec(), RawAddress::new(nowhere), None);
        batch.push_to(vec![0; 70_000], RawAddress::new(address), None);
        batch.push_to(b"two".to_vec(), RawAddress::new(address), None);
        let mut lost = Vec::new();
        let sent = batch.flush(&sender, |index, _| lost.push(index));
        assert_eq!((sent.sent, sent.failed), (2, 2));
        assert_eq!(lost, [1, 2]);
        assert_eq!(receive(&receiver), b"one");
        assert_eq!(receive(&receiver), b"two");
    }

    #[test]
    fn a_refusal_of_an_earlier_message_does_not_lose_the_next() {
        let (sender, _) = loopback();
        let (receiver, address) = loopback();
        drop(receiver);
        sender.connect(address).unwrap();
        sender.send(b"into the void").unwrap();
        // The ICMP error is queued by the time `send` returns on loopback.
        let revived = UdpSocket::bind(address).unwrap();
        revived
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        let mut batch = SendBatch::new();
        batch.push(b"heard".to_vec());
        let sent = batch.flush(&sender, |_, _| {});
        assert!(sent.refused);
        assert_eq!((sent.sent, sent.failed), (1, 0));
        assert_eq!(receive(&revived), b"heard");
    }

    #[test]
    fn more_messages_than_one_call_takes_are_all_sent() {
        let (sender, _) = loopback();
        let (receiver, address) = loopback();
        let mut batch = SendBatch::new();
        for _ in 0..3000 {
            batch.push_to(Vec::new(), RawAddress::new(address), None);
        }
        let sent = batch.flush(&sender, |_, _| {});
        assert_eq!((sent.sent, sent.failed), (3000, 0));
        drop(receiver);
    }
}
