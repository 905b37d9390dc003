//! The cache in node-cache's place on a node: what it sets up, what is left of it, and what clients notice.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::format_push_string,
    reason = "the lints take helpers of tests for other code"
)]

mod client;
mod lab;

use std::time::{Duration, Instant};

use client::Client;
use lab::{ADDRESSES, Lab, Proxy, signal};

#[test]
fn traffic_comes_to_the_cache_and_is_gone_with_it_after_a_kill() {
    let mut darknesses = Vec::new();
    for proxy in [Proxy::IptablesNft, Proxy::IptablesLegacy, Proxy::Nftables] {
        let Some(lab) = Lab::new(proxy) else { return };
        let before = lab.node.state();
        let mut cache = lab.start_active(&[]);
        for server in ADDRESSES.split(',') {
            assert!(lab.pod.asks(server), "{proxy:?} {server}");
            assert!(lab.node.asks(server), "{proxy:?} {server}");
        }
        let tracked = || {
            lab.node
                .shell("conntrack -L -d 10.96.0.10 2>/dev/null | grep -c src=10.244.1.11 || true")
        };
        let tracked_before = tracked();
        let client = Client::start(&lab.pod, SERVICE, 2000);
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(
            tracked(),
            tracked_before,
            "questions to the cache are not tracked"
        );
        cache.end("KILL");
        std::thread::sleep(Duration::from_millis(300));
        let report = client.finish();
        let dark = report.dark;
        eprintln!(
            "{proxy:?}: kill: {} of {} lost, dark for {dark:?}",
            report.lost, report.asked
        );
        darknesses.push(dark);
        assert_eq!(lab.node.state(), before);
        assert!(lab.pod.asks(SERVICE));
        assert!(lab.node.asks(SERVICE));
    }
    // Descriptors are closed by the last thread to end, which on a crowded machine has to wait for a processor first.
    darknesses.sort();
    assert!(darknesses[1] <= Duration::from_millis(10), "{darknesses:?}");
    assert!(
        darknesses[2] <= Duration::from_millis(100),
        "{darknesses:?}"
    );
}

#[test]
fn a_clean_end_takes_less_than_half_a_second_and_loses_nothing() {
    let Some(lab) = Lab::new(Proxy::IptablesNft) else {
        return;
    };
    let before = lab.node.state();
    for flags in [&[][..], &["-supervise"]] {
        let mut times = Vec::new();
        for _ in 0..3 {
            let mut cache = lab.start_active(flags);
            let client = Client::start(&lab.pod, SERVICE, 2000);
            std::thread::sleep(Duration::from_millis(200));
            let took = cache.end("TERM");
            std::thread::sleep(Duration::from_millis(200));
            let report = client.finish();
            eprintln!(
                "{flags:?}: SIGTERM: ended in {took:?}, {} of {} lost",
                report.lost, report.asked
            );
            assert!(report.lost == 0, "{report:?}");
            assert_eq!(lab.node.state(), before);
            times.push(took);
        }
        // What is under way is waited for, and on a crowded machine that takes what it takes.
        times.sort();
        assert!(times[1] < Duration::from_millis(500), "{times:?}");
    }
}

#[test]
fn a_hang_is_withdrawn_within_three_seconds_and_ends_with_a_new_process() {
    let Some(lab) = Lab::new(Proxy::IptablesNft) else {
        return;
    };
    let cache = lab.start_active(&["-supervise"]);
    let child = cache.child().unwrap();
    let client = Client::start(&lab.pod, SERVICE, 100);
    std::thread::sleep(Duration::from_millis(200));
    signal(child, "STOP");
    std::thread::sleep(Duration::from_millis(3500));
    let report = client.finish();
    let dark = report.dark;
    eprintln!(
        "hang: {} of {} lost, dark for {dark:?}",
        report.lost, report.asked
    );
    assert!(report.lost > 10, "{report:?}");
    assert!(dark <= Duration::from_secs(3), "{dark:?}");
    assert!(
        cache
            .log()
            .contains("no longer directed to this cache: a worker has not moved")
    );
    lab.wait_for("a new process", || {
        cache.child().is_some_and(|now| now != child)
    });
    lab.wait_until_active(&cache);
    assert!(lab.pod.asks(SERVICE));
    assert!(lab.pod.asks("169.254.20.10"));
    let metrics = lab.node.shell("curl -s 127.0.0.1:9253/metrics");
    assert!(
        metrics.contains("nodens_supervised_restarts 1"),
        "{metrics}"
    );
    assert!(metrics.contains("nodens_interception_active{address=\"10.96.0.10\"} 1"));
}

