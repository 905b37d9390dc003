//! Clients that behave in one way or another on their connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use nodens_resolve::Protocol;

use super::*;

#[test]
fn replies_are_still_sent_after_the_client_has_closed_its_direction() {
    let script = Script::new(b'1', parrot(), Protocol::Udp);
    let (_scene, address, _) = start(1, &script);
    let mut stream = tcp(address);
    let both = [framed(&question(1, b"wait")), framed(&question(2, b"echo"))].concat();
    stream.write_all(&both).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.len(), 2 + 16 + 2 + 17);
}

#[test]
fn connections_that_take_too_long_are_closed() {
    let tally = Tally::default();
    let mut listen = loopback();
    listen.timeouts.read = Duration::from_millis(300);
    listen.timeouts.idle = Duration::from_millis(1500);
    listen.timeouts.write = Duration::from_millis(300);
    let scene = Scene::start(&echo(), &[listen], &options(1), |_| tally.clone()).unwrap();
    let address = scene.addresses()[0];

    let started = Instant::now();
    let mut silent = tcp(address);
    let mut partial = tcp(address);
    partial
        .write_all(&framed(&question(1, b"echo"))[..5])
        .unwrap();
    let mut idle = tcp(address);
    idle.write_all(&framed(&question(1, b"echo"))).unwrap();
    read_frame(&mut idle).unwrap();
    let mut slow = tcp(address);
    let large = framed(&question(1, b"big")).repeat(200);
    slow.write_all(&large).unwrap();

    assert_eq!(silent.read(&mut [0; 16]).unwrap(), 0);
    assert_eq!(partial.read(&mut [0; 16]).unwrap(), 0);
    assert!(started.elapsed() < Duration::from_millis(1400));
    wait_until("the slow reader is closed", || {
        tally.counts().dropped.contains(&Discard::SlowReader)
    });
    assert_eq!(idle.read(&mut [0; 16]).unwrap(), 0);
    assert!(started.elapsed() >= Duration::from_millis(1400));
    wait_until("the idle ones are counted", || {
        tally
            .counts()
            .dropped
            .iter()
            .filter(|reason| **reason == Discard::Idle)
            .count()
            == 3
    });
    assert!(
        tally.counts().replies < 200,
        "a client that does not read is not read from"
    );
}

#[test]
fn a_slow_reader_gets_everything_in_the_end() {
    let (_scene, address, tally) = start(1, &echo());
    let mut stream = tcp(address);
    let large = framed(&question(1, b"big")).repeat(300);
    stream.write_all(&large).unwrap();
    thread::sleep(Duration::from_millis(100));
    for _ in 0..300 {
        assert_eq!(read_frame(&mut stream).unwrap().len(), 60_001);
    }
    assert_eq!(tally.counts().replies, 300);
}

#[test]
fn an_empty_frame_ends_a_connection() {
    let (_scene, address, tally) = start(1, &echo());
    let mut stream = tcp(address);
    stream.write_all(&[0, 0]).unwrap();
    assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
    wait_until("it is counted", || {
        tally.counts().dropped == [Discard::EmptyFrame]
    });
}

#[test]
fn the_idle_make_room_for_newcomers() {
    let tally = Tally::default();
    let mut few = options(1);
    few.client_connections = 10;
    let scene = Scene::start(&echo(), &[loopback()], &few, |_| tally.clone()).unwrap();
    let address = scene.addresses()[0];
    let mut streams: Vec<TcpStream> = (0..10)
        .map(|id| {
            let mut stream = tcp(address);
            stream.write_all(&framed(&question(id, b"echo"))).unwrap();
            read_frame(&mut stream).unwrap();
            stream
        })
        .collect();
    let mut newcomer = tcp(address);
    newcomer.write_all(&framed(&question(11, b"echo"))).unwrap();
    read_frame(&mut newcomer).unwrap();
    assert_eq!(
        streams[0].read(&mut [0; 16]).unwrap(),
        0,
        "the longest idle one is closed"
    );
    streams[9]
        .write_all(&framed(&question(12, b"echo")))
        .unwrap();
    read_frame(&mut streams[9]).unwrap();
    assert_eq!(tally.counts().dropped, [Discard::Crowded]);
}
