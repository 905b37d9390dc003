//! The file of `hosts` changes while it is in use.

use std::time::Duration;

use crate::support::{A, Lab, NODE, Nodens, Stub, UPSTREAM, Upstream, has, socket, until};

#[test]
fn a_changed_hosts_file_is_picked_up() {
    if !has(&[]) {
        return;
    }
    let lab = Lab::new();
    let _upstream = Upstream::start(&lab.upstream, socket(UPSTREAM));
    let hosts = lab.directory.write("hosts", "192.0.2.41 db.example.org\n");
    let nodens = Nodens::start(
        &lab,
        &format!(
            ".:53 {{\n bind {NODE}\n errors\n hosts {} {{\n ttl 1\n reload 1s\n fallthrough\n }}\n forward . {UPSTREAM}\n}}\n",
            hosts.display()
        ),
    );
    let mut stub = Stub::new(&lab.client, socket(NODE));
    let mut address = |name: &str| {
        stub.ask(name, A)
            .address()
            .map(|address| address.to_string())
    };
    assert_eq!(address("db.example.org").as_deref(), Some("192.0.2.41"));
    assert_eq!(
        address("new.example.org").as_deref(),
        Some("203.0.113.1"),
        "falls through"
    );
    lab.directory.write(
        "hosts",
        "192.0.2.42 db.example.org\n192.0.2.43 new.example.org\n",
    );
    let changed = until(Duration::from_secs(6), || {
        address("db.example.org").as_deref() == Some("192.0.2.42")
    });
    assert!(changed, "{}", nodens.log());
    assert_eq!(address("new.example.org").as_deref(), Some("192.0.2.43"));
    // A file that is gone for a moment, as when an editor saves it, takes nothing away.
    std::fs::remove_file(&hosts).unwrap();
    nodens.wait_for_log("the entries read last stay", 1);
    assert_eq!(address("db.example.org").as_deref(), Some("192.0.2.42"));
}
