use nodens_dns::{Class, EdnsOption, Message, Question, Rcode, RecordType, Section};

use super::{Origin, Reverter, Rewrite, Rewritten};
use crate::client::Transport;
use crate::stages::fixtures::{block, question, records, reply};

fn stage(rules: &str) -> Rewrite {
    Rewrite::new(&block(".", rules).rewrite)
}

fn origin() -> Origin {
    Origin {
        peer: "192.0.2.77:40212".parse().unwrap(),
        local: "192.0.2.53:53".parse().unwrap(),
        transport: Transport::Udp,
    }
}

fn rewritten(rules: &str, question: &Question) -> Rewritten {
    stage(rules).rewrite(question, &[], &origin()).unwrap()
}

/// The name that is asked in place of `qname`.
fn asked(rules: &str, qname: &str) -> String {
    rewritten(rules, &question(qname, RecordType::A))
        .question
        .qname
        .to_string()
}

fn reverter(rules: &str, qname: &str) -> (Question, Reverter) {
    let rewritten = rewritten(rules, &question(qname, RecordType::A));
    (rewritten.question, rewritten.reverter.unwrap())
}

/// What the client sees of a reply with these answers.
fn seen(rules: &str, qname: &str, answers: &str) -> Vec<String> {
    let (asked, reverter) = reverter(rules, qname);
    let message = reverter.apply(&reply(&asked, Rcode::NOERROR, [answers, "", ""]), None);
    let question = Message::parse(&message)
        .unwrap()
        .question()
        .unwrap()
        .unwrap();
    assert_eq!(
        question.qname.as_wire(),
        self::question(qname, RecordType::A).qname.as_wire()
    );
    records(&message, Section::Answer)
}

#[test]
fn names_are_rewritten_in_every_way() {
    for (rules, from, expected) in [
        ("rewrite name from.nl. to.nl.", "From.nl", "to.nl."),
        ("rewrite name exact from.nl to.nl", "from.nl", "to.nl."),
        (
            "rewrite stop name exact from.nl to.nl",
            "x.from.nl",
            "x.from.nl.",
        ),
        (
            "rewrite name prefix foo bar",
            "foo.example.com",
            "bar.example.com.",
        ),
        (
            "rewrite name prefix foo. bar.",
            "foo.example.com",
            "bar.example.com.",
        ),
        ("rewrite name prefix foo bar", "coredns.foo", "coredns.foo."),
        (
            "rewrite name suffix com org",
            "foo.example.com",
            "foo.example.org.",
        ),
        (
            "rewrite name suffix .com .org",
            "foo.example.com",
            "foo.example.org.",
        ),
        ("rewrite name suffix com org", "com.coredns", "com.coredns."),
        (
            "rewrite name suffix .ingress.coredns.rocks nginx.coredns.rocks",
            "coredns.ingress.coredns.rocks",
            "corednsnginx.coredns.rocks.",
        ),
        (
            "rewrite name substring from.substring to",
            "from.substring.nl",
            "to.nl.",
        ),
        (
            "rewrite name substring service svc",
            "com.coredns",
            "com.coredns.",
        ),
        (
            r"rewrite name regex (f.*m)\.regex\.(nl) to.{2}",
            "from.regex.nl",
            "to.nl.",
        ),
        (
            r"rewrite name regex (core)\.(dns)\.(rocks)\.(nl) {2}.{1}.{3}.{4}",
            "CORE.dns.rocks.nl",
            "dns.core.rocks.nl.",
        ),
    ] {
        assert_eq!(asked(rules, from), expected, "{rules}");
    }
}

#[test]
fn a_rule_ends_the_list_unless_it_says_continue() {
    let rules = "rewrite continue name regex consul\\.(rocks) core.dns.{1}\n\
        rewrite stop name core.dns.rocks to.nl.\nrewrite name to.nl. last.nl.";
    assert_eq!(asked(rules, "consul.rocks"), "to.nl.");
    assert_eq!(asked(rules, "to.nl"), "last.nl.");
    let rules = "rewrite continue class HS CH\nrewrite stop class CH IN\nrewrite type ANY HINFO";
    let ask = |qclass, qtype| {
        let question = Question {
            qclass,
            ..question("a.nl", qtype)
        };
        let question = rewritten(rules, &question).question;
        (question.qclass, question.qtype)
    };
    assert_eq!(
        ask(Class::HS, RecordType::ANY),
        (Class::IN, RecordType::ANY)
    );
    assert_eq!(
        ask(Class::CH, RecordType::ANY),
        (Class::IN, RecordType::ANY)
    );
    assert_eq!(
        ask(Class::IN, RecordType::ANY),
        (Class::IN, RecordType::HINFO)
    );
    assert_eq!(ask(Class::IN, RecordType::A), (Class::IN, RecordType::A));
}

