//! A reply comes from the address that was asked.

use crate::support::{
    A, Lab, NODE, NODE_OTHER, NODE_THIRD, NODE_V6, Nodens, Stub, StubStream, UPSTREAM, Upstream,
    has, rcode, socket,
};

#[test]
fn a_listener_on_all_addresses_replies_from_the_one_asked() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let _nodens = Nodens::start(
        &lab,
        &format!(".:53 {{\n cache\n forward . {UPSTREAM}\n}}\n"),
    );
    for (place, address) in [NODE, NODE_OTHER, NODE_THIRD, NODE_V6]
        .into_iter()
        .enumerate()
    {
        // Connected, so that a reply from elsewhere would not be received.
        let mut stub = Stub::new(&lab.client, socket(address));
        let late = stub.ask(&format!("late{place}.example.org"), A);
        let cached = stub.ask("late0.example.org", A);
        assert_eq!(
            (late.rcode(), cached.rcode()),
            (rcode::NOERROR, rcode::NOERROR)
        );
        let stream = StubStream::connect(&lab.client, socket(address));
        assert_eq!(stream.ask("late0.example.org", A).rcode(), rcode::NOERROR);
    }
}

#[test]
fn a_listener_on_one_address_leaves_the_others_alone() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let one = Nodens::start(
        &lab,
        &format!(".:53 {{\n bind {NODE}\n forward . {UPSTREAM}\n}}\n"),
    );
    let first = one.id();
    let other = Nodens::start(
        &lab,
        &format!(".:53 {{\n bind {NODE_OTHER}\n forward . {UPSTREAM}\n}}\n"),
    );
    assert_ne!(first, other.id());
    for address in [NODE, NODE_OTHER] {
        let mut stub = Stub::new(&lab.client, socket(address));
        assert_eq!(stub.ask("www.example.org", A).rcode(), rcode::NOERROR);
    }
}
