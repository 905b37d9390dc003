//! An upstream that cannot do TCP, asked with `force_tcp`: served by UDP, and said so. Cloud
//! providers' private zones are like that.

use crate::support::{A, Lab, NODE, Nodens, Stub, UPSTREAM, Upstream, has, rcode, socket};

#[test]
fn an_upstream_with_a_closed_tcp_port_is_asked_by_udp_and_named() {
    asked_by_udp_and_named(|_| {});
}

#[test]
fn an_upstream_whose_tcp_is_dropped_on_the_way_is_asked_by_udp_and_named() {
    asked_by_udp_and_named(|lab| lab.upstream.drop_incoming("tcp dport 53"));
}

fn asked_by_udp_and_named(prepare: impl Fn(&Lab)) {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    prepare(&lab);
    let upstream = Upstream::start_without_tcp(&lab.upstream, socket(UPSTREAM));
    let nodens = Nodens::start(
        &lab,
        &format!(
            ".:53 {{\n bind {NODE}\n errors\n cache\n forward . {UPSTREAM} {{\n force_tcp\n }}\n \
         prometheus {NODE}:9253\n}}\n"
        ),
    );
    let mut stub = Stub::new(&lab.client, socket(NODE));
    let first = stub.ask("one.example.org", A);
    assert_eq!(first.rcode(), rcode::NOERROR);
    assert!(first.elapsed < super::LONGEST_WAIT, "{:?}", first.elapsed);
    let to = format!("to=\"{UPSTREAM}:53\"");
    nodens.wait_for_log(
        &format!(
            "[WARNING] plugin/forward: upstream {UPSTREAM}:53 answers over UDP but not over TCP ("
        ),
        1,
    );
    assert_eq!(nodens.metric("nodens_upstream_tcp_unusable", &[&to]), 1);
    // From then on nobody waits for TCP.
    for number in 0..5 {
        let reply = stub.ask(&format!("more{number}.example.org"), A);
        assert_eq!(reply.rcode(), rcode::NOERROR);
        assert!(reply.elapsed.as_millis() < 500, "{:?}", reply.elapsed);
    }
    assert!(upstream.udp_questions() >= 6);
    let said = nodens.log().matches("but not over TCP").count();
    assert_eq!(said, 1, "{}", nodens.log());
}
