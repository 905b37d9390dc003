//! The flags of `nodens cache`: those of node-cache and CoreDNS with their defaults, and a few of its own.
//!
//! What differs from node-cache is in `docs/node-cache-flags.md`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};

use super::values::{interface_name, listen_address, port, sync_interval};
use crate::go_flags::boolean;

/// Run the DNS cache
///
/// Reads a Corefile, the configuration of CoreDNS and node-cache. Without -conf it reads ./Corefile; where there is none, it
/// listens on 127.0.0.1:5353 and asks the servers of /etc/resolv.conf:
///
///   dig -p 5353 @127.0.0.1 hello.nodens.example
///
/// On a Kubernetes node it takes node-cache's place, with the same flags, files and environment:
///
///   nodens cache -localip 169.254.20.10,10.96.0.10 -conf /etc/Corefile -upstreamsvc kube-dns-upstream
///
/// Flags may be written with one dash or two. Each is described in docs/node-cache-flags.md.
#[derive(Args, Debug)]
#[command(
    verbatim_doc_comment,
    args_override_self = true,
    disable_version_flag = true
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct Arguments {
    /// The Corefile, or stdin; with a template, where to write the Corefile made from it
    #[arg(long, value_name = "FILE")]
    pub(super) conf: Option<PathBuf>,
    /// The port of a server block that names none, and of packet rules
    #[arg(
        long = "dns.port",
        short = 'p',
        alias = "p",
        value_name = "PORT",
        default_value_t = 53,
        value_parser = port
    )]
    pub(super) dns_port: u16,
    /// Write the process id to this file once questions are answered
    #[arg(long, value_name = "FILE")]
    pub(super) pidfile: Option<PathBuf>,
    /// Check the configuration and end: 0 when it can be used, 1 with the place and what was expected when not
    #[arg(long)]
    pub(super) check: bool,
    /// Print the built-in Corefile and end
    #[arg(long)]
    pub(super) print_default: bool,
    /// Say nothing at start
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub(super) quiet: bool,
    /// List the directives a Corefile may hold and end
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub(super) plugins: bool,
    /// Print the version and end
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub(super) version: bool,
    #[command(flatten)]
    pub(super) node: Node,
    #[command(flatten)]
    pub(super) template: Template,
    /// Go stops at the first word that is no flag, and CoreDNS ends with what is left.
    #[arg(hide = true, trailing_var_arg = true)]
    pub(super) extra: Vec<OsString>,
}

/// What is set up on the node.
#[derive(Args, Debug)]
#[command(next_help_heading = "Node")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct Node {
    /// The addresses that pods ask, IPv4 and IPv6, with commas between
    #[arg(
        long,
        value_name = "ADDRESSES",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) localip: String,
    /// Put these addresses on an interface, as long as the process lives
    #[arg(long, value_name = "BOOL", default_value = "true", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub(super) setupinterface: bool,
    /// The name of the interface
    #[arg(long, value_name = "NAME", default_value = "nodelocaldns", value_parser = interface_name)]
    pub(super) interfacename: String,
    /// Keep connection tracking and kube-proxy away from these addresses, as long as the process lives
    #[arg(long, value_name = "BOOL", default_value = "true", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub(super) setupiptables: bool,
    /// How often interface and rules are compared with what they should be
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = sync_interval)]
    pub(super) syncinterval: Duration,
    /// The port of the health page, for the packet rules
    #[arg(long, value_name = "PORT", default_value_t = 8080, value_parser = port)]
    pub(super) health_port: u16,
    /// Leave interface and rules behind at the end
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub(super) skipteardown: bool,
    /// Run the cache in a child process, and restart it when it crashes or hangs
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub(super) supervise: bool,
    /// Where metrics are served besides the Corefile's prometheus [default: 0.0.0.0:9353 with -localip or a template]
    #[arg(long, value_name = "ADDRESS", value_parser = listen_address)]
    pub(super) metrics_listen_address: Option<String>,
}

/// The Corefile's template and what goes into it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Template")]
pub(crate) struct Template {
    /// The template to make the Corefile from [default: /etc/coredns/Corefile.base where there is one]
    #[arg(long, value_name = "FILE")]
    pub(super) basecorefile: Option<PathBuf>,
    /// Taken for the sake of node-cache, which ignores it as well; -conf is what counts
    #[arg(long, value_name = "FILE")]
    corefile: Option<PathBuf>,
    /// The directory of the kube-dns ConfigMap [default: /etc/kube-dns where there is one]
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) kubednscm: Option<PathBuf>,
    /// The Service of the cluster DNS servers, whose address is in the environment
    #[arg(long, value_name = "NAME", default_value = "kube-dns")]
    pub(super) upstreamsvc: String,
    #[arg(long, help = "Where metrics are served, for __PROMETHEUS__ENDPOINT__", value_name = "ADDRESS", default_value = ":9253", value_parser = listen_address)]
    pub(super) prometheus_listen_address: String,
    #[arg(
        long,
        help = "The domain of the cluster, for __PILLAR__DNS__DOMAIN__ [default: cluster.local]",
        value_name = "DOMAIN"
    )]
    pub(super) cluster_domain: Option<String>,
    /// Taken for the sake of node-cache: changes are put in force without a signal
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    reloadwithsignal: bool,
}