#[test]
fn a_question_that_no_rule_is_about_needs_no_way_back() {
    let rewritten = rewritten("rewrite name a.nl b.nl", &question("C.nl", RecordType::A));
    assert!(rewritten.reverter.is_none());
    assert_eq!(rewritten.question.qname.to_string(), "C.nl.");
}

#[test]
fn what_is_not_a_name_is_an_error() {
    let stage = stage("rewrite name example.org. example..org.");
    let error = stage.rewrite(&question("example.org", RecordType::A), &[], &origin());
    assert_eq!(
        error.unwrap_err().to_string(),
        "invalid name after rewrite: example..org."
    );
    let long = format!("rewrite name prefix a {}", "x".repeat(64));
    let error = self::stage(&long).rewrite(&question("a.nl", RecordType::A), &[], &origin());
    assert!(error.is_err());
}

#[test]
fn the_question_comes_back_whatever_was_rewritten() {
    for rules in [
        "rewrite type A AAAA",
        "rewrite continue type A AAAA",
        "rewrite continue class IN CH",
        "rewrite name prefix www. web.",
    ] {
        let question = question("WWW.example.org", RecordType::A);
        let rewritten = rewritten(rules, &question);
        let reply = reply(&rewritten.question, Rcode::NXDOMAIN, ["", "", ""]);
        let message = rewritten.reverter.unwrap().apply(&reply, None);
        let view = Message::parse(&message).unwrap();
        assert_eq!(view.question().unwrap().unwrap(), question, "{rules}");
        assert_eq!(view.flags().rcode(), Rcode::NXDOMAIN);
        assert_eq!(view.header().id, 7);
    }
}

#[test]
fn exact_rules_bring_all_names_back() {
    let rules = "rewrite name exact www.example.org example.net";
    let answers = "Example.net. 5 CNAME a.example.net.\na.example.net. 5 A 192.0.2.1\n\
        xexample.net. 5 A 192.0.2.2";
    assert_eq!(
        seen(rules, "WWW.example.org", answers),
        [
            // Compression gives the names the case of the question.
            "WWW.example.org. 5 CNAME a.WWW.example.org.",
            "a.WWW.example.org. 5 A 192.0.2.1",
            "xexample.net. 5 A 192.0.2.2",
        ]
    );
}

#[test]
fn other_rules_bring_names_back_only_if_they_say_auto() {
    for (rules, qname, answer, expected) in [
        (
            "rewrite name prefix foo bar",
            "foo.x.org",
            "bar.x.org. 5 A 192.0.2.1",
            "bar.x.org. 5 A 192.0.2.1",
        ),
        (
            "rewrite name prefix foo bar answer auto",
            "foo.x.org",
            "bar.x.org. 5 A 192.0.2.1",
            "foo.x.org. 5 A 192.0.2.1",
        ),
        (
            "rewrite name suffix .com .org answer auto",
            "a.com",
            "a.org. 5 CNAME b.a.org.",
            "a.com. 5 CNAME b.a.com.",
        ),
        (
            "rewrite name suffix .com .org answer auto",
            "a.com",
            "other.org. 5 A 192.0.2.1",
            "other.com. 5 A 192.0.2.1",
        ),
        (
            "rewrite name substring a.b c answer auto",
            "x.a.b",
            "x.c. 5 A 192.0.2.1",
            "x.a.b. 5 A 192.0.2.1",
        ),
        (
            r"rewrite name regex (.*)\.coredns\.rocks {1}.coredns.maps answer auto",
            "a.coredns.rocks",
            "A.coredns.maps. 5 MX 10 mail.a.coredns.maps.",
            "a.coredns.rocks. 5 MX mail.a.coredns.rocks.",
        ),
    ] {
        assert_eq!(seen(rules, qname, answer), [expected], "{rules}");
    }
}

