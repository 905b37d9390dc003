//! The names dashboards and alerts were written for, and what a scrape of them looks like.

use std::collections::BTreeSet;

use nodens_resolve::{Plugin, Transport};
use nodens_serve::metrics::{
    AddressFamily, Build, Collect, Collector, Family, Half, Kind, Metrics, Request, Response,
    TypeIndex, families,
};

/// Buckets of query durations and of message sizes as a scrape of node-cache shows them.
const SECONDS: &str = "0.00025 0.0005 0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192";
const BYTES: &str = "0 100 200 300 400 511 1023 2047 4095 8291 16000 32000 48000 64000";
const SLIM: &str = "0.00025 0.0025 0.025 0.25 2.5";

/// Name, kind, labels in the order of `CoreDNS`'s source, buckets.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    (
        "coredns_build_info",
        "gauge",
        "version revision goversion",
        "",
    ),
    (
        "coredns_cache_drops_total",
        "counter",
        "server zones view",
        "",
    ),
    (
        "coredns_cache_entries",
        "gauge",
        "server type zones view",
        "",
    ),
    (
        "coredns_cache_evictions_total",
        "counter",
        "server type zones view",
        "",
    ),
    (
        "coredns_cache_hits_total",
        "counter",
        "server type zones view",
        "",
    ),
    (
        "coredns_cache_misses_total",
        "counter",
        "server zones view",
        "",
    ),
    (
        "coredns_cache_prefetch_total",
        "counter",
        "server zones view",
        "",
    ),
    (
        "coredns_cache_requests_total",
        "counter",
        "server zones view",
        "",
    ),
    (
        "coredns_cache_served_stale_total",
        "counter",
        "server zones view",
        "",
    ),
    (
        "coredns_dns_do_requests_total",
        "counter",
        "server zone view",
        "",
    ),
    (
        "coredns_dns_request_duration_seconds",
        "histogram",
        "server zone view",
        SECONDS,
    ),
    (
        "coredns_dns_request_size_bytes",
        "histogram",
        "server zone view proto",
        BYTES,
    ),
    (
        "coredns_dns_requests_total",
        "counter",
        "server zone view proto family type",
        "",
    ),
    (
        "coredns_dns_response_size_bytes",
        "histogram",
        "server zone view proto",
        BYTES,
    ),
    (
        "coredns_dns_responses_total",
        "counter",
        "server zone view rcode plugin",
        "",
    ),
    (
        "coredns_forward_conn_cache_hits_total",
        "counter",
        "to proto",
        "",
    ),
    (
        "coredns_forward_conn_cache_misses_total",
        "counter",
        "to proto",
        "",
    ),
    (
        "coredns_forward_healthcheck_broken_total",
        "counter",
        "",
        "",
    ),
    (
        "coredns_forward_healthcheck_failures_total",
        "counter",
        "to",
        "",
    ),
    (
        "coredns_forward_max_concurrent_rejects_total",
        "counter",
        "",
        "",
    ),
    (
        "coredns_forward_request_duration_seconds",
        "histogram",
        "to rcode",
        SECONDS,
    ),
    ("coredns_forward_requests_total", "counter", "to", ""),
    ("coredns_forward_responses_total", "counter", "rcode to", ""),
    (
        "coredns_health_request_duration_seconds",
        "histogram",
        "",
        SLIM,
    ),
    ("coredns_health_request_failures_total", "counter", "", ""),
    ("coredns_hosts_entries", "gauge", "hostsfile", ""),
    ("coredns_hosts_reload_timestamp_seconds", "gauge", "", ""),
    (
        "coredns_nodecache_setup_errors_total",
        "counter",
        "errortype",
        "",
    ),
    ("coredns_panics_total", "counter", "", ""),
    (
        "coredns_plugin_enabled",
        "gauge",
        "server zone view name",
        "",
    ),
    (
        "coredns_proxy_conn_cache_hits_total",
        "counter",
        "proxy_name to proto",
        "",
    ),
    (
        "coredns_proxy_conn_cache_misses_total",
        "counter",
        "proxy_name to proto",
        "",
    ),
    (
        "coredns_proxy_healthcheck_failures_total",
        "counter",
        "proxy_name to",
        "",
    ),
    (
        "coredns_proxy_request_duration_seconds",
        "histogram",
        "proxy_name to rcode",
        SECONDS,
    ),
    ("coredns_reload_failed_total", "counter", "", ""),
    ("coredns_reload_version_info", "gauge", "hash value", ""),
    (
        "coredns_template_matches_total",
        "counter",
        "server zone view class type",
        "",
    ),
    (
        "coredns_template_rr_failures_total",
        "counter",
        "server zone view class type section template",
        "",
    ),
    (
        "coredns_template_template_failures_total",
        "counter",
        "server zone view class type section template",
        "",
    ),
    ("process_cpu_seconds_total", "counter", "", ""),
    ("process_max_fds", "gauge", "", ""),
    ("process_open_fds", "gauge", "", ""),
    ("process_resident_memory_bytes", "gauge", "", ""),
    ("process_start_time_seconds", "gauge", "", ""),
    ("process_virtual_memory_bytes", "gauge", "", ""),
    ("process_virtual_memory_max_bytes", "gauge", "", ""),
    (
        "promhttp_metric_handler_requests_in_flight",
        "gauge",
        "",
        "",
    ),
    (
        "promhttp_metric_handler_requests_total",
        "counter",
        "code",
        "",
    ),
];

