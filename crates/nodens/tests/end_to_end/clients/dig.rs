//! dig, with the flags that people use it with.

use crate::support::{
    Lab, NODE, NODE_V6, Nodens, UPSTREAM, UPSTREAM_V6, Upstream, has, output, socket,
};

#[test]
fn dig_is_answered_over_udp_and_tcp_and_ipv4_and_ipv6() {
    if !has(&["dig"]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM_V6));
    let _nodens = Nodens::start(
        &lab,
        &format!(".:53 {{\n bind {NODE} {NODE_V6}\n cache 30\n forward . {UPSTREAM_V6}\n}}\n"),
    );
    for server in [NODE, NODE_V6] {
        for transport in ["+notcp", "+tcp"] {
            for _asked_before in [false, true] {
                let text = dig(&lab, &[server, transport, "+short", "www.example.org", "A"]);
                assert_eq!(text, "203.0.113.1\n");
                let text = dig(
                    &lab,
                    &[server, transport, "+short", "www.example.org", "AAAA"],
                );
                assert_eq!(text, "2001:db8::1\n");
            }
        }
    }
}

#[test]
fn an_answer_too_large_for_the_client_is_truncated_and_comes_whole_by_tcp() {
    if !has(&["dig"]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let _nodens = start(&lab);
    let question = ["large.example.org", "TXT"];
    let records = |flags: &[&str]| {
        let text = dig(
            &lab,
            &[&[NODE, "+noall", "+answer"], flags, &question[..]].concat(),
        );
        text.lines().filter(|line| !line.starts_with(';')).count()
    };
    let flags = |flags: &[&str]| flags_line(&dig(&lab, &[&[NODE], flags, &question[..]].concat()));
    // The first time from the upstream, the second time from the cache.
    for expected in ["qr tc rd ra", "qr aa tc rd ra"] {
        assert_eq!(flags(&["+ignore", "+bufsize=512"]), expected);
        assert_eq!(flags(&["+ignore", "+noedns"]), expected);
        assert_eq!(records(&["+bufsize=512"]), 12, "dig asks again by TCP");
        assert_eq!(records(&["+tcp"]), 12);
    }
    // In the cache since it came by TCP: a client that takes it gets it whole.
    assert_eq!(records(&["+ignore", "+bufsize=4096"]), 12);
}

#[test]
fn flags_come_back_as_asked() {
    if !has(&["dig"]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let _nodens = start(&lab);
    let cases: [(&[&str], &str); 4] = [
        (&["+noedns", "+noad"], "qr aa rd ra"),
        (&["+noedns", "+noad", "+norec"], "qr aa ra"),
        (&["+noedns", "+noad", "+cd"], "qr aa rd ra cd"),
        (&["+dnssec", "+noad"], "qr aa rd ra"),
    ];
    for (flags, expected) in cases {
        let ask = |name: &str| dig(&lab, &[&[NODE, name, "A"], flags].concat());
        let first = ask("flags.example.org");
        assert!(first.contains("203.0.113.1"), "{first}");
        let again = ask("flags.example.org");
        assert_eq!(flags_line(&again), expected, "{flags:?}: {again}");
        let edns = again.lines().find(|line| line.starts_with("; EDNS:"));
        assert_eq!(edns.is_some(), flags.contains(&"+dnssec"), "{again}");
        assert!(
            edns.is_none_or(|line| line.contains("flags: do;")),
            "{again}"
        );
    }
    // DO and CD are parts of what is cached; RD is not.
    assert_eq!(upstream.questions_for("flags.example.org"), 3);
}

#[test]
fn letters_come_back_in_the_case_they_were_asked_in() {
    if !has(&["dig"]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let _nodens = start(&lab);
    for name in [
        "case.example.org.",
        "CaSe.eXample.oRG.",
        "CASE.EXAMPLE.ORG.",
    ] {
        let text = dig(&lab, &[NODE, name, "A"]);
        assert!(text.contains(&format!(";{name}\t")), "{text}");
        assert!(text.contains("203.0.113.1"), "{text}");
    }
    assert_eq!(upstream.questions_for("case.example.org"), 1);
}

/// A plain cache. It asks an upstream again only after a second and a half, so that a machine that
/// stands still for a moment does not make two questions of one.
pub(super) fn start(lab: &Lab) -> Nodens<'_> {
    Nodens::start(
        lab,
        &format!(
            ".:53 {{\n bind {NODE}\n cache 30\n \
             forward . {UPSTREAM} {{\n read_timeout 1500ms\n }}\n prometheus {NODE}:9253\n}}\n"
        ),
    )
}

/// What dig prints when asked by the client; the first argument is the server.
fn dig(lab: &Lab, arguments: &[&str]) -> String {
    let mut command = lab.client.command("dig");
    command.arg(format!("@{}", arguments[0]));
    command
        .args(["+tries=1", "+timeout=4"])
        .args(&arguments[1..]);
    output(&mut command)
}

fn flags_line(text: &str) -> String {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(";; flags: "));
    line.unwrap().split(';').next().unwrap().trim().to_owned()
}
