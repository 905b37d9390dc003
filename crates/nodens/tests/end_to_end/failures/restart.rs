//! The end of a process, asked for or not, and the next one.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{
    A, Behavior, Lab, NODE, Nodens, Stub, StubStream, UPSTREAM, Upstream, has, question, rcode,
    socket, until,
};

#[test]
fn after_a_kill_the_port_is_free_and_the_next_process_answers_within_a_second() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let mut first = Nodens::start(&lab, &corefile());
    let stream = StubStream::connect(&lab.client, socket(NODE));
    assert_eq!(stream.ask("www.example.org", A).rcode(), rcode::NOERROR);
    first.signal(Signal::KILL);
    assert!(first.wait(Duration::from_secs(5)).is_some());

    let start = Instant::now();
    let _second = Nodens::start(&lab, &corefile());
    let mut stub = Stub::new(&lab.client, socket(NODE));
    assert_eq!(stub.ask("www.example.org", A).rcode(), rcode::NOERROR);
    let stream = StubStream::connect(&lab.client, socket(NODE));
    assert_eq!(stream.ask("www.example.org", A).rcode(), rcode::NOERROR);
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_second_process_takes_over_and_no_question_is_lost() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let mut first = Nodens::start(&lab, &corefile());
    let done = AtomicBool::new(false);
    let (asked, lost) = thread::scope(|scope| {
        let client = scope.spawn(|| {
            let (mut asked, mut lost) = (0, 0);
            // Some at once, so that a socket is never closed with nothing in it.
            while !done.load(SeqCst) {
                let stubs: Vec<Stub> = (0..8)
                    .map(|_| Stub::new(&lab.client, socket(NODE)))
                    .collect();
                for stub in &stubs {
                    stub.send_bytes(&question(1, "www.example.org", A));
                }
                for stub in &stubs {
                    lost += usize::from(stub.receive(Duration::from_secs(2)).is_none());
                    asked += 1;
                }
            }
            (asked, lost)
        });
        let second = Nodens::start(&lab, &corefile());
        first.signal(Signal::TERM);
        let ended = first.wait(Duration::from_secs(3));
        // The client goes on for a moment with the second alone.
        thread::sleep(Duration::from_millis(200));
        done.store(true, SeqCst);
        let outcome = client.join().unwrap();
        let pid = lab.directory.path().join("pid");
        let pid = std::fs::read_to_string(pid).unwrap_or_default();
        assert_eq!(
            pid.trim(),
            second.id().to_string(),
            "the file of the second stays"
        );
        assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
        outcome
    });
    assert!(asked >= 50, "{asked}");
    assert_eq!(lost, 0, "of {asked}");
}

#[test]
fn on_sigterm_questions_under_way_are_answered_and_the_process_ends_within_a_second() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let mut nodens = Nodens::start(&lab, &corefile());
    let mut stub = Stub::new(&lab.client, socket(NODE));
    stub.ask("www.example.org", A);
    upstream.behave(Behavior::AnswerAfter(Duration::from_millis(300)));
    let count = 200;
    let before = upstream.udp_questions();
    for number in 0..count {
        stub.send(&format!("late{number}.example.org"), A);
    }
    let stream = StubStream::connect(&lab.client, socket(NODE));
    let last = question(77, "late-by-tcp.example.org", A);
    stream.send(&last).unwrap();
    let all = until(Duration::from_secs(5), || {
        upstream.udp_questions() + upstream.tcp_questions() > before + count
    });
    assert!(all, "{}", upstream.udp_questions() - before);

    let start = Instant::now();
    nodens.signal(Signal::TERM);
    for number in 0..count {
        let reply = stub.receive(Duration::from_secs(2));
        let reply = reply.unwrap_or_else(|| panic!("{number} of {count} replies"));
        assert_eq!(reply.rcode(), rcode::NOERROR);
    }
    let reply = stream.receive().unwrap();
    assert_eq!(reply[..2], [0, 77]);
    let status = nodens.wait(Duration::from_secs(5)).unwrap();
    assert!(status.success(), "{status}: {}", nodens.log());
    assert!(!lab.directory.path().join("pid").exists());
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn on_sigterm_a_silent_upstream_does_not_hold_the_end_up() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    upstream.behave(Behavior::Silent);
    let mut nodens = Nodens::start(&lab, &corefile());
    let mut stub = Stub::new(&lab.client, socket(NODE));
    stub.send("never.example.org", A);
    assert!(until(Duration::from_secs(2), || {
        upstream.udp_questions() > 0
    }));
    let start = Instant::now();
    nodens.signal(Signal::TERM);
    let status = nodens.wait(Duration::from_secs(5)).unwrap();
    assert!(status.success(), "{status}");
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

fn corefile() -> String {
    format!(".:53 {{\n bind {NODE}\n errors\n cache\n forward . {UPSTREAM}\n}}\n")
}

#[test]
fn sigterm_during_a_reload_ends_the_process_all_the_same() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    for round in 0..5 {
        let mut nodens = Nodens::start(&lab, &corefile());
        // A name to be looked up takes a moment, within which the other signal comes.
        let listening = format!("cache\n prometheus localhost:{}", 9300 + round);
        lab.directory
            .write("Corefile", &corefile().replace("cache", &listening));
        nodens.signal(Signal::USR1);
        nodens.signal(Signal::TERM);
        let status = nodens.wait(Duration::from_secs(3));
        assert!(
            status.is_some_and(|status| status.success()),
            "{status:?}: {}",
            nodens.log()
        );
    }
}

#[test]
fn each_signal_means_what_it_does_to_coredns() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    for signal in [Signal::INT, Signal::QUIT, Signal::TERM] {
        let mut nodens = Nodens::start(&lab, &corefile());
        for ignored in [Signal::HUP, Signal::USR2, Signal::PIPE] {
            nodens.signal(ignored);
        }
        let mut stub = Stub::new(&lab.client, socket(NODE));
        assert_eq!(stub.ask("www.example.org", A).rcode(), rcode::NOERROR);
        nodens.signal(signal);
        let status = nodens.wait(Duration::from_secs(2));
        assert_eq!(
            status.and_then(|status| status.code()),
            Some(0),
            "{signal:?}"
        );
    }
}
