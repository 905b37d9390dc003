//! Upstreams that end connections, or have no room in a datagram: what a client does not notice.

use std::time::Duration;

use crate::support::{
    A, Behavior, Lab, NODE, Nodens, Stub, UPSTREAM, Upstream, has, rcode, socket,
};

#[test]
fn an_upstream_that_closes_after_each_answer_costs_no_question() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    for count in [1, 3] {
        upstream.behave(Behavior::CloseAfter(count));
        let nodens = start(&lab, "force_tcp");
        let mut stub = Stub::new(&lab.client, socket(NODE));
        for number in 0..30 {
            let reply = stub.ask(&format!("close{count}-{number}.example.org"), A);
            assert_eq!(reply.rcode(), rcode::NOERROR, "{number}: {}", nodens.log());
            assert!(
                reply.elapsed < Duration::from_secs(1),
                "{:?}",
                reply.elapsed
            );
        }
    }
    assert_eq!(upstream.udp_questions(), 0);
}

#[test]
fn many_clients_that_ask_the_same_are_one_question_upstream() {
    if !has(&[]) {
        return;
    }
    for (option, behavior) in [
        ("", Behavior::AnswerAfter(Duration::from_millis(200))),
        (
            "force_tcp",
            Behavior::AnswerAfter(Duration::from_millis(200)),
        ),
    ] {
        let lab = Lab::new();
        let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
        upstream.behave(behavior);
        let _nodens = start(&lab, option);
        let clients: Vec<Stub> = (0..100)
            .map(|_| Stub::new(&lab.client, socket(NODE)))
            .collect();
        for client in &clients {
            client.send_bytes(&crate::support::question(1, "same.example.org", A));
        }
        for client in &clients {
            let reply = client.receive(Duration::from_secs(2)).expect("a reply");
            assert_eq!(reply.rcode(), rcode::NOERROR);
        }
        assert_eq!(upstream.questions_for("same.example.org"), 1, "{option}");
        assert!(upstream.connections() <= 1, "{}", upstream.connections());
    }
}

#[test]
fn different_questions_share_a_few_connections() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let _nodens = start(&lab, "force_tcp");
    let mut stub = Stub::new(&lab.client, socket(NODE));
    for number in 0..500 {
        stub.send(&format!("many{number}.example.org"), A);
    }
    for number in 0..500 {
        let reply = stub.receive(Duration::from_secs(2));
        let reply = reply.unwrap_or_else(|| panic!("{number} replies"));
        assert_eq!(reply.rcode(), rcode::NOERROR);
    }
    assert!(
        (1..=32).contains(&upstream.connections()),
        "{}",
        upstream.connections()
    );
}

#[test]
fn an_upstream_without_room_in_datagrams_is_asked_by_tcp_with_prefer_udp() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    upstream.behave_by(Behavior::Truncated, Behavior::Answer);
    let nodens = start(&lab, "prefer_udp");
    let mut stub = Stub::new(&lab.client, socket(NODE));
    let reply = stub.ask("www.example.org", A);
    assert_eq!(
        (reply.rcode(), reply.is_truncated()),
        (rcode::NOERROR, false)
    );
    assert_eq!(reply.address(), Some("203.0.113.1".parse().unwrap()));
    drop(nodens);
    // Without it the client is told, and decides.
    let _nodens = start(&lab, "");
    let reply = stub.ask("www.example.org", A);
    assert!(reply.is_truncated());
}

fn start<'lab>(lab: &'lab Lab, option: &str) -> Nodens<'lab> {
    Nodens::start(
        lab,
        &format!(
            ".:53 {{\n bind {NODE}\n errors\n cache\n forward . {UPSTREAM} {{\n read_timeout 1500ms\n {option}\n }}\n}}\n"
        ),
    )
}
