use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};

use nodens_resolve::Protocol;

use super::*;
use crate::engine::scripted::{Script, Scripted, Tally};
use crate::observer::Discard;

mod connections;

type Scene = Crew<Scripted>;

fn options(workers: usize) -> ServiceOptions {
    ServiceOptions {
        workers: NonZeroUsize::new(workers).unwrap(),
        client_connections: 1000,
        clock: Clock::start(),
    }
}

fn loopback() -> ListenAddress {
    ListenAddress::new("127.0.0.1:0".parse().unwrap())
}

fn nowhere() -> SocketAddr {
    "127.0.0.1:9".parse().unwrap()
}

fn start(workers: usize, script: &Arc<Script>) -> (Scene, SocketAddr, Tally) {
    let tally = Tally::default();
    let scene = Scene::start(script, &[loopback()], &options(workers), |_| tally.clone()).unwrap();
    let address = scene.addresses()[0];
    (scene, address, tally)
}

fn echo() -> Arc<Script> {
    Script::new(b'1', nowhere(), Protocol::Udp)
}

fn question(id: u16, text: &[u8]) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.resize(12, 0);
    message.extend_from_slice(text);
    message
}

fn udp(address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(3)))
        .unwrap();
    socket.connect(address).unwrap();
    socket
}

fn ask_udp(socket: &UdpSocket, message: &[u8]) -> Vec<u8> {
    socket.send(message).unwrap();
    let mut buffer = vec![0; 65_536];
    let length = socket.recv(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

fn tcp(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(message);
    bytes
}

fn read_frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// A server that answers everything with itself.
fn parrot() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..length], from);
        }
    });
    address
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn questions_are_answered_by_udp_and_tcp() {
    let (scene, address, tally) = start(2, &echo());
    for id in 0..50 {
        let socket = udp(address);
        let message = question(id, b"echo");
        assert_eq!(ask_udp(&socket, &message), [&message[..], b"1"].concat());
    }
    let mut stream = tcp(address);
    stream.write_all(&framed(&question(7, b"echo"))).unwrap();
    assert_eq!(
        read_frame(&mut stream).unwrap(),
        [&question(7, b"echo")[..], b"1"].concat()
    );
    wait_until("all is counted", || tally.counts().replies == 51);
    assert_eq!(tally.counts().requests, 51);
    assert!(scene.heartbeats.oldest(scene.clock.now()) < Duration::from_secs(2));
    assert!(scene.drain(Duration::from_millis(500)));
}

#[test]
fn an_upstreams_answer_reaches_its_client() {
    let script = Script::new(b'1', parrot(), Protocol::Udp);
    let (_scene, address, tally) = start(2, &script);
    for id in 1..50 {
        let reply = ask_udp(&udp(address), &question(id, b"wait"));
        assert_eq!(reply, question(id, b"wait"));
    }
    let mut stream = tcp(address);
    for id in 1..=20 {
        stream.write_all(&framed(&question(id, b"wait"))).unwrap();
    }
    let mut ids: Vec<u16> = (1..=20)
        .map(|_| u16::from_be_bytes(read_frame(&mut stream).unwrap()[..2].try_into().unwrap()))
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=20).collect::<Vec<_>>());
    wait_until("all is counted", || tally.counts().replies == 69);
}

#[test]
fn a_closed_upstream_is_a_failure_and_a_silent_one_is_not() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let mut script = Script::new(b'1', address, Protocol::Udp);
    Arc::get_mut(&mut script).unwrap().patience = Duration::from_millis(100);
    let (mut scene, listening, _) = start(1, &script);
    assert_eq!(
        ask_udp(&udp(listening), &question(1, b"wait"))[12..],
        b"timeout"[..]
    );
    drop(silent);
    let script = Script::new(b'1', address, Protocol::Udp);
    scene.replace(&script, &[loopback()]).unwrap();
    let reply = ask_udp(&udp(listening), &question(2, b"wait"));
    assert_eq!(reply[12..], b"connection refused"[..]);
    let script = Script::new(b'1', address, Protocol::Tcp);
    scene.replace(&script, &[loopback()]).unwrap();
    let reply = ask_udp(&udp(listening), &question(3, b"wait"));
    assert_eq!(reply[12..], b"connection refused"[..]);
}

#[test]
fn a_reply_fetched_by_another_worker_reaches_its_client() {
    let (_scene, address, tally) = start(2, &echo());
    for id in 1..4 {
        let message = question(id, b"shared");
        assert_eq!(
            ask_udp(&udp(address), &message),
            [&message[..], b"1"].concat()
        );
        let mut stream = tcp(address);
        stream.write_all(&framed(&message)).unwrap();
        assert_eq!(
            read_frame(&mut stream).unwrap(),
            [&message[..], b"1"].concat()
        );
    }
    wait_until("all is counted", || tally.counts().replies == 6);
}

