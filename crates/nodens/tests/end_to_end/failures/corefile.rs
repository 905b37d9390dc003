//! A Corefile that cannot be used: said with file and line, and never put in force.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{A, Lab, NODE, Nodens, Stub, UPSTREAM, Upstream, has, rcode, socket};

#[test]
fn a_start_with_a_bad_corefile_ends_with_1_and_says_where_and_what() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    for (corefile, expected) in BAD {
        let mut nodens = Nodens::spawn(&lab, corefile);
        let status = nodens.wait(Duration::from_secs(10)).unwrap();
        assert_eq!(status.code(), Some(1), "{corefile}");
        let log = nodens.log();
        for part in *expected {
            assert!(log.contains(part), "{part:?} is not in: {log}");
        }
    }
}

#[test]
fn a_reload_of_a_bad_corefile_keeps_the_old_one_and_says_where_and_what() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = Nodens::start(&lab, &good());
    let mut stub = Stub::new(&lab.client, socket(NODE));
    for (count, (corefile, expected)) in BAD.iter().enumerate() {
        lab.directory.write("Corefile", corefile);
        nodens.signal(Signal::USR1);
        nodens.wait_for_log(
            "[ERROR] plugin/reload: Corefile changed but reload failed: ",
            count + 1,
        );
        for part in *expected {
            nodens.wait_for_log(part, 1);
        }
        let reply = stub.ask(&format!("still{count}.example.org"), A);
        assert_eq!(reply.rcode(), rcode::NOERROR);
        assert_eq!(
            nodens.metric("coredns_reload_failed_total", &[]),
            (count + 1) as u64
        );
    }
    lab.directory.write("Corefile", &good());
    nodens.signal(Signal::USR1);
    nodens.wait_for_log("[INFO] Reloading complete", 1);
    assert_eq!(stub.ask("again.example.org", A).rcode(), rcode::NOERROR);
}

/// A Corefile and what must be said of it.
const BAD: &[(&str, &[&str])] = &[
    (
        ".:53 {\n bind 192.0.2.1\n cahce 30\n}\n",
        &["Corefile:3", "cahce"],
    ),
    (
        ".:53 {\n bind 192.0.2.1\n forward . not-an-address!\n}\n",
        &["Corefile:3", "not-an-address!", "expected"],
    ),
    (".:53 {\n bind 192.0.2.1\n cache thirty\n", &["Corefile:"]),
    (
        // An address this host does not have.
        ".:53 {\n bind 192.0.2.200\n forward . 198.51.100.53\n}\n",
        &["192.0.2.200:53"],
    ),
];

fn good() -> String {
    format!(
        ".:53 {{\n bind {NODE}\n errors\n cache\n forward . {UPSTREAM}\n prometheus {NODE}:9253\n}}\n"
    )
}
