//! A refusal comes at once; asking again at once would be a busy loop.

use std::time::{Duration, Instant};

use crate::support::{A, Lab, NODE, Nodens, Stub, UPSTREAM, Upstream, has, rcode, socket, until};

#[test]
fn a_closed_upstream_costs_next_to_no_cpu() {
    if !has(&[]) {
        return;
    }
    for option in ["", "force_tcp", "max_fails 0"] {
        let lab = Lab::new();
        let nodens = Nodens::start(
            &lab,
            &format!(
                ".:53 {{\n bind {NODE}\n errors\n cache\n forward . {UPSTREAM} {{\n {option}\n }}\n}}\n"
            ),
        );
        let mut stub = Stub::new(&lab.client, socket(NODE));
        let (start, before) = (Instant::now(), nodens.cpu_time());
        let mut questions = 0;
        // New names all the while: nothing is known, everything fails.
        while start.elapsed() < Duration::from_secs(3) {
            for _ in 0..10 {
                stub.send(&format!("closed{questions}.example.org"), A);
                questions += 1;
            }
            while stub.receive(Duration::from_millis(50)).is_some() {}
        }
        let used = nodens.cpu_time().saturating_sub(before);
        let share = used.as_secs_f64() / start.elapsed().as_secs_f64();
        assert!(share < 0.10, "{option}: {used:?} for {questions} questions");
    }
}

#[test]
fn a_closed_upstream_is_taken_to_be_down_and_is_back_without_being_asked() {
    if !has(&[]) {
        return;
    }
    for option in ["", "force_tcp"] {
        let lab = Lab::new();
        let nodens = Nodens::start(
            &lab,
            &format!(
                ".:53 {{\n bind {NODE}\n cache\n forward . {UPSTREAM} {{\n {option}\n }}\n \
                 prometheus {NODE}:9253\n}}\n"
            ),
        );
        let mut stub = Stub::new(&lab.client, socket(NODE));
        stub.ask("www.example.org", A);
        let to = format!("to=\"{UPSTREAM}:53\"");
        let healthy = || nodens.metric("nodens_upstream_healthy", &[&to]) == 1;
        assert!(until(Duration::from_secs(6), || !healthy()), "{option}");
        nodens.wait_for_log("upstream 198.51.100.53:53 is taken to be down", 1);
        let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
        assert!(until(Duration::from_secs(3), healthy), "{option}");
        nodens.wait_for_log("upstream 198.51.100.53:53 answers again", 1);
        let reply = stub.ask("new.example.org", A);
        assert_eq!(reply.rcode(), rcode::NOERROR, "{option}");
        assert!(
            reply.elapsed < Duration::from_millis(500),
            "{:?}",
            reply.elapsed
        );
    }
}
