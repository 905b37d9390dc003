//! A Corefile made from a template, as node-cache makes it: the template from one `ConfigMap`, the variables in it from flags, the
//! environment and a second `ConfigMap`, that of kube-dns.
//!
//! Making it is a pure function ([`render`]); [`TemplateSource`] reads the files, keeps what was good last, and writes what it made;
//! [`watch`] tells when to look again. node-cache hands its result to CoreDNS through a file; here the file is for readers, and may
//! be left out, so that the container needs no place to write to.

mod atomic_file;
mod kube_dns;
mod render;
mod source;
mod upstream_service;
mod watch;

use std::net::IpAddr;
use std::path::PathBuf;

pub use kube_dns::{KubeDns, KubeDnsError};
pub use render::{RenderError, Values, render};
pub use source::TemplateSource;
pub use upstream_service::{MissingService, service_address, service_variable};
pub use watch::watch;

/// Where the template and what goes into it are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateOptions {
    /// The template (`-basecorefile`).
    pub template: PathBuf,
    /// Where to write the Corefile made from it (`-conf`), if anywhere.
    pub generated: Option<PathBuf>,
    /// The directory of the mounted kube-dns `ConfigMap` (`-kubednscm`).
    pub kube_dns: Directory,
    /// The addresses to listen on (`-localip`).
    pub local_addresses: Vec<IpAddr>,
    /// The Service of the cluster DNS servers (`-upstreamsvc`).
    pub upstream_service: String,
    /// The domain of the cluster; `None` if it was not said.
    pub cluster_domain: Option<String>,
    /// Where metrics are served (`-prometheus-listen-address`).
    pub prometheus: String,
}

/// A directory that may or may not have to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directory {
    /// It was asked for, so its absence is a mistake.
    Named(PathBuf),
    /// Where it usually is; its absence means that there is nothing in it.
    Usual(PathBuf),
}

impl Directory {
    /// Its path.
    pub fn path(&self) -> &std::path::Path {
        match self {
            Self::Named(path) | Self::Usual(path) => path,
        }
    }
}
