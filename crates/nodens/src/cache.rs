//! `nodens cache`: the DNS cache.

mod flags;
mod options;
mod values;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use nodens_serve::program::{ProgramError, Source, run as run_program};

pub(crate) use self::flags::Arguments;

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let outcome = if !arguments.extra.is_empty() {
        Err(extra_arguments(arguments))
    } else if arguments.version {
        print(&version())
    } else if arguments.plugins {
        list_directives()
    } else if arguments.print_default {
        print(BUILT_IN)
    } else if arguments.check {
        check(arguments)
    } else {
        serve(arguments)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &Arguments) -> Result<(), String> {
    let options = options::program(arguments)?;
    run_program(&options).map_err(|error| match error {
        ProgramError::System { operation, source } => format!("{operation}: {source}"),
        ProgramError::Configuration(text) | ProgramError::Loop(text) => text,
    })
}

fn check(arguments: &Arguments) -> Result<(), String> {
    let options = options::program(arguments)?;
    let config = options.source.load(options.port)?;
    let mut text = String::new();
    for note in &config.notes {
        let _ = writeln!(text, "{} - {}", note.position, note.message);
    }
    if let Source::Text { name, .. } = options.source {
        let _ = writeln!(text, "{name}: can be used");
    }
    for source in &config.sources {
        let _ = writeln!(text, "{}: can be used", source.display());
    }
    print(&text)
}

/// CoreDNS's words, and the usual reason.
fn extra_arguments(arguments: &Arguments) -> String {
    let extra: Vec<_> = arguments
        .extra
        .iter()
        .map(|argument| argument.to_string_lossy())
        .collect();
    format!(
        "extra command line arguments: [{}]; expected flags only; the value of a boolean follows '=', as in -setupiptables=false",
        extra.join(" ")
    )
}

fn version() -> String {
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("nodens-{}\n{system}/{machine}\n", env!("CARGO_PKG_VERSION"))
}

fn list_directives() -> Result<(), String> {
    let mut text = String::from("Directives:\n");
    for directive in nodens_corefile::directives() {
        let _ = writeln!(text, "  {:<12} {}", directive.name, directive.summary);
    }
    print(&text)
}

fn print(text: &str) -> Result<(), String> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| format!("write to stdout: {error}"))
}

/// What is served without a Corefile.
const BUILT_IN: &str = include_str!("cache/Corefile");
