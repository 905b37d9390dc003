//! Tests of `forward`.

use super::super::tests::{block, config, problem};
use super::*;

#[track_caller]
fn forward(directives: &str) -> Forward {
    block(directives).forward.remove(0)
}

/// Each upstream as text: address, interface or name.
#[track_caller]
fn upstreams(directives: &str) -> Vec<String> {
    let text = |to: &To| match &to.target {
        ToTarget::File(path) => path.display().to_string(),
        ToTarget::Address {
            address,
            interface,
            transport,
        } => match transport {
            UpstreamTransport::Dns => {
                format!("{address} {}", interface.as_deref().unwrap_or("-"))
            }
            UpstreamTransport::Tls { server_name } => {
                format!("tls {address} {}", server_name.as_deref().unwrap_or("-"))
            }
        },
    };
    forward(directives).to.iter().map(text).collect()
}

#[test]
fn everything_has_a_default() {
    let forward = forward("forward . 192.0.2.1");
    assert_eq!(forward.from, ".");
    assert_eq!(forward.expire, Duration::from_secs(10));
    assert_eq!(forward.max_fails, 2);
    assert_eq!(forward.max_connect_attempts, None);
    assert_eq!(forward.policy, Policy::Random);
    assert_eq!(forward.health_check.interval, Duration::from_millis(500));
    assert_eq!(forward.health_check.domain, ".");
    assert!(forward.health_check.recursion_desired);
    assert_eq!(forward.max_concurrent, None);
    assert!(!forward.force_tcp && !forward.prefer_udp && !forward.case_randomization);
}

#[test]
fn upstreams_are_addresses_and_files() {
    assert_eq!(
        upstreams(
            "forward . 192.0.2.1 192.0.2.2:5353 2001:db8::1 [2001:db8::2] [2001:db8::3]:54 \
             dns://192.0.2.3 fe80::1%eth0 [fe80::2%eth0]:55 /etc/resolv.conf resolv.conf"
        ),
        [
            "192.0.2.1:53 -",
            "192.0.2.2:5353 -",
            "[2001:db8::1]:53 -",
            "[2001:db8::2]:53 -",
            "[2001:db8::3]:54 -",
            "192.0.2.3:53 -",
            "[fe80::1]:53 eth0",
            "[fe80::2]:55 eth0",
            "/etc/resolv.conf",
            "resolv.conf"
        ]
    );
}

#[test]
fn upstreams_over_tls_may_have_names() {
    assert_eq!(
        upstreams(
            "forward . tls://192.0.2.1 tls://192.0.2.1%dns.example.org:854 \
             tls://192.0.2.2%dns.example.org tls://2001:db8::1%dns.example.org \
             tls://[2001:db8::2%dns.example.org]:853"
        ),
        [
            "tls 192.0.2.1:853 -",
            "tls 192.0.2.1:854 dns.example.org",
            "tls 192.0.2.2:853 dns.example.org",
            "tls [2001:db8::1]:853 dns.example.org",
            "tls [2001:db8::2]:853 dns.example.org"
        ]
    );
}

#[test]
fn an_upstream_given_twice_counts_once() {
    assert_eq!(
        upstreams("forward . 192.0.2.1 192.0.2.1:53 192.0.2.2").len(),
        2
    );
}

#[test]
fn from_may_be_a_network() {
    assert_eq!(
        forward("forward 192.0.2.0/24 192.0.2.1").from,
        "2.0.192.in-addr.arpa."
    );
    let config = config("forward 10.9.3.0/18 192.0.2.1").unwrap();
    assert_eq!(config.blocks[0].forward[0].from, "0.9.10.in-addr.arpa.");
    assert!(
        config.notes[0]
            .message
            .starts_with("Unsupported CIDR notation: '10.9.3.0/18'")
    );
}

#[test]
fn every_property_is_read() {
    let forward = forward(
        "forward Example.ORG 192.0.2.1 {\nexcept a.example.org 192.0.2.0/23\nforce_tcp\n\
         prefer_udp\nexpire 20s\nmax_age 1m\nmax_idle_conns 4\nmax_fails 0\n\
         max_connect_attempts 3\nread_timeout 3s\ntls cert key ca\ntls_servername dns.example.org\n\
         policy round_robin\nhealth_check 1s no_rec domain Example.org\nmax_concurrent 1000\n\
         next NXDOMAIN servfail\nnext_on_nodata\nfailfast_all_unhealthy_upstreams\n\
         failover REFUSED\nsource_address 192.0.2.9\ncase_randomization\n}",
    );
    assert_eq!(forward.from, "example.org.");
    assert_eq!(
        forward.except,
        [
            "a.example.org.",
            "2.0.192.in-addr.arpa.",
            "3.0.192.in-addr.arpa."
        ]
    );
    assert!(forward.force_tcp && forward.prefer_udp);
    assert_eq!(forward.expire, Duration::from_secs(20));
    assert_eq!(forward.max_age, Some(Duration::from_mins(1)));
    assert_eq!(forward.max_idle_connections, Some(4));
    assert_eq!(forward.max_fails, 0);
    assert_eq!(forward.max_connect_attempts, Some(3));
    assert_eq!(forward.read_timeout, Some(Duration::from_secs(3)));
    assert_eq!(
        forward.tls.client,
        Some((PathBuf::from("cert"), PathBuf::from("key")))
    );
    assert_eq!(forward.tls.authority, Some(PathBuf::from("ca")));
    assert_eq!(forward.tls.server_name.as_deref(), Some("dns.example.org"));
    assert_eq!(forward.policy, Policy::RoundRobin);
    assert_eq!(forward.health_check.domain, "example.org.");
    assert!(!forward.health_check.recursion_desired);
    assert_eq!(forward.max_concurrent, Some(1000));
    assert_eq!(forward.next, [3, 2]);
    assert!(forward.next_on_nodata && forward.failfast_all_unhealthy_upstreams);
    assert_eq!(forward.failover, [5]);
    assert_eq!(forward.source_address, Some("192.0.2.9".parse().unwrap()));
    assert!(forward.case_randomization);
}

