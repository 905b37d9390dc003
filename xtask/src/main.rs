//! The project's own commands: `cargo xtask <command>`.
//!
//! One entry point for what a contributor and the continuous integration do: check everything,
//! install the programs that the tests talk to, measure. Needs nothing but Cargo.

#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "a command line program reports on its standard output"
)]

mod bench;
mod check;
mod interrupt;
mod packages;
mod step;
mod test_tools;
mod tidy;

use clap::{Parser, Subcommand};

/// Checks, measures and maintains this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Format, lints, house rules and tests, in this order, up to the first failure.
    Check,
    /// Everything the continuous integration runs: install-test-tools, then check with no
    /// test allowed to skip itself.
    Ci,
    /// Installs the Debian packages that the tests need (as root, or through sudo).
    InstallTestTools(test_tools::Options),
    /// The house rules that no compiler checks: layers, lints, links, words.
    Tidy,
    /// Measures, and writes a run directory below bench/runs.
    #[command(subcommand)]
    Bench(BenchCommand),
}

#[derive(Subcommand)]
enum BenchCommand {
    /// The cache beside other DNS servers and a bare UDP echo, each alone on one CPU.
    Cache(Box<bench::Options>),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Check => check::check(check::Laboratory::Optional),
        Command::Ci => check::continuous_integration(),
        Command::InstallTestTools(options) => test_tools::install(&options),
        Command::Tidy => tidy::tidy(),
        Command::Bench(BenchCommand::Cache(options)) => bench::cache(&options),
    }
}