#[test]
fn every_family_of_node_cache_is_there_with_its_labels_and_buckets() {
    for (name, kind, labels, bounds) in EXPECTED {
        let family = families::ALL
            .iter()
            .find(|family| family.name == *name)
            .unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(family.kind.name(), *kind, "{name}");
        assert_eq!(family.labels.join(" "), *labels, "{name}");
        if let Kind::Histogram(found) = family.kind {
            let found: Vec<String> = found.iter().map(f64::to_string).collect();
            assert_eq!(found.join(" "), *bounds, "{name}");
        }
    }
}

#[test]
fn names_follow_the_conventions() {
    let mut names = BTreeSet::new();
    for Family {
        name,
        help,
        kind,
        labels,
    } in families::ALL
    {
        assert!(names.insert(name), "{name} is there twice");
        assert!(!help.is_empty(), "{name} says nothing of itself");
        assert!(
            name.bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_lowercase())
        );
        assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
        assert_eq!(
            labels.iter().collect::<BTreeSet<_>>().len(),
            labels.len(),
            "{name}"
        );
        let known = ["coredns_", "nodens_", "process_", "promhttp_"];
        assert!(
            known.iter().any(|prefix| name.starts_with(prefix)),
            "{name}"
        );
    }
}

#[test]
fn a_new_process_says_what_can_be_compared_with_from_the_start() {
    let text = metrics().encode();
    for line in [
        r#"coredns_build_info{goversion="rustc 1.95.0",revision="0123abc",version="0.1.0"} 1"#,
        r#"coredns_nodecache_setup_errors_total{errortype="configmap"} 0"#,
        r#"coredns_nodecache_setup_errors_total{errortype="interface_add"} 0"#,
        r#"coredns_nodecache_setup_errors_total{errortype="interface_check"} 0"#,
        r#"coredns_nodecache_setup_errors_total{errortype="iptables"} 0"#,
        r#"coredns_nodecache_setup_errors_total{errortype="iptables_lock"} 0"#,
        "# HELP coredns_nodecache_setup_errors_total The number of errors during periodic network setup for node-cache",
        "# TYPE coredns_nodecache_setup_errors_total counter",
        "coredns_panics_total 0",
        "coredns_reload_failed_total 0",
        "coredns_health_request_failures_total 0",
        r#"coredns_health_request_duration_seconds_bucket{le="+Inf"} 0"#,
        "coredns_forward_healthcheck_broken_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_scrape_reads_as_one_of_coredns() {
    let metrics = metrics();
    let series = metrics.series(0, "dns://:53", ".", "");
    series.request(request(28, 40));
    series.response(response(Plugin::Forward, 3, 115, 2_500_000));
    let text = metrics.encode();
    let expected = r#"# HELP coredns_dns_request_duration_seconds Histogram of the time (in seconds) each request took per zone.
# TYPE coredns_dns_request_duration_seconds histogram
coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone=".",le="0.00025"} 0
coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone=".",le="0.0005"} 0
coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone=".",le="0.001"} 0
coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone=".",le="0.002"} 0
coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone=".",le="0.004"} 1
"#;
    assert!(text.contains(expected), "{text}");
    let expected = r#"coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone=".",le="8.192"} 1
coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone=".",le="+Inf"} 1
coredns_dns_request_duration_seconds_sum{server="dns://:53",view="",zone="."} 0.0025
coredns_dns_request_duration_seconds_count{server="dns://:53",view="",zone="."} 1
# HELP coredns_dns_request_size_bytes Size of the EDNS0 UDP buffer in bytes (64K for TCP) per zone and protocol.
"#;
    assert!(text.contains(expected), "{text}");
    for line in [
        r#"coredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="AAAA",view="",zone="."} 1"#,
        r#"coredns_dns_responses_total{plugin="forward",rcode="NXDOMAIN",server="dns://:53",view="",zone="."} 1"#,
        r#"coredns_dns_response_size_bytes_bucket{proto="udp",server="dns://:53",view="",zone=".",le="200"} 1"#,
        r#"coredns_dns_response_size_bytes_sum{proto="udp",server="dns://:53",view="",zone="."} 115"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn counts_of_equal_replies_can_be_added_at_once() {
    let (one_by_one, at_once) = (metrics(), metrics());
    let series = one_by_one.series(3, "dns://:53", ".", "");
    for _ in 0..32 {
        series.request(request(1, 40));
        series.response(response(Plugin::Cache, 0, 56, 30_000));
    }
    let series = at_once.series(3, "dns://:53", ".", "");
    series.requests(request(1, 40), 32);
    series.responses(response(Plugin::Cache, 0, 56, 30_000), 32);
    let dns = |metrics: &Metrics| -> Vec<String> {
        let text = metrics.encode();
        text.lines()
            .filter(|line| line.starts_with("coredns_dns_"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(dns(&one_by_one), dns(&at_once));
    assert!(!dns(&at_once).is_empty());
}

#[test]
fn cells_asked_for_again_go_on_counting() {
    let metrics = metrics();
    for _ in 0..2 {
        metrics
            .series(0, "dns://:53", ".", "")
            .request(request(1, 40));
        metrics
            .cache_series(0, "dns://:53", ".", "")
            .hit(Half::Success, 1);
        metrics
            .counter(&families::SETUP_ERRORS, &["iptables"])
            .increment();
    }
    let text = metrics.encode();
    for start in [
        "coredns_dns_requests_total{",
        "coredns_cache_hits_total{server=\"dns://:53\",type=\"success\"",
        "coredns_nodecache_setup_errors_total{errortype=\"iptables\"}",
    ] {
        let line = text.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(line.ends_with(" 2"), "{line}");
    }
}

#[test]
fn gauges_of_a_configuration_are_replaced_with_it() {
    let metrics = metrics();
    metrics.set_plugins_enabled([
        ["dns://:53", ".", "", "cache"],
        ["dns://:53", ".", "", "log"],
    ]);
    metrics.set_plugins_enabled([["dns://:53", ".", "", "cache"]]);
    metrics.set_reload_version("aaaa");
    metrics.set_reload_version("bbbb");
    let text = metrics.encode();
    assert_eq!(text.matches("\ncoredns_plugin_enabled{").count(), 1);
    let line = "\ncoredns_reload_version_info{hash=\"sha512\",value=\"bbbb\"} 1\n";
    assert!(text.contains(line) && !text.contains("aaaa"), "{text}");
}

#[test]
fn sizes_are_looked_up_when_scraped() {
    struct Store;
    impl Collect for Store {
        fn collect(&self, collector: &mut Collector<'_>) {
            let labels = ["dns://:53", "denial", ".", ""];
            collector.gauge(&families::CACHE_ENTRIES, &labels, 9984.0);
            collector.gauge(&families::CACHE_BYTES, &labels[1..], 3_145_728.0);
            collector.counter(&families::CACHE_EVICTIONS, &labels, 1, 17);
        }
    }
    let metrics = metrics();
    metrics.set_collector(std::sync::Arc::new(Store));
    for _ in 0..2 {
        let text = metrics.encode();
        for line in [
            r#"coredns_cache_entries{server="dns://:53",type="denial",view="",zones="."} 9984"#,
            r#"nodens_cache_bytes{type="denial",view="",zones="."} 3.145728e+06"#,
            r#"coredns_cache_evictions_total{server="dns://:53",type="denial",view="",zones="."} 17"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}

fn metrics() -> std::sync::Arc<Metrics> {
    Metrics::new(Build {
        version: "0.1.0",
        revision: "0123abc",
        compiler: "rustc 1.95.0",
    })
}

fn request(qtype: u16, size: u16) -> Request {
    Request {
        transport: Transport::Udp,
        family: AddressFamily::V4,
        qtype: TypeIndex::of(qtype),
        size,
        dnssec_ok: false,
    }
}

fn response(plugin: Plugin, rcode: u16, size: u16, nanoseconds: u64) -> Response {
    Response {
        transport: Transport::Udp,
        rcode,
        plugin,
        size,
        nanoseconds,
    }
}
