//! `nodens manifest`: the Kubernetes objects of the cache.
//!
//! Each object is a file of YAML with comments, in `manifest/`, so that what an administrator reads is what was written. The names and
//! labels are those of the stock manifest: applying one over the other replaces it, node by node.

mod render;
mod values;

use std::io::Write as _;
use std::net::IpAddr;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use self::values::{address, domain_name, image, label, quantity};

/// Render the Kubernetes objects of the cache
///
/// Writes a ServiceAccount, the Service kube-dns-upstream, a ConfigMap with the Corefile, a DaemonSet and a Service for metrics to
/// stdout; nothing is applied:
///
///   nodens manifest --mode iptables --image registry.example.org/nodens:1.0 --cluster-dns 10.96.0.10 | kubectl apply -f -
///
/// The entry point of the image must be this program under the name node-cache.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
#[expect(
    clippy::doc_markdown,
    reason = "these are the words of --help, where backticks would be noise"
)]
pub(crate) struct Arguments {
    /// How the cluster's Services work: the mode of kube-proxy, or cilium where it replaces kube-proxy
    #[arg(long, value_enum)]
    mode: Mode,
    /// The image
    #[arg(long, value_parser = image)]
    image: String,
    /// The addresses that only the cache has, one for each family in use, with commas between
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',', default_value = "169.254.20.10", value_parser = address)]
    local_ip: Vec<IpAddr>,
    /// The addresses of the cluster DNS Service: kubectl -n kube-system get service kube-dns -o jsonpath='{.spec.clusterIPs}'
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',', value_parser = address)]
    cluster_dns: Vec<IpAddr>,
    /// The domain of the cluster
    #[arg(long, value_name = "DOMAIN", default_value = "cluster.local", value_parser = domain_name)]
    cluster_domain: String,
    /// The namespace of the cluster DNS servers, where the objects have to be as well
    #[arg(long, value_name = "NAME", default_value = "kube-system", value_parser = label)]
    namespace: String,
    /// The name of the cluster DNS Service, for cilium
    #[arg(long, value_name = "NAME", default_value = "kube-dns", value_parser = label)]
    dns_service: String,
    /// The memory that a node is to have for the cache
    #[arg(long, value_name = "QUANTITY", default_value = "32Mi", value_parser = quantity)]
    memory_request: String,
    /// The memory at which the kernel ends the cache [default: none]
    #[arg(long, value_name = "QUANTITY", value_parser = quantity)]
    memory_limit: Option<String>,
    /// The user to run as [default: 65532 for cilium, else 0]
    ///
    /// Except for cilium, another user than 0 needs an image whose program file has the capabilities cap_net_admin and
    /// cap_net_bind_service. Two caches listen side by side only as the same user: where another one runs, a cache or node-cache, the
    /// new Pods cannot start before the old ones are gone.
    #[arg(long, value_name = "UID")]
    run_as_user: Option<u32>,
    /// The port of the page /health
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    health_port: u16,
    /// The port of the page /ready
    #[arg(long, value_name = "PORT", default_value_t = 8181)]
    ready_port: u16,
}

/// Who makes Services work on the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// kube-proxy with iptables: the cache has the address of the cluster DNS Service as well
    Iptables,
    /// kube-proxy with nftables: the same
    Nftables,
    /// kube-proxy with IPVS, which has that address on an interface of its own: kubelets must name the cache's address
    Ipvs,
    /// Cilium without kube-proxy: it redirects to the cache in a Pod
    Cilium,
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let written = render::objects(arguments).and_then(|text| {
        let written = std::io::stdout().write_all(text.as_bytes());
        written.map_err(|error| format!("write to stdout: {error}"))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}
