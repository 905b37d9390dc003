use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::*;

fn drain(socket: &UdpSocket) -> usize {
    let mut buffer = [0; 16];
    let mut count = 0;
    while socket.recv(&mut buffer).is_ok() {
        count += 1;
    }
    count
}

#[test]
fn workers_share_an_address() {
    let first = listen_udp("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = first.local_addr().unwrap();
    let second = listen_udp(address).unwrap();
    for _ in 0..64 {
        UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .send_to(b"x", address)
            .unwrap();
    }
    let (first, second) = (drain(&first), drain(&second));
    assert_eq!(first + second, 64);
    assert!(first > 0 && second > 0, "{first} and {second}");
}

#[test]
fn a_retired_listener_gets_nothing_new_but_keeps_what_it_has_and_can_still_reply() {
    for address in ["127.0.0.1:0", "0.0.0.0:0"] {
        let old = listen_udp(address.parse().unwrap()).unwrap();
        let bound = old.local_addr().unwrap();
        let to = SocketAddr::from(([127, 0, 0, 1], bound.port()));
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        client.send_to(b"early", to).unwrap();
        let new = listen_udp(bound).unwrap();
        retire_udp_listener(&old).unwrap();
        for _ in 0..64 {
            UdpSocket::bind("127.0.0.1:0")
                .unwrap()
                .send_to(b"x", to)
                .unwrap();
        }
        assert_eq!(drain(&old), 1, "what came before it retired");
        assert_eq!(drain(&new), 64);
        old.send_to(b"late reply", client.local_addr().unwrap())
            .unwrap();
        let mut buffer = [0; 16];
        let (length, from) = client.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&b"late reply"[..], to));
    }
}

#[test]
fn a_taken_address_is_an_error() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let error = listen_udp(taken.local_addr().unwrap()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    let error = listen_udp("192.0.2.1:0".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
}

#[test]
fn a_connection_is_made_without_waiting() {
    let listener = listen_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut client = connect_tcp(listener.local_addr().unwrap()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(2);
    let (mut server, peer) = loop {
        match crate::accept(&listener) {
            Ok(Some(accepted)) => break accepted,
            Ok(None) => assert!(Instant::now() < deadline),
            Err(error) => panic!("{error}"),
        }
    };
    take_socket_error(&client).unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    client.write_all(b"hello").unwrap();
    client.set_nonblocking(false).unwrap();
    let mut buffer = [0; 5];
    let error = loop {
        match server.read(&mut buffer) {
            Ok(5) => break None,
            Ok(_) => panic!("short"),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                assert!(Instant::now() < deadline);
            }
            Err(error) => break Some(error),
        }
    };
    assert!(error.is_none());
}

#[test]
fn a_refused_connection_leaves_its_error_on_the_socket() {
    let listener = listen_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = connect_tcp(address).unwrap();
    let error = take_socket_error(&client).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn source_ports_differ() {
    let target: SocketAddr = "127.0.0.1:53".parse().unwrap();
    let sockets: Vec<UdpSocket> = (0..16).map(|_| connect_udp(target).unwrap()).collect();
    let mut ports: Vec<u16> = sockets
        .iter()
        .map(|socket| socket.local_addr().unwrap().port())
        .collect();
    let steps = ports
        .windows(2)
        .filter(|pair| pair[1].wrapping_sub(pair[0]) <= 2)
        .count();
    assert!(steps < 4, "ports should not ascend one by one: {ports:?}");
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 16);
}