#[test]
fn answer_name_and_value_change_what_they_fit() {
    let rules = r"rewrite name regex (.*)\.coredns\.rocks {1}.coredns.maps answer name (.*)\.coredns\.maps {1}.coredns.rocks answer value (.*)\.coredns\.maps {1}.other.rocks";
    let answers = "a.coredns.maps. 5 SRV 1 2 3 t.coredns.maps.\n\
        a.coredns.maps. 5 NAPTR 1 2 u s x t.coredns.maps.\n\
        a.coredns.maps. 5 TXT t.coredns.maps.\na.coredns.maps. 5 NS t.elsewhere.";
    let seen = seen(rules, "a.coredns.rocks", answers);
    assert_eq!(seen[0], "a.coredns.rocks. 5 SRV t.other.rocks.");
    assert!(
        seen[1].contains("05, 6f, 74, 68, 65, 72, 05"),
        "{}",
        seen[1]
    );
    assert_eq!(seen[2], "a.coredns.rocks. 5 TXT t.coredns.maps.");
    assert_eq!(seen[3], "a.coredns.rocks. 5 NS t.elsewhere.");
    let (asked, reverter) = reverter(rules, "a.coredns.rocks");
    let soa = "a.coredns.maps. 5 SOA ns.coredns.maps. hostmaster.coredns.maps. 1 2 3 4 5";
    let glue = "ns.coredns.maps. 5 A 192.0.2.1";
    let message = reverter.apply(&reply(&asked, Rcode::NOERROR, ["", soa, glue]), None);
    let authority = records(&message, Section::Authority);
    assert_eq!(authority, ["a.coredns.rocks. 5 SOA ns.other.rocks."]);
    assert_eq!(
        records(&message, Section::Additional),
        ["ns.coredns.rocks. 5 A 192.0.2.1"]
    );
}

#[test]
fn a_name_that_would_be_none_stays_as_it_is() {
    let rules = r"rewrite name regex a\.nl b.nl answer name (.*)nl {1}.";
    assert_eq!(
        seen(rules, "a.nl", "x.nl. 5 A 192.0.2.1"),
        ["x.nl. 5 A 192.0.2.1"]
    );
}

#[test]
fn times_to_live_are_kept_between_two_bounds() {
    let answers = "a.nl. 10 A 192.0.2.1\na.nl. 100 A 192.0.2.2\na.nl. 1000 A 192.0.2.3";
    let ttls = |rules: &str| -> Vec<u32> {
        seen(rules, "a.nl", answers)
            .iter()
            .map(|record| record.split(' ').nth(1).unwrap().parse().unwrap())
            .collect()
    };
    assert_eq!(ttls("rewrite ttl a.nl 42"), [42, 42, 42]);
    assert_eq!(ttls("rewrite ttl exact a.nl 50-200"), [50, 100, 200]);
    assert_eq!(ttls("rewrite ttl suffix nl. -30"), [10, 30, 30]);
    assert_eq!(ttls("rewrite ttl regex a.* 30-"), [30, 100, 1000]);
    let other = rewritten("rewrite ttl exact b.nl 5", &question("a.nl", RecordType::A));
    assert!(other.reverter.is_none());
}

#[test]
fn response_codes_are_replaced_with_and_without_records() {
    let (asked, reverter) = reverter("rewrite rcode exact a.nl SERVFAIL NXDOMAIN", "a.nl");
    let rcode = |rcode: Rcode, answers: &str| {
        let message = reverter.apply(&reply(&asked, rcode, [answers, "", ""]), None);
        Message::parse(&message).unwrap().rcode()
    };
    assert_eq!(rcode(Rcode::SERVFAIL, ""), Rcode::NXDOMAIN);
    assert_eq!(rcode(Rcode::SERVFAIL, "a.nl. A 192.0.2.1"), Rcode::NXDOMAIN);
    assert_eq!(rcode(Rcode::REFUSED, ""), Rcode::REFUSED);
}

