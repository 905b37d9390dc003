//! Questions that are not everyday ones: answered as CoreDNS answers them, or not at all.

use std::time::Duration;

use super::dig::start;
use crate::support::{
    A, Lab, NODE, Stub, UPSTREAM, Upstream, has, name_to_wire, question, rcode, socket,
};

#[test]
fn an_unknown_operation_is_not_implemented() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let _nodens = start(&lab);
    let stub = Stub::new(&lab.client, socket(NODE));
    for opcode in [1, 2, 3, 6, 15] {
        let mut message = question(0x1234, "www.example.org", A);
        message[2] |= opcode << 3;
        stub.send_bytes(&message);
        let reply = stub.receive(PATIENCE).unwrap();
        assert_eq!(reply.id(), 0x1234);
        assert_eq!(reply.rcode(), rcode::NOTIMP, "opcode {opcode}");
        assert_eq!(reply.bytes[2] & 0x78, opcode << 3);
    }
    assert_eq!(upstream.udp_questions(), 0);
}

#[test]
fn what_is_no_question_gets_no_reply_and_does_no_harm() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = start(&lab);
    let mut stub = Stub::new(&lab.client, socket(NODE));
    let mut response = question(1, "www.example.org", A);
    response[2] |= 0x80;
    for message in [&b""[..], b"\x00", &[0xff; 11], &response] {
        stub.send_bytes(message);
    }
    // Replies come in the order of the questions: this would be the fifth.
    let id = stub.send("www.example.org", A);
    let reply = stub.receive(PATIENCE).unwrap();
    let _ = id;
    assert_eq!(reply.address(), Some("203.0.113.1".parse().unwrap()));
    assert!(nodens.metric("nodens_dropped_packets_total", &[]) >= 3);
    assert_eq!(nodens.metric("coredns_panics_total", &[]), 0);
}

#[test]
fn malformed_questions_are_format_errors() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = start(&lab);
    let stub = Stub::new(&lab.client, socket(NODE));
    let good = question(9, "www.example.org", A);
    let cut = good[..good.len() - 3].to_vec();
    let mut pointing_at_itself = good[..12].to_vec();
    pointing_at_itself.extend([0xc0, 12, 0, 1, 0, 1]);
    for message in [cut, pointing_at_itself] {
        stub.send_bytes(&message);
        let reply = stub.receive(PATIENCE).unwrap();
        assert_eq!((reply.id(), reply.rcode()), (9, rcode::FORMERR));
    }
    assert_eq!(nodens.metric("coredns_panics_total", &[]), 0);
}

#[test]
fn another_class_is_asked_upstream_and_not_confused_with_the_internet() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let _nodens = start(&lab);
    let mut stub = Stub::new(&lab.client, socket(NODE));
    stub.ask("version.bind", 16);
    let mut message = vec![0, 5, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend(name_to_wire("version.bind"));
    message.extend([0, 16, 0, 3]);
    stub.send_bytes(&message);
    let reply = stub.receive(PATIENCE).unwrap();
    assert_eq!(reply.id(), 5);
    assert!(reply.bytes[12..].ends_with(&[0, 3]) || reply.bytes.len() > message.len());
    assert_eq!(upstream.questions_for("version.bind"), 2);
}

const PATIENCE: Duration = Duration::from_secs(4);
