use nodens_corefile as config;
use nodens_dns::{Class, Flags, Question, Rcode, RecordType};

use super::{FailureCause, TemplateAnswer, TemplateRequest, TemplateStep, Templates};
use crate::stages::fixtures::{block, question, record_text, reply};

fn stage(directives: &str) -> Templates {
    Templates::new(&block(".", directives).template).unwrap()
}

/// A template for all questions of a type with this text as its answer.
fn with_answer(qtype: &str, answer: &str) -> Vec<config::Template> {
    let mut templates = block(".", &format!("template IN {qtype} {{\nanswer x\n}}")).template;
    templates[0].answer[0].source = answer.to_owned();
    templates
}

fn ask(stage: &Templates, question: &Question) -> TemplateAnswer {
    stage.answer(&TemplateRequest {
        question,
        id: 0x1234,
        flags: Flags(Flags::RD),
        peer: "10.240.0.1".parse().unwrap(),
    })
}

/// What comes of a question to one template.
fn answered(directive: &str, qname: &str, qtype: RecordType) -> TemplateAnswer {
    ask(&stage(directive), &question(qname, qtype))
}

/// The answers of a reply as text.
fn answers(answer: TemplateAnswer) -> Vec<String> {
    match answer.step {
        TemplateStep::Reply(reply) => reply.finish(&[]).answers.iter().map(record_text).collect(),
        other => panic!("{other:?} {:?}", answer.failure),
    }
}

const IP: &str = "match (^|[.])ip-10-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]example[.]$\n";

#[test]
fn groups_make_the_answer() {
    let directive = format!(
        "template ANY ANY . {{\n{IP}answer \"{{{{ .Name }}}} 60 IN A 10.{{{{ .Group.b }}}}.{{{{ \
         .Group.c }}}}.{{{{ .Group.d }}}}\"\nfallthrough\n}}"
    );
    let answer = answered(&directive, "IP-10-95-12-8.example", RecordType::A);
    let matched = answer.matched.clone().unwrap();
    assert_eq!((matched.index, matched.zone.as_str()), (0, "."));
    assert_eq!(
        (matched.class.as_str(), matched.qtype.as_str()),
        ("IN", "A")
    );
    assert_eq!(answers(answer), ["ip-10-95-12-8.example. 60 A 10.95.12.8"]);
    let other = answered(&directive, "test.invalid", RecordType::A);
    assert_eq!(
        other,
        TemplateAnswer {
            step: TemplateStep::Next,
            matched: None,
            failure: None
        }
    );
}

#[test]
fn hexadecimal_groups_are_numbers() {
    let directive = "template IN A {\nmatch \
        ^ip0a(?P<b>[a-f0-9]{2})(?P<c>[a-f0-9]{2})(?P<d>[a-f0-9]{2})[.]example[.]$\n\
        answer \"{{ .Name }} 60 IN A 10.{{ parseInt .Group.b 16 8 }}.{{ parseInt .Group.c 16 8 }}.\
        {{ parseInt .Group.d 16 8 }}\"\n}";
    let answer = answered(directive, "ip0a5f0c09.example", RecordType::A);
    assert_eq!(answers(answer), ["ip0a5f0c09.example. 60 A 10.95.12.9"]);
}

#[test]
fn the_client_and_the_message_can_be_told() {
    let templates = with_answer(
        "TXT",
        "{{ .Name }} 60 IN TXT \"{{ .Remote }} {{ .Zone }} {{ .Class }} {{ .Type }} \
         {{ .Question.Name }} {{ .Question.Qtype }} {{ .Message.Id }} \
         {{ .Message.RecursionDesired }} {{ .Regex }} {{ (index .Message.Question 0).Qclass }}\
         {{ .Meta `a/b` }}{{ if eq .Type \"TXT\" }}!{{ end }}\"",
    );
    let question = question("Test.Example", RecordType::TXT);
    let answer = ask(&Templates::new(&templates).unwrap(), &question);
    assert_eq!(
        answers(answer),
        ["test.example. 60 TXT 10.240.0.1 . IN TXT Test.Example. 16 4660 true .* 1!"]
    );
}

