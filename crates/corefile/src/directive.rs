//! What every directive must say about itself: nothing here is optional, so a directive without its
//! documentation does not compile.

use crate::config::ServerBlock;
use crate::error::Error;
use crate::statement::Statement;

/// A directive of the Corefile: its parser and its page.
#[derive(Clone, Copy, Debug)]
pub struct Directive {
    /// As written in a Corefile.
    pub name: &'static str,
    /// What it is for, in one line without a final dot.
    pub summary: &'static str,
    /// How it relates to `CoreDNS`'s directive of the same name.
    pub support: Support,
    /// Whether it may be repeated in a server block.
    pub repeat: Repeat,
    /// Every form it can take.
    pub syntax: &'static str,
    /// Each argument and property with default, bounds and source.
    pub settings: &'static [Setting],
    /// What it does, in Markdown.
    pub description: &'static str,
    /// What differs from `CoreDNS`, in Markdown; empty when nothing does.
    pub differences: &'static str,
    /// Server blocks that use it; each is parsed by a test.
    pub examples: &'static [Example],
    /// Reads one occurrence into the server block.
    pub(crate) parse: fn(&mut Statement<'_>, &mut ServerBlock) -> Result<(), Error>,
}

/// How a directive relates to `CoreDNS`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// The same syntax.
    Same,
    /// The same syntax and more.
    Extended,
    /// The same syntax, accepted without any effect.
    WithoutEffect,
}

/// What a second occurrence in the same server block means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It is refused.
    Once,
    /// Each occurrence adds to the ones before.
    Adds,
    /// The first occurrence counts.
    FirstCounts,
    /// The last occurrence counts.
    LastCounts,
}

/// An argument or property of a directive.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As written: the property and the names of its arguments.
    pub name: &'static str,
    /// What holds when it is not written.
    pub default: &'static str,
    /// What values it may have.
    pub bounds: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// The RFC or reason behind default and bounds; empty when it is a plain choice.
    pub source: &'static str,
}

/// A use of a directive.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// What it achieves.
    pub purpose: &'static str,
    /// A whole Corefile.
    pub corefile: &'static str,
}
