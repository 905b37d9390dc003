//! The house rules that no compiler checks. Each rule is one file below `tidy/` and one
//! function from the tree to complaints.

mod layers;
mod links;
mod sources;
mod tree;
mod words;

use anyhow::{Result, bail};

use self::tree::Tree;
use crate::step::root;

/// Checks the workspace; lists the longest files for a person to judge.
pub(crate) fn tidy() -> Result<()> {
    let tree = Tree::read(&root())?;
    for (path, lines) in sources::long_files(&tree) {
        println!("long file: {path}: {lines} lines before its tests (look for the seam at 400)");
    }
    let complaints: Vec<String> = RULES
        .iter()
        .flat_map(|rule| rule(&tree).into_iter().map(|complaint| complaint.0))
        .collect();
    for complaint in &complaints {
        println!("{complaint}");
    }
    if complaints.is_empty() {
        return Ok(());
    }
    bail!("{} complaints", complaints.len());
}

/// One broken rule, as `path: what is wrong`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint(String);

impl Complaint {
    fn about(path: &str, wrong: impl std::fmt::Display) -> Self {
        Self(format!("{path}: {wrong}"))
    }
}

const RULES: &[fn(&Tree) -> Vec<Complaint>] =
    &[layers::check, sources::check, links::check, words::check];
