//! The benchmark's own programs: small C files, because they are loops around system calls and
//! the workspace keeps `unsafe` code in one crate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::step::{root, run};

/// The compiled programs.
pub(crate) struct Tools {
    directory: PathBuf,
}

impl Tools {
    /// Compiles everything into `directory`.
    pub(crate) fn compile(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).with_context(|| format!("make {}", directory.display()))?;
        let tools = Self {
            directory: directory.to_path_buf(),
        };
        for name in ["echo", "responder", "load", "latency"] {
            let source = root().join("bench").join(name).with_extension("c");
            run(Command::new("cc")
                .args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"])
                .args([&tools.path(name), &source]))?;
        }
        Ok(tools)
    }

    /// Where the program `name` is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}
