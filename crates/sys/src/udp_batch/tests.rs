use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use super::*;
use crate::{connect_udp, listen_udp};

fn client() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    socket
}

fn server(address: &str) -> (UdpSocket, SocketAddr) {
    let socket = listen_udp(address.parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn every_datagram_gets_its_own_reply() {
    let (server, address) = server("127.0.0.1:0");
    let clients: Vec<UdpSocket> = (0..20).map(|_| client()).collect();
    for (number, client) in clients.iter().enumerate() {
        client
            .send_to(&[u8::try_from(number).unwrap()], address)
            .unwrap();
    }
    let mut batch = UdpBatch::new(64);
    let mut received = 0;
    while received < clients.len() {
        batch.receive(&server, Addressing::Peer).unwrap();
        for index in 0..batch.len() {
            let peer = batch.peer(index);
            let (message, reply) = batch.exchange(index);
            let client = &clients[usize::from(message.bytes[0])];
            assert_eq!(client.local_addr().unwrap(), peer);
            reply.extend_from_slice(&[message.bytes[0], 42]);
        }
        received += batch.len();
        let sent = batch.send_replies(&server, Addressing::Peer);
        assert_eq!((sent.sent, sent.failed), (batch.len(), 0));
    }
    for (number, client) in clients.iter().enumerate() {
        let mut reply = [0; 8];
        assert_eq!(client.recv(&mut reply).unwrap(), 2);
        assert_eq!(usize::from(reply[0]), number);
    }
}

#[test]
fn an_empty_reply_is_not_sent() {
    let (server, address) = server("127.0.0.1:0");
    let (silent, answered) = (client(), client());
    silent.send_to(b"a", address).unwrap();
    answered.send_to(b"b", address).unwrap();
    let mut batch = UdpBatch::new(8);
    batch.receive(&server, Addressing::Peer).unwrap();
    assert_eq!(batch.len(), 2);
    batch.exchange(1).1.extend_from_slice(b"reply");
    assert_eq!(batch.send_replies(&server, Addressing::Peer).sent, 1);
    let mut reply = [0; 8];
    assert_eq!(answered.recv(&mut reply).unwrap(), 5);
    silent.set_nonblocking(true).unwrap();
    assert!(silent.recv(&mut reply).is_err());
}

#[test]
fn nothing_to_receive_is_no_error() {
    let (server, _) = server("127.0.0.1:0");
    let mut batch = UdpBatch::new(8);
    assert!(!batch.receive(&server, Addressing::Peer).unwrap());
    assert!(batch.is_empty());
}

#[test]
fn a_datagram_too_long_for_the_buffer_is_marked() {
    let (server, address) = server("127.0.0.1:0");
    let client = client();
    client
        .send_to(&[7; UdpBatch::MESSAGE_LIMIT], address)
        .unwrap();
    client
        .send_to(&[7; UdpBatch::MESSAGE_LIMIT + 1], address)
        .unwrap();
    let mut batch = UdpBatch::new(8);
    batch.receive(&server, Addressing::Peer).unwrap();
    assert_eq!(batch.len(), 2);
    assert!(!batch.message(0).truncated);
    assert!(batch.message(1).truncated);
    assert_eq!(batch.message(1).bytes.len(), UdpBatch::MESSAGE_LIMIT);
}

#[test]
fn the_offer_follows_the_load() {
    let (server, address) = server("127.0.0.1:0");
    let client = client();
    let mut batch = UdpBatch::new(64);
    for _ in 0..100 {
        client.send_to(b"x", address).unwrap();
    }
    let mut sizes = Vec::new();
    while batch.receive(&server, Addressing::Peer).unwrap() {
        sizes.push(batch.len());
    }
    sizes.push(batch.len());
    assert_eq!(sizes, [8, 16, 32, 44]);
    for _ in 0..8 {
        assert!(!batch.receive(&server, Addressing::Peer).unwrap());
    }
    client.send_to(b"x", address).unwrap();
    assert!(!batch.receive(&server, Addressing::Peer).unwrap());
    assert_eq!((batch.len(), batch.offer), (1, SMALLEST_OFFER));
}

#[test]
fn a_wildcard_socket_answers_from_the_address_that_was_asked() {
    for (wildcard, asked) in [
        ("0.0.0.0:0", "127.0.0.7"),
        ("[::]:0", "127.0.0.8"),
        ("[::]:0", "::1"),
    ] {
        let (server, address) = server(wildcard);
        let asked: IpAddr = asked.parse().unwrap();
        let client = if asked.is_ipv6() {
            UdpSocket::bind("[::1]:0").unwrap()
        } else {
            client()
        };
        client
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        client.connect((asked, address.port())).unwrap();
        client.send(b"from where?").unwrap();
        let mut batch = UdpBatch::new(8);
        batch.receive(&server, Addressing::PeerAndLocal).unwrap();
        assert_eq!(batch.len(), 1);
        assert_eq!(batch.local(0), Some(asked));
        assert_eq!(batch.peer(0), client.local_addr().unwrap());
        batch.exchange(0).1.extend_from_slice(b"here");
        assert_eq!(
            batch.send_replies(&server, Addressing::PeerAndLocal).sent,
            1
        );
        // The client is connected: a reply from another address would not reach it.
        let mut reply = [0; 8];
        assert_eq!(client.recv(&mut reply).unwrap(), 4);

        // A reply that comes later, from nothing but the addresses.
        let peer = client.local_addr().unwrap();
        let peer = if address.is_ipv6() {
            RawAddress::mapped(peer)
        } else {
            RawAddress::new(peer)
        };
        let mut late = crate::SendBatch::new();
        late.push_to(b"late".to_vec(), peer, Some(asked));
        assert_eq!(late.flush(&server, |_, error| panic!("{error}")).sent, 1);
        assert_eq!(client.recv(&mut reply).unwrap(), 4);
    }
}

#[test]
fn a_refusal_is_an_error_of_a_connected_socket_once() {
    let closed = client();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let socket = connect_udp(address).unwrap();
    socket.send(b"anyone?").unwrap();
    let mut batch = UdpBatch::new(8);
    let error = batch.receive(&socket, Addressing::Connected).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(!batch.receive(&socket, Addressing::Connected).unwrap());
}

#[test]
fn large_reply_buffers_are_let_go() {
    let (server, address) = server("127.0.0.1:0");
    client().send_to(b"x", address).unwrap();
    let mut batch = UdpBatch::new(8);
    batch.receive(&server, Addressing::Peer).unwrap();
    batch.exchange(0).1.resize(LARGEST_KEPT_REPLY * 4, 0);
    batch.receive(&server, Addressing::Peer).unwrap();
    assert_eq!(batch.slots[0].reply.capacity(), 0);
}
