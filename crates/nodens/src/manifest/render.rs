//! From options to YAML.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{Arguments, Mode};

/// All objects, as one stream of YAML documents in the order in which they have to be made.
///
/// # Errors
/// When an address is missing that the mode needs.
pub(super) fn objects(arguments: &Arguments) -> Result<String, String> {
    let (corefile, daemon_set) = match arguments.mode {
        Mode::Cilium => (POD_COREFILE, CILIUM_DAEMON_SET),
        Mode::Iptables | Mode::Nftables | Mode::Ipvs => (NODE_COREFILE, NODE_DAEMON_SET),
    };
    let listen = listen(arguments)?;
    let ports = [
        ("health_port", arguments.health_port.to_string()),
        ("ready_port", arguments.ready_port.to_string()),
    ];
    let in_corefile = [("cluster_domain", arguments.cluster_domain.clone())];
    let corefile = filled(corefile, in_corefile.iter().chain(&ports));
    let values = [
        ("namespace", arguments.namespace.clone()),
        ("dns_service", arguments.dns_service.clone()),
        ("image", arguments.image.clone()),
        ("listen", listen),
        ("corefile", indented(&corefile, 4)),
        ("memory_request", arguments.memory_request.clone()),
        ("limits", limits(arguments)),
        ("user", indented(&user(arguments), 12)),
    ];
    let mut objects = vec![SERVICE_ACCOUNT, UPSTREAM_SERVICE, CONFIG_MAP, daemon_set];
    if arguments.mode == Mode::Cilium {
        objects.push(LOCAL_REDIRECT_POLICY);
    }
    objects.push(METRICS_SERVICE);
    let mut text = introduction(arguments);
    for object in objects {
        text.push_str("---\n");
        let object = filled(object, values.iter().chain(&ports));
        // A value that is nothing leaves no line.
        for line in object.lines().filter(|line| !line.is_empty()) {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// The addresses that the cache listens on: in the modes that intercept, those of the cluster DNS Service too.
fn listen(arguments: &Arguments) -> Result<String, String> {
    let mut addresses: Vec<IpAddr> = arguments.local_ip.clone();
    if matches!(arguments.mode, Mode::Iptables | Mode::Nftables) {
        if arguments.cluster_dns.is_empty() {
            return Err(
                "--cluster-dns is missing: in this mode the cache answers at the address of the cluster DNS Service, which is said by\n  \
                 kubectl -n kube-system get service kube-dns -o jsonpath='{.spec.clusterIPs}'"
                    .to_owned(),
            );
        }
        addresses.extend(&arguments.cluster_dns);
    }
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    Ok(addresses.join(","))
}

/// What an administrator has to know before applying it.
fn introduction(arguments: &Arguments) -> String {
    let local: Vec<String> = arguments
        .local_ip
        .iter()
        .map(|address| format!("  - {address}"))
        .collect();
    let lines = match arguments.mode {
        Mode::Iptables | Mode::Nftables => {
            "Pods go on asking the cluster DNS Service, whose address the cache takes over on each node as long as it lives.\nNothing on \
             the nodes has to be changed."
                .to_owned()
        }
        Mode::Ipvs => format!(
            "kube-proxy has the address of the cluster DNS Service on an interface of its own, so Pods must be told to ask the cache. Once\n\
             it runs on every node, put into the configuration of each kubelet (/var/lib/kubelet/config.yaml), restart it, and restart\n\
             the Pods:\nclusterDNS:\n{}",
            local.join("\n")
        ),
        Mode::Cilium => {
            "Pods go on asking the cluster DNS Service, and Cilium redirects them to the cache on their node.".to_owned()
        }
    };
    let mode = format!("{:?}", arguments.mode).to_lowercase();
    let mut text = format!("# A node-local DNS cache, for Services by {mode}.\n#\n");
    for line in lines.lines() {
        let _ = writeln!(text, "# {line}");
    }
    text
}

fn limits(arguments: &Arguments) -> String {
    let limit = arguments.memory_limit.as_ref();
    limit.map_or_else(String::new, |limit| {
        indented(&format!("limits:\n  memory: {limit}\n"), 12)
    })
}

/// Who the process is.
///
/// A process of another user than root has no capabilities unless its file has them, and those count for nothing when the process may
/// not gain privileges: that is how the kernel reads `allowPrivilegeEscalation: false` (`no_new_privs`, capabilities(7)).
fn user(arguments: &Arguments) -> String {
    let needs_capabilities = arguments.mode != Mode::Cilium;
    let usual = if needs_capabilities { 0 } else { UNPRIVILEGED };
    match arguments.run_as_user.unwrap_or(usual) {
        0 => "# Root without its powers: all capabilities are dropped but those below.\nrunAsUser: 0\nallowPrivilegeEscalation: false\n"
            .to_owned(),
        user if needs_capabilities => format!(
            "# The capabilities below come from the program's file, which would be ignored without this.\nallowPrivilegeEscalation: \
             true\nrunAsNonRoot: true\nrunAsUser: {user}\nrunAsGroup: {user}\n"
        ),
        user => format!(
            "allowPrivilegeEscalation: false\nrunAsNonRoot: true\nrunAsUser: {user}\nrunAsGroup: {user}\n"
        ),
    }
}

fn filled<'a>(template: &str, values: impl Iterator<Item = &'a (&'static str, String)>) -> String {
    values.fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    })
}

fn indented(text: &str, by: usize) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| format!("{}{line}", " ".repeat(by)))
        .collect();
    lines.join("\n")
}

/// The user that images without a shell use for "nobody in particular".
const UNPRIVILEGED: u32 = 65532;

const SERVICE_ACCOUNT: &str = include_str!("service-account.yaml");
const UPSTREAM_SERVICE: &str = include_str!("upstream-service.yaml");
const CONFIG_MAP: &str = include_str!("config-map.yaml");
const NODE_DAEMON_SET: &str = include_str!("daemon-set-node.yaml");
const CILIUM_DAEMON_SET: &str = include_str!("daemon-set-cilium.yaml");
const LOCAL_REDIRECT_POLICY: &str = include_str!("local-redirect-policy.yaml");
const METRICS_SERVICE: &str = include_str!("metrics-service.yaml");
const NODE_COREFILE: &str = include_str!("node.Corefile");
const POD_COREFILE: &str = include_str!("pod.Corefile");
