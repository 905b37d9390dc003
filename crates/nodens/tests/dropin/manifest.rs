//! `nodens manifest`.

use std::fmt::Write as _;
use std::process::Command;

use crate::yaml::{Paths, documents};

pub(crate) fn render(mode: &str, options: &[&str]) -> Vec<Paths> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nodens"));
    command.args([
        "manifest",
        "--mode",
        mode,
        "--image",
        "registry.example.org/nodens:1.0",
    ]);
    let output = command
        .args(["--cluster-dns", "10.96.0.10"])
        .args(options)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("{{"), "{text}");
    documents(&text)
}

pub(crate) fn object<'a>(objects: &'a [Paths], kind: &str) -> &'a Paths {
    let kind = format!("{kind:?}");
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    found.next().unwrap()
}

/// The template in the ConfigMap.
pub(crate) fn corefile(objects: &[Paths]) -> String {
    let quoted = &object(objects, "ConfigMap")["data.Corefile"];
    quoted.trim_matches('"').replace("\\n", "\n")
}

#[test]
fn each_mode_has_its_objects_in_the_order_in_which_they_are_needed() {
    let kinds = |mode| {
        let objects = render(mode, &[]);
        let kinds = objects
            .iter()
            .map(|object| object["kind"].trim_matches('"').to_owned());
        kinds.collect::<Vec<_>>().join(" ")
    };
    for mode in ["iptables", "nftables", "ipvs"] {
        assert_eq!(
            kinds(mode),
            "ServiceAccount Service ConfigMap DaemonSet Service"
        );
    }
    assert_eq!(
        kinds("cilium"),
        "ServiceAccount Service ConfigMap DaemonSet CiliumLocalRedirectPolicy Service"
    );
}

/// Each line is a decision: what the stock DaemonSet has and ours has not, and the other way round.
#[test]
fn the_daemon_set_differs_from_the_stock_one_in_what_is_listed_and_nothing_else() {
    let stock = documents(include_str!("data/stock-daemon-set.json")).remove(0);
    let objects = render("iptables", &[]);
    let ours = object(&objects, "DaemonSet");
    let mut differences = String::new();
    let paths = stock
        .keys()
        .chain(ours.keys())
        .collect::<std::collections::BTreeSet<_>>();
    for path in paths {
        if stock.get(path) != ours.get(path) {
            for (sign, side) in [("-", &stock), ("+", ours)] {
                if let Some(value) = side.get(path) {
                    let _ = writeln!(differences, "{sign} {path}: {value}");
                }
            }
        }
    }
    assert_eq!(
        differences,
        include_str!("data/differences.txt"),
        "\n{differences}"
    );
}

#[test]
fn a_pod_on_the_hosts_network_declares_no_port_so_that_two_fit_on_a_node() {
    for mode in ["iptables", "nftables", "ipvs"] {
        let objects = render(mode, &[]);
        let daemon_set = object(&objects, "DaemonSet");
        assert_eq!(daemon_set["spec.template.spec.hostNetwork"], "true");
        assert!(!daemon_set.keys().any(|path| path.contains("ports")));
        assert_eq!(
            daemon_set["spec.updateStrategy.rollingUpdate.maxSurge"],
            "1"
        );
        assert_eq!(
            daemon_set["spec.updateStrategy.rollingUpdate.maxUnavailable"],
            "0"
        );
    }
}

#[test]
fn only_the_intercepting_modes_listen_on_the_address_of_the_cluster_dns_service() {
    let listen = |mode, options: &[&str]| {
        let objects = render(mode, options);
        let daemon_set = object(&objects, "DaemonSet");
        daemon_set[&format!("{CONTAINER}.args[1]")].clone()
    };
    let dual = [
        "--local-ip",
        "169.254.20.10,2001:db8::a",
        "--cluster-dns",
        "2001:db8:1::a",
    ];
    assert_eq!(listen("iptables", &[]), "\"169.254.20.10,10.96.0.10\"");
    assert_eq!(
        listen("nftables", &dual),
        "\"169.254.20.10,2001:db8::a,10.96.0.10,2001:db8:1::a\""
    );
    assert_eq!(listen("ipvs", &dual), "\"169.254.20.10,2001:db8::a\"");
}

