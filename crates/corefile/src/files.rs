//! The outside world as a Corefile sees it: files to read, patterns to expand, environment
//! variables. A trait, so that a Corefile is parsed the same way from memory, in tests and fuzzing.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

mod glob;

/// What loading a Corefile needs from outside.
pub trait Files {
    /// The text of a file; bytes that are not UTF-8 become U+FFFD.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// The paths that match a pattern in which `*` and `?` stand for any characters, or any one
    /// character, of a path component; sorted.
    fn glob(&self, pattern: &Path) -> io::Result<Vec<PathBuf>>;

    /// An environment variable.
    fn env(&self, name: &str) -> Option<String>;
}

/// The real file system and environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path) -> io::Result<String> {
        let bytes = fs::read(path)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn glob(&self, pattern: &Path) -> io::Result<Vec<PathBuf>> {
        glob::expand(pattern)
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }
}

/// Files and environment variables held in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles {
    files: BTreeMap<PathBuf, String>,
    variables: BTreeMap<String, String>,
}

impl MemoryFiles {
    /// No file and no variable.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.files
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn glob(&self, pattern: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self
            .files
            .keys()
            .filter(|path| glob::matches(pattern, path))
            .cloned()
            .collect())
    }

    fn env(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
}
