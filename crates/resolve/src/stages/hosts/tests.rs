use nodens_dns::{Question, RecordType};

use super::super::fixtures::{block, question, record_text};
use super::{Hosts, HostsOutcome, HostsTable, reverse_address};

const FILE: &str = "127.0.0.1 localhost localhost.domain\n::1 localhost localhost.domain\n\
    10.0.0.1 example.org\n::FFFF:10.0.0.2 example.com\n10.0.0.3 fallthrough-example.org\n\
    1.2.3.4 aa.example.com\n5.6.7.8 *.apps.example.com\n";

/// The stage of `directives` and the table of `FILE`.
fn stage(directives: &str) -> (Hosts, HostsTable) {
    let hosts = Hosts::new(&block(".", directives).hosts.unwrap());
    let table = hosts.table(FILE);
    (hosts, table)
}

fn answer((hosts, table): &(Hosts, HostsTable), qname: &str, qtype: RecordType) -> Vec<String> {
    match hosts.answer(table, &question(qname, qtype)) {
        HostsOutcome::Reply(reply) => {
            assert!(reply.authoritative);
            reply.answers.iter().map(record_text).collect()
        }
        HostsOutcome::Next => vec!["next".to_owned()],
        HostsOutcome::ServerFailure => vec!["SERVFAIL".to_owned()],
    }
}

#[test]
fn names_have_addresses_and_addresses_have_names() {
    let stage = stage("hosts");
    let (a, aaaa, ptr) = (RecordType::A, RecordType::AAAA, RecordType::PTR);
    for (qname, qtype, expected) in [
        ("Example.org", a, &["Example.org. 3600 A 10.0.0.1"][..]),
        ("example.com", a, &["example.com. 3600 A 10.0.0.2"]),
        ("localhost", a, &["localhost. 3600 A 127.0.0.1"]),
        (
            "1.0.0.10.in-addr.arpa",
            ptr,
            &["1.0.0.10.in-addr.arpa. 3600 PTR example.org."],
        ),
        (
            "2.0.0.10.in-addr.arpa",
            ptr,
            &["2.0.0.10.in-addr.arpa. 3600 PTR example.com."],
        ),
        (
            "1.0.0.127.in-addr.arpa",
            ptr,
            &[
                "1.0.0.127.in-addr.arpa. 3600 PTR localhost.",
                "1.0.0.127.in-addr.arpa. 3600 PTR localhost.domain.",
            ],
        ),
        (
            "x.apps.example.com",
            a,
            &["x.apps.example.com. 3600 A 5.6.7.8"],
        ),
    ] {
        assert_eq!(answer(&stage, qname, qtype), expected, "{qname} {qtype}");
    }
    assert_eq!(answer(&stage, "localhost", aaaa).len(), 1);
}

#[test]
fn a_known_name_without_the_type_has_no_data() {
    let stage = stage("hosts");
    for qtype in [RecordType::AAAA, RecordType::MX, RecordType::TXT] {
        assert_eq!(
            answer(&stage, "example.org", qtype),
            Vec::<String>::new(),
            "{qtype}"
        );
        assert_eq!(
            answer(&stage, "y.apps.example.com", qtype),
            Vec::<String>::new(),
            "{qtype}"
        );
    }
}

#[test]
fn an_unknown_name_is_servfail_unless_it_falls_through() {
    let alone = stage("hosts");
    assert_eq!(
        answer(&alone, "nowhere.example.org", RecordType::A),
        ["SERVFAIL"]
    );
    assert_eq!(
        answer(&alone, "nowhere.example.org", RecordType::MX),
        ["SERVFAIL"]
    );
    assert_eq!(
        answer(&alone, "9.0.0.10.in-addr.arpa", RecordType::PTR),
        ["next"]
    );
    let open = stage("hosts {\nfallthrough\n}");
    assert_eq!(
        answer(&open, "nowhere.example.org", RecordType::A),
        ["next"]
    );
    let some = stage("hosts {\nfallthrough example.org\n}");
    assert_eq!(
        answer(&some, "nowhere.example.org", RecordType::A),
        ["next"]
    );
    assert_eq!(
        answer(&some, "nowhere.example.net", RecordType::A),
        ["SERVFAIL"]
    );
}

