//! What happened to a question, for whoever counts and logs: values only, no counters here.

use std::fmt;
use std::sync::Arc;

use crate::upstream::Upstream;

/// What metrics and the query log say of one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Index of the listen address in [`crate::Resolver::servers`].
    pub server: u16,
    /// Index of the server block, or [`Facts::NONE`] when none is responsible.
    pub block: u16,
    /// Index into [`crate::Resolver::zones`], or [`Facts::NONE`].
    pub zone: u16,
    /// The type asked for; 0 when the question could not be read.
    pub qtype: u16,
    /// DNSSEC records were wanted.
    pub dnssec_ok: bool,
    /// The response code sent, its extended part included.
    pub rcode: u16,
    /// Which stage gave the answer.
    pub plugin: Plugin,
    /// What the cache had.
    pub cache: CacheOutcome,
}

impl Facts {
    /// No block or zone: the question was refused or unreadable. CoreDNS counts it under the zone `dropped`.
    pub const NONE: u16 = u16::MAX;
}

/// The stage that gave an answer, by its name in a Corefile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Plugin {
    /// No stage: the server itself refused.
    Server,
    /// `acl`
    Acl,
    /// `local`
    Local,
    /// `any`
    Any,
    /// `cache`
    Cache,
    /// `template`
    Template,
    /// `hosts`
    Hosts,
    /// `loop`
    Loop,
    /// `forward`
    Forward,
    /// `whoami`
    Whoami,
    /// `rewrite`
    Rewrite,
}

impl Plugin {
    /// All stages, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Server,
        Self::Acl,
        Self::Local,
        Self::Any,
        Self::Cache,
        Self::Template,
        Self::Hosts,
        Self::Loop,
        Self::Forward,
        Self::Whoami,
        Self::Rewrite,
    ];

    /// The name in a Corefile, and the value of the metric label `plugin`; empty for the server itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "",
            Self::Acl => "acl",
            Self::Local => "local",
            Self::Any => "any",
            Self::Cache => "cache",
            Self::Template => "template",
            Self::Hosts => "hosts",
            Self::Loop => "loop",
            Self::Forward => "forward",
            Self::Whoami => "whoami",
            Self::Rewrite => "rewrite",
        }
    }
}

/// What the cache had for a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheOutcome {
    /// The question did not reach a cache.
    Unused,
    /// A fresh positive answer.
    Hit,
    /// A fresh negative answer or failure.
    DenialHit,
    /// An expired answer, served by `serve_stale`.
    Stale,
    /// An expired answer, served because every upstream failed (RFC 8767).
    StaleOnFailure,
    /// Nothing: an upstream was asked.
    Miss,
    /// Nothing, and an identical question was being asked already.
    Joined,
}

/// Why a message got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// Shorter than a header.
    TooShort,
    /// A response where a question was expected.
    Response,
    /// `acl` says so.
    Acl,
    /// Too many clients wait for answers already.
    Overload,
}

impl DropReason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::TooShort, Self::Response, Self::Acl, Self::Overload];

    /// The value of the metric label `reason`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::Response => "response",
            Self::Acl => "acl",
            Self::Overload => "overload",
        }
    }
}

/// Something to log or count that is not a reply.
#[derive(Clone, Debug)]
pub enum Event {
    /// An upstream answered: `coredns_proxy_request_duration_seconds`.
    UpstreamAnswered {
        /// Who answered.
        upstream: Arc<Upstream>,
        /// The response code.
        rcode: u16,
        /// From sending to answer.
        duration: std::time::Duration,
    },
    /// An upstream did not answer a question.
    UpstreamFailed {
        /// Who failed.
        upstream: Arc<Upstream>,
        /// The server block that asked.
        block: u16,
        /// How.
        failure: FailureText,
        /// The question, presentation form: `name. TYPE`.
        question: String,
    },
    /// A health probe failed: `coredns_proxy_healthcheck_failures_total`.
    HealthCheckFailed {
        /// Who failed.
        upstream: Arc<Upstream>,
    },
    /// An upstream is now taken for down, or for well again.
    UpstreamHealth {
        /// Whose health changed.
        upstream: Arc<Upstream>,
        /// Whether questions go to it.
        healthy: bool,
    },
    /// An upstream answers by UDP and not by TCP, or can do TCP again.
    UpstreamTcp {
        /// Whose ability changed.
        upstream: Arc<Upstream>,
        /// Whether TCP is used.
        usable: bool,
        /// What TCP said when it failed.
        reason: FailureText,
    },
    /// All upstreams of a forward are down: one is asked all the same.
    AllUpstreamsDown {
        /// The server block.
        block: u16,
    },
    /// More questions at once than `max_concurrent` allows: the client got REFUSED.
    TooManyConcurrent {
        /// The server block.
        block: u16,
        /// The limit.
        limit: u32,
    },
    /// A reply did not fit its question: it was not stored.
    MismatchedReply {
        /// The server block.
        block: u16,
        /// Who sent it.
        upstream: Arc<Upstream>,
    },
    /// No upstream gave an answer: the client got SERVFAIL or a stale answer.
    QuestionFailed {
        /// The server block.
        block: u16,
        /// The question, presentation form: `name. TYPE`.
        question: String,
        /// The last failure, as the `errors` directive writes it.
        error: String,
        /// Whether an expired answer was served instead.
        stale: bool,
    },
    /// A question of the cache's own (prefetch or refresh of a stale answer) was started.
    Prefetch {
        /// Index of the listen address.
        server: u16,
        /// The server block.
        block: u16,
    },
    /// `template` was evaluated.
    Template {
        /// Index of the listen address.
        server: u16,
        /// The server block.
        block: u16,
        /// Index of the template in its block.
        template: u16,
        /// What came of it.
        outcome: TemplateOutcome,
    },
}

/// What came of evaluating a template: the three counters of CoreDNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateOutcome {
    /// The name matched.
    Matched,
    /// The text could not be produced.
    TemplateFailed,
    /// The text is not a resource record.
    RecordFailed,
}

/// A failure in words, as an operator reads it: `dial tcp 192.0.2.1:53: connect: connection refused`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureText(pub Arc<str>);

impl fmt::Display for FailureText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
