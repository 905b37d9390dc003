//! Corefile text to checked, typed configuration with positions.
//!
//! [`load`] reads a Corefile the way `CoreDNS` does (same lexer, snippets, imports, environment
//! variables, directives, bounds and messages) and returns a [`Config`] in which every duration is
//! a [`std::time::Duration`], every address is an address and every regular expression is known to
//! compile. What can only be wrong later, such as the name of an interface, carries its
//! [`Position`].
//!
//! Each directive is one file in `directives/`, holding its configuration, its parser, its
//! documentation and its examples; [`pages`] turns those into the pages of `docs/corefile`.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod blocks;
mod config;
mod directive;
mod directives;
mod environment;
mod error;
mod files;
mod fingerprint;
mod keys;
mod lexer;
mod load;
mod overlap;
mod pages;
mod position;
mod resolv_conf;
mod reverse;
mod statement;
mod suggest;
mod unsupported;
mod value;
mod words;
mod zone;

pub use config::{Config, Defaults, Key, Note, Scheme, ServerBlock};
pub use directive::{Directive, Example, Repeat, Setting, Support};
pub use directives::acl::{Acl, AclAction, AclPolicy};
pub use directives::all as directives;
pub use directives::bind::{Bind, BindTarget, BindTo};
pub use directives::cache::{
    Cache, CacheSide, DEFAULT_STALE_ON_FAILURE, Prefetch, ServeStale, StaleRefresh,
};
pub use directives::dns64::Dns64;
pub use directives::errors::{Consolidate, Errors, LogLevel};
pub use directives::forward::{Forward, HealthCheck, Policy, Tls, To, ToTarget, UpstreamTransport};
pub use directives::health::Health;
pub use directives::hosts::{Hosts, HostsEntry, hosts_entries};
pub use directives::loadbalance::{LoadBalance, LoadBalancePolicy};
pub use directives::local::Local;
pub use directives::log::{COMBINED_LOG_FORMAT, COMMON_LOG_FORMAT, Log, LogClasses};
pub use directives::prometheus::Prometheus;
pub use directives::ready::{Monitor, Ready};
pub use directives::reload::Reload;
pub use directives::rewrite::{
    AnswerPart, AnswerRule, Answers, Edns0Action, Edns0Change, Edns0Rule, Edns0Variable, NameMatch,
    Rewrite, RewriteMode, RewriteRule,
};
pub use directives::template::{ExtendedError, Template, TemplateText};
pub use directives::timeouts::Timeouts;
pub use error::{Error, Form, Problem};
pub use files::{Files, MemoryFiles, SystemFiles};
pub use fingerprint::Fingerprint;
pub use load::{load, parse};
pub use pages::pages;
pub use position::Position;
pub use resolv_conf::resolv_conf_servers;
pub use value::listen::{ListenAddress, ListenHost};
pub use value::network::Network;
pub use value::pattern::Pattern;
pub use words::{Word, words};
