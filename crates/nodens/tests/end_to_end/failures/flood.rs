//! A million names that do not exist, as fast as one sender can send them.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::{
    A, Lab, NODE, Nodens, Stub, UPSTREAM, Upstream, has, question, rcode, socket, until,
};

#[test]
fn a_flood_of_new_names_neither_fills_memory_nor_starves_others() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::alone();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = Nodens::start(
        &lab,
        &format!(
            ".:53 {{\n bind {NODE}\n errors {{\n consolidate 5s .*\n }}\n cache\n \
             forward . {UPSTREAM}\n prometheus {NODE}:9253\n}}\n"
        ),
    );
    assert!(is_answered(&lab, "warm.example.org"));
    let before = nodens.resident();
    let (mut highest, mut answered, mut asked) = (before, 0, 0);
    let flood = Stub::new(&lab.client, socket(NODE));
    thread::scope(|scope| {
        let sending = scope.spawn(|| send_a_million(&flood));
        while !sending.is_finished() {
            answered += usize::from(is_answered(&lab, "warm.example.org"));
            answered += usize::from(is_answered(&lab, &format!("new{asked}.example.org")));
            asked += 2;
            highest = highest.max(nodens.resident());
        }
    });
    // More comes than is read, so the kernel drops what does not fit into the socket: the flood's
    // questions mostly, and some of others that came to the same worker.
    assert!(answered * 10 >= asked * 6, "{answered} of {asked} answered");
    let limit = nodens.metric("nodens_cache_limit_bytes", &[]);
    assert!(limit > 0);
    let grown = highest - before;
    assert!(
        grown < limit + MARGIN,
        "grown by {} MiB, the cache may take {}",
        grown / MIB,
        limit / MIB
    );
    // And then all is well.
    for name in ["warm.example.org", "after.example.org"] {
        assert!(until(Duration::from_secs(5), || is_answered(&lab, name)));
    }
    assert_eq!(nodens.metric("coredns_panics_total", &[]), 0);
}

/// Asks up to three times, each from a port of its own, as resolvers do.
fn is_answered(lab: &Lab, name: &str) -> bool {
    (0..3).any(|_| {
        let mut stub = Stub::new(&lab.client, socket(NODE));
        let reply = stub.try_ask(name, A, PATIENCE);
        reply.is_some_and(|reply| reply.rcode() == rcode::NOERROR)
    })
}

/// At full speed, but not for longer than the test may last.
fn send_a_million(stub: &Stub) -> usize {
    let end = Instant::now() + Duration::from_secs(15);
    let mut message = question(1, "n0000000.nx.example.org", A);
    for number in 0..1_000_000_usize {
        if number % 1024 == 0 && Instant::now() >= end {
            return number;
        }
        let digits = format!("{number:07}");
        message[14..21].copy_from_slice(digits.as_bytes());
        stub.send_bytes(&message);
    }
    1_000_000
}

/// Until a question is asked again.
const PATIENCE: Duration = Duration::from_millis(500);
/// What may be needed besides the cache: questions under way, and what the allocator keeps.
const MARGIN: u64 = 48 * MIB;
const MIB: u64 = 1 << 20;
