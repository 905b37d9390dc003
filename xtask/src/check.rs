//! What must hold before a change goes in, in the order in which failures are cheapest to find.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::step::{cargo, run, step};
use crate::{packages, test_tools, tidy};

/// Whether a test that needs root, namespaces or another program may skip itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Laboratory {
    /// It says why, and is skipped.
    Optional,
    /// It fails.
    Required,
}

/// Format, lints, house rules, tests. The generated pages are compared by a test of the crate
/// that generates them.
pub(crate) fn check(laboratory: Laboratory) -> Result<()> {
    step("format", || {
        run(&mut cargo(&["fmt", "--all", "--", "--check"]))
    })?;
    step("clippy", || {
        run(&mut cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    step("tidy", tidy::tidy)?;
    step("tests", || run(&mut tests(laboratory)))?;
    println!("all good");
    Ok(())
}

/// Installs what the tests need, then checks with every test required.
pub(crate) fn continuous_integration() -> Result<()> {
    step("install-test-tools", || {
        test_tools::install(&test_tools::Options::default())
    })?;
    check(Laboratory::Required)
}

fn tests(laboratory: Laboratory) -> Command {
    let mut command = cargo(&["test", "--workspace"]);
    command.env("PATH", path_with_system_programs());
    if laboratory == Laboratory::Required {
        command.env("LAB", "required");
        if !packages::is_root() {
            // The tests build network namespaces. Only their programs run as root; what is
            // compiled stays the user's.
            command.env(runner_variable(), runner());
        }
    }
    command
}

/// Cargo's variable for the program that starts test programs.
fn runner_variable() -> String {
    let architecture = std::env::consts::ARCH.to_uppercase();
    format!("CARGO_TARGET_{architecture}_UNKNOWN_LINUX_GNU_RUNNER")
}

fn runner() -> String {
    let path = path_with_system_programs();
    format!("sudo --preserve-env env PATH={path}")
}

/// Debian leaves /usr/sbin out of a user's PATH, where the name servers are.
fn path_with_system_programs() -> String {
    let mut path = std::env::var("PATH").unwrap_or_default();
    for directory in ["/usr/sbin", "/sbin"] {
        if Path::new(directory).is_dir() && !path.split(':').any(|part| part == directory) {
            path.push(':');
            path.push_str(directory);
        }
    }
    path
}
