//! The `nodens` program: one subcommand per file.

#![forbid(unsafe_code)]

mod cache;
mod go_flags;
mod manifest;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Kubernetes DNS that can be explained, cured and proved.
#[derive(Debug, Parser)]
#[command(
    name = "nodens",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Cache(cache::Arguments),
    Manifest(manifest::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse_from(go_flags::spelled_out(std::env::args_os()));
    match arguments.command {
        Command::Cache(arguments) => cache::run(&arguments),
        Command::Manifest(arguments) => manifest::run(&arguments),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Arguments;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