#[test]
fn all_sections_and_the_response_code_are_set() {
    let directive = format!(
        "template IN MX . {{\n{IP}answer \"{{{{ .Name }}}} 60 MX 10 {{{{ .Name }}}}\"\n\
         additional \"{{{{ .Name }}}} 60 IN A 10.{{{{ .Group.b }}}}.0.1\"\n\
         authority \"example. IN NS ns0.example.com.\"\nrcode NXDOMAIN\n\
         ederror 21 \"Blocked due to RFC2606\"\n}}"
    );
    let answer = answered(&directive, "ip-10-95-12-8.example", RecordType::MX);
    let TemplateStep::Reply(reply) = answer.step else {
        panic!("{answer:?}")
    };
    let reply = reply.finish(&[]);
    assert_eq!(
        (reply.rcode, reply.authoritative),
        (Rcode::NXDOMAIN.0, true)
    );
    let texts = |records: &[nodens_dns::Record]| -> Vec<String> {
        records.iter().map(record_text).collect()
    };
    assert_eq!(
        texts(&reply.answers),
        ["ip-10-95-12-8.example. 60 MX ip-10-95-12-8.example."]
    );
    assert_eq!(
        texts(&reply.additionals),
        ["ip-10-95-12-8.example. 60 A 10.95.0.1"]
    );
    assert_eq!(
        texts(&reply.authorities),
        ["example. 3600 NS ns0.example.com."]
    );
    let error = reply.extended_error.unwrap();
    assert_eq!(
        (error.code, error.text.as_str()),
        (21, "Blocked due to RFC2606")
    );
}

#[test]
fn a_template_of_servfail_counts_as_a_match() {
    let answer = answered(
        "template ANY ANY {\nrcode SERVFAIL\n}",
        "test.invalid",
        RecordType::A,
    );
    assert_eq!(answer.step, TemplateStep::ServerFailure);
    assert!(answer.matched.is_some() && answer.failure.is_none());
}

#[test]
fn a_template_that_fails_or_makes_no_record_is_servfail() {
    for (answer, cause, error) in [
        (
            "{{ .Name }} 60 IN TXT \\\"{{ index .Match 2 }}\\\"",
            FailureCause::Template,
            "template: answer:1:26: executing \"answer\" at <index .Match 2>: \
             error calling index: index out of range: 2",
        ),
        (
            "{{ .Name }}",
            FailureCause::Record,
            "record text 1:14: expected a time to live, class or type",
        ),
        ("", FailureCause::Record, "the template made no record"),
    ] {
        let directive = format!(
            "template IN ANY {{\nmatch [.]example[.]$\nanswer \"{answer}\"\nfallthrough\n}}"
        );
        let answer = answered(&directive, "test.example", RecordType::A);
        assert_eq!(answer.step, TemplateStep::ServerFailure);
        let failure = answer.failure.unwrap();
        assert_eq!((failure.cause, failure.section), (cause, "answer"));
        assert_eq!(failure.error, error);
        assert!(answer.matched.is_some());
    }
    for section in ["additional", "authority"] {
        let directive = format!("template IN ANY {{\n{section} \"{{{{ .Name }}}}\"\n}}");
        let answer = answered(&directive, "test.example", RecordType::A);
        assert_eq!(answer.failure.unwrap().section, section);
    }
}

#[test]
fn templates_are_tried_in_order() {
    let stage = stage(
        "template IN A test. {\nrcode REFUSED\n}\n\
         template IN TXT test. {\nmatch \"$^\"\nrcode SERVFAIL\nfallthrough\n}\n\
         template CH TXT coredns.invalid {\nanswer \"{{ .Name }} 60 CH TXT \\\"test\\\"\"\n}\n\
         template IN A example {\nmatch ^ip-10-([0-9]*)[.]example[.]$\n\
         answer \"{{ .Name }} 60 IN A 10.0.0.{{ index .Match 1 }}\"\nfallthrough\n}\n\
         template IN MX example {\nmatch ^ip-10-(?P<b>[0-9]*)[.]example[.]$\n\
         answer \"{{ .Name }} 60 IN MX 10 {{ .Name }}\"\n}",
    );
    let TemplateStep::Reply(refused) = ask(&stage, &question("some.test", RecordType::A)).step
    else {
        panic!("a reply")
    };
    assert_eq!(refused.finish(&[]).rcode, Rcode::REFUSED.0);
    let step = |qname, qtype| ask(&stage, &question(qname, qtype)).step;
    assert_eq!(step("some.test", RecordType::TXT), TemplateStep::Next);
    assert_eq!(step("coredns.invalid", RecordType::TXT), TemplateStep::Next);
    let chaos = Question {
        qclass: Class::CH,
        ..question("coredns.invalid", RecordType::TXT)
    };
    let answer = ask(&stage, &chaos);
    assert_eq!(answer.matched.as_ref().unwrap().index, 2);
    assert_eq!(answers(answer), ["coredns.invalid. 60 TXT test"]);
    let answer = ask(&stage, &question("ip-10-7.example", RecordType::A));
    assert_eq!(answers(answer), ["ip-10-7.example. 60 A 10.0.0.7"]);
    assert_eq!(step("something.example", RecordType::A), TemplateStep::Next);
    assert_eq!(
        step("something.example", RecordType::MX),
        TemplateStep::ServerFailure
    );
    assert_eq!(
        step("something.elsewhere", RecordType::MX),
        TemplateStep::Next
    );
}

