use std::collections::HashSet;
use std::net::UdpSocket;
use std::time::Duration;

use nodens_resolve::Protocol::Udp;

use super::cut_short;
use crate::upstream::recorder::{Scene, upstream};
use nodens_resolve::Failure;

fn server() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    socket
}

fn receive(server: &UdpSocket) -> (Vec<u8>, std::net::SocketAddr) {
    let mut buffer = [0; 512];
    let (length, from) = server.recv_from(&mut buffer).unwrap();
    (buffer[..length].to_vec(), from)
}

#[test]
fn questions_of_one_turn_leave_from_one_port_with_different_ids() {
    let server = server();
    let upstream = upstream(server.local_addr().unwrap());
    let mut scene = Scene::new();
    for number in 0..100 {
        scene.ask(&upstream, Udp, number);
    }
    scene.flush();
    let received: Vec<_> = (0..100).map(|_| receive(&server)).collect();
    let ports: HashSet<_> = received.iter().map(|(_, from)| *from).collect();
    let ids: HashSet<_> = received
        .iter()
        .map(|(message, _)| message[..2].to_vec())
        .collect();
    assert_eq!((ports.len(), ids.len()), (1, 100));
    for (message, from) in received.iter().rev() {
        server.send_to(message, from).unwrap();
    }
    scene.run_until("all are answered", |record| record.answers.len() == 100);
    assert_eq!((scene.record.strays, scene.record.failures.len()), (0, 0));
}

#[test]
fn turns_use_different_ports_and_ports_are_replaced() {
    let server = server();
    let upstream = upstream(server.local_addr().unwrap());
    let mut scene = Scene::new();
    let mut ports = HashSet::new();
    for number in 0..40 {
        scene.ask(&upstream, Udp, number);
        scene.flush();
        let (message, from) = receive(&server);
        ports.insert(from);
        server.send_to(&message, from).unwrap();
    }
    scene.run_until("all are answered", |record| record.answers.len() == 40);
    assert!((4..=8).contains(&ports.len()), "{} ports", ports.len());
    let before = ports.clone();
    scene.ahead = Duration::from_secs(6);
    for number in 100..140 {
        scene.ask(&upstream, Udp, number);
        scene.flush();
        ports.insert(receive(&server).1);
    }
    assert!(
        ports.len() >= before.len() + 4,
        "after five seconds the ports are others"
    );
    scene.ahead = Duration::from_secs(20);
    let now = scene.now();
    scene.upstreams.sweep(now);
    assert!(scene.upstreams.is_empty(), "and in the end all are closed");
}

#[test]
fn a_port_takes_so_many_questions_and_no_more() {
    let server = server();
    let upstream = upstream(server.local_addr().unwrap());
    let mut scene = Scene::new();
    for number in 0..600 {
        scene.ask(&upstream, Udp, number);
        if number % 50 == 0 {
            scene.run_for(Duration::from_millis(1));
        }
    }
    let mut counts = std::collections::HashMap::new();
    scene.flush();
    server
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let mut buffer = [0; 64];
    while let Ok((_, from)) = server.recv_from(&mut buffer) {
        *counts.entry(from).or_insert(0) += 1;
    }
    assert!(counts.values().all(|count| *count <= 512), "{counts:?}");
}

#[test]
fn forged_garbled_and_wrong_answers_are_ignored_and_counted() {
    let server = server();
    let upstream = upstream(server.local_addr().unwrap());
    let mut scene = Scene::new();
    scene.ask(&upstream, Udp, 7);
    scene.flush();
    let (message, from) = receive(&server);
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.send_to(&message, from).unwrap();
    let mut wrong_id = message.clone();
    wrong_id[0] ^= 1;
    let mut wrong_question = message.clone();
    wrong_question[19] ^= 1;
    for garbage in [&b""[..], b"x", &wrong_id, &wrong_question] {
        server.send_to(garbage, from).unwrap();
    }
    scene.run_for(Duration::from_millis(50));
    assert!(scene.record.answers.is_empty());
    assert_eq!(
        scene.record.strays, 4,
        "what the stranger sent does not even arrive"
    );
    server.send_to(&message, from).unwrap();
    scene.run_until("the answer is heard", |record| record.answers.len() == 1);
    server.send_to(&message, from).unwrap();
    scene.run_until("a second answer is a stray", |record| record.strays == 5);
}

#[test]
fn somebody_who_guesses_ends_the_port() {
    let server = server();
    let upstream = upstream(server.local_addr().unwrap());
    let mut scene = Scene::new();
    scene.ask(&upstream, Udp, 1);
    scene.flush();
    let (message, from) = receive(&server);
    for guess in 0..40u8 {
        server
            .send_to(&[message[0], message[1] ^ 1, guess], from)
            .unwrap();
    }
    scene.run_until("the guesses are counted", |record| record.strays >= 32);
    server.send_to(&message, from).unwrap();
    scene.run_until("the answer is heard all the same", |record| {
        record.answers.len() == 1
    });
    assert!(scene.upstreams.is_empty());
}

#[test]
fn a_closed_port_fails_all_its_questions_once_and_without_spinning() {
    let server = server();
    let upstream = upstream(server.local_addr().unwrap());
    drop(server);
    let mut scene = Scene::new();
    for number in 0..10 {
        scene.ask(&upstream, Udp, number);
    }
    scene.run_until("all have failed", |record| record.failures.len() == 10);
    assert!(
        scene
            .record
            .failures
            .iter()
            .all(|(_, failure)| *failure == Failure::Refused)
    );
    assert!(scene.run_for(Duration::from_millis(100)) < 5);
    assert_eq!(scene.record.failures.len(), 10);
    assert!(scene.upstreams.is_empty());
}

#[test]
fn a_silent_server_is_no_failure_and_its_socket_goes_in_time() {
    let server = server();
    let upstream = upstream(server.local_addr().unwrap());
    let mut scene = Scene::new();
    scene.ask(&upstream, Udp, 1);
    scene.flush();
    assert!(scene.run_for(Duration::from_millis(50)) < 5);
    assert!(scene.record.failures.is_empty());
    scene.ahead = Duration::from_secs(10);
    let now = scene.now();
    scene.upstreams.sweep(now);
    assert!(scene.upstreams.is_empty());
}

#[test]
fn an_upstream_without_a_route_fails_at_once() {
    let mut scene = Scene::new();
    scene.ask(&upstream("255.255.255.255:53".parse().unwrap()), Udp, 1);
    scene.flush();
    assert_eq!(scene.record.failures, [(1, Failure::Unreachable)]);
}

#[test]
fn an_answer_longer_than_the_buffer_is_an_empty_truncated_one() {
    let mut message = vec![0x12, 0x34, 0x80, 0, 0, 1, 0, 9, 0, 9, 0, 9];
    message.extend_from_slice(b"\x07example\x03org\x00\x00\x01\x00\x01");
    let question_end = message.len();
    message.resize(4096, 7);
    let short = cut_short(&message).unwrap();
    assert_eq!(short.len(), question_end);
    assert_eq!(short[..12], [0x12, 0x34, 0x82, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(cut_short(&message[..20]), None);
    assert_eq!(cut_short(&[0; 12]), None);
    assert_eq!(cut_short(&[0xff; 600]), None);
}
