//! Many questions at once.

use std::fmt::Write as _;

use super::dig::start;
use crate::support::{A, AAAA, Lab, NODE, Stub, UPSTREAM, Upstream, has, output, rcode, socket};

#[test]
fn dnsperf_loses_nothing() {
    if !has(&["dnsperf"]) {
        return;
    }
    let lab = Lab::alone();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = start(&lab);
    let mut questions = String::new();
    for number in 0..500 {
        writeln!(questions, "name{number}.example.org A").unwrap();
        writeln!(questions, "name{number}.example.org AAAA").unwrap();
        writeln!(questions, "name{}.nx.example A", number % 50).unwrap();
    }
    let questions = lab.directory.write("questions", &questions);
    for mode in ["udp", "tcp"] {
        let mut command = lab.client.command("dnsperf");
        command.args(["-s", NODE, "-m", mode, "-c", "4", "-q", "50", "-l", "3"]);
        let text = output(command.arg("-d").arg(&questions));
        let number = |what: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(what));
            let word = line.and_then(|line| line.split_whitespace().next());
            word.and_then(|word| word.parse::<u64>().ok()).unwrap()
        };
        assert_eq!(number("Queries lost:"), 0, "{mode}: {text}");
        assert!(number("Queries completed:") > 3000, "{mode}: {text}");
        assert!(!text.contains("SERVFAIL"), "{mode}: {text}");
    }
    // 1050 different questions, each asked once however often it came, and once more at most where both workers asked at once.
    let asked = upstream.udp_questions() + upstream.tcp_questions();
    assert!((1050..=2200).contains(&asked), "{asked}");
    assert!(nodens.metric("coredns_cache_hits_total", &[]) > 3000);
}

#[test]
fn two_questions_from_one_socket_get_two_replies() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let _nodens = start(&lab);
    let mut stub = Stub::new(&lab.client, socket(NODE));
    for number in 0..50 {
        let name = format!("both{number}.example.org");
        let mut wanted = vec![stub.send(&name, A), stub.send(&name, AAAA)];
        while !wanted.is_empty() {
            let reply = stub.receive(std::time::Duration::from_secs(4)).unwrap();
            let place = wanted.iter().position(|&id| id == reply.id());
            wanted.swap_remove(place.expect("a reply to one of the two"));
            assert_eq!(reply.rcode(), rcode::NOERROR);
            assert_eq!(reply.answers().len(), 1);
        }
    }
}
