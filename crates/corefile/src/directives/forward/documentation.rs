//! The page of `forward`.

use crate::directive::{Directive, Example, Repeat, Setting, Support};

pub(super) const DIRECTIVE: Directive = Directive {
    name: "forward",
    summary: "Ask other servers",
    support: Support::Extended,
    repeat: Repeat::Adds,
    syntax: "forward FROM TO... {\n    except ZONES...\n    force_tcp\n    prefer_udp\n    \
        expire DURATION\n    max_age DURATION\n    max_idle_conns COUNT\n    max_fails COUNT\n    \
        max_connect_attempts COUNT\n    read_timeout DURATION\n    tls [[CERT KEY] CA]\n    \
        tls_servername NAME\n    policy random|round_robin|sequential\n    \
        health_check DURATION [no_rec] [domain FQDN]\n    max_concurrent COUNT\n    \
        next RCODES...\n    next_on_nodata\n    failfast_all_unhealthy_upstreams\n    \
        failover RCODES...\n    source_address IP\n    resolver IP...\n    case_randomization\n}",
    settings: SETTINGS,
    description: "A question for a name in FROM is sent to one of the upstreams; if that one fails, \
        to others. Of several lines, the first that is about the name is used.\n\n\
        Upstreams are asked over the protocol that the client used, unless `force_tcp` or \
        `prefer_udp` say otherwise. One that fails is looked at until it answers, and avoided \
        meanwhile; when all are down, they are tried nevertheless.\n\n\
        A file is read at start and at each reload; the lines that begin with `nameserver` count.",
    differences: "- `case_randomization` is an addition.\n\
        - Upstreams are addresses or files. Names of servers, which CoreDNS resolves since version \
        1.14, are refused; so are upstreams over HTTPS and gRPC.\n\
        - `resolver` is accepted without effect.\n\
        - Connections are pipelined: many questions wait on one connection.",
    examples: EXAMPLES,
    parse: super::parse,
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "FROM",
        default: "must be there",
        bounds: "a zone or a network",
        meaning: "Names in this zone are forwarded.",
        source: "",
    },
    Setting {
        name: "TO...",
        default: "must be there",
        bounds: "at most 15 of `IP[:PORT]`, `tls://IP[%NAME][:PORT]` or the path of a file; ports \
            53 and 853",
        meaning: "The upstreams. NAME is what the certificate must be for.",
        source: "RFC 7858 for TLS",
    },
    Setting {
        name: "except ZONES...",
        default: "nothing",
        bounds: "zones or networks",
        meaning: "Names in these zones are not forwarded.",
        source: "",
    },
    Setting {
        name: "force_tcp",
        default: "off",
        bounds: "",
        meaning: "Ask over TCP whatever the client used; wins over `prefer_udp`.",
        source: "",
    },
    Setting {
        name: "prefer_udp",
        default: "off",
        bounds: "",
        meaning: "Ask over UDP first whatever the client used, over TCP if the answer does not fit.",
        source: "",
    },
    Setting {
        name: "expire DURATION",
        default: "10s",
        bounds: "0s or more",
        meaning: "How long an unused connection is kept.",
        source: "RFC 7766 section 6.2.3",
    },
    Setting {
        name: "max_age DURATION",
        default: "0s",
        bounds: "0s for no limit, otherwise not less than `expire`",
        meaning: "How long a connection is used at most.",
        source: "",
    },
    Setting {
        name: "max_idle_conns COUNT",
        default: "0",
        bounds: "0 for no limit",
        meaning: "How many unused connections are kept per upstream.",
        source: "",
    },
    Setting {
        name: "max_fails COUNT",
        default: "2",
        bounds: "0 for never",
        meaning: "After how many failures in a row an upstream is down.",
        source: "",
    },
    Setting {
        name: "max_connect_attempts COUNT",
        default: "until the client's patience is over",
        bounds: "0 for no limit",
        meaning: "How often a question is tried.",
        source: "",
    },
    Setting {
        name: "read_timeout DURATION",
        default: "chosen so that every client is answered in time",
        bounds: "more than 0s",
        meaning: "How long to wait for an answer.",
        source: "",
    },
    Setting {
        name: "tls [[CERT KEY] CA]",
        default: "no client certificate, the usual authorities",
        bounds: "files in PEM form",
        meaning: "Certificates for upstreams with `tls://`.",
        source: "",
    },
    Setting {
        name: "tls_servername NAME",
        default: "the upstream's address",
        bounds: "not together with a NAME in TO",
        meaning: "What the certificates of upstreams must be for.",
        source: "RFC 8310 section 8.1",
    },
    Setting {
        name: "policy",
        default: "random",
        bounds: "random, round_robin, sequential",
        meaning: "In which order upstreams are asked.",
        source: "",
    },
    Setting {
        name: "health_check DURATION [no_rec] [domain FQDN]",
        default: "0.5s, with recursion, `.`",
        bounds: "0s or more",
        meaning: "How often an upstream that failed is asked, whether for recursion, and for which \
            name (type NS).",
        source: "",
    },
    Setting {
        name: "max_concurrent COUNT",
        default: "0",
        bounds: "0 for no limit",
        meaning: "How many questions may wait at once; beyond it the answer is REFUSED.",
        source: "",
    },
    Setting {
        name: "next RCODES...",
        default: "none",
        bounds: "names of response codes",
        meaning: "After such an answer, ask the next `forward` or directive.",
        source: "",
    },
    Setting {
        name: "next_on_nodata",
        default: "off",
        bounds: "",
        meaning: "After an answer without records, ask the next `forward` or directive.",
        source: "",
    },
    Setting {
        name: "failfast_all_unhealthy_upstreams",
        default: "off",
        bounds: "",
        meaning: "When all upstreams are down, answer SERVFAIL at once.",
        source: "",
    },
    Setting {
        name: "failover RCODES...",
        default: "none",
        bounds: "names of response codes but NOERROR",
        meaning: "After such an answer, ask the next upstream.",
        source: "",
    },
    Setting {
        name: "source_address IP",
        default: "the kernel's choice",
        bounds: "an address of the host",
        meaning: "The address to send from.",
        source: "",
    },
    Setting {
        name: "resolver IP...",
        default: "none",
        bounds: "addresses",
        meaning: "Accepted without effect: upstreams are given as addresses.",
        source: "",
    },
    Setting {
        name: "case_randomization",
        default: "off",
        bounds: "",
        meaning: "Vary the case of names at random and accept only answers that repeat it. It makes \
            forged answers harder, and breaks with servers that do not repeat the case.",
        source: "draft-vixie-dnsext-dns0x20",
    },
];

const EXAMPLES: &[Example] = &[
    Example {
        purpose: "Ask the cluster's DNS service over TCP, as in the stock manifest",
        corefile: "cluster.local:53 {\n    forward . 192.0.2.10 {\n        force_tcp\n    }\n}\n",
    },
    Example {
        purpose: "Ask the servers of the host, at most 1000 questions at once",
        corefile: ". {\n    forward . /etc/resolv.conf {\n        max_concurrent 1000\n        \
            prefer_udp\n    }\n}\n",
    },
    Example {
        purpose: "Ask over TLS, the second server only when the first is down",
        corefile: ". {\n    forward . tls://192.0.2.1%dns.example.org \
            tls://[2001:db8::1%dns.example.org]:853 {\n        policy sequential\n        \
            health_check 5s\n    }\n}\n",
    },
    Example {
        purpose: "One zone from its own servers, everything else from others",
        corefile: ". {\n    forward example.org 192.0.2.1 192.0.2.2:5353\n    \
            forward . 198.51.100.1 {\n        except internal.example.net\n        \
            failover SERVFAIL REFUSED\n    }\n}\n",
    },
];
