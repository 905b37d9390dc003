//! Words that do not belong into finished work: notes to oneself and paths of one machine.

use super::Complaint;
use super::tree::Tree;

/// Checks every file but the lock file, whose checksums may spell anything.
pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| *path != "Cargo.lock") {
        for (number, line) in text.lines().enumerate() {
            for word in FORBIDDEN.iter().filter(|word| holds(line, word)) {
                let number = number + 1;
                complaints.push(Complaint::about(
                    path,
                    format_args!("line {number}: `{word}`"),
                ));
            }
        }
    }
    complaints.extend(foreign_packages(tree));
    complaints
}

/// Whether the line holds the word with no letter before it: `a/place` is not `/place`.
fn holds(line: &str, word: &str) -> bool {
    let starts_word = |at: usize| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '.')
    };
    line.match_indices(word).any(|(at, _)| starts_word(at))
}

/// Every locked package comes from crates.io, so that the build works everywhere.
fn foreign_packages(tree: &Tree) -> Vec<Complaint> {
    let lock = tree.text("Cargo.lock").unwrap_or_default();
    lock.lines()
        .filter_map(|line| line.strip_prefix("source = "))
        .filter(|source| *source != CRATES_IO)
        .map(|source| Complaint::about("Cargo.lock", format_args!("package from {source}")))
        .collect()
}

/// Each is put together here, so that this file does not hold it.
const FORBIDDEN: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("/wo", "rk/"),
    concat!("/tmp", "/ref"),
    concat!("/ro", "ot/"),
];

/// How Cargo.lock spells the public registry.
const CRATES_IO: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_counts_where_it_starts() {
        assert!(holds("see /place/x", "/place/"));
        assert!(!holds("net/place/x", "/place/"));
        assert!(!holds("../place/x", "/place/"));
    }

    #[test]
    fn a_package_from_elsewhere_is_named() {
        let lock = format!("source = {CRATES_IO}\nsource = \"git+https://example.org/x\"\n");
        assert_eq!(check(&Tree::of(&[("Cargo.lock", &lock)])).len(), 1);
    }
}
