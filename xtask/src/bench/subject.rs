//! What is measured, and how each is started and configured.
//!
//! Every server is a caching forwarder on one thread, with a cache that holds every name asked,
//! no validation, no logging of queries; each file in bench/peers says what differs from its
//! defaults and why.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::Options;
use super::topology::{SERVER, UPSTREAM};
use crate::packages;
use crate::step::{cargo, root, run};

/// A server under test.
pub(crate) struct Subject {
    peer: Peer,
    program: PathBuf,
}

/// How a subject stands to the comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The cache of this project.
    Ours,
    /// The bare echo.
    Floor,
    /// What it is compared with.
    Peer,
}

/// How much a subject's cache must hold.
#[derive(Clone, Copy)]
pub(crate) struct Capacity {
    /// For caches limited by number.
    pub(crate) entries: usize,
    /// For caches limited by size.
    pub(crate) megabytes: usize,
}

/// What is fixed about a server: its name, its package, its files.
struct Peer {
    name: &'static str,
    kind: Kind,
    package: Option<&'static str>,
    /// Name and text of its configuration file, with places to fill in.
    configuration: Option<(&'static str, &'static str)>,
    arguments: &'static [&'static str],
    version: &'static [&'static str],
}

impl Subject {
    /// The name it goes by in every table.
    pub(crate) fn name(&self) -> &'static str {
        self.peer.name
    }

    /// How it stands to the comparison.
    pub(crate) fn kind(&self) -> Kind {
        self.peer.kind
    }

    /// The program's file.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// The file that holds its configuration.
    pub(crate) fn configuration(&self) -> Option<&'static str> {
        self.peer.configuration.map(|(file, _)| file)
    }

    /// Its configuration, complete, as (file name, text).
    pub(crate) fn configure(&self, directory: &Path, capacity: Capacity) -> Option<(&str, String)> {
        let (file, template) = self.peer.configuration?;
        Some((file, fill_in(template, directory, capacity)))
    }

    /// Its arguments, complete.
    pub(crate) fn arguments(&self, directory: &Path, capacity: Capacity) -> Vec<String> {
        self.peer
            .arguments
            .iter()
            .map(|word| fill_in(word, directory, capacity))
            .collect()
    }

    /// Its arguments as a reader needs them.
    pub(crate) fn shown_arguments(&self) -> String {
        self.peer
            .arguments
            .join(" ")
            .replace("{directory}", "DIR")
            .replace("{server}", SERVER)
    }

    /// What it says of its version, and the version of its package.
    pub(crate) fn version(&self) -> String {
        let mut words = Vec::new();
        if !self.peer.version.is_empty() {
            let mut command = Command::new(&self.program);
            // Some say it on standard error, and BIND adds configure options in lines of their own.
            let said = command.args(self.peer.version).output();
            let said = said
                .map(|said| [said.stdout, said.stderr].concat())
                .unwrap_or_default();
            words.extend(
                String::from_utf8_lossy(&said)
                    .lines()
                    .next()
                    .map(str::to_owned),
            );
        }
        if let Some(package) = self.peer.package {
            let version = packages::version(package).unwrap_or_default();
            words.push(format!("(package {package} {version})"));
        }
        words.join(" ")
    }
}

fn fill_in(template: &str, directory: &Path, capacity: Capacity) -> String {
    template
        .replace("{server}", SERVER)
        .replace("{upstream}", UPSTREAM)
        .replace("{directory}", &directory.display().to_string())
        .replace("{entries}", &capacity.entries.to_string())
        .replace("{megabytes}", &capacity.megabytes.to_string())
}

