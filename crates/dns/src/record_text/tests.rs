use super::records_from_text;
use crate::builder::Record;
use crate::iana::{Class, RecordType};

#[test]
fn time_to_live_and_class_may_stand_in_either_order_or_be_left_out() {
    let expected = |ttl| Record::new("x".parse().unwrap(), RecordType::A, ttl, &[192, 0, 2, 1]);
    for text in [
        "x. 60 IN A 192.0.2.1",
        "x. IN 60 A 192.0.2.1",
        "x 60 A 192.0.2.1",
        "x. 1m in a 192.0.2.1",
    ] {
        assert_eq!(one(text), expected(60), "{text}");
    }
    assert_eq!(one("x. IN A 192.0.2.1"), expected(3600));
    assert_eq!(one("x. 1w1d1h1m1s A 192.0.2.1").ttl, 694_861);
    assert_eq!(one("x. 60 CH TXT \"test\"").class, Class::CH);
}

#[test]
fn the_data_of_common_types_is_read() {
    for (text, expected) in [
        ("A 192.0.2.1", &[192, 0, 2, 1][..]),
        (
            "AAAA 2001:db8::1",
            &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ),
        (
            "CNAME target.example.org",
            b"\x06target\x07example\x03org\0",
        ),
        ("CNAME @", b"\0"),
        ("NS ns.example.", b"\x02ns\x07example\0"),
        ("PTR a\\.b.example.", b"\x03a.b\x07example\0"),
        ("MX 10 mail", b"\0\x0a\x04mail\0"),
        ("TXT \"a b\" c \"\"", b"\x03a b\x01c\0"),
        ("TXT a\\032\\\"b", b"\x04a \"b"),
        ("HINFO \"ANY obsoleted\" x", b"\x0dANY obsoleted\x01x"),
        ("SRV 0 5 5060 sip", b"\0\0\0\x05\x13\xc4\x03sip\0"),
        (
            "SOA a. b. (1 2 3\n 4 1h)",
            b"\x01a\0\x01b\0\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\x0e\x10",
        ),
        ("CAA 0 issue \"ca.example\"", b"\0\x05issueca.example"),
        (
            "NAPTR 100 10 u E2U+sip \"!^.*$!sip:a@b!\" .",
            b"\0\x64\0\x0a\x01u\x07E2U+sip\x0e!^.*$!sip:a@b!\0",
        ),
        ("URI 1 2 \"http://x\"", b"\0\x01\0\x02http://x"),
        ("DS 1 8 2 00 ff", b"\0\x01\x08\x02\0\xff"),
        (
            "DNSKEY 256 3 13 AQID BA==",
            b"\x01\0\x03\x0d\x01\x02\x03\x04",
        ),
        ("SSHFP 1 2 0a0B", b"\x01\x02\x0a\x0b"),
        ("TLSA 3 1 1 00", b"\x03\x01\x01\0"),
        ("RP a. b.", b"\x01a\0\x01b\0"),
        ("TYPE65280 \\# 3 01 0203", b"\x01\x02\x03"),
        ("TYPE65280 \\# 0", b""),
        ("A \\# 4 c0000201", b"\xc0\0\x02\x01"),
    ] {
        let record = one(&format!("x. 60 IN {text}"));
        assert_eq!(record.rdata, expected, "{text}");
    }
}

#[test]
fn service_parameters_are_written_in_order() {
    for (text, expected) in [
        ("SVCB 0 y.", &b"\0\0\x01y\0"[..]),
        (
            "HTTPS 1 . port=443 alpn=h2,h3",
            b"\0\x01\0\0\x01\0\x06\x02h2\x02h3\0\x03\0\x02\x01\xbb",
        ),
        (
            "HTTPS 1 . alpn=\"h2\" ipv4hint=192.0.2.1,192.0.2.2",
            b"\0\x01\0\0\x01\0\x03\x02h2\0\x04\0\x08\xc0\0\x02\x01\xc0\0\x02\x02",
        ),
        (
            "HTTPS 1 . mandatory=port,alpn alpn=h2 no-default-alpn port=1",
            b"\0\x01\0\0\0\0\x04\0\x01\0\x03\0\x01\0\x03\x02h2\0\x02\0\0\0\x03\0\x02\0\x01",
        ),
        (
            "SVCB 1 . alpn=\"a\\,b,c\" key65000=x\\032y",
            b"\0\x01\0\0\x01\0\x06\x03a,b\x01c\xfd\xe8\0\x03x y",
        ),
        (
            "SVCB 1 . ipv6hint=2001:db8::1",
            b"\0\x01\0\0\x06\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01",
        ),
    ] {
        let record = one(&format!("x. 60 IN {text}"));
        assert_eq!(record.rdata, expected, "{text}");
    }
}

