//! Where a run keeps its temporary files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::topology::{PREFIX, is_left_over};

/// A directory for everything temporary; in memory where there is such a place, so that no
/// disk is part of the measurement (Knot Resolver keeps its cache in a file).
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes it, after removing those of runs that were killed.
    pub(crate) fn create() -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory.to_path_buf()
        } else {
            std::env::temp_dir()
        };
        for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
            if is_left_over(&entry.file_name().to_string_lossy()) {
                // Someone else's, if it cannot be removed.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let scratch = Self(parent.join(format!("{PREFIX}{}", std::process::id())));
        fs::create_dir(&scratch.0).with_context(|| format!("make {}", scratch.0.display()))?;
        Ok(scratch)
    }

    /// The path of a file or directory in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A directory in it with nothing in it.
    pub(crate) fn empty(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("empty {}", path.display()))?;
        }
        fs::create_dir(&path).with_context(|| format!("make {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing can be done about a file that will not go; it is in memory or in /tmp.
        let _ = fs::remove_dir_all(&self.0);
    }
}
