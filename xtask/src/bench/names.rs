//! The names that are asked, as files in dnsperf's format.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Writes `count` names that no other `kind` shares. All are equally long, so that queries per
/// second and bytes per entry mean the same at the start and at the end of the file.
pub(crate) fn write(path: &Path, kind: &str, count: usize) -> Result<()> {
    let mut text = String::new();
    for number in 0..count {
        writeln!(text, "{kind}-{number:07}.example.org A").context("format a name")?;
    }
    fs::write(path, text).with_context(|| format!("write {}", path.display()))
}
