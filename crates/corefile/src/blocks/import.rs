//! `import`: a snippet, a file or the files that match a pattern, put in place of the directive.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::Parser;
use crate::config::Note;
use crate::environment::replace_variables;
use crate::error::Error;
use crate::lexer::{self, Token};

/// How often imports were expanded.
#[derive(Default)]
pub(super) struct Counters {
    snippets: usize,
    files: usize,
}

impl Parser<'_> {
    /// Replaces the `import` that is the current token, and its argument, by what it imports.
    /// Afterwards there is no current token: the next one is the first imported.
    pub(super) fn import(&mut self) -> Result<(), Error> {
        let before = self.previous.take();
        if !self.advance_argument() {
            return Err(self.problem(
                "Wrong argument count or unexpected line ending after 'import'".to_owned(),
                "the name of a snippet, a file or a pattern",
            ));
        }
        let Some(argument) = self.current.clone() else {
            return Ok(());
        };
        let pattern = replace_variables(&argument.text, self.files);
        if pattern.is_empty() {
            return Err(self.problem(
                "Import requires a non-empty filepath".to_owned(),
                "the name of a snippet, a file or a pattern",
            ));
        }
        if self.advance_argument() {
            return Err(self.problem(
                "Import takes only one argument (glob pattern or file)".to_owned(),
                "the end of the line",
            ));
        }
        if argument.depth >= MAX_DEPTH {
            let message = format!("maximum import depth ({MAX_DEPTH}) exceeded");
            return Err(self.problem(message, "imports that do not import themselves"));
        }
        let mut imported = self.imported_tokens(&pattern, &argument)?;
        if imported.len().saturating_add(self.pending.len()) > MAX_TOKENS {
            let message = format!("imports expand to more than {MAX_TOKENS} tokens");
            return Err(self.problem(message, "fewer or smaller imports"));
        }
        imported.reverse();
        self.pending.append(&mut imported);
        self.current = None;
        self.previous = before;
        Ok(())
    }

    fn imported_tokens(&mut self, pattern: &str, argument: &Token) -> Result<Vec<Token>, Error> {
        let depth = argument.depth + 1;
        if let Some(snippet) = self.snippets.get(pattern) {
            self.imports.snippets += 1;
            if self.imports.snippets > MAX_SNIPPET_EXPANSIONS {
                let message =
                    format!("maximum snippet import depth ({MAX_SNIPPET_EXPANSIONS}) exceeded");
                return Err(self.problem(message, "snippets that do not import themselves"));
            }
            return Ok(snippet
                .iter()
                .map(|token| Token {
                    depth,
                    ..token.clone()
                })
                .collect());
        }
        self.imports.files += 1;
        if self.imports.files > MAX_FILE_EXPANSIONS {
            let message = format!("maximum file import depth ({MAX_FILE_EXPANSIONS}) exceeded");
            return Err(self.problem(message, "files that do not import themselves"));
        }
        let mut tokens = Vec::new();
        for path in self.imported_paths(pattern, argument)? {
            let text = match self.files.read(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    let message = format!("File to import not found: {pattern}");
                    return Err(self.problem(message, "a snippet defined above, or a file"));
                }
                Err(error) => {
                    let message = format!("Could not import {}: {error}", path.display());
                    return Err(self.problem(message, "a readable file"));
                }
            };
            let name: Arc<str> = path.to_string_lossy().into();
            tokens.append(&mut lexer::tokens(&name, &text, depth));
            if !self.sources.contains(&path) {
                self.sources.push(path);
            }
        }
        Ok(tokens)
    }

    /// The files to import; relative ones are beside the file that imports them.
    fn imported_paths(&mut self, pattern: &str, argument: &Token) -> Result<Vec<PathBuf>, Error> {
        let importing = Path::new(&*argument.position.file);
        let directory = importing.parent().unwrap_or(Path::new(""));
        let path = cleaned(&directory.join(pattern));
        let text = path.to_string_lossy();
        let count = |wildcard: char| text.matches(wildcard).count();
        if count('*') > 1 || count('?') > 1 || (text.contains('[') && text.contains(']')) {
            let message =
                format!("Glob pattern may only contain one wildcard (*), but has others: {text}");
            return Err(self.problem(message, "at most one '*' and one '?'"));
        }
        if !text.contains(['*', '?']) {
            return Ok(vec![path]);
        }
        let paths = match self.files.glob(&path) {
            Ok(paths) => paths,
            Err(error) => {
                let message = format!("Failed to use import pattern {pattern}: {error}");
                return Err(self.problem(message, "a pattern that can be expanded"));
            }
        };
        if paths.is_empty() {
            self.notes.push(Note {
                position: argument.position.clone(),
                directive: "",
                message: format!("No files matching import glob pattern: {pattern}"),
            });
        }
        Ok(paths)
    }
}

/// The path without `.` and, where that is certain, without `..`.
fn cleaned(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match (component, cleaned.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                cleaned.pop();
            }
            _ => cleaned.push(component),
        }
    }
    cleaned
}

/// How many imports of snippets are expanded (`caddyfile`'s limit).
const MAX_SNIPPET_EXPANSIONS: usize = 10_000;

/// How many imports of files are expanded (`caddyfile`'s limit).
const MAX_FILE_EXPANSIONS: usize = 100_000;

/// How deep imports may nest: far more than people write, and soon reached by a cycle, which
/// `caddyfile` only notices after reading the file a hundred thousand times.
const MAX_DEPTH: u16 = 100;

/// How many tokens may wait to be read: snippets that import each other twice double each time.
const MAX_TOKENS: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_cleans_them() {
        for (path, expected) in [
            ("/etc/./coredns/../x", "/etc/x"),
            ("../a/../b", "../b"),
            ("/../a", "/a"),
            ("a//b", "a/b"),
        ] {
            assert_eq!(cleaned(Path::new(path)), Path::new(expected));
        }
    }
}
