//! The lines that operators search for, to the letter.

use std::time::Duration;

use crate::support::{
    A, AAAA, Lab, LogLine, NODE, NODE_V6, Nodens, Stub, StubStream, UPSTREAM, Upstream, has, rcode,
    socket, until,
};

#[test]
fn the_query_log_has_one_line_for_each_question_in_the_form_of_coredns() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = Nodens::start(
        &lab,
        &format!(".:53 {{\n bind {NODE} {NODE_V6}\n log\n cache\n forward . {UPSTREAM}\n}}\n"),
    );
    let mut stub = Stub::new(&lab.client, socket(NODE));
    let mut stub_v6 = Stub::new(&lab.client, socket(NODE_V6));
    let stream = StubStream::connect(&lab.client, socket(NODE));
    stub.ask("Www.example.org", A);
    stub.ask("www.example.org", A);
    stub_v6.ask("www.example.org", AAAA);
    stub.ask("gone.nx.example", A);
    stream.ask("www.example.org", A);
    assert!(until(Duration::from_secs(5), || nodens.query_log().len() == 5));
    let lines = nodens.query_log();
    let line_of = |remote: &str, id: &str| {
        let same = |line: &&LogLine| line.remote == remote && line.id == id;
        lines
            .iter()
            .find(same)
            .unwrap_or_else(|| panic!("{remote} {id}: {lines:?}"))
    };
    let expected = [
        (
            stub.local(),
            "1",
            "A IN www.example.org. udp 33 false 512",
            "NOERROR qr,rd,ra 49",
        ),
        (
            stub.local(),
            "2",
            "A IN www.example.org. udp 33 false 512",
            "NOERROR qr,aa,rd,ra 49",
        ),
        (
            stub_v6.local(),
            "1",
            "AAAA IN www.example.org. udp 33 false 512",
            "NOERROR qr,rd,ra 61",
        ),
        (
            stub.local(),
            "3",
            "A IN gone.nx.example. udp 33 false 512",
            "NXDOMAIN qr,rd,ra 66",
        ),
        (
            stream.socket.local_addr().unwrap(),
            "7",
            "A IN www.example.org. tcp 33 false 65535",
            "NOERROR qr,aa,rd,ra 49",
        ),
    ];
    // Each worker writes its own lines, so only their sum has no order.
    for (remote, id, question, outcome) in expected {
        let line = line_of(&remote.to_string(), id);
        assert_eq!(line.question, question);
        assert_eq!(line.outcome, outcome);
        let seconds: f64 = line.duration.strip_suffix('s').unwrap().parse().unwrap();
        assert!((0.0..2.0).contains(&seconds), "{line:?}");
    }
}

#[test]
fn an_upstream_that_fails_is_named_in_the_words_of_coredns() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let nodens = Nodens::start(&lab, &corefile("errors", ""));
    let mut stub = Stub::new(&lab.client, socket(NODE));
    assert_eq!(stub.ask("www.example.org", A).rcode(), rcode::SERVFAIL);
    nodens.wait_for_log(
        "[ERROR] plugin/errors: 2 www.example.org. A: read udp 198.51.100.53:53: read: connection refused\n",
        1,
    );
    drop(nodens);
    let nodens = Nodens::start(&lab, &corefile("errors", "force_tcp"));
    lab.upstream.drop_incoming("meta l4proto { tcp, udp }");
    assert_eq!(stub.ask("www.example.org", AAAA).rcode(), rcode::SERVFAIL);
    nodens.wait_for_log("[ERROR] plugin/errors: 2 www.example.org. AAAA: ", 1);
    nodens.wait_for_log("198.51.100.53:53: i/o timeout\n", 1);
}

#[test]
fn errors_alike_are_told_as_one_line() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let nodens = Nodens::start(
        &lab,
        &corefile(
            "errors {\n consolidate 5s \".* 198.51.100.53:53: .*\"\n }",
            "",
        ),
    );
    let mut stub = Stub::new(&lab.client, socket(NODE));
    for number in 0..3 {
        stub.ask(&format!("name{number}.example.org"), A);
    }
    nodens.wait_for_log(
        "[ERROR] plugin/errors: 3 errors like '.* 198.51.100.53:53: .*' occurred in last 5s\n",
        1,
    );
    assert!(
        !nodens.log().contains("plugin/errors: 2 "),
        "{}",
        nodens.log()
    );
}

#[test]
fn the_start_is_told_zone_by_zone() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let nodens = Nodens::start(
        &lab,
        &format!(
            "cluster.local:53 {{\n bind {NODE}\n forward . {UPSTREAM}\n}}\n\
         .:53 {{\n bind {NODE}\n forward . {UPSTREAM}\n}}\n"
        ),
    );
    nodens.wait_for_log(
        &format!("cluster.local.:53 on {NODE}\n.:53 on {NODE}\nnodens-"),
        1,
    );
}

fn corefile(errors: &str, option: &str) -> String {
    format!(
        ".:53 {{\n bind {NODE}\n {errors}\n cache\n forward . {UPSTREAM} {{\n {option}\n }}\n}}\n"
    )
}
