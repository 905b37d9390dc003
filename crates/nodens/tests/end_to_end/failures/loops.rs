//! The `loop` directive.

use std::time::Duration;

use crate::support::{A, Lab, NODE, Nodens, Stub, UPSTREAM, Upstream, has, rcode, socket};

#[test]
fn a_cache_that_asks_itself_ends_and_says_why_in_the_words_of_coredns() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let mut nodens = Nodens::spawn(
        &lab,
        &format!(".:53 {{\n bind {NODE}\n errors\n loop\n cache\n forward . {NODE}\n}}\n"),
    );
    let status = nodens.wait(Duration::from_secs(8));
    let log = nodens.log();
    assert_eq!(status.and_then(|status| status.code()), Some(1), "{log}");
    let line = log
        .lines()
        .find(|line| line.starts_with("[FATAL] plugin/loop: Loop ("));
    let line = line.unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(") detected for zone \".\", see https://coredns.io/plugins/loop#troubleshooting. Query: \"HINFO "), "{line}");
}

#[test]
fn a_cache_whose_upstream_is_another_goes_on() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let mut nodens = Nodens::start(
        &lab,
        &format!(".:53 {{\n bind {NODE}\n errors\n loop\n cache\n forward . {UPSTREAM}\n}}\n"),
    );
    let probed = crate::support::until(Duration::from_secs(5), || upstream.udp_questions() > 0);
    assert!(probed);
    assert!(
        nodens.wait(Duration::from_secs(3)).is_none(),
        "{}",
        nodens.log()
    );
    let mut stub = Stub::new(&lab.client, socket(NODE));
    assert_eq!(stub.ask("www.example.org", A).rcode(), rcode::NOERROR);
}