#[test]
fn comments_blank_lines_and_indented_lines_are_understood() {
    let text = "\n; only a comment\nx. 60 A 192.0.2.1 ; more\n   TXT ( \"a\" ; b\n \"c\" )\n";
    let records = records_from_text(text, 5).unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].owner, "x".parse().unwrap());
    assert_eq!(
        (records[1].ttl, &records[1].rdata[..]),
        (5, &b"\x01a\x01c"[..])
    );
    assert_eq!(records_from_text("", 5).unwrap(), []);
}

#[test]
fn what_is_not_a_record_is_refused_with_its_place() {
    for (text, expected) in [
        (
            "test.example.",
            "1:14: expected a time to live, class or type",
        ),
        (
            "<no value> 60 IN A 1.2.3.4",
            "1:5: expected a time to live, class or type, found \"value>\"",
        ),
        (
            "x. 60 IN BOGUS y",
            "1:10: expected a time to live, class or type, found \"BOGUS\"",
        ),
        (
            "x. 60 IN ANY y",
            "1:10: expected a time to live, class or type, found \"ANY\"",
        ),
        (
            "x. 60 IN A 300.0.0.1",
            "1:12: expected an IPv4 address, found \"300.0.0.1\"",
        ),
        (
            "x. 60 IN A 1.2.3.4 extra",
            "1:20: \"extra\" is more than the type holds",
        ),
        ("x. 60 IN A", "1:11: expected an IPv4 address"),
        ("x. 60 IN TXT", "1:13: expected a string"),
        (
            "x..y. 60 IN A 1.2.3.4",
            "1:1: \"x..y.\" is not a name: a label is empty",
        ),
        (
            "(x. 60 IN A 1.2.3.4",
            "1:1: the parenthesis is never closed",
        ),
        (
            "x. 60 IN A 1.2.3.4)",
            "1:19: the parenthesis was never opened",
        ),
        ("x. 60 IN TXT \"a", "1:14: the quote is never closed"),
        (" 60 IN A 1.2.3.4", "1:2: the record has no owner name"),
        ("$INCLUDE /etc/hosts", "1:1: a directive is not a record"),
        (
            "x. 60 IN LOC 1 2 3 N 1 1 1 E 1m",
            "1:14: data of type LOC can only be given as \\# LENGTH HEX",
        ),
        (
            "x. 60 IN A \\# 3 010203",
            "1:23: 3 bytes are not an address",
        ),
        (
            "x. 60 IN NS \\# 2 c00c",
            "1:22: the data holds no name: the name has a label of a reserved type",
        ),
        (
            "x. 60 IN MX \\# 2 000a",
            "1:22: the data holds no name: the name runs past the end of the message",
        ),
        (
            "x. 60 IN TYPE9 \\# 2 01",
            "1:23: 1 bytes of data where 2 were announced",
        ),
        (
            "x. 60 IN HTTPS 1 . port=1 port=2",
            "1:27: parameter \"port\": given twice",
        ),
        (
            "x. 60 IN HTTPS 1 . port=x",
            "1:20: parameter \"port\": not a value of it",
        ),
        ("x. 60 IN TXT \\25", "1:14: an escape is not \\DDD or \\X"),
        ("x. 60 IN TXT \\999", "1:14: an escape is not \\DDD or \\X"),
    ] {
        let error = records_from_text(text, 5).expect_err(text);
        assert_eq!(
            error.to_string(),
            format!("record text {expected}"),
            "{text}"
        );
    }
    let long = format!("x. 60 IN TXT {}", "y".repeat(256));
    assert!(
        records_from_text(&long, 5)
            .unwrap_err()
            .problem
            .contains("longer than 255")
    );
}

#[test]
fn any_text_is_records_or_an_error_and_never_a_panic() {
    let pieces = [
        "x.",
        " ",
        " ",
        "60",
        "IN",
        "A",
        "TXT",
        "SOA",
        "MX",
        "SVCB",
        "CAA",
        "NAPTR",
        "1.2.3.4",
        "\"",
        "\\",
        "\\032",
        "\\#",
        "(",
        ")",
        ";",
        "\n",
        "\t",
        "@",
        "$",
        "0",
        "aa",
        "alpn=",
        "h2",
        ",",
        "=",
        ".",
        "..",
        "TYPE1",
        "CLASS9",
        "\u{e9}",
        "\0",
        "DNSKEY",
        "key65",
        "mandatory=",
        "ipv4hint=",
        "\r",
    ];
    let mut state = 1_u64;
    for _ in 0..50_000 {
        let mut text = String::from(if state >> 63 == 1 { "x. 60 IN " } else { "" });
        for _ in 0..10 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            text.push_str(pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]);
            text.push_str(if state >> 20 & 1 == 1 { " " } else { "" });
        }
        let _ = records_from_text(&text, 5);
    }
}

fn one(text: &str) -> Record {
    let mut records =
        records_from_text(text, 3600).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(records.len(), 1, "{text}");
    records.remove(0)
}