#[test]
fn one_file_for_tls_is_the_authority() {
    let tls = forward("forward . tls://192.0.2.1 {\ntls ca.pem\n}").tls;
    assert_eq!(tls.authority, Some(PathBuf::from("ca.pem")));
    assert_eq!(tls.position.unwrap().line, 3);
}

#[test]
fn several_lines_are_kept_in_order() {
    let forwards = block("forward a.example.org 192.0.2.1\nforward . 192.0.2.2 {\n}").forward;
    assert_eq!(forwards[0].from, "a.example.org.");
    assert_eq!(forwards[1].from, ".");
}

#[test]
fn the_resolver_is_accepted_and_does_nothing() {
    let config = config("forward . 192.0.2.1 {\nresolver 192.0.2.2 192.0.2.3:53\n}").unwrap();
    assert_eq!(config.notes[0].position.line, 3);
}

#[test]
fn wrong_values_are_refused() {
    let many = (1..=16)
        .map(|last| format!("192.0.2.{last}"))
        .collect::<Vec<_>>()
        .join(" ");
    let too_many = format!("forward . {many}");
    let long = format!("forward {} 192.0.2.1", "x".repeat(64));
    let property = |text: &str| format!("forward . 192.0.2.1 {{\n{text}\n}}");
    for (text, message) in [
        ("forward".to_owned(), "Wrong argument count"),
        ("forward .".to_owned(), "Wrong argument count"),
        (long, "unable to normalize 'xxx"),
        (too_many, "more than 15 TOs configured: 16"),
        (
            "forward . a27.0.0.1".to_owned(),
            "not an IP address or file: \"a27.0.0.1\"",
        ),
        (
            "forward . https://192.0.2.1".to_owned(),
            "'https' is not supported as a destination",
        ),
        (
            "forward . unix:///x".to_owned(),
            "'unix' is not supported as a destination",
        ),
        ("forward . tls://".to_owned(), "invalid address: \"tls://\""),
        (
            "forward . 192.0.2.1:70000".to_owned(),
            "not an IP address or file",
        ),
        (
            "forward . tls://192.0.2.1%a {\ntls_servername b\n}".to_owned(),
            "both forward ('b') and proxy level ('a') TLS servernames are set for upstream proxy",
        ),
        (property("blaatl"), "unknown property 'blaatl'"),
        (property("except"), "Wrong argument count"),
        (property("force_tcp yes"), "Wrong argument count"),
        (property("expire -1s"), "expire can't be negative: -1s"),
        (
            property("max_age 5s"),
            "max_age (5s) must not be less than expire (10s)",
        ),
        (
            property("max_idle_conns -1"),
            "max_idle_conns can't be negative: -1",
        ),
        (
            property("max_concurrent many"),
            "strconv.Atoi: parsing \"many\": invalid syntax",
        ),
        (
            property("max_concurrent -4"),
            "max_concurrent can't be negative: -4",
        ),
        (
            property("max_fails -3"),
            "strconv.ParseUint: parsing \"-3\": invalid syntax",
        ),
        (
            property("read_timeout 0s"),
            "read_timeout must be positive: 0s",
        ),
        (property("tls a b c d"), "Wrong argument count"),
        (property("policy fastest"), "unknown policy 'fastest'"),
        (
            property("health_check 0.5s domain"),
            "Wrong argument count or unexpected line ending after 'domain'",
        ),
        (
            property("health_check 0.5s domain a..b"),
            "health_check: invalid domain name a..b",
        ),
        (
            property("health_check 0.5s rec"),
            "health_check: unknown option rec",
        ),
        (property("next BOGUS"), "BOGUS is not a valid rcode"),
        (
            property("failover NOERROR"),
            "NoError cannot be used in failover",
        ),
        (property("failover BOGUS"), "BOGUS is not a valid rcode"),
        (
            property("resolver dns.example.org"),
            "resolver must be an IP address or IP:port",
        ),
        (property("source_address x"), "invalid IP address: x"),
        (property("doh_method GET"), "doh_method is not supported"),
    ] {
        let problem = problem(&text);
        assert!(
            problem.message.starts_with(message),
            "{text}: {}",
            problem.message
        );
    }
}

#[test]
fn a_variable_that_was_not_replaced_is_recognized() {
    let problem = problem("forward . __PILLAR__CLUSTER__DNS__ {\nforce_tcp\n}");
    assert_eq!(
        problem.message,
        "not an IP address or file: \"__PILLAR__CLUSTER__DNS__\""
    );
    assert!(problem.expected.contains("was not replaced"));
    assert_eq!((problem.position.line, problem.position.column), (2, 11));
}
