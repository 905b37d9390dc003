//! Tests of `hosts`.

use super::super::tests::{block, config, problem};
use super::*;

#[test]
fn everything_has_a_default() {
    let hosts = block("hosts").hosts.unwrap();
    assert_eq!(hosts.path, PathBuf::from("/etc/hosts"));
    assert_eq!(hosts.zones, ["example.org."]);
    assert_eq!(hosts.ttl, 3600);
    assert!(hosts.reverse);
    assert_eq!(hosts.reload, Some(Duration::from_secs(5)));
    assert_eq!(hosts.fallthrough, Vec::<String>::new());
}

#[test]
fn file_zones_lines_and_properties_are_read() {
    let hosts = block(
        "hosts /tmp/hosts example.net 192.0.2.0/24 {\n192.0.2.1 A.example.net b\n\
         2001:db8::1 a.example.net # comment\nttl 60\nno_reverse\nreload 0s\n\
         fallthrough example.net\n}",
    )
    .hosts
    .unwrap();
    assert_eq!(hosts.path, PathBuf::from("/tmp/hosts"));
    assert_eq!(hosts.zones, ["example.net.", "2.0.192.in-addr.arpa."]);
    assert_eq!(hosts.inline[0].names, ["a.example.net.", "b."]);
    assert_eq!(
        hosts.inline[1].address,
        "2001:db8::1".parse::<IpAddr>().unwrap()
    );
    assert_eq!(hosts.ttl, 60);
    assert!(!hosts.reverse);
    assert_eq!(hosts.reload, None);
    assert_eq!(hosts.fallthrough, ["example.net."]);
}

#[test]
fn fallthrough_without_zones_is_for_every_name() {
    assert_eq!(
        block("hosts {\nfallthrough\n}").hosts.unwrap().fallthrough,
        ["."]
    );
}

#[test]
fn a_line_that_is_no_entry_does_nothing_and_is_noted() {
    let config = config("hosts {\nttll 5\n192.0.2.1\n}").unwrap();
    assert_eq!(config.blocks[0].hosts.as_ref().unwrap().inline, []);
    assert_eq!(config.notes.len(), 2);
    assert_eq!(config.notes[0].position.line, 3);
}

#[test]
fn wrong_values_are_refused() {
    for (text, message) in [
        (
            "hosts\nhosts",
            "this plugin can only be used once per Server Block",
        ),
        ("hosts {\nttl\n}", "ttl needs a time in second"),
        ("hosts {\nttl x\n}", "ttl needs a number of second"),
        ("hosts {\nttl 0\n}", "ttl provided is invalid"),
        ("hosts {\nttl 65536\n}", "ttl provided is invalid"),
        (
            "hosts {\nreload\n}",
            "reload needs a duration (zero seconds to disable)",
        ),
        ("hosts {\nreload 5\n}", "invalid duration for reload '5'"),
        (
            "hosts {\nreload -5s\n}",
            "invalid negative duration for reload '-5s'",
        ),
        (
            "hosts {\nfallthrough\n192.0.2.1 a\n}",
            "unknown property '192.0.2.1'",
        ),
    ] {
        assert_eq!(problem(text).message, message, "{text}");
    }
}

#[test]
fn the_lines_of_a_file_are_addresses_and_names() {
    let entries = hosts_entries(
        "# hosts\n127.0.0.1 localhost\nfe80::1%lo0 Local # x\n\n::ffff:192.0.2.1 mapped\nx y\n192.0.2.9\n",
    );
    let lines: Vec<String> = entries
        .iter()
        .map(|entry| format!("{} {}", entry.address, entry.names.join(" ")))
        .collect();
    assert_eq!(
        lines,
        [
            "127.0.0.1 localhost.",
            "fe80::1 local.",
            "192.0.2.1 mapped."
        ]
    );
}