#[test]
fn a_hang_that_passes_is_forgiven() {
    let Some(lab) = Lab::new(Proxy::IptablesNft) else {
        return;
    };
    let cache = lab.start_active(&["-supervise"]);
    let child = cache.child().unwrap();
    signal(child, "STOP");
    lab.wait_for("withdrawal", || cache.log().contains("no longer directed"));
    signal(child, "CONT");
    lab.wait_until_active(&cache);
    assert_eq!(cache.child(), Some(child));
}

#[test]
fn a_crashed_process_is_started_again_at_once() {
    let Some(lab) = Lab::new(Proxy::IptablesNft) else {
        return;
    };
    let cache = lab.start_active(&["-supervise"]);
    std::thread::sleep(Duration::from_millis(1200));
    let child = cache.child().unwrap();
    let client = Client::start(&lab.pod, SERVICE, 2000);
    std::thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    signal(child, "KILL");
    let again = lab.wait_for("a new process", || {
        cache.child().is_some_and(|now| now != child)
    });
    lab.wait_until_active(&cache);
    let active = start.elapsed();
    std::thread::sleep(Duration::from_millis(200));
    let report = client.finish();
    let dark = report.dark;
    eprintln!(
        "crash: {} of {} lost, dark for {dark:?}, new process after {again:?}, active after {active:?}",
        report.lost, report.asked
    );
    assert!(dark <= Duration::from_millis(50), "{dark:?}");
}

#[test]
fn a_killed_parent_takes_everything_along() {
    let Some(lab) = Lab::new(Proxy::IptablesNft) else {
        return;
    };
    let before = lab.node.state();
    let mut cache = lab.start_active(&["-supervise"]);
    let child = cache.child().unwrap();
    signal(child, "STOP");
    let client = Client::start(&lab.pod, "10.96.0.11", 10);
    cache.end("KILL");
    let gone = || {
        std::fs::read_to_string(format!("/proc/{child}/stat"))
            .map_or(true, |stat| stat.contains(") Z "))
    };
    lab.wait_for("the end of the child", gone);
    assert_eq!(lab.node.state(), before);
    assert!(lab.pod.asks(SERVICE));
    assert!(client.finish().lost == 0);
}

#[test]
fn what_others_delete_is_mended_within_two_seconds() {
    let Some(lab) = Lab::new(Proxy::Nftables) else {
        return;
    };
    let cache = lab.start_active(&[]);
    let intact = lab.node.state();
    assert!(lab.pod.asks(SERVICE));
    for script in [
        "ip addr del 10.96.0.10/32 dev nodelocaldns",
        "ip addr flush dev nodelocaldns",
        "ip link del nodelocaldns",
        "ip link set nodelocaldns down",
    ] {
        let client = Client::start(&lab.pod, SERVICE, 100);
        lab.node.shell(script);
        std::thread::sleep(Duration::from_millis(2200));
        let report = client.finish();
        eprintln!(
            "{script}: {} of {} lost, dark for {:?}",
            report.lost, report.asked, report.dark
        );
        assert!(
            report.dark < Duration::from_secs(2),
            "{script}: {:?}",
            report.dark
        );
        assert!(lab.pod.asks("169.254.20.10"), "{script}");
    }
    lab.node.shell("nft flush ruleset");
    assert!(lab.pod.asks(SERVICE));
    let link = |state: &str| {
        let line = state.lines().find(|line| line.starts_with("nodelocaldns"));
        line.unwrap_or_default().to_owned()
    };
    lab.wait_for("the link as it was", || {
        link(&lab.node.state()) == link(&intact)
    });
    let metrics = lab.node.shell("curl -s 127.0.0.1:9253/metrics");
    for what in ["address", "link"] {
        assert!(
            metrics.contains(&format!("nodens_plumbing_repairs_total{{what=\"{what}\"}}")),
            "{metrics}"
        );
    }
    assert!(
        cache
            .log()
            .contains("was missing on nodelocaldns: added again")
    );
}