#[test]
fn fallthrough_can_be_for_some_zones_only() {
    let directive = "template IN A {\nmatch ^x\nanswer \"{{ .Name }} A 192.0.2.1\"\n\
        fallthrough example.org\n}";
    let step = |qname| answered(directive, qname, RecordType::A).step;
    assert_eq!(step("a.example.org"), TemplateStep::Next);
    assert_eq!(step("a.example.net"), TemplateStep::ServerFailure);
}

#[test]
fn a_question_for_any_type_is_answered_as_the_template_says() {
    let answer = answered(
        "template IN A {\nanswer \"{{ .Name }} {{ .Type }} 192.0.2.1\"\n}",
        "a.b",
        RecordType::ANY,
    );
    assert_eq!(answer.matched.as_ref().unwrap().qtype, "A");
    assert_eq!(answers(answer), ["a.b. 3600 A 192.0.2.1"]);
}

#[test]
fn the_addresses_of_an_alias_are_asked_for() {
    let directive = "template IN ANY foogle.com {\nanswer \"foogle.com 60 IN CNAME google.com\"\n}";
    let answer = answered(directive, "foogle.com", RecordType::A);
    let TemplateStep::Reply(made) = answer.step else {
        panic!("a reply")
    };
    let lookups: Vec<Question> = made.lookups().cloned().collect();
    assert_eq!(lookups, [question("google.com", RecordType::A)]);
    let alone = made.clone().finish(&[None]);
    assert_eq!((alone.answers.len(), alone.truncated), (1, false));
    let mut upstream = reply(
        &lookups[0],
        Rcode::NOERROR,
        ["google.com. 9 A 192.0.2.1", "", ""],
    );
    upstream[2] |= 0x02;
    let whole = made.finish(&[Some(upstream)]);
    let texts: Vec<String> = whole.answers.iter().map(record_text).collect();
    assert_eq!(
        texts,
        [
            "foogle.com. 60 CNAME google.com.",
            "google.com. 9 A 192.0.2.1"
        ]
    );
    assert!(whole.truncated);
    let TemplateStep::Reply(made) = answered(directive, "foogle.com", RecordType::MX).step else {
        panic!("a reply")
    };
    assert_eq!(made.lookups().count(), 0);
}

#[test]
fn a_template_that_cannot_be_parsed_is_refused_with_its_place() {
    let error = Templates::new(&with_answer("A", "{{ .Name }} 60 IN A {{ bogus }}")).unwrap_err();
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "template: answer:1:23: function \"bogus\" not defined"
    );
    assert!(
        error.to_string().ends_with(": could not compile template"),
        "{error}"
    );
}

#[test]
fn names_of_any_bytes_are_no_danger() {
    let stage = stage(
        "template IN A {\nmatch (.)(.*)$\nanswer \"{{ index .Match 2 }} 60 IN TXT {{ .Name }}\"\n}",
    );
    for byte in 0..=255_u8 {
        let wire = [&[3, byte, b'(', byte][..], b"\x02\\(\0"].concat();
        let qname = nodens_dns::Name::from_wire(&wire).unwrap();
        let question = Question {
            qname,
            qtype: RecordType::A,
            qclass: Class::IN,
        };
        assert!(ask(&stage, &question).matched.is_some(), "{byte}");
    }
}
