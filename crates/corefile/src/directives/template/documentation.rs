//! The page of `template`.

use crate::directive::{Directive, Example, Repeat, Setting, Support};

pub(super) const DIRECTIVE: Directive = Directive {
    name: "template",
    summary: "Answers made from the question",
    support: Support::Same,
    repeat: Repeat::Adds,
    syntax: "template CLASS TYPE [ZONES...] {\n    match REGEXP...\n    answer RR...\n    \
        additional RR...\n    authority RR...\n    rcode RCODE\n    ederror CODE [REASON]\n    \
        fallthrough [ZONES...]\n}",
    settings: &[
        Setting {
            name: "CLASS",
            default: "must be there",
            bounds: "IN, CH, HS, CS, NONE, or ANY for every class",
            meaning: "The class of the questions it is for.",
            source: "",
        },
        Setting {
            name: "TYPE",
            default: "must be there",
            bounds: "the name of a record type in upper case, or ANY for every type",
            meaning: "The type of the questions it is for.",
            source: "",
        },
        Setting {
            name: "ZONES...",
            default: "the zones of the server block",
            bounds: "zones or networks",
            meaning: "The zones it is for.",
            source: "",
        },
        Setting {
            name: "match REGEXP...",
            default: ".*",
            bounds: "regular expressions of at most 10000 characters",
            meaning: "The names it is for; the first that matches provides the groups.",
            source: "",
        },
        Setting {
            name: "answer|additional|authority RR...",
            default: "none",
            bounds: "records as in a zone file, in quotes",
            meaning: "Records for that section.",
            source: "RFC 1035 section 5.1",
        },
        Setting {
            name: "rcode RCODE",
            default: "NOERROR",
            bounds: "the name of a response code in upper case",
            meaning: "The response code.",
            source: "",
        },
        Setting {
            name: "ederror CODE [REASON]",
            default: "none",
            bounds: "0 to 65535",
            meaning: "An extended error in the answer.",
            source: "RFC 8914",
        },
        Setting {
            name: "fallthrough [ZONES...]",
            default: "off; without zones, every name",
            bounds: "zones or networks",
            meaning: "Leave names that do not match to the next directive.",
            source: "",
        },
    ],
    description: "A record is a text in Go's `text/template` language: actions between `{{` and `}}`, \
        with `{{-` and `-}}` to trim white space; pipelines, variables, `if`, `else`, `with`, `range`, \
        `break`, `continue` and comments; the functions `and`, `or`, `not`, `eq`, `ne`, `lt`, `le`, \
        `gt`, `ge`, `index`, `slice`, `len`, `print`, `printf`, `println` and `parseInt`.\n\n\
        `{{ .Name }}` is the name of the question, `{{ .Zone }}` the zone, `{{ .Class }}` and \
        `{{ .Type }}` its class and type, `{{ .Remote }}` the client's address, `{{ .Regex }}` the \
        expression that matched, `{{ index .Match 1 }}` its first group, `{{ .Group.name }}` or \
        `{{ index .Group \"name\" }}` its group of that name, `{{ .Question.Name }}` the name as \
        asked, `{{ .Message.Id }}` the identifier of the message, and `{{ parseInt .Group.name 16 8 }}` \
        a number in base 16 of at most 8 bits, in decimal.\n\n\
        A question for the zone that no expression matches is answered with SERVFAIL, unless \
        `fallthrough` leaves it to the next directive. So is one for which a record cannot be made.",
    differences: "- `define`, `template`, `block`, `call`, `html`, `js` and `urlquery` are refused in records; \
        `var` and `expr` are refused in the directive.\n\
        - `{{ .Meta }}` is empty: no metadata is kept.",
    examples: &[
        Example {
            purpose: "A whole zone does not exist",
            corefile: ". {\n    template ANY ANY invalid.example.org {\n        \
                rcode NXDOMAIN\n        authority \"{{ .Zone }} 60 IN SOA ns.{{ .Zone }} \
                hostmaster.{{ .Zone }} (1 60 60 60 60)\"\n    }\n    forward . 192.0.2.1\n}\n",
        },
        Example {
            purpose: "No IPv6 addresses",
            corefile: ". {\n    template IN AAAA .\n    forward . 192.0.2.1\n}\n",
        },
        Example {
            purpose: "Aliases, one of them different",
            corefile: "example.org {\n    template IN A {\n        answer \"{{ .Name }} 60 IN CNAME \
                {{ if eq .Name `www.example.org.` }}web{{ else }}other{{ end }}.example.net.\"\n    \
                }\n    forward . 192.0.2.1\n}\n",
        },
        Example {
            purpose: "Addresses made from names",
            corefile: "example.org {\n    template IN A {\n        match \
                \"^ip-(?P<a>[0-9]+)-(?P<b>[0-9]+)-(?P<c>[0-9]+)-(?P<d>[0-9]+)[.]example[.]org[.]$\"\n        \
                answer \"{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}\"\n        \
                fallthrough\n    }\n    forward . 192.0.2.1\n}\n",
        },
    ],
    parse: super::parse,
};
