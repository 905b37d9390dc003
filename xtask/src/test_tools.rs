//! The programs that the tests and the benchmark talk to, as Debian packages.

use anyhow::Result;
use clap::Args;

use crate::packages;

/// What to install.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Also the name servers that the benchmark compares with.
    #[arg(long)]
    bench: bool,
}

/// Installs what is missing; does nothing when everything is there.
pub(crate) fn install(options: &Options) -> Result<()> {
    let bench: &[Package] = if options.bench { BENCH } else { &[] };
    let wanted = || TEST.iter().chain(bench);
    let missing = packages::missing(wanted().map(|package| package.name))?;
    if missing.is_empty() {
        println!("all {} packages are installed", wanted().count());
        return Ok(());
    }
    println!("installing, without starting any service:");
    for package in wanted().filter(|package| missing.contains(&package.name)) {
        println!("  {:<16} {}", package.name, package.reason);
    }
    packages::install(&missing)
}

/// A package and why it is needed.
struct Package {
    name: &'static str,
    reason: &'static str,
}

const fn package(name: &'static str, reason: &'static str) -> Package {
    Package { name, reason }
}

const TEST: &[Package] = &[
    package("bind9-dnsutils", "dig, the client everybody debugs with"),
    package(
        "ca-certificates",
        "the Go client's build and DNS over TLS need trust anchors",
    ),
    package(
        "curl",
        "reads /metrics, /health and /ready as a probe would",
    ),
    package(
        "dnsmasq-base",
        "an upstream that cuts answers short and knows few names",
    ),
    package("dnsperf", "load with every query accounted for"),
    package("gcc", "a client that resolves with glibc"),
    package("golang-go", "a client that resolves with Go's own resolver"),
    package("iproute2", "builds network namespaces and their links"),
    package(
        "iptables",
        "finds and makes the rules that a node-cache left behind",
    ),
    package("libc6-dev", "glibc's headers for the glibc client"),
    package(
        "musl-tools",
        "a client that resolves with musl, and the static release build",
    ),
    package("nftables", "lists the no-track rules from outside"),
    package(
        "openssl",
        "makes the certificates of a DNS over TLS upstream",
    ),
    package("procps", "looks at the processes under test"),
    package(
        "unbound",
        "a resolver as upstream: TCP, TLS, DNSSEC records, big answers",
    ),
    package("util-linux", "nsenter, setpriv and taskset"),
];

const BENCH: &[Package] = &[
    package("bind9", "compared in the benchmark"),
    package("dnsdist", "compared in the benchmark"),
    package("knot-resolver", "compared in the benchmark"),
    package("pdns-recursor", "compared in the benchmark"),
];
