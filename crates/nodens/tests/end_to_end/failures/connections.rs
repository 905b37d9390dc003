//! Clients that hold connections, or do not read what they asked for.

use std::io::Write as _;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{
    A, Lab, NODE, Nodens, Stub, StubStream, TXT, UPSTREAM, Upstream, has, question, rcode, socket,
    until,
};

#[test]
fn ten_thousand_open_connections_leave_room_for_others() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::alone();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = start(&lab);
    allow_open_files(COUNT as u64 + 1000);
    let mut stub = Stub::new(&lab.client, socket(NODE));
    stub.ask("www.example.org", A);
    let before = nodens.resident();
    let start = Instant::now();
    let mut connections = lab.client.enter(|| {
        let connect = |_| StubStream::connect_here(socket(NODE));
        (0..COUNT).map(connect).collect::<Vec<_>>()
    });
    let message = question(7, "www.example.org", A);
    for connection in &connections {
        connection.send(&message).unwrap();
    }
    for connection in &connections {
        assert!(connection.receive().unwrap().len() > message.len());
    }
    let took = start.elapsed();
    let open = nodens.metric("nodens_tcp_connections", &[]);
    assert!(open >= COUNT as u64, "{open} after {took:?}");
    let grown = nodens.resident().saturating_sub(before);
    assert!(
        grown < 64 << 20,
        "{} MiB for {COUNT} connections",
        grown >> 20
    );
    // Others are served by either transport.
    let reply = stub.ask("www.example.org", A);
    assert!(
        reply.elapsed < Duration::from_millis(500),
        "{:?}",
        reply.elapsed
    );
    let newcomer = StubStream::connect(&lab.client, socket(NODE));
    let reply = newcomer.ask("other.example.org", A);
    assert_eq!(reply.rcode(), rcode::NOERROR);
    assert!(
        reply.elapsed < Duration::from_secs(1),
        "{:?}",
        reply.elapsed
    );
    // An old connection still works, if it was not idle for longer than connections may be.
    if start.elapsed() < Duration::from_secs(8) {
        let old = connections.pop().unwrap();
        assert_eq!(old.ask("www.example.org", A).rcode(), rcode::NOERROR);
    }
    drop(connections);
    let gone = until(Duration::from_secs(8), || {
        nodens.metric("nodens_tcp_connections", &[]) < 10
    });
    assert!(gone);
}

#[test]
fn a_client_that_never_reads_is_cut_off_and_holds_nothing_up() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let nodens = start(&lab);
    let greedy = StubStream::connect(&lab.client, socket(NODE));
    assert_eq!(greedy.ask("large.example.org", TXT).rcode(), rcode::NOERROR);
    let before = nodens.resident();
    let message = question(7, "large.example.org", TXT);
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    let frames = [&length[..], &message].concat().repeat(1000);
    greedy.socket.set_nonblocking(true).unwrap();
    let mut stub = Stub::new(&lab.client, socket(NODE));
    // It writes questions for as long as they are taken, and is cut off in the end.
    let cut_off = until(Duration::from_secs(15), || {
        let outcome = (&greedy.socket).write(&frames);
        let reply = stub.ask("www.example.org", A);
        assert!(
            reply.elapsed < Duration::from_millis(500),
            "{:?}",
            reply.elapsed
        );
        outcome.is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock)
    });
    assert!(cut_off);
    let grown = nodens.resident().saturating_sub(before);
    assert!(grown < 8 << 20, "{} KiB", grown >> 10);
    assert_eq!(nodens.metric("nodens_dropped_packets_total", &["slow"]), 1);
}

fn start(lab: &Lab) -> Nodens<'_> {
    Nodens::start(
        lab,
        &format!(
            ".:53 {{\n bind {NODE}\n cache\n forward . {UPSTREAM}\n prometheus {NODE}:9253\n}}\n"
        ),
    )
}

/// Lets this process open more files than usual.
fn allow_open_files(count: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= count) {
        return;
    }
    let maximum = limit.maximum.map(|maximum| maximum.max(count));
    let wanted = Rlimit {
        current: Some(count),
        maximum,
    };
    setrlimit(Resource::Nofile, wanted).unwrap();
}

const COUNT: usize = 10_000;