#[test]
fn an_alias_leads_elsewhere() {
    let rules = "rewrite cname exact def.example.com. xyz.example.com.";
    let (asked, reverter) = reverter(rules, "abc.example.com");
    let first = reply(
        &asked,
        Rcode::NOERROR,
        [
            "abc.example.com. 5 CNAME def.example.com.\ndef.example.com. 5 A 192.0.2.1",
            "",
            "",
        ],
    );
    let second = reverter.alias_question(&first).unwrap();
    assert_eq!(second, question("xyz.example.com", RecordType::A));
    let answer = reply(
        &second,
        Rcode::NOERROR,
        ["xyz.example.com. 9 A 192.0.2.9", "", ""],
    );
    let message = reverter.apply(&first, Some(&answer));
    assert_eq!(
        records(&message, Section::Answer),
        [
            "abc.example.com. 5 CNAME xyz.example.com.",
            "xyz.example.com. 9 A 192.0.2.9"
        ]
    );
    let unchanged = reverter.apply(&first, None);
    assert_eq!(
        records(&unchanged, Section::Answer)[0],
        "abc.example.com. 5 CNAME def.example.com."
    );
    let other = reply(
        &asked,
        Rcode::NOERROR,
        ["abc.example.com. 5 CNAME other.nl.", "", ""],
    );
    assert_eq!(reverter.alias_question(&other), None);
}

#[test]
fn the_targets_of_aliases_are_tested_in_every_way() {
    for (rules, target, expected) in [
        ("rewrite cname a.x.org b.x.org", "A.x.org", Some("b.x.org.")),
        (
            "rewrite cname prefix chat talk",
            "chat.x.org",
            Some("talk.x.org."),
        ),
        (
            "rewrite cname suffix .x.org. .y.org.",
            "chat.x.org",
            Some("chat.y.org."),
        ),
        (
            "rewrite cname substring mid. mid-r.",
            "a.mid.org",
            Some("a.mid-r.org."),
        ),
        (
            r"rewrite cname regex (.*)\.x\.org\. {1}.y.org.",
            "chat.x.org",
            Some("chat.y.org."),
        ),
        ("rewrite cname suffix .x.org. .y.org.", "chat.z.org", None),
    ] {
        let (asked, reverter) = reverter(rules, "q.org");
        let answer = format!("q.org. 5 CNAME {target}.");
        let first = reply(&asked, Rcode::NOERROR, [&answer, "", ""]);
        let question = reverter.alias_question(&first);
        let target = question.map(|question| question.qname.to_string());
        assert_eq!(target.as_deref(), expected, "{rules}");
    }
}

#[test]
fn options_go_upstream_with_the_question() {
    let rules = "rewrite continue edns0 local set 0xffee 0xabcdef\n\
        rewrite continue edns0 local append 0xffed hello\n\
        rewrite continue edns0 local set 0xffec {qname}\n\
        rewrite continue edns0 subnet set 24 56\nrewrite continue edns0 nsid set\n\
        rewrite edns0 local unset 0xfff0";
    let sent = [
        EdnsOption {
            code: 0xfff0,
            data: vec![1],
        },
        EdnsOption {
            code: 3,
            data: vec![2],
        },
    ];
    let rewritten = stage(rules)
        .rewrite(&question("A.nl", RecordType::A), &sent, &origin())
        .unwrap();
    assert!(rewritten.reverter.is_none());
    let options: Vec<(u16, Vec<u8>)> = rewritten
        .options
        .into_iter()
        .map(|option| (option.code, option.data))
        .collect();
    assert_eq!(
        options,
        [
            (3, vec![]),
            (0xffee, vec![0xab, 0xcd, 0xef]),
            (0xffed, b"hello".to_vec()),
            (0xffec, b"A.nl.".to_vec()),
            (8, vec![0, 1, 24, 0, 192, 0, 2]),
        ]
    );
}

#[test]
fn a_reply_that_cannot_be_read_becomes_servfail() {
    let (asked, reverter) = reverter("rewrite name a.nl b.nl", "a.nl");
    let whole = reply(&asked, Rcode::NOERROR, ["b.nl. 5 CNAME c.b.nl.", "", ""]);
    for length in 0..whole.len() {
        let message = reverter.apply(&whole[..length], None);
        let view = Message::parse(&message).unwrap();
        assert_eq!(view.flags().rcode(), Rcode::SERVFAIL, "{length}");
        assert_eq!(view.question().unwrap().unwrap().qname.to_string(), "a.nl.");
        let _ = reverter.apply(&whole, Some(&whole[..length]));
    }
}
