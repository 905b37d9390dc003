//! Links from one Markdown page to another file of the project lead somewhere.

use super::Complaint;
use super::tree::Tree;

/// Checks the relative links of every page.
pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.ending(".md") {
        for target in targets(text) {
            let file = target.split('#').next().unwrap_or_default();
            let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
            if is_elsewhere || file.is_empty() || tree.contains(&resolve(path, file)) {
                continue;
            }
            complaints.push(Complaint::about(
                path,
                format_args!("broken link to `{target}`"),
            ));
        }
    }
    complaints
}

/// What the inline links outside code point to.
fn targets(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        // Every second part of a line split at backquotes is code.
        for prose in line.split('`').step_by(2) {
            for rest in prose.split("](").skip(1) {
                let end = rest.find([')', ' ']).unwrap_or(rest.len());
                found.push(&rest[..end]);
            }
        }
    }
    found
}

/// The path of `target` as seen from the page at `from`, relative to the root.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_followed_from_the_page_that_holds_it() {
        let tree = Tree::of(&[
            (
                "docs/a.md",
                "[b](b.md#part) [up](../README.md) [dir](../docs/) [web](https://example.org/x)",
            ),
            (
                "docs/b.md",
                "`[code](nowhere.md)`\n```\n[block](nowhere.md)\n```\n[top](#top)",
            ),
            ("README.md", "[gone](docs/c.md)"),
        ]);
        let complaints = check(&tree);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
    }
}
