//! Clients that use TCP as they may (RFC 7766), not only as most do.

use std::io::Write as _;
use std::net::Shutdown;
use std::time::Duration;

use super::dig::start;
use crate::support::{
    A, Behavior, Lab, NODE, StubStream, UPSTREAM, Upstream, has, question, rcode, socket, until,
};

#[test]
fn a_client_may_end_its_direction_once_it_has_asked() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    upstream.behave(Behavior::AnswerAfter(Duration::from_millis(100)));
    let _nodens = start(&lab);
    let stream = StubStream::connect(&lab.client, socket(NODE));
    for id in 1..=3 {
        stream
            .send(&question(id, &format!("name{id}.example.org"), A))
            .unwrap();
    }
    stream.socket.shutdown(Shutdown::Write).unwrap();
    let mut ids: Vec<u8> = (0..3).map(|_| stream.receive().unwrap()[1]).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3]);
    assert!(stream.receive().is_err(), "closed when all is answered");
}

#[test]
fn a_question_may_come_byte_by_byte_and_a_hundred_at_once() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let _nodens = start(&lab);
    let stream = StubStream::connect(&lab.client, socket(NODE));
    stream.socket.set_nodelay(true).unwrap();
    let message = question(9, "slowly.example.org", A);
    let frame = [&[0, u8::try_from(message.len()).unwrap()], &message[..]].concat();
    for byte in &frame {
        (&stream.socket).write_all(&[*byte]).unwrap();
    }
    assert_eq!(stream.receive().unwrap()[..2], [0, 9]);
    (&stream.socket).write_all(&frame.repeat(100)).unwrap();
    for _ in 0..100 {
        assert_eq!(stream.receive().unwrap()[3] & 15, rcode::NOERROR);
    }
}

#[test]
fn a_reply_that_is_ready_does_not_wait_for_one_that_is_not() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let _nodens = start(&lab);
    let stream = StubStream::connect(&lab.client, socket(NODE));
    assert_eq!(stream.ask("cached.example.org", A).rcode(), rcode::NOERROR);
    upstream.behave(Behavior::AnswerAfter(Duration::from_millis(500)));
    stream.send(&question(1, "slow.example.org", A)).unwrap();
    stream.send(&question(2, "cached.example.org", A)).unwrap();
    assert_eq!(stream.receive().unwrap()[..2], [0, 2]);
    assert_eq!(stream.receive().unwrap()[..2], [0, 1]);
}

#[test]
fn a_client_that_says_nothing_is_cut_off() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let nodens = start(&lab);
    let silent = StubStream::connect(&lab.client, socket(NODE));
    let half = StubStream::connect(&lab.client, socket(NODE));
    (&half.socket).write_all(&[0]).unwrap();
    assert!(until(Duration::from_secs(2), || nodens
        .metric("nodens_tcp_connections", &[])
        == 2));
    // Three seconds for the first question, as in CoreDNS.
    assert!(silent.receive().is_err());
    assert!(half.receive().is_err());
    assert!(until(Duration::from_secs(2), || nodens
        .metric("nodens_tcp_connections", &[])
        == 0));
}
