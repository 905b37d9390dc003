//! What every Rust file keeps to.

use super::tree::Tree;
use super::{Complaint, layers};

/// Checks module files and the attributes that each crate starts with.
pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.ending(".rs") {
        if path.ends_with("/mod.rs") {
            complaints.push(Complaint::about(
                path,
                "a module `name` is `name.rs`, not `mod.rs`",
            ));
        }
        let is_crate_root = path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs");
        if !is_crate_root {
            continue;
        }
        let crate_name = path.split('/').nth(1).unwrap_or_default();
        if crate_name != UNSAFE && !text.contains("#![forbid(unsafe_code)]") {
            complaints.push(Complaint::about(path, "lacks `#![forbid(unsafe_code)]`"));
        }
        let is_pure = path.starts_with("crates/") && layers::layer_of(crate_name) < Some(2);
        if is_pure && !text.contains(NO_CLOCK) {
            complaints.push(Complaint::about(path, format_args!("lacks `{NO_CLOCK}`")));
        }
    }
    complaints
}

/// The files worth splitting, longest first, with their lines up to the tests.
pub(crate) fn long_files(tree: &Tree) -> Vec<(&str, usize)> {
    let mut long: Vec<_> = tree
        .ending(".rs")
        .filter(|(path, _)| !path.ends_with("/tests.rs") && !path.contains("/tests/"))
        .map(|(path, text)| (path, production_lines(text)))
        .filter(|(_, lines)| *lines > SEAM)
        .collect();
    long.sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    long
}

fn production_lines(text: &str) -> usize {
    let lines: Vec<_> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0] == "#[cfg(test)]" && (pair[1].starts_with("mod ") || pair[1].starts_with("#[path"))
    });
    tests.unwrap_or(lines.len())
}

/// The one crate with `unsafe` code.
const UNSAFE: &str = "sys";

/// What the crates without clock, sleep and randomness start with.
const NO_CLOCK: &str = "#![cfg_attr(not(test), warn(clippy::disallowed_methods))]";

/// A file longer than this usually holds two things.
const SEAM: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernel_edge_may_hold_unsafe_code() {
        let tree = Tree::of(&[
            ("crates/sys/src/lib.rs", ""),
            ("crates/serve/src/lib.rs", ""),
        ]);
        let complaints = check(&tree);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(
            complaints[0].0.starts_with("crates/serve/"),
            "{complaints:?}"
        );
    }

    #[test]
    fn a_deciding_crate_bans_the_clock() {
        let tree = Tree::of(&[("crates/resolve/src/lib.rs", "#![forbid(unsafe_code)]")]);
        assert_eq!(check(&tree).len(), 1);
    }

    #[test]
    fn the_tests_of_a_file_are_not_counted() {
        let text = "fn a() {}\n".repeat(3) + "#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(production_lines(&text), 3);
    }
}