#[test]
fn what_node_cache_left_is_taken_over() {
    for program in ["iptables-nft", "iptables-legacy"] {
        let Some(lab) = Lab::new(Proxy::IptablesNft) else {
            return;
        };
        let before = lab.node.state();
        lab.node.shell(&leave_as_node_cache(program));
        assert!(
            !lab.pod.asks(SERVICE),
            "node-cache's leftovers lead nowhere"
        );
        let mut cache = lab.start_active(&[]);
        assert!(lab.pod.asks(SERVICE));
        let log = cache.log();
        assert!(
            log.contains(&format!("deleted 24 {program} rules of node-cache")),
            "{log}"
        );
        assert!(
            log.contains("took the addresses over from the veth link nodelocaldns of node-cache"),
            "{log}"
        );
        assert!(
            lab.node
                .state()
                .contains("nodelocaldns     UNKNOWN        169.254.20.10/32 10.96.0.10/32")
        );
        cache.end("KILL");
        let tables = "for t in raw filter; do nft delete table ip $t 2>/dev/null || true; done";
        lab.node.shell(tables);
        let after: Vec<String> = lab
            .node
            .state()
            .lines()
            .filter(|line| !is_empty_table(line))
            .map(str::to_owned)
            .collect();
        assert_eq!(after, before.lines().collect::<Vec<_>>());
        assert!(lab.pod.asks(SERVICE));
    }
}

#[test]
fn a_second_copy_takes_over_without_a_lost_question() {
    let Some(lab) = Lab::new(Proxy::IptablesNft) else {
        return;
    };
    let mut first = lab.start_active(&[]);
    let client = Client::start(&lab.pod, SERVICE, 2000);
    std::thread::sleep(Duration::from_millis(100));
    let second = lab.start_active(&["-metrics-listen-address", "127.0.0.1:0"]);
    assert!(
        second
            .log()
            .contains("another program holds the link nodelocaldns"),
        "{}",
        second.log()
    );
    first.end("TERM");
    std::thread::sleep(Duration::from_millis(300));
    let report = client.finish();
    eprintln!("upgrade: {} of {} lost", report.lost, report.asked);
    assert!(report.lost == 0, "{:?}", report.dark);
    assert!(lab.pod.asks("169.254.20.10"));
}

#[test]
fn a_way_around_that_is_better_is_taken_and_left_again() {
    let Some(lab) = Lab::new(Proxy::Nftables) else {
        return;
    };
    let cache = lab.start_active(&[]);
    assert!(lab.pod.asks(SERVICE));
    // The cache's own way to the cluster DNS servers is cut; that of everybody else is not.
    lab.node.shell("nft add table ip cut; nft add chain ip cut out '{ type filter hook output priority -200; }'; nft add rule ip cut out ip daddr 10.96.0.11 drop");
    let mut number = 0;
    let mut asks = || {
        number += 1;
        !lab.pod
            .answer(SERVICE, &format!("new-{number}.cluster.local"))
            .is_empty()
    };
    let mut ask_all = || {
        let _ = lab.pod.answer("169.254.20.10", "other.cluster.local");
        cache.log().contains("the upstreams of the cache fail")
    };
    let took = lab.wait_for("withdrawal", &mut ask_all);
    eprintln!("upstreams cut: withdrawn after {took:?}");
    lab.wait_for("kube-proxy's way", &mut asks);
    lab.node.shell("nft delete table ip cut");
    lab.wait_until_active(&cache);
}

#[test]
fn both_families_are_served() {
    let Some(lab) = Lab::new(Proxy::IptablesNft) else {
        return;
    };
    let before = lab.node.state();
    let addresses = "169.254.20.10,10.96.0.10,fd00:20::10,fd00:96::10";
    let mut cache = lab.start_cache(addresses, &[]);
    lab.wait_until_active(&cache);
    for server in addresses.split(',') {
        assert!(lab.pod.asks(server), "{server}");
        assert!(lab.node.asks(server), "{server}");
    }
    cache.end("KILL");
    assert_eq!(lab.node.state(), before);
}

