//! An upstream that answered and then does not: known names are answered from what was known,
//! others with SERVFAIL, soon; and all is well again as soon as the upstream is.

use std::time::Duration;

use super::LONGEST_WAIT;
use crate::support::{
    A, Behavior, Lab, NODE, Nodens, Stub, UPSTREAM, Upstream, has, rcode, socket, until,
};

#[test]
fn an_upstream_whose_port_is_closed_is_answered_for() {
    outage("", |_, upstream| *upstream = None);
}

#[test]
fn an_upstream_whose_port_is_closed_is_answered_for_when_tcp_is_forced() {
    outage("force_tcp", |_, upstream| *upstream = None);
}

#[test]
fn an_upstream_that_is_silent_is_answered_for() {
    outage("", |lab, _| lab.upstream.drop_incoming("udp dport 53"));
}

#[test]
fn an_upstream_whose_packets_are_all_dropped_is_answered_for_when_tcp_is_forced() {
    outage("force_tcp", |lab, _| {
        lab.upstream.drop_incoming("meta l4proto { tcp, udp }");
    });
}

#[test]
fn an_upstream_that_takes_connections_and_is_silent_is_answered_for() {
    outage("force_tcp", |_, upstream| {
        behave(upstream, Behavior::Silent);
    });
}

#[test]
fn an_upstream_that_sends_garbage_is_answered_for() {
    outage("", |_, upstream| behave(upstream, Behavior::Garbage));
}

#[test]
fn an_upstream_that_sends_garbage_by_tcp_is_answered_for() {
    outage("force_tcp", |_, upstream| {
        behave(upstream, Behavior::Garbage);
    });
}

#[test]
fn an_upstream_that_answers_with_another_id_is_answered_for() {
    outage("", |_, upstream| behave(upstream, Behavior::WrongId));
}

#[test]
fn an_upstream_that_answers_another_question_is_answered_for() {
    outage("", |_, upstream| behave(upstream, Behavior::WrongQuestion));
}

#[test]
fn an_upstream_that_cuts_frames_is_answered_for() {
    outage("force_tcp", |_, upstream| {
        let upstream = upstream.as_ref().unwrap();
        upstream.behave_by(Behavior::Silent, Behavior::CutFrame);
    });
}

#[test]
fn an_upstream_that_closes_connections_is_answered_for() {
    outage("force_tcp", |_, upstream| {
        let upstream = upstream.as_ref().unwrap();
        upstream.behave_by(Behavior::Silent, Behavior::Close);
    });
}

#[test]
fn an_upstream_that_fails_by_its_own_word_is_answered_for() {
    outage("", |_, upstream| behave(upstream, Behavior::ServerFailure));
}

fn behave(upstream: &mut Option<Upstream>, behavior: Behavior) {
    upstream.as_mut().unwrap().behave(behavior);
}

/// Lets an upstream answer, breaks it, and lets it answer again.
fn outage(option: &str, break_it: impl Fn(&Lab, &mut Option<Upstream>)) {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let mut upstream = Some(Upstream::start(&lab.upstream, socket(UPSTREAM)));
    upstream.as_ref().unwrap().set_ttl(1);
    let nodens = start(&lab, option);
    let mut stub = Stub::new(&lab.client, socket(NODE));
    assert_eq!(stub.ask("known.example.org", A).rcode(), rcode::NOERROR);

    break_it(&lab, &mut upstream);
    let soon = Duration::from_secs(8);
    let stale = until(soon, || {
        let reply = stub.ask("known.example.org", A);
        assert!(reply.elapsed < LONGEST_WAIT, "{:?}", reply.elapsed);
        assert_eq!(reply.rcode(), rcode::NOERROR, "{}", nodens.log());
        assert_eq!(reply.address(), Some("203.0.113.1".parse().unwrap()));
        nodens.metric("nodens_stale_on_failure_total", &[]) > 0
    });
    assert!(stale, "{}", nodens.log());
    for name in ["unknown1.example.org", "unknown2.example.org"] {
        let reply = stub.ask(name, A);
        assert!(reply.elapsed < LONGEST_WAIT, "{:?}", reply.elapsed);
        assert_eq!(reply.rcode(), rcode::SERVFAIL);
    }

    lab.upstream.let_in();
    drop(upstream);
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let mut number = 0;
    let recovered = until(Duration::from_secs(4), || {
        number += 1;
        let reply = stub.ask(&format!("new{number}.example.org"), A);
        assert!(reply.elapsed < LONGEST_WAIT, "{:?}", reply.elapsed);
        reply.rcode() == rcode::NOERROR
    });
    assert!(recovered, "{}", nodens.log());
    assert!(upstream.udp_questions() + upstream.tcp_questions() > 0);
    assert_eq!(nodens.metric("coredns_panics_total", &[]), 0);
}

/// From its first question on a process answers in time, without having ever heard an upstream.
#[test]
fn a_process_whose_upstream_is_silent_from_the_start_answers_in_time() {
    for option in ["", "force_tcp", "prefer_udp"] {
        if !has(&[]) {
            return;
        }
        let lab = Lab::new();
        lab.upstream.drop_incoming("meta l4proto { tcp, udp }");
        let _nodens = start(&lab, option);
        let mut stub = Stub::new(&lab.client, socket(NODE));
        let reply = stub.ask("first.example.org", A);
        assert_eq!(reply.rcode(), rcode::SERVFAIL, "{option}");
        assert!(
            reply.elapsed < LONGEST_WAIT,
            "{option}: {:?}",
            reply.elapsed
        );
    }
}

#[test]
fn one_of_two_upstreams_is_enough() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    // Silent at one address, closed at another.
    lab.upstream
        .drop_incoming("ip daddr 198.51.100.54 meta l4proto { tcp, udp }");
    for others in ["198.51.100.54", "198.51.100.53:5353"] {
        let _nodens = Nodens::start(
            &lab,
            &format!(
                ".:53 {{\n bind {NODE}\n errors\n forward . {others} {UPSTREAM} {{\n policy sequential\n }}\n}}\n"
            ),
        );
        let mut stub = Stub::new(&lab.client, socket(NODE));
        for number in 0..6 {
            let reply = stub.ask(&format!("two{number}.example.org"), A);
            assert_eq!(reply.rcode(), rcode::NOERROR, "{others}");
            assert!(
                reply.elapsed < LONGEST_WAIT,
                "{others}: {:?}",
                reply.elapsed
            );
        }
    }
}

fn start<'lab>(lab: &'lab Lab, option: &str) -> Nodens<'lab> {
    Nodens::start(
        lab,
        &format!(
            ".:53 {{\n bind {NODE}\n errors\n cache 30 {{\n success 9984 30 1\n }}\n \
         forward . {UPSTREAM} {{\n {option}\n }}\n prometheus {NODE}:9253\n}}\n"
        ),
    )
}
