//! The stock manifest, unchanged but for the image.

use std::net::Ipv4Addr;
use std::path::Path;

use rustix::process::Signal;

use crate::node::{CLUSTER_DNS, Node, SERVICE_HOST, SETUP_ERRORS, metric, until};

#[test]
fn the_installed_manifest_answers_at_both_addresses() {
    serves(include_str!("data/installed.Corefile"));
}

/// All variables left to the cache, `health __PILLAR__LOCAL__DNS__:8080` with two addresses among them: node-cache ends there.
#[test]
fn the_manifest_as_it_is_shipped_answers_too() {
    serves(include_str!("data/stock.Corefile"));
}

fn serves(template: &str) {
    let Some(mut node) = node_of_the_manifest(template) else {
        return;
    };
    let cache = node.start("/tmp/log", PID_FILE, &STOCK);
    for server in ["169.254.20.10", "10.96.0.10"] {
        let name = "kubernetes.default.svc.cluster.local";
        assert_eq!(
            node.ask(server, name),
            Some(IN_CLUSTER),
            "{}",
            node.read("/tmp/log")
        );
        assert_eq!(node.ask_over_tcp(server, name), Some(IN_CLUSTER));
        assert_eq!(node.ask(server, "www.example.org"), Some(OUTSIDE));
    }
    assert!(until(|| node
        .page("169.254.20.10:8080", "/health")
        .ends_with("OK")));
    for address in ["127.0.0.1:9253", "127.0.0.1:9353"] {
        let metrics = node.page(address, "/metrics");
        let errors = metric(&metrics, SETUP_ERRORS, &[r#"errortype="configmap""#]);
        assert_eq!(errors, Some(0.0), "{address}");
        let labels = [
            r#"server="dns://10.96.0.10:53""#,
            r#"zone="cluster.local.""#,
        ];
        let counted = metric(&metrics, "coredns_dns_requests_total", &labels);
        assert_eq!(counted, Some(2.0), "{address}");
    }
    let corefile = node.read("/etc/Corefile");
    assert!(
        corefile.contains("bind 169.254.20.10 10.96.0.10"),
        "{corefile}"
    );
    assert!(corefile.contains("forward . 10.107.88.200 {"), "{corefile}");
    assert!(
        corefile.contains("forward . /etc/resolv.conf\n"),
        "{corefile}"
    );
    assert!(!corefile.contains("__PILLAR__"), "{corefile}");
    assert!(node.end(cache, Signal::TERM).success());
    assert!(node.read(PID_FILE).is_empty());
}

#[test]
fn a_second_copy_takes_over_from_the_first() {
    let Some(mut node) = node_of_the_manifest(include_str!("data/installed.Corefile")) else {
        return;
    };
    let first = node.start("/tmp/first.log", PID_FILE, &STOCK);
    let mut arguments = STOCK;
    arguments[7] = "/tmp/second.pid";
    node.start("/tmp/second.log", "/tmp/second.pid", &arguments);
    assert!(node.end(first, Signal::TERM).success());
    for number in 0..20 {
        let name = format!("name-{number}.svc.cluster.local");
        assert_eq!(node.ask("10.96.0.10", &name), Some(IN_CLUSTER));
    }
    assert!(until(|| node
        .page("169.254.20.10:8080", "/health")
        .ends_with("OK")));
}

#[test]
fn without_the_address_of_the_upstream_service_it_ends_and_says_what_to_do() {
    let Some(node) = node_of_the_manifest(include_str!("data/installed.Corefile")) else {
        return;
    };
    let output = node
        .command("/tmp/node-cache")
        .args(STOCK)
        .env_remove(SERVICE_HOST)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("line 10 of the template"), "{text}");
    assert!(
        text.contains("the environment has no KUBE_DNS_UPSTREAM_SERVICE_HOST"),
        "{text}"
    );
    assert!(text.contains("create the Service"), "{text}");
    assert!(!Path::new(&node.path("/etc/Corefile")).exists());
}

/// A node with the objects of the manifest, the cluster DNS servers and the node's own resolver.
pub(crate) fn node_of_the_manifest(template: &str) -> Option<Node> {
    node_with_servers(template, &["--no-new-privs"])
}

/// The same, with the servers run with some privileges.
pub(crate) fn node_with_servers(template: &str, privileges: &[&str]) -> Option<Node> {
    let mut node = Node::new(&[CLUSTER_DNS, "192.0.2.53"])?;
    node.write("/etc/resolv.conf", "nameserver 192.0.2.53\n");
    let answers = [
        (CLUSTER_DNS, IN_CLUSTER.to_string()),
        ("192.0.2.53", OUTSIDE.to_string()),
    ];
    if privileges
        .iter()
        .any(|option| option.starts_with("--reuid="))
    {
        // As the manifest for Cilium has it.
        node.run("echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start");
    }
    let answers = answers
        .each_ref()
        .map(|(server, answer)| (*server, &**answer));
    node.start_servers(&answers, privileges);
    node.publish("/etc/coredns", "Corefile.base", template);
    Some(node)
}

/// The arguments of the DaemonSet.
const STOCK: [&str; 8] = [
    "-localip",
    "169.254.20.10,10.96.0.10",
    "-conf",
    "/etc/Corefile",
    "-upstreamsvc",
    "kube-dns-upstream",
    "-pidfile",
    PID_FILE,
];

const PID_FILE: &str = "/tmp/node-cache.pid";

/// What the cluster DNS servers answer, and what the node's own resolver answers.
pub(crate) const IN_CLUSTER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
pub(crate) const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
