//! Values as `CoreDNS` reads them: numbers, durations and addresses with Go's syntax and messages.

pub(crate) mod address;
pub(crate) mod duration;
pub(crate) mod go_regex;
pub(crate) mod integer;
pub(crate) mod listen;
pub(crate) mod network;
pub(crate) mod numbers;
pub(crate) mod pattern;
pub(crate) mod size;