#[test]
fn what_the_kernel_does_not_give_is_said() {
    let Some(lab) = Lab::new(Proxy::IptablesNft) else {
        return;
    };
    let before = lab.node.state();
    let mut cache = lab.start_cache_from("mount -t tmpfs none /dev/net; exec \"$@\"", &[]);
    lab.wait_until_active(&cache);
    let log = cache.log();
    assert!(
        log.contains("no TUN device: open /dev/net/tun: No such file or directory"),
        "{log}"
    );
    assert!(lab.pod.asks(SERVICE));
    let metrics = lab.node.shell("curl -s 127.0.0.1:9253/metrics");
    assert!(
        metrics.contains("nodens_plumbing_fallback{missing=\"tun\"} 1"),
        "{metrics}"
    );
    cache.end("TERM");
    assert_eq!(lab.node.state(), before);

    // A firewall that lets nothing in does not let the cache's own questions in either, so nobody else's are led there.
    lab.node.shell("iptables-nft -P INPUT DROP");
    let cache = lab.start_cache(ADDRESSES, &[]);
    let silent =
        "not directed to this cache: the cache does not answer its own questions at 169.254.20.10";
    lab.wait_for("the end of the trial", || cache.log().contains(silent));
    let log = cache.log();
    assert!(
        log.contains("chain INPUT of table ip filter drops what no rule accepts"),
        "{log}"
    );
    assert!(lab.pod.asks(SERVICE));
    drop(cache);
    lab.node.shell("nft delete table ip filter");

    let mut cache = lab.start_cache_from(
        "exec setpriv --bounding-set=-net_admin --inh-caps=-net_admin \"$@\"",
        &[],
    );
    assert!(!cache.process.wait().unwrap().success());
    let log = cache.log();
    assert!(log.contains("no TUN device: make the TUN device nodelocaldns: Operation not permitted (os error 1): it needs CAP_NET_ADMIN"), "{log}");
    assert!(log.contains("listen on udp 169.254.20.10:53"), "{log}");
    assert_eq!(lab.node.state(), before);
}

/// What a killed node-cache leaves: a link that is not up, and twelve rules for each address.
fn leave_as_node_cache(program: &str) -> String {
    let mut script = String::from("ip link add nodelocaldns type veth peer name nodelocalpeer\n");
    for address in ADDRESSES.split(',') {
        script.push_str(&format!("ip addr add {address}/32 dev nodelocaldns\n"));
        for (table, chain, matches) in [
            ("raw", "PREROUTING", "-p tcp -d IP --dport 53"),
            ("raw", "PREROUTING", "-p udp -d IP --dport 53"),
            ("filter", "INPUT", "-p tcp -d IP --dport 53"),
            ("filter", "INPUT", "-p udp -d IP --dport 53"),
            ("raw", "OUTPUT", "-p tcp -s IP --sport 53"),
            ("raw", "OUTPUT", "-p udp -s IP --sport 53"),
            ("filter", "OUTPUT", "-p tcp -s IP --sport 53"),
            ("filter", "OUTPUT", "-p udp -s IP --sport 53"),
            ("raw", "OUTPUT", "-p tcp -d IP --dport 53"),
            ("raw", "OUTPUT", "-p udp -d IP --dport 53"),
            ("raw", "OUTPUT", "-p tcp -d IP --dport 8080"),
            ("raw", "OUTPUT", "-p tcp -s IP --sport 8080"),
        ] {
            let (target, comment) = if table == "raw" {
                ("NOTRACK", "NodeLocal DNS Cache: skip conntrack")
            } else {
                ("ACCEPT", "NodeLocal DNS Cache: allow DNS traffic")
            };
            let matches = matches.replace("IP", address);
            script.push_str(&format!(
                "{program} -w -t {table} -I {chain} {matches} -m comment --comment '{comment}' -j {target}\n"
            ));
        }
    }
    script
}

/// What is left of a table of the older iptables that has no rules.
fn is_empty_table(line: &str) -> bool {
    line.starts_with('*') && !line.starts_with("*nat")
        || line == "COMMIT"
        || line.ends_with("ACCEPT ")
}

/// The address of the cluster DNS service.
const SERVICE: &str = "10.96.0.10";
