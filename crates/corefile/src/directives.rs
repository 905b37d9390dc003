//! Every directive, in alphabetical order: the list behind the parser and the pages.

use crate::directive::Directive;

pub(crate) mod acl;
pub(crate) mod any;
pub(crate) mod bind;
pub(crate) mod bufsize;
pub(crate) mod cache;
pub(crate) mod debug;
pub(crate) mod dns64;
pub(crate) mod dnstap;
pub(crate) mod errors;
pub(crate) mod forward;
pub(crate) mod health;
pub(crate) mod hosts;
pub(crate) mod loadbalance;
pub(crate) mod local;
pub(crate) mod log;
pub(crate) mod r#loop;
pub(crate) mod metadata;
pub(crate) mod minimal;
pub(crate) mod nsid;
pub(crate) mod pprof;
pub(crate) mod prometheus;
pub(crate) mod ready;
pub(crate) mod reload;
pub(crate) mod rewrite;
pub(crate) mod template;
pub(crate) mod timeouts;
pub(crate) mod trace;
pub(crate) mod whoami;

/// Every directive that a Corefile may have.
pub fn all() -> &'static [&'static Directive] {
    ALL
}

/// The directive of that name.
pub(crate) fn find(name: &str) -> Option<&'static Directive> {
    ALL.iter().copied().find(|directive| directive.name == name)
}

const ALL: &[&Directive] = &[
    &acl::DIRECTIVE,
    &any::DIRECTIVE,
    &bind::DIRECTIVE,
    &bufsize::DIRECTIVE,
    &cache::DIRECTIVE,
    &debug::DIRECTIVE,
    &dns64::DIRECTIVE,
    &dnstap::DIRECTIVE,
    &errors::DIRECTIVE,
    &forward::DIRECTIVE,
    &health::DIRECTIVE,
    &hosts::DIRECTIVE,
    &loadbalance::DIRECTIVE,
    &local::DIRECTIVE,
    &log::DIRECTIVE,
    &r#loop::DIRECTIVE,
    &metadata::DIRECTIVE,
    &minimal::DIRECTIVE,
    &nsid::DIRECTIVE,
    &pprof::DIRECTIVE,
    &prometheus::DIRECTIVE,
    &ready::DIRECTIVE,
    &reload::DIRECTIVE,
    &rewrite::DIRECTIVE,
    &template::DIRECTIVE,
    &timeouts::DIRECTIVE,
    &trace::DIRECTIVE,
    &whoami::DIRECTIVE,
];

#[cfg(test)]
mod tests;