#[test]
fn a_panic_costs_one_question() {
    let (_scene, address, tally) = start(1, &echo());
    let socket = udp(address);
    let reply = ask_udp(&socket, &question(0x1234, b"panic"));
    assert_eq!(reply, [0x12, 0x34, 0x80, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    let message = question(1, b"echo");
    assert_eq!(ask_udp(&socket, &message).len(), message.len() + 1);
    let mut stream = tcp(address);
    stream.write_all(&framed(&question(5, b"panic"))).unwrap();
    assert_eq!(read_frame(&mut stream).unwrap()[3], 2);
    wait_until("panics are counted", || tally.counts().panics == 2);
}

#[test]
fn a_reload_keeps_sockets_that_stay_and_swaps_the_others() {
    let (mut scene, first, tally) = start(2, &echo());
    let kept = udp(first);
    let mut stream = tcp(first);
    stream.write_all(&framed(&question(1, b"echo"))).unwrap();
    read_frame(&mut stream).unwrap();

    let other = ListenAddress::new("127.0.0.2:0".parse().unwrap());
    let second_script = Script::new(b'2', nowhere(), Protocol::Udp);
    scene.replace(&second_script, &[other, loopback()]).unwrap();
    assert_eq!(scene.addresses()[1], first);
    let second = scene.addresses()[0];
    // Each worker takes the configuration by itself, and these two may be served by different ones.
    wait_until("the new configuration is in use for datagrams", || {
        ask_udp(&kept, &question(2, b"echo")).last() == Some(&b'2')
    });
    wait_until("and for the connection, which stays", || {
        stream.write_all(&framed(&question(3, b"echo"))).unwrap();
        read_frame(&mut stream).unwrap().last() == Some(&b'2')
    });
    ask_udp(&udp(second), &question(4, b"echo"));
    wait_until("addresses have their new numbers", || {
        let servers = tally.counts().servers;
        servers.contains(&1) && servers.last() == Some(&0)
    });

    scene.replace(&second_script, &[other]).unwrap();
    wait_until("the connection to the old address ends", || {
        read_frame(&mut stream).is_err()
    });
    wait_until("the old address refuses", || {
        let socket = udp(first);
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        socket.send(&question(5, b"echo")).is_err() || socket.recv(&mut [0; 64]).is_err()
    });
    wait_until("the old address takes no connections", || {
        TcpStream::connect(first).is_err()
    });
    ask_udp(&udp(second), &question(6, b"echo"));
}

#[test]
fn a_failed_reload_leaves_everything_as_it_was() {
    let (mut scene, address, _) = start(2, &echo());
    let taken = ListenAddress::new("192.0.2.1:53".parse().unwrap());
    let other = Script::new(b'2', nowhere(), Protocol::Udp);
    let error = scene.replace(&other, &[loopback(), taken]).unwrap_err();
    assert_eq!(error.to_string(), "listen on udp 192.0.2.1:53");
    assert_eq!(scene.addresses(), [address]);
    let reply = ask_udp(&udp(address), &question(1, b"echo"));
    assert_eq!(reply.last(), Some(&b'1'));
}

#[test]
fn draining_finishes_what_is_under_way_and_hands_the_address_over() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut script = Script::new(b'1', silent.local_addr().unwrap(), Protocol::Udp);
    Arc::get_mut(&mut script).unwrap().patience = Duration::from_millis(150);
    let tally = Tally::default();
    let scene = Scene::start(&script, &[loopback()], &options(2), |_| tally.clone()).unwrap();
    let address = scene.addresses()[0];
    let waiting = udp(address);
    waiting.send(&question(1, b"wait")).unwrap();
    let mut stream = tcp(address);
    stream.write_all(&framed(&question(2, b"wait"))).unwrap();
    wait_until("both are asked", || tally.counts().requests == 2);

    let fixed = ListenAddress::new(address);
    let second_script = Script::new(b'2', nowhere(), Protocol::Udp);
    let next = Scene::start(&second_script, &[fixed], &options(2), |_| tally.clone()).unwrap();
    let asking = thread::spawn(move || {
        let deadline = Instant::now() + Duration::from_millis(300);
        let mut answered = 0;
        while Instant::now() < deadline {
            assert!(!ask_udp(&udp(address), &question(9, b"echo")).is_empty());
            answered += 1;
        }
        answered
    });
    let started = Instant::now();
    assert!(scene.drain(Duration::from_millis(500)));
    assert!(
        started.elapsed() < Duration::from_millis(450),
        "it ended when all was answered"
    );
    let mut buffer = [0; 64];
    assert_eq!(waiting.recv(&mut buffer).unwrap(), 12 + b"timeout".len());
    assert_eq!(read_frame(&mut stream).unwrap()[12..], b"timeout"[..]);
    assert!(
        asking.join().unwrap() > 100,
        "nothing was lost while the address changed hands"
    );
    let reply = ask_udp(&udp(address), &question(3, b"echo"));
    assert_eq!(reply.last(), Some(&b'2'));
    drop(next);
}

#[test]
fn a_datagram_too_long_for_a_question_is_dropped() {
    let (_scene, address, tally) = start(1, &echo());
    let socket = udp(address);
    socket.send(&[b'e'; 5000]).unwrap();
    ask_udp(&socket, &question(1, b"echo"));
    assert_eq!(tally.counts().dropped, [Discard::TooLong]);
}

#[test]
fn idle_workers_beat_and_do_not_spin() {
    let (scene, _, _) = start(1, &echo());
    thread::sleep(Duration::from_millis(1200));
    assert!(scene.heartbeats.oldest(scene.clock.now()) <= Duration::from_millis(1100));
}
