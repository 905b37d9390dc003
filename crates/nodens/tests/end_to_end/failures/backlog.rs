//! More questions than an upstream answers: one client's pile does not bury the others.

use std::time::{Duration, Instant};

use super::LONGEST_WAIT;
use crate::support::{
    A, Behavior, CLIENT_OTHER, Lab, NODE, Nodens, Stub, UPSTREAM, Upstream, has, rcode, socket,
    until,
};

#[test]
fn thousands_of_questions_to_a_silent_upstream_are_all_answered_in_time() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::alone();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = Nodens::start(
        &lab,
        &format!(
            ".:53 {{\n bind {NODE}\n errors {{\n consolidate 5s .*\n }}\n cache\n \
             forward . {UPSTREAM}\n prometheus {NODE}:9253\n}}\n"
        ),
    );
    let mut other = Stub::at(&lab.client, CLIENT_OTHER, socket(NODE));
    other.ask("warm.example.org", A);
    upstream.behave(Behavior::Silent);
    // Replies come in one burst; many sockets so that none overflows.
    let mut stubs: Vec<Stub> = (0..SOCKETS)
        .map(|_| Stub::new(&lab.client, socket(NODE)))
        .collect();
    let start = Instant::now();
    for number in 0..EACH {
        for (place, stub) in stubs.iter_mut().enumerate() {
            stub.send(&format!("pile{number}-{place}.example.org"), A);
        }
    }
    let sent = start.elapsed();
    // While they wait, another client has its answer from the cache, and its own question asked.
    let waiting = until(Duration::from_secs(1), || {
        nodens.metric("nodens_questions_in_flight", &[]) > 1000
    });
    assert!(waiting);
    let reply = other.ask("warm.example.org", A);
    assert!(
        reply.elapsed < Duration::from_millis(500),
        "{:?}",
        reply.elapsed
    );
    other.send("other.example.org", A);
    for (place, stub) in stubs.iter().enumerate() {
        for number in 0..EACH {
            let reply = stub.receive(LONGEST_WAIT);
            let reply = reply.unwrap_or_else(|| panic!("socket {place}: {number} of {EACH}"));
            assert_eq!(reply.rcode(), rcode::SERVFAIL);
        }
    }
    // All in all; each has its own two seconds, and is written and read by one thread here.
    let took = start.elapsed().saturating_sub(sent);
    assert!(took < LONGEST_WAIT + Duration::from_secs(1), "{took:?}");
    assert!(upstream.questions_for("other.example.org") > 0);
    assert_eq!(nodens.metric("coredns_panics_total", &[]), 0);
    let empty = until(Duration::from_secs(3), || {
        nodens.metric("nodens_questions_in_flight", &[]) == 0
    });
    assert!(empty);
}

const SOCKETS: usize = 60;
const EACH: usize = 100;