#[test]
fn under_cilium_the_pod_has_a_network_of_its_own_and_no_power() {
    let objects = render("cilium", &[]);
    let pod = object(&objects, "DaemonSet");
    assert!(!pod.contains_key("spec.template.spec.hostNetwork"));
    let security = format!("{CONTAINER}.securityContext");
    assert_eq!(pod[&format!("{security}.runAsNonRoot")], "true");
    assert_eq!(pod[&format!("{security}.capabilities.drop[0]")], "\"ALL\"");
    assert!(!pod.contains_key(&format!("{security}.capabilities.add[0]")));
    let policy = object(&objects, "CiliumLocalRedirectPolicy");
    assert_eq!(
        policy["spec.redirectFrontend.serviceMatcher.serviceName"],
        "\"kube-dns\""
    );
    let label = "spec.redirectBackend.localEndpointSelector.matchLabels.k8s-app";
    assert_eq!(policy[label], pod["spec.template.metadata.labels.k8s-app"]);
    for port in ["dns", "dns-tcp"] {
        let theirs = &policy[&format!("spec.redirectBackend.toPorts[{port}].protocol")];
        assert_eq!(theirs, &pod[&format!("{CONTAINER}.ports[{port}].protocol")]);
    }
}

#[test]
fn options_end_up_where_they_belong() {
    let options = [
        "--memory-limit=64Mi",
        "--run-as-user=1000",
        "--health-port=18080",
        "--cluster-domain=corp.example",
    ];
    let objects = render("iptables", &options);
    let pod = object(&objects, "DaemonSet");
    assert_eq!(
        pod[&format!("{CONTAINER}.resources.limits.memory")],
        "\"64Mi\""
    );
    assert!(!pod.contains_key(&format!("{CONTAINER}.resources.limits.cpu")));
    assert_eq!(
        pod[&format!("{CONTAINER}.securityContext.runAsUser")],
        "1000"
    );
    assert_eq!(
        pod[&format!("{CONTAINER}.securityContext.runAsNonRoot")],
        "true"
    );
    // Capabilities of a file count for nothing in a process that may not gain any.
    assert_eq!(
        pod[&format!("{CONTAINER}.securityContext.allowPrivilegeEscalation")],
        "true"
    );
    assert_eq!(
        pod[&format!("{CONTAINER}.livenessProbe.httpGet.port")],
        "18080"
    );
    let corefile = &object(&objects, "ConfigMap")["data.Corefile"];
    assert!(corefile.contains("health 127.0.0.1:18080"), "{corefile}");
    assert!(corefile.starts_with("\"corp.example:53 {"), "{corefile}");
}

#[test]
fn the_rendered_corefile_is_one_that_the_cache_takes() {
    for mode in ["iptables", "cilium"] {
        let objects = render(mode, &[]);
        let corefile = corefile(&objects);
        let directory =
            std::env::temp_dir().join(format!("nodens-manifest-{mode}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let template = directory.join("Corefile.base");
        std::fs::write(&template, corefile).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nodens"));
        command.args([
            "cache",
            "-check",
            "-upstreamsvc",
            "kube-dns-upstream",
            "-basecorefile",
        ]);
        command
            .arg(&template)
            .env("KUBE_DNS_UPSTREAM_SERVICE_HOST", "10.107.88.200");
        if mode == "iptables" {
            command.args(["-localip", "169.254.20.10,10.96.0.10"]);
        }
        let output = command.output().unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn an_address_that_the_mode_needs_is_asked_for() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nodens"));
    let output = command
        .args(["manifest", "--mode=nftables", "--image=nodens"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("--cluster-dns is missing"), "{text}");
}

pub(crate) const CONTAINER: &str = "spec.template.spec.containers[node-cache]";
