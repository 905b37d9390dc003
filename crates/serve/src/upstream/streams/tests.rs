use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use nodens_resolve::Protocol::Tcp;
use nodens_resolve::{Failure, Upstream, UpstreamSettings};

use crate::engine::scripted::settings;
use crate::upstream::recorder::{Scene, upstream};

mod tls;

/// A server that hands each connection to `serve`, on a thread of its own, with its number.
fn server(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(number, stream.unwrap()));
        }
    });
    address
}

fn read_frame(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).ok()?;
    Some([&length[..], &message].concat())
}

/// Answers each question with itself.
fn parrot(mut stream: impl Read + Write) {
    while let Some(frame) = read_frame(&mut stream) {
        if stream.write_all(&frame).is_err() {
            return;
        }
    }
}

#[test]
fn questions_are_pipelined_on_few_connections() {
    let (connections, opened) = mpsc::channel();
    let address = server(move |_, stream| {
        connections.send(()).unwrap();
        parrot(stream);
    });
    let upstream = upstream(address);
    let mut scene = Scene::new();
    for number in 0..500 {
        scene.ask(&upstream, Tcp, number);
    }
    scene.run_until("all are answered", |record| record.answers.len() == 500);
    assert_eq!(opened.try_iter().count(), 2);
    for number in 500..510 {
        scene.ask(&upstream, Tcp, number);
        let count = scene.record.answers.len();
        scene.run_until("it is answered", |record| record.answers.len() > count);
    }
    assert_eq!(opened.try_iter().count(), 0, "connections are used again");
    assert!(scene.record.failures.is_empty());
    assert!(scene.run_for(Duration::from_millis(100)) < 5);
}

#[test]
fn answers_may_come_out_of_order_and_in_pieces() {
    let address = server(|_, mut stream| {
        stream.set_nodelay(true).unwrap();
        let mut frames: Vec<_> = (0..5).map(|_| read_frame(&mut stream).unwrap()).collect();
        frames.reverse();
        for byte in frames.concat() {
            stream.write_all(&[byte]).unwrap();
        }
        thread::sleep(Duration::from_secs(1));
    });
    let upstream = upstream(address);
    let mut scene = Scene::new();
    // Ten questions share two connections.
    for number in 0..10 {
        scene.ask(&upstream, Tcp, number);
    }
    scene.run_until("all are answered", |record| record.answers.len() == 10);
    assert_eq!(scene.record.strays, 0);
}

#[test]
fn a_connection_that_closes_fails_what_waits_on_it() {
    let address = server(|_, mut stream| {
        let frame = read_frame(&mut stream).unwrap();
        let _ = read_frame(&mut stream);
        stream.write_all(&frame).unwrap();
        stream.write_all(&[0, 200, 1, 2, 3]).unwrap();
    });
    let upstream = upstream(address);
    let mut scene = Scene::new();
    for number in 0..4 {
        scene.ask(&upstream, Tcp, number);
    }
    scene.run_until("two have failed", |record| record.failures.len() == 2);
    assert_eq!(scene.record.answers.len(), 2);
    assert!(
        scene
            .record
            .failures
            .iter()
            .all(|(_, failure)| *failure == Failure::Closed)
    );
    scene.ask(&upstream, Tcp, 9);
    scene.ask(&upstream, Tcp, 10);
    scene.flush();
    assert_eq!(
        scene.record.failures.len(),
        2,
        "the next question gets a new connection"
    );
}

#[test]
fn an_idle_connection_that_closes_is_no_failure() {
    let address = server(|_, mut stream| {
        let frame = read_frame(&mut stream).unwrap();
        stream.write_all(&frame).unwrap();
    });
    let upstream = upstream(address);
    let mut scene = Scene::new();
    for number in 0..3 {
        scene.ask(&upstream, Tcp, number);
        let count = scene.record.answers.len();
        scene.run_until("it is answered", |record| record.answers.len() > count);
        scene.run_for(Duration::from_millis(20));
    }
    assert!(scene.record.failures.is_empty());
    assert!(scene.upstreams.is_empty());
}

#[test]
fn garbage_ends_a_connection_or_is_ignored() {
    let address = server(|number, mut stream| {
        let mut frame = read_frame(&mut stream).unwrap();
        if number == 0 {
            stream.write_all(&[0, 0]).unwrap();
        } else {
            stream.write_all(&[0, 1, 7]).unwrap();
            frame[2] ^= 1;
            stream.write_all(&frame).unwrap();
            frame[2] ^= 1;
            stream.write_all(&frame).unwrap();
        }
        thread::sleep(Duration::from_secs(1));
    });
    let upstream = upstream(address);
    let mut scene = Scene::new();
    scene.ask(&upstream, Tcp, 1);
    scene.run_until("an empty frame ends it", |record| {
        record.failures.len() == 1
    });
    scene.ask(&upstream, Tcp, 2);
    scene.run_until("the right answer is found", |record| {
        record.answers.len() == 1
    });
    assert_eq!(scene.record.strays, 2);
}

