//! What happened while something was set up: for the log, and for the metrics.

use crate::log::Level;

/// A line for the log and what it counts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) level: Level,
    pub(super) text: String,
    pub(super) counts: Counts,
}

/// What a note counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// Nothing.
    Nothing,
    /// A piece of the kernel that is not to be had, and what takes its place is second best.
    Fallback(&'static str),
    /// Something somebody else removed and that is there again.
    Repair(&'static str),
    /// A failure, under the cause node-cache's metric would give.
    Failure(&'static str),
}

impl Note {
    pub(super) fn info(text: String) -> Self {
        Self {
            level: Level::Info,
            text,
            counts: Counts::Nothing,
        }
    }

    pub(super) fn warning(text: String) -> Self {
        Self {
            level: Level::Warning,
            text,
            counts: Counts::Nothing,
        }
    }

    pub(super) fn fallback(piece: &'static str, reason: &str) -> Self {
        let what = match piece {
            "tun" => "no TUN device",
            "dummy" => "no dummy link",
            "owner" => "no table that ends with the process",
            _ => "no packet rules",
        };
        Self {
            level: Level::Warning,
            text: format!("{what}: {reason}"),
            counts: Counts::Fallback(piece),
        }
    }

    pub(super) fn repair(what: &'static str, text: String) -> Self {
        Self {
            level: Level::Warning,
            text,
            counts: Counts::Repair(what),
        }
    }

    pub(super) fn failure(cause: &'static str, error: &dyn std::error::Error) -> Self {
        Self {
            level: Level::Error,
            text: with_causes(error),
            counts: Counts::Failure(cause),
        }
    }
}

/// An error and what caused it, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
