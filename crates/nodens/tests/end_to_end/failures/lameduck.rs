//! `health` with `lameduck`: for a while after SIGTERM all goes on, so that others learn of it.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{A, Lab, NODE, Nodens, Stub, UPSTREAM, Upstream, has, rcode, socket};

#[test]
fn during_lameduck_questions_are_answered_and_the_cache_is_not_ready() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let mut nodens = Nodens::start(
        &lab,
        &format!(
            ".:53 {{\n bind {NODE}\n cache\n forward . {UPSTREAM}\n ready {NODE}:8181\n \
             health {NODE}:8080 {{\n lameduck 2s\n }}\n}}\n"
        ),
    );
    let mut stub = Stub::new(&lab.client, socket(NODE));
    stub.ask("www.example.org", A);
    let start = Instant::now();
    nodens.signal(Signal::TERM);
    let mut number = 0;
    while start.elapsed() < Duration::from_millis(1500) {
        number += 1;
        let reply = stub.ask(&format!("duck{number}.example.org"), A);
        assert_eq!(reply.rcode(), rcode::NOERROR);
    }
    assert_eq!(nodens.page(8080, "/health").0, 200);
    assert_eq!(nodens.page(8181, "/ready").0, 503);
    assert!(nodens.wait(Duration::from_secs(5)).unwrap().success());
    let took = start.elapsed();
    assert!((2.0..3.0).contains(&took.as_secs_f64()), "{took:?}");
}
