//! The resolvers that programs are linked with: glibc, musl, Go.
//!
//! glibc and musl send A and AAAA from one socket, and wait for both (resolv.conf(5),
//! `single-request`); all three go through the search list.

use std::path::Path;

use super::dig::start;
use crate::support::{Behavior, Lab, NODE, UPSTREAM, Upstream, compiled, has, output, socket};

#[test]
fn glibc_looks_names_up() {
    if has(&["cc"]) {
        looks_names_up("lookup.c", &["cc", "-O1"]);
    }
}

#[test]
fn musl_looks_names_up() {
    if has(&["musl-gcc"]) {
        looks_names_up("lookup.c", &["musl-gcc", "-O1", "-static"]);
    }
}

#[test]
fn go_looks_names_up() {
    if has(&["go"]) {
        looks_names_up("lookup.go", &["go", "build"]);
    }
}

fn looks_names_up(source: &str, compiler: &[&str]) {
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = start(&lab);
    let program = compiled(&lab, source, compiler);
    // Both kinds of address, without a search: a name with a final dot, and one with enough dots.
    for name in ["www.example.org.", "www.example.org", "www.example.org"] {
        let found = look_up(&lab, &program, name, "options ndots:1");
        assert_eq!(found, ["2001:db8::1", "203.0.113.1"], "{name}");
    }
    assert_eq!(
        upstream.questions_for("www.example.org"),
        2,
        "asked once for each type"
    );
    // As in a pod: the name exists nowhere in the search list but as it is.
    let search = "search nx.svc.example nx.example\noptions ndots:5";
    let found = look_up(&lab, &program, "api.example.org", search);
    assert_eq!(found, ["2001:db8::1", "203.0.113.1"]);
    assert!(upstream.questions_for("api.example.org.nx.svc.example") > 0);
    assert!(upstream.questions_for("api.example.org.nx.example") > 0);
    // The answer is found below the second name of the list.
    let search = "search nx.example found.example\noptions ndots:5";
    let found = look_up(&lab, &program, "api", search);
    assert_eq!(found, ["2001:db8::1", "203.0.113.1"]);
    assert_eq!(upstream.questions_for("api"), 0);
    // A name that does not exist is said to be so, and not taken for a failure.
    let found = look_up(&lab, &program, "gone.nx.example.", "options ndots:1").concat();
    let words = [
        "not known",
        "does not resolve",
        "No address",
        "no such host",
    ];
    assert!(words.iter().any(|words| found.contains(words)), "{found}");
    // Not even while the upstream is silent does a program wait for its own timeout of 5 s.
    upstream.behave(Behavior::Silent);
    let before = nodens.metric("coredns_dns_responses_total", &["rcode=\"SERVFAIL\""]);
    look_up(
        &lab,
        &program,
        "silent.example.org.",
        "options ndots:1 attempts:1",
    );
    let after = nodens.metric("coredns_dns_responses_total", &["rcode=\"SERVFAIL\""]);
    assert!(after > before, "{before} {after}");
}

/// Runs the program with a resolv.conf of its own.
fn look_up(lab: &Lab, program: &Path, name: &str, lines: &str) -> Vec<String> {
    let resolv_conf = format!("nameserver {NODE}\n{lines}\n");
    let resolv_conf = lab.directory.write("resolv.conf", &resolv_conf);
    let nsswitch = lab.directory.write("nsswitch.conf", "hosts: dns\n");
    let script = "mount --bind \"$1\" /etc/resolv.conf && mount --bind \"$2\" /etc/nsswitch.conf \
                  && exec \"$3\" \"$4\"";
    let mut command = lab.client.command("unshare");
    command.args([
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        script,
        "sh",
    ]);
    command
        .arg(resolv_conf)
        .arg(nsswitch)
        .arg(program)
        .arg(name);
    command.env("GODEBUG", "netdns=go");
    let mut lines: Vec<String> = output(&mut command).lines().map(String::from).collect();
    lines.sort();
    lines.dedup();
    lines
}
