//! Tests of `template`.

use super::super::tests::{block, problem};
use super::*;

#[test]
fn everything_has_a_default() {
    let template = block("template IN ANY").template.remove(0);
    assert_eq!(
        (template.class, template.record_type, template.rcode),
        (1, 255, 0)
    );
    assert_eq!(template.zones, ["example.org."]);
    assert_eq!(template.matches[0].as_str(), ".*");
    assert_eq!(template.fallthrough, Vec::<String>::new());
}

#[test]
fn every_property_is_read() {
    let template = block(
        "template ANY A a.example.org 192.0.2.0/24 {\nmatch ^a$ ^b$\nmatch c\n\
         answer \"{{ .Name }} 60 IN A 192.0.2.1\" \"x\"\nauthority \"y\"\nadditional \"z\"\n\
         rcode NXDOMAIN\nederror 21 \"not here\"\nupstream\nfallthrough a.example.org\n}",
    )
    .template
    .remove(0);
    assert_eq!(
        (template.class, template.record_type, template.rcode),
        (255, 1, 3)
    );
    assert_eq!(template.zones, ["a.example.org.", "2.0.192.in-addr.arpa."]);
    assert_eq!(template.matches.len(), 3);
    assert_eq!(template.answer.len(), 2);
    assert_eq!(
        (template.authority.len(), template.additional.len()),
        (1, 1)
    );
    let error = ExtendedError {
        code: 21,
        reason: "not here".to_owned(),
    };
    assert_eq!(template.extended_error, Some(error));
    assert_eq!(template.fallthrough, ["a.example.org."]);
}

#[test]
fn a_record_is_kept_as_written_with_its_place() {
    let template = block("template IN A {\nanswer \"{{ if .Name }}\n{{ bogus \\\"\" {{.Name}}\n}")
        .template
        .remove(0);
    let texts: Vec<(&str, u32, u32)> = template
        .answer
        .iter()
        .map(|text| {
            (
                text.source.as_str(),
                text.position.line,
                text.position.column,
            )
        })
        .collect();
    let line = template.position.line + 1;
    assert_eq!(
        texts,
        [
            ("{{ if .Name }}\n{{ bogus \"", line, 8),
            ("{{.Name}}", line + 1, 14)
        ]
    );
}

#[test]
fn wrong_values_are_refused() {
    for (text, message) in [
        ("", "Wrong argument count"),
        ("IN", "Wrong argument count"),
        ("XX A", "invalid query class XX"),
        ("IN XX", "invalid RR class XX"),
        ("IN A {\nmatch\n}", "Wrong argument count"),
        (
            "IN A {\nmatch (\n}",
            "could not parse regex: (, unclosed group",
        ),
        ("IN A {\nanswer\n}", "Wrong argument count"),
        ("IN A {\nrcode\n}", "Wrong argument count"),
        ("IN A {\nrcode nx\n}", "unknown rcode nx"),
        ("IN A {\nederror\n}", "Wrong argument count"),
        (
            "IN A {\nederror 70000\n}",
            "error parsing extended DNS error code 70000",
        ),
        (
            "IN A {\nexpr true\n}",
            "'expr' in templates is not supported",
        ),
        (
            "IN A {\nfoo\n}",
            "Wrong argument count or unexpected line ending after 'foo'",
        ),
    ] {
        let problem = problem(&format!("template {text}"));
        assert!(
            problem.message.starts_with(message),
            "{text}: {}",
            problem.message
        );
    }
}