#[test]
fn names_outside_the_zones_are_neither_read_nor_answered() {
    let stage = stage("hosts /etc/hosts example.org");
    assert_eq!(answer(&stage, "example.org", RecordType::A).len(), 1);
    assert_eq!(answer(&stage, "example.com", RecordType::A), ["next"]);
    assert_eq!(
        answer(&stage, "2.0.0.10.in-addr.arpa", RecordType::PTR),
        ["next"]
    );
    assert_eq!(
        answer(&stage, "1.0.0.10.in-addr.arpa", RecordType::PTR).len(),
        1
    );
}

#[test]
fn lines_of_the_corefile_add_to_the_file() {
    let stage = stage("hosts {\n10.0.0.9 example.org inline.example.org\nttl 5\n}");
    let both = ["example.org. 5 A 10.0.0.1", "example.org. 5 A 10.0.0.9"];
    assert_eq!(answer(&stage, "example.org", RecordType::A), both);
    assert_eq!(answer(&stage, "inline.example.org", RecordType::A).len(), 1);
    assert_eq!(stage.0.entries(&stage.1), stage.1.length + 4);
    let empty = HostsTable::default();
    assert_eq!(empty.length, 0);
    let question = question("inline.example.org", RecordType::A);
    assert!(matches!(
        stage.0.answer(&empty, &question),
        HostsOutcome::Reply(_)
    ));
}

#[test]
fn without_reverse_addresses_have_no_names() {
    let stage = stage("hosts {\nno_reverse\n}");
    assert_eq!(
        answer(&stage, "1.0.0.10.in-addr.arpa", RecordType::PTR),
        ["next"]
    );
    assert_eq!(stage.1.length, 9);
}

#[test]
fn a_wildcard_stands_for_one_label() {
    let hosts = Hosts::new(&block(".", "hosts").hosts.unwrap());
    let text = "127.0.0.53 *.example.org\n127.0.1.52 *.intern.example.org\n\
        127.0.0.54 foo.example.org\n192.168.33.10 *.example.com\n2001:db8::1 foo.example.org\n\
        192.0.2.1 *\n";
    let stage = (hosts.clone(), hosts.table(text));
    for (qname, expected) in [
        ("foo.example.org", "127.0.0.54"),
        ("bar.Example.org", "127.0.0.53"),
        ("bar.intern.example.org", "127.0.1.52"),
        ("c.example.com", "192.168.33.10"),
    ] {
        let answer = answer(&stage, qname, RecordType::A);
        assert_eq!(answer, [format!("{qname}. 3600 A {expected}")]);
    }
    for qname in ["example.com", "deep.foo.example.org", "com", "."] {
        assert_eq!(
            answer(&stage, qname, RecordType::A),
            ["SERVFAIL"],
            "{qname}"
        );
    }
    let ptr = answer(&stage, "53.0.0.127.in-addr.arpa", RecordType::PTR);
    assert_eq!(ptr, ["next"], "a wildcard is nobody's name");
}

#[test]
fn reverse_names_are_addresses() {
    let v6 = "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    for (name, expected) in [
        ("4.3.2.1.in-addr.arpa", Some("1.2.3.4")),
        ("4.3.2.1.IN-ADDR.arpa", Some("1.2.3.4")),
        (v6, Some("2001:db8::567:89ab")),
        ("3.2.1.in-addr.arpa", None),
        ("5.4.3.2.1.in-addr.arpa", None),
        ("256.3.2.1.in-addr.arpa", None),
        ("1.0.0.2.ip6.arpa", None),
        ("arpa", None),
        (".", None),
    ] {
        let address = reverse_address(&name.parse().unwrap());
        assert_eq!(
            address.map(|address| address.to_string()).as_deref(),
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_question_of_any_class_is_answered_alike() {
    let (hosts, table) = stage("hosts");
    let chaos = Question {
        qclass: nodens_dns::Class::CH,
        ..question("example.org", RecordType::A)
    };
    assert!(matches!(
        hosts.answer(&table, &chaos),
        HostsOutcome::Reply(_)
    ));
}
