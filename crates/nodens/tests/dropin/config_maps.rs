//! `ConfigMap`s that change while the cache runs.

use crate::node::{Node, SETUP_ERRORS, metric, until};

#[test]
fn changes_of_both_config_maps_are_put_in_force_and_mistakes_are_not() {
    let addresses = ["169.254.20.10", "192.0.2.53", "192.0.2.54", "192.0.2.55"];
    let Some(mut node) = Node::new(&addresses) else {
        return;
    };
    node.write("/etc/resolv.conf", "nameserver 192.0.2.53\n");
    let servers = [
        ("192.0.2.53", "198.51.100.53"),
        ("192.0.2.54", "198.51.100.54"),
        ("192.0.2.55", "198.51.100.55"),
    ];
    node.start_servers(&servers, &["--no-new-privs"]);
    node.publish("/etc/coredns", "Corefile.base", TEMPLATE);
    let arguments = [
        "-localip=169.254.20.10,",
        "--conf=/etc/Corefile",
        "-upstreamsvc=kube-dns-upstream",
        "-pidfile=/tmp/pid",
        "-setupinterface=false",
        "-setupiptables=0",
        "-syncinterval=60ns",
        "-metrics-listen-address=127.0.0.1:9353",
    ];
    node.start("/tmp/log", "/tmp/pid", &arguments);
    let answered_by =
        |node: &Node, name: &str| node.ask(SERVER, name).map(|address| address.octets()[3]);
    assert_eq!(answered_by(&node, "a.corp.example"), Some(53));

    // A stub domain, served and counted within moments.
    node.publish(
        "/etc/kube-dns",
        "stubDomains",
        r#"{"corp.example": ["192.0.2.54"]}"#,
    );
    let stub = until(|| answered_by(&node, "b.corp.example") == Some(54));
    assert!(stub, "{}", node.read("/tmp/log"));
    let metrics = node.page("127.0.0.1:9353", "/metrics");
    let zone = [r#"zone="corp.example.""#];
    let counted = metric(&metrics, "coredns_dns_requests_total", &zone);
    assert!(counted > Some(0.0));
    assert!(node.read("/etc/Corefile").contains("corp.example:53 {"));

    // A mistake is said, counted and without effect.
    node.publish(
        "/etc/kube-dns",
        "stubDomains",
        r#"{"corp.example": ["ns.corp.example"]}"#,
    );
    let complaint = "key stubDomains: \"ns.corp.example\": expected an IP address";
    assert!(
        until(|| node.read("/tmp/log").contains(complaint)),
        "{}",
        node.read("/tmp/log")
    );
    assert_eq!(answered_by(&node, "c.corp.example"), Some(54));
    let metrics = node.page("127.0.0.1:9353", "/metrics");
    let errors = metric(&metrics, SETUP_ERRORS, &[r#"errortype="configmap""#]);
    assert_eq!(errors, Some(1.0));

    // Upstream servers of the administrator's own, asked over UDP.
    node.publish("/etc/kube-dns", "upstreamNameservers", r#"["192.0.2.55"]"#);
    let upstream = until(|| answered_by(&node, "www.example.org") == Some(55));
    assert!(upstream, "{}", node.read("/tmp/log"));
    assert!(!node.read("/etc/Corefile").contains("force_tcp"));

    // A template that is wrong is not put in force, and one that is right is.
    node.publish(
        "/etc/coredns",
        "Corefile.base",
        ". {\n  forwards . 192.0.2.53\n}\n",
    );
    let complaint = "Corefile changed but reload failed: /etc/Corefile:2 - Error during parsing: Unknown directive 'forwards'";
    assert!(
        until(|| node.read("/tmp/log").contains(complaint)),
        "{}",
        node.read("/tmp/log")
    );
    assert_eq!(answered_by(&node, "d.example.org"), Some(55));
    node.publish(
        "/etc/coredns",
        "Corefile.base",
        &TEMPLATE.replace("__PILLAR__UPSTREAM__SERVERS__", "192.0.2.54"),
    );
    let other = until(|| answered_by(&node, "e.example.org") == Some(54));
    assert!(other, "{}", node.read("/tmp/log"));
}

const SERVER: &str = "169.254.20.10";

const TEMPLATE: &str = ".:53 {
    errors
    bind __PILLAR__LOCAL__DNS__
    forward . __PILLAR__UPSTREAM__SERVERS__ {
      force_tcp
    }
    prometheus __PROMETHEUS__ENDPOINT__
}
";
