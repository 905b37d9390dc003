//! A way to the upstream that loses packets.

use std::time::Duration;

use crate::support::{A, Lab, NODE, Nodens, Stub, UPSTREAM, Upstream, has, rcode, socket};

#[test]
fn lost_questions_are_asked_again_in_time() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let _nodens = Nodens::start(
        &lab,
        &format!(".:53 {{\n bind {NODE}\n errors\n cache\n forward . {UPSTREAM}\n}}\n"),
    );
    lab.upstream
        .drop_incoming("udp dport 53 numgen random mod 10 < 2");
    let mut stub = Stub::new(&lab.client, socket(NODE));
    let count = 200;
    for number in 0..count {
        stub.send(&format!("lossy{number}.example.org"), A);
    }
    let mut good = 0;
    for number in 0..count {
        let reply = stub.receive(super::LONGEST_WAIT);
        let reply = reply.unwrap_or_else(|| panic!("{number} of {count} replies"));
        good += usize::from(reply.rcode() == rcode::NOERROR);
    }
    // One question in five is lost, and one in a hundred and twenty-five three times in a row.
    assert!(good >= count - 12, "{good} of {count}");
    // A lost packet is no sign of an upstream that is down.
    lab.upstream.let_in();
    let reply = stub.try_ask("after.example.org", A, Duration::from_secs(1));
    assert_eq!(reply.expect("a reply").rcode(), rcode::NOERROR);
}
