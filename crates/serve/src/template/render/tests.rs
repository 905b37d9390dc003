use std::collections::BTreeMap;

use nodens_corefile::{Defaults, MemoryFiles, parse};

use super::super::upstream_service::service_address;
use super::*;

fn values(local: &[&str]) -> Values {
    Values {
        local_addresses: local
            .iter()
            .map(|address| address.parse().unwrap())
            .collect(),
        cluster_dns: Ok("10.107.88.200".parse().unwrap()),
        cluster_domain: "cluster.local".to_owned(),
        prometheus: ":9253".to_owned(),
        port: 53,
    }
}

fn rendered(template: &str, local: &[&str]) -> String {
    render(template, &values(local), &KubeDns::default()).unwrap()
}

fn upstream_nameservers() -> KubeDns {
    KubeDns {
        upstream_nameservers: vec!["192.0.2.1".into(), "192.0.2.2:5353".into()],
        ..KubeDns::default()
    }
}

#[test]
fn the_stock_template_becomes_a_corefile_that_is_accepted() {
    for local in [
        &["169.254.20.10", "10.96.0.10"][..],
        &["169.254.20.10"],
        &["2001:db8::a", "10.96.0.10"],
    ] {
        let text = rendered(STOCK, local);
        let config = parse("Corefile", &text, &MemoryFiles::new(), &Defaults::default());
        let config = config.unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(config.blocks.len(), 4);
        assert_eq!(config.blocks[0].bind[0].to.len(), local.len());
        assert_eq!(text.lines().count(), STOCK.lines().count());
    }
}

#[test]
fn a_word_of_its_own_holds_all_addresses_and_a_part_of_a_word_the_first() {
    let local = ["169.254.20.10", "10.96.0.10"];
    assert_eq!(
        rendered(
            "bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__\nhealth __PILLAR__LOCAL__DNS__:8080",
            &local
        ),
        "bind 169.254.20.10 10.96.0.10 \nhealth 169.254.20.10:8080"
    );
    let local = ["2001:db8::a", "169.254.20.10"];
    assert_eq!(
        rendered(
            "health __PILLAR__LOCAL__DNS__:8080\nready [__PILLAR__LOCAL__DNS__]:8181",
            &local
        ),
        "health [2001:db8::a]:8080\nready [2001:db8::a]:8181"
    );
    assert_eq!(
        rendered("__PILLAR__LOCAL__DNS__", &local),
        "2001:db8::a 169.254.20.10"
    );
}

#[test]
fn every_other_variable_is_replaced_wherever_it_is() {
    let template = "# __PILLAR__CLUSTER__DNS__\n__PILLAR__DNS__DOMAIN__:53 {\n  forward . __PILLAR__CLUSTER__DNS__:5353\n  \
                    prometheus __PROMETHEUS__ENDPOINT__\n  forward . __PILLAR__UPSTREAM__SERVERS__\n}";
    assert_eq!(
        rendered(template, &[]),
        "# 10.107.88.200\ncluster.local:53 {\n  forward . 10.107.88.200:5353\n  prometheus :9253\n  forward . /etc/resolv.conf\n}"
    );
}

#[test]
fn a_variable_without_a_value_is_named_with_its_line_and_what_to_do() {
    let error = |template: &str, values: &Values| {
        render(template, values, &KubeDns::default()).unwrap_err()
    };
    let mut values = values(&[]);
    let text = error(". {\n  bind __PILLAR__LOCAL__DNS__\n}", &values).to_string();
    assert!(
        text.contains("line 2") && text.contains("-localip"),
        "{text}"
    );
    let text = error("\n\n__PILLAR__SOMETHING__", &values).to_string();
    assert!(
        text.contains("line 3") && text.contains("SOMETHING"),
        "{text}"
    );

    values.cluster_dns = service_address("kube-dns", |_| None);
    let problem = error(". {\n forward . __PILLAR__CLUSTER__DNS__\n}", &values);
    assert!(matches!(problem, RenderError::NoClusterDns { line: 2, .. }));
    let only_comment = "# __PILLAR__CLUSTER__DNS__ and __PILLAR__OTHER__\n. {\n}";
    assert!(render(only_comment, &values, &KubeDns::default()).is_ok());
}

#[test]
fn servers_of_ones_own_are_asked_over_udp_however_the_template_is_written() {
    for template in [
        ". {\n    forward . __PILLAR__UPSTREAM__SERVERS__ {\n            force_tcp\n    }\n}\n",
        ". {\nforward . __PILLAR__UPSTREAM__SERVERS__ { # comment\r\n\tmax_concurrent 9\n\tforce_tcp # force_tcp\n}\n}\n",
        ". {\nforward . \"__PILLAR__UPSTREAM__SERVERS__\" {\n\"force_tcp\"\n}\n}\n",
        "(up) {\n forward . __PILLAR__UPSTREAM__SERVERS__ {\n force_tcp\n }\n}\n. {\n import up\n}\n",
    ] {
        // A quoted variable is one word, and so is what it becomes: only one server fits.
        let mut kube_dns = upstream_nameservers();
        if template.contains("\"__") {
            kube_dns.upstream_nameservers.truncate(1);
        }
        let text = render(template, &values(&[]), &kube_dns).unwrap();
        let config = parse("Corefile", &text, &MemoryFiles::new(), &Defaults::default());
        let config = config.unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(!config.blocks[0].forward[0].force_tcp, "{text}");
        assert_eq!(text.lines().count(), template.lines().count());
    }
}

#[test]
fn other_forwards_and_the_nodes_own_servers_keep_force_tcp() {
    let cluster = ". {\n forward . __PILLAR__CLUSTER__DNS__ {\n force_tcp\n }\n forward . __PILLAR__UPSTREAM__SERVERS__\n}\n";
    let text = render(cluster, &values(&[]), &upstream_nameservers()).unwrap();
    assert!(text.contains("force_tcp"), "{text}");
    let upstream = ". {\n forward . __PILLAR__UPSTREAM__SERVERS__ {\n force_tcp\n }\n}\n";
    assert!(rendered(upstream, &[]).contains("force_tcp"));
}

#[test]
fn stub_domains_follow_in_order_and_are_measured_like_the_rest() {
    let kube_dns = KubeDns {
        stub_domains: BTreeMap::from([
            ("z.example".to_owned(), vec!["192.0.2.1".to_owned()]),
            (
                "a.example".to_owned(),
                vec!["192.0.2.2".to_owned(), "192.0.2.3:5353".to_owned()],
            ),
        ]),
        ..KubeDns::default()
    };
    let local = ["169.254.20.10", "10.96.0.10"];
    let text = render(STOCK, &values(&local), &kube_dns).unwrap();
    let blocks = "\na.example:53 {\n    errors\n    cache 30\n    bind 169.254.20.10 10.96.0.10\n    forward . 192.0.2.2 192.0.2.3:5353\n    \
                  prometheus :9253\n}\n\nz.example:53 {\n    errors\n    cache 30\n    bind 169.254.20.10 10.96.0.10\n    forward . 192.0.2.1\n    \
                  prometheus :9253\n}\n";
    assert!(text.ends_with(blocks), "{text}");

    let unmeasured = "example.org {\n bind 192.0.2.9 {\n  except 192.0.2.8\n }\n}\n";
    let text = render(unmeasured, &values(&[]), &kube_dns).unwrap();
    assert!(!text.contains("prometheus"), "{text}");
    assert_eq!(text.matches("bind 192.0.2.9\n").count(), 2, "{text}");
}

/// What Kubernetes ships, before anything is filled in.
const STOCK: &str = include_str!("stock.Corefile");
