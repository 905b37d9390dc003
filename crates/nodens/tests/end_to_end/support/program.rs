//! Small programs of our own that look names up as other people's programs do.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::lab::Lab;
use super::process::output;

/// Compiles `programs/<source>` with a compiler and its arguments, `-o` and the source following.
pub(crate) fn compiled(lab: &Lab, source: &str, compiler: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/end_to_end/programs")
        .join(source);
    let program = lab.directory.path().join("program");
    let cache = lab.directory.path().join("go-cache");
    let mut command = Command::new(compiler[0]);
    command
        .args(&compiler[1..])
        .arg("-o")
        .arg(&program)
        .arg(source);
    command.env("GOCACHE", cache).env("GOFLAGS", "-mod=mod");
    command.env("GO111MODULE", "off");
    output(&mut command);
    program
}
