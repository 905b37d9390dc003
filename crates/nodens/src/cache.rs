//! `nodens cache`: the DNS cache.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use nodens_serve::program::{ProgramError, ProgramOptions, Source, run as run_program};

/// Run the DNS cache
///
/// Reads a Corefile, the configuration of CoreDNS and node-cache. Without -conf it reads ./Corefile; where there is none, it
/// listens on 127.0.0.1:5353 and asks the servers of /etc/resolv.conf:
///
///   dig -p 5353 @127.0.0.1 hello.nodens.example
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The Corefile
    #[arg(long, value_name = "FILE")]
    conf: Option<PathBuf>,
    /// The port of a server block that names none
    #[arg(
        long = "dns.port",
        short = 'p',
        value_name = "PORT",
        default_value_t = 53
    )]
    dns_port: u16,
    /// Write the process id to this file once questions are answered
    #[arg(long, value_name = "FILE")]
    pidfile: Option<PathBuf>,
    /// Say nothing at start
    #[arg(long)]
    quiet: bool,
    /// Check the Corefile and end: 0 when it can be used, 1 with the place and what was expected when not
    #[arg(long)]
    check: bool,
    /// List the directives a Corefile may hold and end
    #[arg(long)]
    plugins: bool,
    /// Print the built-in Corefile and end
    #[arg(long)]
    print_default: bool,
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let outcome = if arguments.plugins {
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
    let options = ProgramOptions {
        source: source(arguments),
        port: arguments.dns_port,
        pid_file: arguments.pidfile.clone(),
        quiet: arguments.quiet,
    };
    run_program(&options).map_err(|error| match error {
        ProgramError::System { operation, source } => format!("{operation}: {source}"),
        ProgramError::Configuration(text) | ProgramError::Loop(text) => text,
    })
}

fn check(arguments: &Arguments) -> Result<(), String> {
    let config = source(arguments).load(arguments.dns_port)?;
    let mut text = String::new();
    for note in &config.notes {
        text.push_str(&format!("{} - {}\n", note.position, note.message));
    }
    for source in &config.sources {
        text.push_str(&format!("{}: can be used\n", source.display()));
    }
    print(&text)
}

fn list_directives() -> Result<(), String> {
    let mut text = String::from("Directives:\n");
    for directive in nodens_corefile::directives() {
        text.push_str(&format!("  {:<12} {}\n", directive.name, directive.summary));
    }
    print(&text)
}

fn print(text: &str) -> Result<(), String> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| format!("write to stdout: {error}"))
}

/// What -conf names; else ./Corefile, as in CoreDNS; else the built-in one.
fn source(arguments: &Arguments) -> Source {
    let here = PathBuf::from("Corefile");
    match &arguments.conf {
        Some(path) => Source::File(path.clone()),
        None if here.exists() => Source::File(here),
        None => Source::BuiltIn {
            name: "built-in Corefile",
            text: BUILT_IN,
        },
    }
}

/// What is served without a Corefile.
const BUILT_IN: &str = include_str!("cache/Corefile");
