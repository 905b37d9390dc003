//! `/health` and `/ready` tell the truth.

use std::time::Duration;

use crate::support::{
    A, Behavior, Lab, NODE, Nodens, Process, Stub, UPSTREAM, Upstream, has, socket, until,
};

#[test]
fn health_and_ready_do_not_depend_on_upstreams() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    upstream.behave(Behavior::Silent);
    let nodens = Nodens::start(&lab, &corefile());
    let ready = until(Duration::from_secs(3), || {
        nodens.page(8181, "/ready").0 == 200
    });
    assert!(ready, "{:?}", nodens.page(8181, "/ready"));
    assert_eq!(nodens.page(8080, "/health"), (200, "OK".into()));
    assert_eq!(nodens.page(8080, "/other").0, 404);
    assert_eq!(nodens.metric("nodens_healthy", &[]), 1);
    let mut stub = Stub::new(&lab.client, socket(NODE));
    stub.ask("www.example.org", A);
    assert_eq!(nodens.page(8080, "/health"), (200, "OK".into()));
}

/// A worker is held up inside a system call, as by a kernel or a file system that hangs.
#[test]
fn health_fails_while_a_worker_hangs_and_recovers() {
    if !has(&["strace"]) {
        return;
    }
    let lab = Lab::new();
    let nodens = Nodens::start(&lab, &corefile());
    let healthy = || nodens.page(8080, "/health").0 == 200;
    assert!(until(Duration::from_secs(3), healthy));
    let mut strace = lab.node.command("strace");
    strace.args([
        "-qq",
        "-e",
        "inject=epoll_wait,epoll_pwait,epoll_pwait2:delay_exit=30000000",
    ]);
    strace.args([
        "-o",
        "/dev/null",
        "-p",
        &nodens.thread("worker-0").to_string(),
    ]);
    let tracer = Process::spawn(&mut strace);
    let failed = until(Duration::from_secs(10), || {
        nodens.page(8080, "/health").0 == 503
    });
    assert!(failed, "{:?}", nodens.page(8080, "/health"));
    let (_, reason) = nodens.page(8080, "/health");
    assert!(
        reason.starts_with("a worker has not moved for "),
        "{reason}"
    );
    assert_eq!(nodens.metric("nodens_healthy", &[]), 0);
    // The tracer lets go of the worker when it ends.
    drop(tracer);
    assert!(
        until(Duration::from_secs(5), healthy),
        "{:?}",
        nodens.page(8080, "/health")
    );
}

fn corefile() -> String {
    format!(
        ".:53 {{\n bind {NODE}\n cache\n forward . {UPSTREAM}\n health {NODE}:8080\n ready {NODE}:8181\n \
         prometheus {NODE}:9253\n}}\n"
    )
}