/// The subjects the user asked for: ours, the echo, then the peers.
pub(crate) fn choose(options: &Options) -> Result<Vec<Subject>> {
    let mut subjects = Vec::new();
    if !options.no_nodens {
        let program = options.binary.clone().map_or_else(build, Ok)?;
        subjects.push(Subject {
            peer: NODENS,
            program,
        });
    }
    // The echo is compiled into the run's directory later; its name is all that is known yet.
    subjects.push(Subject {
        peer: ECHO,
        program: PathBuf::from("echo"),
    });
    if let Some(program) = options.coredns.clone() {
        subjects.push(Subject {
            peer: COREDNS,
            program,
        });
    }
    let wanted = |peer: &Peer| {
        options
            .peers
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name == peer.name))
    };
    for name in options.peers.iter().flatten() {
        if !PEERS.iter().any(|(peer, _)| peer.name == name) {
            let known: Vec<_> = PEERS.iter().map(|(peer, _)| peer.name).collect();
            bail!("no peer is called `{name}`; there are {}", known.join(", "));
        }
    }
    for (peer, program) in PEERS.into_iter().filter(|(peer, _)| wanted(peer)) {
        let program = PathBuf::from(program);
        if !program.exists() {
            bail!(
                "{} is not installed; `cargo xtask install-test-tools --bench` does it",
                program.display()
            );
        }
        subjects.push(Subject { peer, program });
    }
    Ok(subjects)
}

/// Builds the release program and says where it is.
fn build() -> Result<PathBuf> {
    run(&mut cargo(&["build", "--release", "--package", "nodens"]))?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join("release/nodens"))
}

const NODENS: Peer = Peer {
    name: "nodens",
    kind: Kind::Ours,
    package: None,
    configuration: Some(("Corefile", include_str!("../../../bench/peers/Corefile"))),
    arguments: &["cache", "-conf", "{directory}/Corefile"],
    version: &["--version"],
};

const ECHO: Peer = Peer {
    name: "echo",
    kind: Kind::Floor,
    package: None,
    configuration: None,
    arguments: &["{server}", "53"],
    version: &[],
};

const COREDNS: Peer = Peer {
    name: "coredns",
    kind: Kind::Peer,
    package: None,
    configuration: Some(("Corefile", include_str!("../../../bench/peers/Corefile"))),
    arguments: &["-conf", "{directory}/Corefile"],
    version: &["-version"],
};

/// The peers that Debian packages, with their programs.
const PEERS: [(Peer, &str); 6] = [
    (
        Peer {
            name: "unbound",
            kind: Kind::Peer,
            package: Some("unbound"),
            configuration: Some((
                "unbound.conf",
                include_str!("../../../bench/peers/unbound.conf"),
            )),
            arguments: &["-d", "-c", "{directory}/unbound.conf"],
            version: &["-V"],
        },
        "/usr/sbin/unbound",
    ),
    (
        Peer {
            name: "dnsdist",
            kind: Kind::Peer,
            package: Some("dnsdist"),
            configuration: Some((
                "dnsdist.conf",
                include_str!("../../../bench/peers/dnsdist.conf"),
            )),
            arguments: &["--supervised", "-C", "{directory}/dnsdist.conf"],
            version: &["--version"],
        },
        "/usr/bin/dnsdist",
    ),
    (
        Peer {
            name: "dnsmasq",
            kind: Kind::Peer,
            package: Some("dnsmasq-base"),
            configuration: Some((
                "dnsmasq.conf",
                include_str!("../../../bench/peers/dnsmasq.conf"),
            )),
            arguments: &["--keep-in-foreground", "-C", "{directory}/dnsmasq.conf"],
            version: &["--version"],
        },
        "/usr/sbin/dnsmasq",
    ),
    (
        Peer {
            name: "knot-resolver",
            kind: Kind::Peer,
            package: Some("knot-resolver"),
            configuration: Some((
                "kresd.conf",
                include_str!("../../../bench/peers/kresd.conf"),
            )),
            arguments: &["-n", "-c", "{directory}/kresd.conf", "{directory}"],
            version: &["--version"],
        },
        "/usr/sbin/kresd",
    ),
    (
        Peer {
            name: "bind9",
            kind: Kind::Peer,
            package: Some("bind9"),
            configuration: Some((
                "named.conf",
                include_str!("../../../bench/peers/named.conf"),
            )),
            arguments: &["-g", "-n", "1", "-c", "{directory}/named.conf"],
            version: &["-v"],
        },
        "/usr/sbin/named",
    ),
    (
        Peer {
            name: "pdns-recursor",
            kind: Kind::Peer,
            package: Some("pdns-recursor"),
            configuration: Some((
                "recursor.conf",
                include_str!("../../../bench/peers/recursor.conf"),
            )),
            arguments: &["--config-dir={directory}"],
            version: &["--version"],
        },
        "/usr/sbin/pdns_recursor",
    ),
];
