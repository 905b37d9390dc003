//! Debian packages: which are there, and installing more without starting services.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::step::{output, run};

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|user| user.trim() == "0")
}

/// The packages of `names` that are not installed.
pub(crate) fn missing<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<&'a str>> {
    require_debian()?;
    Ok(names.filter(|name| version(name).is_none()).collect())
}

/// The installed version of a package.
pub(crate) fn version(name: &str) -> Option<String> {
    let format = "--showformat=${db:Status-Status} ${Version}";
    let shown = output(Command::new("dpkg-query").args(["--show", format, name])).ok()?;
    shown.strip_prefix("installed ").map(str::to_owned)
}

/// Installs packages. No service of theirs is started now; the next boot of the machine may.
pub(crate) fn install(names: &[&str]) -> Result<()> {
    require_debian()?;
    if !is_root() && !has_sudo() {
        bail!(
            "installing packages needs root, or sudo without a password: {}",
            names.join(" ")
        );
    }
    let _held_back = ServicesHeldBack::new()?;
    run(&mut apt(&["update"]))?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(names);
    run(&mut apt(&arguments))
}

fn require_debian() -> Result<()> {
    let present = |program| Path::new(program).exists();
    if !present("/usr/bin/apt-get") || !present("/usr/bin/dpkg-query") {
        bail!(
            "this system has no apt-get; install the equivalents of the packages listed in \
             xtask/src/test_tools.rs by hand and use `cargo xtask check`"
        );
    }
    Ok(())
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = privileged("env");
    command
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"])
        .args(arguments);
    command.stdin(Stdio::null());
    command
}

/// A command run as root, through sudo where this process is not root's.
fn privileged(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["--non-interactive", program]);
    command
}

fn has_sudo() -> bool {
    output(Command::new("sudo").args(["--non-interactive", "true"])).is_ok()
}

/// Keeps Debian's maintainer scripts from starting services while it lives.
///
/// They ask /usr/sbin/policy-rc.d first, and exit code 101 forbids (invoke-rc.d's interface,
/// see its manual page). A file that was there before is put back.
struct ServicesHeldBack {
    had_policy: bool,
}

impl ServicesHeldBack {
    fn new() -> Result<Self> {
        let had_policy = Path::new(POLICY).exists();
        if had_policy {
            run(privileged("cp").args(["--preserve", POLICY, POLICY_KEPT]))?;
        }
        let own = std::env::temp_dir().join(format!("policy-rc.d.{}", std::process::id()));
        fs::write(&own, "#!/bin/sh\nexit 101\n").context("write a policy-rc.d")?;
        let installed = run(privileged("install")
            .args(["--mode=755"])
            .arg(&own)
            .arg(POLICY));
        fs::remove_file(&own).context("remove the temporary policy-rc.d")?;
        installed?;
        Ok(Self { had_policy })
    }
}

impl Drop for ServicesHeldBack {
    fn drop(&mut self) {
        let restored = if self.had_policy {
            run(privileged("mv").args(["--force", POLICY_KEPT, POLICY]))
        } else {
            run(privileged("rm").args(["--force", POLICY]))
        };
        if let Err(error) = restored {
            println!("cannot restore {POLICY}: {error:#}");
        }
    }
}

const POLICY: &str = "/usr/sbin/policy-rc.d";
const POLICY_KEPT: &str = "/usr/sbin/policy-rc.d.before-nodens";
