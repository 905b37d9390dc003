//! The targets.

pub mod answer_path;
pub mod cache_model;
pub mod corefile;
pub mod message;
pub mod query_path;
pub mod record_text;
pub mod tcp_framing;

use crate::signature::Signature;

/// A function under test and what the driver needs for it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its module and of the directory of its corpus.
    pub name: &'static str,
    /// Runs one input; panics when something is wrong.
    pub run: fn(&[u8]) -> Signature,
    /// Inputs made by hand, with names.
    pub seeds: fn() -> Vec<(&'static str, Vec<u8>)>,
    /// Tokens to mutate with.
    pub words: fn() -> Vec<&'static [u8]>,
}

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|target| target.name == name)
    }
}

/// Every target.
pub static ALL: [Target; 7] = [
    answer_path::TARGET,
    cache_model::TARGET,
    corefile::TARGET,
    message::TARGET,
    query_path::TARGET,
    record_text::TARGET,
    tcp_framing::TARGET,
];
