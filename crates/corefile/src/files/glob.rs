//! Expansion of `*` and `?` in a path, component by component.
//!
//! As in Go's `filepath.Glob`: a wildcard never crosses a `/`, matches names that start with a dot
//! too, and directories that cannot be read are as good as empty.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The existing paths that match the pattern, sorted.
pub(super) fn expand(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let mut next = Vec::new();
        for base in &found {
            match component {
                Component::Normal(name) if has_wildcard(&name.to_string_lossy()) => {
                    next.extend(matching_entries(base, &name.to_string_lossy()));
                }
                _ => next.push(base.join(component)),
            }
        }
        found = next;
    }
    let mut existing = Vec::new();
    for path in found {
        if path.try_exists()? {
            existing.push(path);
        }
    }
    existing.sort();
    Ok(existing)
}

/// Whether the path matches the pattern.
pub(super) fn matches(pattern: &Path, path: &Path) -> bool {
    let mut components = path.components();
    for expected in pattern.components() {
        let Some(actual) = components.next() else {
            return false;
        };
        let (expected, actual) = (expected.as_os_str(), actual.as_os_str());
        if !name_matches(&expected.to_string_lossy(), &actual.to_string_lossy()) {
            return false;
        }
    }
    components.next().is_none()
}

fn has_wildcard(name: &str) -> bool {
    name.contains(['*', '?'])
}

fn matching_entries(directory: &Path, pattern: &str) -> Vec<PathBuf> {
    let listed = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let Ok(entries) = fs::read_dir(listed) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| name_matches(pattern, &entry.file_name().to_string_lossy()))
        .map(|entry| directory.join(entry.file_name()))
        .collect()
}

/// Matches one name; linear in practice, as at most one `*` is allowed in an import.
fn name_matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut at_pattern, mut at_name) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at_name < name.len() {
        match pattern.get(at_pattern) {
            Some('*') => {
                last_star = Some((at_pattern, at_name));
                at_pattern += 1;
            }
            Some(&expected) if expected == '?' || expected == name[at_name] => {
                at_pattern += 1;
                at_name += 1;
            }
            _ => {
                let Some((star, consumed)) = last_star else {
                    return false;
                };
                last_star = Some((star, consumed + 1));
                at_pattern = star + 1;
                at_name = consumed + 1;
            }
        }
    }
    pattern[at_pattern..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_within_one_component_only() {
        assert!(matches(Path::new("/etc/*.conf"), Path::new("/etc/a.conf")));
        assert!(matches(Path::new("/etc/*.conf"), Path::new("/etc/.conf")));
        assert!(!matches(
            Path::new("/etc/*.conf"),
            Path::new("/etc/a/b.conf")
        ));
        assert!(!matches(Path::new("/etc/*"), Path::new("/etc")));
    }

    #[test]
    fn a_question_mark_matches_exactly_one_character() {
        assert!(name_matches("zone?.txt", "zone1.txt"));
        assert!(!name_matches("zone?.txt", "zone.txt"));
    }

    #[test]
    fn stars_backtrack() {
        assert!(name_matches("a*b*c", "axxbxbxc"));
        assert!(!name_matches("a*b*c", "axxbxbx"));
        assert!(name_matches("*", ""));
    }

    #[test]
    fn real_files_are_listed_in_order() {
        let directory = std::env::temp_dir().join(format!("corefile-glob-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        for name in ["b.override", "a.override", "other"] {
            fs::write(directory.join(name), "").unwrap();
        }
        let found = expand(&directory.join("*.override")).unwrap();
        assert_eq!(
            found,
            [directory.join("a.override"), directory.join("b.override")]
        );
        assert_eq!(
            expand(&directory.join("missing")).unwrap(),
            Vec::<PathBuf>::new()
        );
        fs::remove_dir_all(&directory).unwrap();
    }
}
