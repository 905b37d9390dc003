//! What a reader must know about the machine that measured.

use std::fs;
use std::process::Command;

use crate::step::output;

/// Facts as (name, value), in the order they are shown.
pub(crate) fn facts() -> Vec<(&'static str, String)> {
    let said = |program: &str, arguments: &[&str]| {
        let text = output(Command::new(program).args(arguments)).unwrap_or_default();
        text.lines().next().unwrap_or("unknown").trim().to_owned()
    };
    let dnsperf = output(Command::new("dnsperf").arg("-h")).unwrap_or_default();
    let dnsperf = dnsperf
        .lines()
        .find_map(|line| line.strip_prefix("Version "))
        .unwrap_or("unknown");
    vec![
        ("date", said("date", &["--utc", "+%F %R UTC"])),
        ("commit", commit()),
        ("kernel", said("uname", &["-srvm"])),
        ("CPU", format!("{}, {} CPUs", cpu(), cpus())),
        ("memory", line_of("/proc/meminfo", "MemTotal:")),
        (
            "system",
            line_of("/etc/os-release", "PRETTY_NAME=")
                .trim_matches('"')
                .to_owned(),
        ),
        (
            "load before",
            fs::read_to_string("/proc/loadavg")
                .unwrap_or_default()
                .trim()
                .to_owned(),
        ),
        ("virtual", said("systemd-detect-virt", &[])),
        ("dnsperf", dnsperf.to_owned()),
        ("rustc", said("rustc", &["--version"])),
        ("cc", said("cc", &["--version"])),
    ]
}

/// A short name of the machine, fit for a directory.
pub(crate) fn slug() -> String {
    let mut slug = String::new();
    for letter in format!("{} {}cpu", cpu(), cpus()).chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug
}

/// The date, as in directories.
pub(crate) fn today() -> String {
    let text = output(Command::new("date").args(["--utc", "+%F"])).unwrap_or_default();
    text.trim().to_owned()
}

fn commit() -> String {
    let mut describe = Command::new("git");
    describe
        .args(["describe", "--always", "--dirty"])
        .current_dir(crate::step::root());
    output(&mut describe).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn cpu() -> String {
    line_of("/proc/cpuinfo", "model name")
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What follows `prefix` on the first line of a file that starts with it.
fn line_of(path: &str, prefix: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(prefix))
        .unwrap_or("unknown");
    line.trim_start_matches([':', ' ', '\t']).to_owned()
}
