//! The page of `rewrite`.

use crate::directive::{Directive, Example, Repeat, Setting, Support};

pub(super) const DIRECTIVE: Directive = Directive {
    name: "rewrite",
    summary: "Change questions before they are forwarded, and answers on their way back",
    support: Support::Same,
    repeat: Repeat::Adds,
    syntax: "rewrite [continue|stop] name [exact|prefix|suffix|substring|regex] FROM TO [ANSWER...]\n\
        rewrite [continue|stop] class FROM TO\n\
        rewrite [continue|stop] type FROM TO\n\
        rewrite [continue|stop] edns0 local append|replace|set CODE DATA [revert]\n\
        rewrite [continue|stop] edns0 nsid append|replace|set [revert]\n\
        rewrite [continue|stop] edns0 subnet append|replace|set V4BITS V6BITS [revert]\n\
        rewrite [continue|stop] edns0 local|nsid|subnet unset [CODE]\n\
        rewrite [continue|stop] ttl [exact|prefix|suffix|substring|regex] NAME TTL|[MIN]-[MAX]\n\
        rewrite [continue|stop] cname [exact|prefix|suffix|substring|regex] FROM TO\n\
        rewrite [continue|stop] rcode [exact|prefix|suffix|substring|regex] NAME FROM TO\n\
        rewrite [continue|stop] {\n    RULE\n    answer auto\n    answer name FROM TO\n    \
        answer value FROM TO\n}",
    settings: SETTINGS,
    description: "The rules are tried in order. In replacements for a regular expression, `{1}` \
        stands for its first group.\n\n\
        A name is compared in lower case and with its final dot; FROM and TO get one if they have \
        none, even as prefix or substring.\n\n\
        An exact name rule is undone in the answer by itself. For the others, `answer auto` does \
        that; `answer name` and `answer value` change names of owners and names in data with a \
        regular expression.",
    differences: "Variables of metadata, such as `{plugin/label}`, are refused in EDNS options: no \
        metadata is kept.",
    examples: EXAMPLES,
    parse: super::parse,
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "continue|stop",
        default: "stop",
        bounds: "",
        meaning: "Whether the next rule is tried after this one has matched.",
        source: "",
    },
    Setting {
        name: "exact|prefix|suffix|substring|regex",
        default: "exact",
        bounds: "regular expressions of at most 10000 characters",
        meaning: "How the name is compared.",
        source: "",
    },
    Setting {
        name: "name FROM TO",
        default: "none",
        bounds: "names, or a regular expression with at least as many groups as TO uses",
        meaning: "Changes the name of the question.",
        source: "",
    },
    Setting {
        name: "class FROM TO, type FROM TO",
        default: "none",
        bounds: "names of classes or record types",
        meaning: "Changes the class or type of the question.",
        source: "",
    },
    Setting {
        name: "edns0 local CODE DATA",
        default: "none",
        bounds: "CODE 0 to 65535, also in hexadecimal; DATA as text, as hexadecimal digits after \
            `0x`, or one of `{qname}`, `{qtype}`, `{client_ip}`, `{client_port}`, `{protocol}`, \
            `{server_ip}`, `{server_port}`",
        meaning: "Changes an option of the question; `revert` takes it out of the answer.",
        source: "RFC 6891 section 6.1.2",
    },
    Setting {
        name: "edns0 nsid",
        default: "none",
        bounds: "",
        meaning: "Asks upstreams for their identifier.",
        source: "RFC 5001",
    },
    Setting {
        name: "edns0 subnet V4BITS V6BITS",
        default: "none",
        bounds: "0 to 32, 0 to 128",
        meaning: "Tells upstreams the client's network.",
        source: "RFC 7871",
    },
    Setting {
        name: "ttl NAME TTL|[MIN]-[MAX]",
        default: "none",
        bounds: "0 to 4294967295 seconds; an open end is 0 or 2147483647",
        meaning: "Raises or lowers the TTLs of the answer.",
        source: "RFC 2181 section 8",
    },
    Setting {
        name: "cname FROM TO",
        default: "none",
        bounds: "names, or parts of names",
        meaning: "Changes the target of a CNAME record in the answer and asks for the new target.",
        source: "",
    },
    Setting {
        name: "rcode NAME FROM TO",
        default: "none",
        bounds: "names of response codes, or 0 to 23",
        meaning: "Changes the response code of the answer.",
        source: "",
    },
];

const EXAMPLES: &[Example] = &[
    Example {
        purpose: "One name stands for another",
        corefile: ". {\n    rewrite name www.example.org web.example.net\n    forward . 192.0.2.1\n}\n",
    },
    Example {
        purpose: "A zone stands for the namespaces of a cluster; names are changed back in answers",
        corefile: ". {\n    rewrite name suffix .apps.example.org .default.svc.cluster.local \
            answer auto\n    forward . 192.0.2.1\n}\n",
    },
    Example {
        purpose: "The same with a regular expression, in braces",
        corefile: ". {\n    rewrite stop {\n        name regex (.*)\\.apps\\.example\\.org \
            {1}.default.svc.cluster.local\n        answer name \
            (.*)\\.default\\.svc\\.cluster\\.local {1}.apps.example.org\n    }\n    \
            forward . 192.0.2.1\n}\n",
    },
    Example {
        purpose: "Keep TTLs between five seconds and a minute",
        corefile: ". {\n    rewrite ttl regex .* 5-60\n    forward . 192.0.2.1\n}\n",
    },
    Example {
        purpose: "Tell upstreams who asked",
        corefile: ". {\n    rewrite continue edns0 local set 0xffee {client_ip}\n    \
            rewrite edns0 subnet set 24 56\n    forward . 192.0.2.1\n}\n",
    },
];
