//! What `nodens manifest` renders, run the way a container runtime would run it: with the arguments, the template, the user and the
//! capabilities of the manifest, on a root that cannot be written to.

use rustix::process::Signal;

use crate::manifest::{CONTAINER, corefile, object, render};
use crate::node::{Node, SETUP_ERRORS, metric, until};
use crate::stock::{IN_CLUSTER, OUTSIDE, node_of_the_manifest, node_with_servers};
use crate::yaml::Paths;

#[test]
fn as_root_with_two_capabilities_and_nothing_to_write_to() {
    for mode in ["iptables", "nftables"] {
        let objects = render(mode, &[]);
        let Some(mut node) = node_of_the_manifest(&corefile(&objects)) else {
            return;
        };
        let daemon_set = object(&objects, "DaemonSet");
        assert_eq!(
            daemon_set[&format!("{CONTAINER}.securityContext.runAsUser")],
            "0"
        );
        let capabilities = [
            "--bounding-set=-all,+net_admin,+net_bind_service",
            "--inh-caps=-all",
            "--no-new-privs",
        ];
        let cache = start(&mut node, daemon_set, &capabilities);
        answers_at(&mut node, &["169.254.20.10", "10.96.0.10"]);
        assert!(node.end(cache, Signal::TERM).success());
    }
}

/// Ambient capabilities stand for those of the program's file, which a test cannot set.
#[test]
fn as_another_user_with_the_same_two_capabilities() {
    let objects = render("iptables", &["--run-as-user=65532"]);
    let Some(mut node) = node_of_the_manifest(&corefile(&objects)) else {
        return;
    };
    // The mode that nodes give it (udev's default rules).
    node.run("mkdir /tmp/dev; mount -t tmpfs tmpfs /tmp/dev; mknod -m 666 /tmp/dev/tun c 10 200; mount --bind /tmp/dev/tun /dev/net/tun");
    let user = [
        "--reuid=65532",
        "--regid=65532",
        "--clear-groups",
        "--bounding-set=-all,+net_admin,+net_bind_service",
        "--inh-caps=-all,+net_admin,+net_bind_service",
        "--ambient-caps=-all,+net_admin,+net_bind_service",
    ];
    start(&mut node, object(&objects, "DaemonSet"), &user);
    answers_at(&mut node, &["169.254.20.10", "10.96.0.10"]);
}

#[test]
fn under_ipvs_only_the_local_address_is_taken() {
    let objects = render("ipvs", &[]);
    let Some(mut node) = node_of_the_manifest(&corefile(&objects)) else {
        return;
    };
    start(
        &mut node,
        object(&objects, "DaemonSet"),
        &["--no-new-privs"],
    );
    answers_at(&mut node, &["169.254.20.10"]);
    assert_eq!(node.ask("10.96.0.10", "www.example.org"), None);
}

#[test]
fn under_cilium_without_any_capability() {
    let objects = render("cilium", &[]);
    let user = [
        "--reuid=65532",
        "--regid=65532",
        "--clear-groups",
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--no-new-privs",
    ];
    // The cache listens on all addresses, which the kernel allows beside the servers of the test only to the same user.
    let Some(mut node) = node_with_servers(&corefile(&objects), &user) else {
        return;
    };
    let daemon_set = object(&objects, "DaemonSet");
    let sysctl =
        "spec.template.spec.securityContext.sysctls[net.ipv4.ip_unprivileged_port_start].value";
    assert_eq!(daemon_set[sysctl], "\"0\"");
    node.run("ip address add 192.0.2.77 dev lo");
    start(&mut node, daemon_set, &user);
    answers_at(&mut node, &["192.0.2.77"]);
}

/// Starts the container and waits until it is ready.
fn start(node: &mut Node, daemon_set: &Paths, privileges: &[&str]) -> u32 {
    node.run("mount -o remount,bind,ro /; mount -o remount,ro /etc");
    let mut arguments = Vec::new();
    while let Some(argument) = daemon_set.get(&format!("{CONTAINER}.args[{}]", arguments.len())) {
        arguments.push(argument.trim_matches('"').to_owned());
    }
    let mut command = node.command("setpriv");
    command
        .args(privileges)
        .arg("/tmp/node-cache")
        .args(arguments);
    let id = node.spawn("/tmp/log", &mut command);
    let ready = until(|| node.page("127.0.0.1:8181", "/ready").ends_with("OK"));
    assert!(ready, "{}", node.read("/tmp/log"));
    id
}

fn answers_at(node: &mut Node, servers: &[&str]) {
    for server in servers {
        let name = "kubernetes.default.svc.cluster.local";
        let answer = node.ask(server, name);
        assert_eq!(
            answer,
            Some(IN_CLUSTER),
            "{server}: {}",
            node.read("/tmp/log")
        );
        assert_eq!(node.ask_over_tcp(server, "www.example.org"), Some(OUTSIDE));
    }
    assert!(until(|| node
        .page("127.0.0.1:8080", "/health")
        .ends_with("OK")));
    let metrics = node.page("127.0.0.1:9253", "/metrics");
    let errors = metric(&metrics, SETUP_ERRORS, &[]);
    assert_eq!(errors, Some(0.0), "{}", node.read("/tmp/log"));
}
