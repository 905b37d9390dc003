//! A new configuration: no question lost, no socket closed, nothing forgotten.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{
    A, Behavior, Lab, NODE, Nodens, Stub, StubStream, UPSTREAM, Upstream, has, rcode, socket,
};

#[test]
fn a_reload_asked_for_loses_no_question_and_keeps_cache_and_connections() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = Nodens::start(&lab, &corefile("", 30));
    let mut stub = Stub::new(&lab.client, socket(NODE));
    let stream = StubStream::connect(&lab.client, socket(NODE));
    stub.ask("kept.example.org", A);
    let before = sockets(&lab);
    for round in 1..=3 {
        // A question under way while the configuration changes.
        upstream.behave(Behavior::AnswerAfter(Duration::from_millis(200)));
        let under_way = Stub::new(&lab.client, socket(NODE));
        under_way.send_bytes(&crate::support::question(
            9,
            &format!("way{round}.example.org"),
            A,
        ));
        lab.directory.write("Corefile", &corefile("", 30 + round));
        nodens.signal(Signal::USR1);
        let end = Instant::now() + Duration::from_millis(600);
        while Instant::now() < end {
            let reply = stub.try_ask("kept.example.org", A, Duration::from_millis(500));
            assert_eq!(reply.expect("a reply").rcode(), rcode::NOERROR);
        }
        nodens.wait_for_log("[INFO] Reloading complete", usize::try_from(round).unwrap());
        let reply = under_way.receive(Duration::from_secs(2)).expect("a reply");
        assert_eq!(reply.rcode(), rcode::NOERROR);
        upstream.behave(Behavior::Answer);
    }
    assert_eq!(upstream.questions_for("kept.example.org"), 1);
    assert_eq!(stream.ask("kept.example.org", A).rcode(), rcode::NOERROR);
    assert_eq!(sockets(&lab), before, "the same sockets listen");
}

#[test]
fn a_changed_file_is_noticed_and_a_changed_comment_is_not() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = Nodens::start(&lab, &corefile("reload 2s 1s", 30));
    nodens.wait_for_log("[INFO] plugin/reload: Running configuration SHA512 = ", 1);
    let mut stub = Stub::new(&lab.client, socket(NODE));
    stub.ask("kept.example.org", A);
    let commented = format!("# A comment.\n{}", corefile("reload  2s 1s", 30));
    lab.directory.write("Corefile", &commented);
    let ask_for = |stub: &mut Stub, time| {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let reply = stub.try_ask("kept.example.org", A, Duration::from_secs(1));
            assert_eq!(reply.expect("a reply").rcode(), rcode::NOERROR);
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    ask_for(&mut stub, Duration::from_secs(4));
    assert!(!nodens.log().contains("Reloading"), "{}", nodens.log());
    let answers = "template IN A {\n answer \"{{ .Name }} 60 IN A 192.0.2.77\"\n }\n reload 2s 1s";
    let answers = answers.replace("template IN A", "template IN A made.example.org");
    lab.directory.write("Corefile", &corefile(&answers, 30));
    let changed = crate::support::until(Duration::from_secs(5), || {
        ask_for(&mut stub, Duration::from_millis(50));
        nodens.log().contains("[INFO] Reloading complete")
    });
    assert!(changed, "{}", nodens.log());
    let reply = stub.ask("made.example.org", A);
    assert_eq!(
        reply.address(),
        Some("192.0.2.77".parse().unwrap()),
        "{}",
        nodens.log()
    );
    assert_eq!(upstream.questions_for("kept.example.org"), 1);
    nodens.wait_for_log("[INFO] plugin/reload: Running configuration SHA512 = ", 2);
}

#[test]
fn an_address_that_comes_and_one_that_goes_leave_the_others_alone() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = Nodens::start(&lab, &corefile("", 30));
    let with_other = |bind: &str| corefile("", 30).replace(NODE, bind);
    let both = format!("{NODE} {}", crate::support::NODE_OTHER);
    let text =
        with_other(&both).replace(&format!("prometheus {both}"), &format!("prometheus {NODE}"));
    lab.directory.write("Corefile", &text);
    nodens.signal(Signal::USR1);
    nodens.wait_for_log("[INFO] Reloading complete", 1);
    for address in [NODE, crate::support::NODE_OTHER] {
        let mut stub = Stub::new(&lab.client, socket(address));
        assert_eq!(stub.ask("www.example.org", A).rcode(), rcode::NOERROR);
    }
    lab.directory.write("Corefile", &corefile("", 30));
    nodens.signal(Signal::USR1);
    nodens.wait_for_log("[INFO] Reloading complete", 2);
    let mut stub = Stub::new(&lab.client, socket(NODE));
    assert_eq!(stub.ask("www.example.org", A).rcode(), rcode::NOERROR);
    let closed = crate::support::until(Duration::from_secs(5), || {
        !sockets(&lab).contains("192.0.2.2:53")
    });
    assert!(closed, "{}", sockets(&lab));
}

/// The listening sockets of the node, with their inode numbers.
fn sockets(lab: &Lab) -> String {
    let mut command = lab.node.command("ss");
    command.args(["-H", "-n", "-l", "-u", "-t", "-e", "sport", "=", ":53"]);
    let text = crate::support::output(&mut command);
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| {
            let wanted = |word: &&str| word.contains(":53") || word.starts_with("ino:");
            line.split_whitespace()
                .filter(wanted)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

fn corefile(directives: &str, seconds: u32) -> String {
    format!(
        ".:53 {{\n bind {NODE}\n errors\n cache {seconds}\n {directives}\n forward . {UPSTREAM} {{\n read_timeout 1500ms\n }}\n \
         prometheus {NODE}:9253\n}}\n"
    )
}
