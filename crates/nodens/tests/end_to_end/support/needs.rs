//! What a test needs of the machine, and what becomes of it without.

use std::io::Write as _;
use std::path::Path;

/// Whether the test can run: as root, with all of `tools`. If not, that is said where it can be
/// seen, or, with `LAB=required`, the test fails.
pub(crate) fn has(tools: &[&str]) -> bool {
    let missing = if rustix::process::geteuid().is_root() {
        let always = ["ip", "nft", "nsenter", "setpriv", "unshare"];
        let mut all = always.iter().chain(tools);
        all.find(|tool| !is_there(tool))
            .map(|tool| format!("{tool} is not installed"))
    } else {
        Some("network namespaces need root".into())
    };
    let Some(reason) = missing else { return true };
    assert!(
        std::env::var_os("LAB").is_none_or(|value| value != "required"),
        "LAB=required: {reason}"
    );
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    // Past the capture of the test's output: a skip must be seen.
    let line = format!("skipped: {test}: {reason}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    false
}

fn is_there(tool: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut folders = path.split(':').chain(["/usr/sbin", "/sbin"]);
    folders.any(|folder| Path::new(folder).join(tool).is_file())
}
