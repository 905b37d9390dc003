//! Grows the corpus of a target, or runs one input.

#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "a command line program reports on its standard output"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use nodens_fuzz::{ALL, Budget, Corpus, Target, watched};

/// Tries mutated inputs on a target and keeps those that show something new.
#[derive(Parser)]
#[command(name = "nodens-fuzz", version)]
struct Arguments {
    /// The name of a target, such as `message`; without one that exists, they are listed.
    target: String,
    /// How long to try.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Repeats a run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs this input instead, without catching its panic.
    #[arg(long)]
    replay: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let Some(target) = Target::named(&arguments.target) else {
        let names: Vec<&str> = ALL.iter().map(|target| target.name).collect();
        bail!("{} is not one of {}", arguments.target, names.join(", "));
    };
    if let Some(path) = &arguments.replay {
        let input = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        println!("{:?}", (target.run)(&input));
        return Ok(());
    }
    let corpus = Corpus::load(target)?;
    let inputs = corpus
        .inputs()
        .iter()
        .map(|(_, bytes)| bytes.clone())
        .collect();
    let time = Duration::from_secs(arguments.seconds);
    let started = Instant::now();
    let growth = match watched(
        target,
        inputs,
        arguments.seed,
        Budget {
            runs: u64::MAX,
            time,
        },
    ) {
        Ok(growth) => growth,
        Err(hang) => {
            let path = keep_crash(target, &hang.input)?;
            return Err(hang).with_context(|| format!("input kept as {}", path.display()));
        }
    };
    let files = corpus.save(&growth.inputs)?;
    println!(
        "{}: {} inputs in {:.0?}, {} features, {files} files in the corpus",
        target.name,
        growth.runs,
        started.elapsed(),
        growth.features,
    );
    for crash in &growth.crashes {
        let path = keep_crash(target, &crash.input)?;
        println!(
            "{}: {}\n  input kept as {}",
            crash.panicked.place,
            crash.panicked.message,
            path.display()
        );
    }
    if !growth.crashes.is_empty() {
        bail!("{} places panicked", growth.crashes.len());
    }
    Ok(())
}

/// Writes an input to `fuzz/crashes`.
fn keep_crash(target: &Target, input: &[u8]) -> Result<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("crashes");
    fs::create_dir_all(&directory).with_context(|| format!("create {}", directory.display()))?;
    let path = directory.join(format!("{}-{}", target.name, nodens_fuzz::hash_name(input)));
    fs::write(&path, input).with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}