#[test]
fn a_closed_port_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = upstream(listener.local_addr().unwrap());
    drop(listener);
    let mut scene = Scene::new();
    for number in 0..3 {
        scene.ask(&upstream, Tcp, number);
    }
    scene.run_until("all are refused", |record| record.failures.len() == 3);
    assert!(
        scene
            .record
            .failures
            .iter()
            .all(|(_, failure)| *failure == Failure::Refused)
    );
    assert!(scene.upstreams.is_empty());
}

#[test]
fn a_connection_that_cannot_be_made_is_given_up_with_its_questions() {
    // A full queue of connections: the kernel drops further attempts.
    let listener = nodens_sys::listen_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let queued: Vec<_> = (0..4)
        .map(|_| nodens_sys::connect_tcp(address).unwrap())
        .collect();
    thread::sleep(Duration::from_millis(50));
    let upstream = upstream(address);
    let mut scene = Scene::new();
    scene.ask(&upstream, Tcp, 1);
    scene.flush();
    scene.run_for(Duration::from_millis(50));
    assert!(scene.record.failures.is_empty());
    let give_up = scene.upstreams.next_give_up().unwrap();
    assert!(give_up > scene.now());
    scene.ahead = Duration::from_secs(2);
    scene.run_until("it is given up", |record| record.failures.len() == 1);
    assert_eq!(scene.record.failures, [(1, Failure::ConnectTimeout)]);
    assert!(scene.upstreams.is_empty());
    assert_eq!(scene.upstreams.next_give_up(), None);
    drop(queued);
}

#[test]
fn a_connection_on_which_nothing_is_heard_any_more_is_not_used_again() {
    let address = server(|_, mut stream| {
        let frame = read_frame(&mut stream).unwrap();
        stream.write_all(&frame).unwrap();
        while read_frame(&mut stream).is_some() {}
    });
    let upstream = upstream(address);
    let mut scene = Scene::new();
    scene.ask(&upstream, Tcp, 1);
    scene.run_until("the first is answered", |record| record.answers.len() == 1);
    scene.ask(&upstream, Tcp, 2);
    scene.flush();
    scene.ahead = Duration::from_secs(2);
    scene.run_for(Duration::from_millis(20));
    assert!(
        scene.record.failures.is_empty(),
        "lateness is for the resolver to judge"
    );
    assert!(scene.upstreams.is_empty());
}

#[test]
fn a_slow_answer_does_not_hold_up_other_questions() {
    let address = server(|number, mut stream| {
        let mut slow = number == 0;
        while let Some(frame) = read_frame(&mut stream) {
            if std::mem::take(&mut slow) {
                thread::sleep(Duration::from_millis(800));
            }
            stream.write_all(&frame).unwrap();
        }
    });
    let upstream = upstream(address);
    let mut scene = Scene::new();
    scene.ask(&upstream, Tcp, 0);
    scene.flush();
    scene.run_for(Duration::from_millis(100));
    for number in 1..50 {
        scene.ask(&upstream, Tcp, number);
        scene.run_for(Duration::from_millis(2));
    }
    scene.run_until("the others are answered", |record| {
        record.answers.len() == 49
    });
    assert!(scene.record.answers.iter().all(|(number, _)| *number != 0));
    scene.run_until("the slow one is answered too", |record| {
        record.answers.len() == 50
    });
}

#[test]
fn idle_connections_are_closed_in_time_and_when_too_many() {
    let address = server(|_, stream| parrot(stream));
    let of = |change: fn(&mut UpstreamSettings)| {
        let mut settings = settings(address);
        change(&mut settings);
        Arc::new(Upstream::new(settings))
    };
    let mut scene = Scene::new();
    let upstream = of(|settings| settings.max_idle_connections = 1);
    scene.ask(&upstream, Tcp, 1);
    scene.ask(&upstream, Tcp, 2);
    scene.run_until("both are answered", |record| record.answers.len() == 2);
    assert_eq!(scene.upstreams.streams.connections.len(), 2);
    let now = scene.now();
    scene.upstreams.sweep(now);
    assert_eq!(scene.upstreams.streams.connections.len(), 1);
    scene.ahead = Duration::from_secs(11);
    let now = scene.now();
    scene.upstreams.sweep(now);
    assert!(scene.upstreams.is_empty());

    let upstream = of(|settings| settings.max_age = Some(Duration::from_secs(1)));
    scene.ask(&upstream, Tcp, 3);
    scene.run_until("it is answered", |record| record.answers.len() == 3);
    scene.ahead += Duration::from_secs(2);
    let now = scene.now();
    scene.upstreams.sweep(now);
    assert!(scene.upstreams.is_empty(), "an old connection is not kept");
}
