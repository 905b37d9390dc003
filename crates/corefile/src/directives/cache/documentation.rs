//! The page of `cache`.

use crate::directive::{Directive, Example, Repeat, Setting, Support};

pub(super) const DIRECTIVE: Directive = Directive {
    name: "cache",
    summary: "Keep answers",
    support: Support::Extended,
    repeat: Repeat::Once,
    syntax: "cache [TTL] [ZONES...] {\n    success CAPACITY [TTL] [MINTTL]\n    \
        denial CAPACITY [TTL] [MINTTL]\n    memory SIZE\n    \
        prefetch AMOUNT [DURATION [PERCENTAGE%]]\n    \
        serve_stale [DURATION] [immediate [TTL [RECHECK]] | verify [TIMEOUT [TTL [RECHECK]]]]\n    \
        serve_stale_policy prefer_positive\n    stale_on_failure [DURATION|off]\n    \
        servfail DURATION\n    disable success|denial [ZONES...]\n    keepttl\n}",
    settings: SETTINGS,
    description: "Successful and negative answers are kept apart, each for its TTL within the \
        limits. When a half is full, an answer makes room.",
    differences: "- `memory` and `stale_on_failure` are additions.\n\
        - Memory is limited too: an answer makes room when either the number or the bytes are \
        reached.\n\
        - One question is asked upstream however many clients wait for its answer.",
    examples: EXAMPLES,
    parse: super::parse,
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "TTL",
        default: "3600 for successful answers, 1800 for negative ones",
        bounds: "1 second or more",
        meaning: "A longer TTL is lowered to this, for both halves.",
        source: "RFC 2308 section 5 limits negative answers to 1 to 3 hours",
    },
    Setting {
        name: "ZONES...",
        default: "the zones of the server block",
        bounds: "zones or networks",
        meaning: "Only names in these zones are kept.",
        source: "",
    },
    Setting {
        name: "success|denial CAPACITY [TTL] [MINTTL]",
        default: "9984, TTL as above, 5",
        bounds: "0 to 4294967296 answers, of which less than 1024 count as 1024; TTL 1 or more; \
            MINTTL 0 or more",
        meaning: "The size of one half and the limits of its TTLs.",
        source: "RFC 2181 section 8 limits a TTL to 2147483647 seconds",
    },
    Setting {
        name: "memory SIZE",
        default: "512 bytes for each answer of the capacity",
        bounds: "512KiB or more; units KiB, MiB, GiB, KB, MB, GB",
        meaning: "The bytes that each half may hold.",
        source: "",
    },
    Setting {
        name: "prefetch AMOUNT [DURATION [PERCENTAGE%]]",
        default: "off; 1m, 10%",
        bounds: "0 or more, of which 0 is off; 0s or more; 10% to 90%",
        meaning: "After AMOUNT questions with no gap of DURATION between them, ask again when \
            PERCENTAGE of the TTL is left.",
        source: "",
    },
    Setting {
        name: "serve_stale [DURATION]",
        default: "off; 1h",
        bounds: "0s or more, of which 0s is off",
        meaning: "Answer with what has expired for less than DURATION.",
        source: "RFC 8767",
    },
    Setting {
        name: "immediate [TTL [RECHECK]]",
        default: "immediate, 0s, 0s",
        bounds: "whole seconds; at most 5m",
        meaning: "Answer first, with TTL, and ask upstreams afterwards, but not again for RECHECK \
            after they have failed.",
        source: "RFC 8767 section 4 recommends 30s for both",
    },
    Setting {
        name: "verify [TIMEOUT [TTL [RECHECK]]]",
        default: "0s, 0s, 0s",
        bounds: "0s or more, of which 0s is as long as they take; as above",
        meaning: "Ask upstreams first, and answer with what has expired if they fail or take \
            longer than TIMEOUT.",
        source: "RFC 8767 section 5 recommends 1.8s",
    },
    Setting {
        name: "serve_stale_policy prefer_positive",
        default: "off",
        bounds: "with `serve_stale` only",
        meaning: "A successful answer that has expired comes before a negative one that has not.",
        source: "",
    },
    Setting {
        name: "stale_on_failure [DURATION|off]",
        default: "1h",
        bounds: "at most 168h; off",
        meaning: "When every upstream fails, answer with what has expired for less than DURATION.",
        source: "RFC 8767 section 5 suggests one to three days",
    },
    Setting {
        name: "servfail DURATION",
        default: "5s",
        bounds: "0s to 5m, of which 0s is off",
        meaning: "How long SERVFAIL is kept.",
        source: "RFC 2308 section 7.1",
    },
    Setting {
        name: "disable success|denial [ZONES...]",
        default: "nothing; without zones, every name",
        bounds: "zones",
        meaning: "Do not keep such answers for names in these zones.",
        source: "",
    },
    Setting {
        name: "keepttl",
        default: "off",
        bounds: "",
        meaning: "Answers keep their TTL until they expire, instead of counting down.",
        source: "",
    },
];

const EXAMPLES: &[Example] = &[
    Example {
        purpose: "Keep answers for at most 30 seconds",
        corefile: ". {\n    cache 30\n    forward . 192.0.2.1\n}\n",
    },
    Example {
        purpose: "The cache of the stock manifest: negative answers for at most 5 seconds",
        corefile: "cluster.local:53 {\n    cache {\n        success 9984 30\n        \
            denial 9984 5\n    }\n    forward . 192.0.2.10\n}\n",
    },
    Example {
        purpose: "Limit memory, ask for popular names early, and ride out an outage of a day",
        corefile: ". {\n    cache {\n        success 100000\n        memory 32MiB\n        \
            prefetch 10 1m 20%\n        stale_on_failure 24h\n    }\n    forward . 192.0.2.1\n}\n",
    },
    Example {
        purpose: "Answer with what has expired if upstreams take longer than 100 milliseconds",
        corefile: ". {\n    cache {\n        serve_stale 1h verify 100ms 30s\n    }\n    \
            forward . 192.0.2.1\n}\n",
    },
];
