//! Links, addresses and packet rules in a network namespace of the test's own.

#![allow(
    unsafe_code,
    reason = "a thread moves to a network namespace of its own"
)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the lints take helpers of tests for other code"
)]

use std::net::{IpAddr, UdpSocket};
use std::process::Command;
use std::thread;

use nodens_sys::{
    Action, ForeignRules, Hook, LegacyTable, Links, Match, Rule, RuleChain, RuleTable, Tun,
};

#[test]
fn a_tun_device_carries_addresses_and_takes_them_along() {
    in_own_namespace(|| {
        let links = Links::open().unwrap();
        let tun = Tun::create("nodens-test").unwrap();
        let link = links.find("nodens-test").unwrap().unwrap();
        assert_eq!(link.kind.as_deref(), Some("tun"));
        assert!(!link.up && !link.persistent);
        let (v4, v6): (IpAddr, IpAddr) =
            ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        assert!(links.add_address(link.index, v4).unwrap());
        links.bring_up(link.index).unwrap();
        assert!(links.find("nodens-test").unwrap().unwrap().up);
        assert!(links.add_address(link.index, v6).unwrap());
        assert!(!links.add_address(link.index, v4).unwrap());
        UdpSocket::bind((v4, 53)).unwrap();
        UdpSocket::bind((v6, 53)).unwrap();
        assert_eq!(
            links.addresses().unwrap(),
            [(link.index, v4), (link.index, v6)]
        );
        assert!(links.delete_address(link.index, v4).unwrap());
        assert!(!links.delete_address(link.index, v4).unwrap());

        // A device that another program deleted is made anew under the same descriptor.
        let mut tun = tun;
        links.delete(link.index).unwrap();
        Tun::create("nodens-test")
            .unwrap()
            .take_place_of(&mut tun)
            .unwrap();
        assert!(links.find("nodens-test").unwrap().is_some());
        assert!(Tun::create("nodens-test").is_err());
        drop(tun);
        assert_eq!(links.find("nodens-test").unwrap(), None);
        assert_eq!(links.addresses().unwrap(), []);
    });
}

#[test]
fn a_table_reads_as_written_resists_others_and_ends_with_its_socket() {
    in_own_namespace(|| {
        let mut table = RuleTable::open("nodens-test").unwrap();
        table.keep_above(100);
        assert!(!table.is_intact().unwrap());
        table.replace(&chains()).unwrap();
        assert!(table.is_owned());
        assert!(table.is_intact().unwrap());
        let generation = table.generation().unwrap();
        let text = nft(&["list", "ruleset"]);
        for part in [
            "flags owner",
            "type filter hook prerouting priority raw",
            "ip daddr 192.0.2.1 jump dns",
            "ip6 saddr 2001:db8::1 udp sport 53 notrack",
            "tcp dport 53 notrack",
            "accept",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        nft(&["flush", "ruleset"]);
        assert!(table.is_intact().unwrap());
        table.replace(&chains()[..1]).unwrap();
        assert!(table.is_intact().unwrap());
        assert_ne!(table.generation().unwrap(), generation);
        table.remove().unwrap();
        table.remove().unwrap();
        assert!(!table.is_intact().unwrap());
        table.replace(&chains()).unwrap();
        drop(table);
        // The kernel deletes what belonged to the socket when it gets to it.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while nft(&["list", "ruleset"]).contains("nodens-test") {
            assert!(std::time::Instant::now() < end);
        }
    });
}

#[test]
fn rules_of_others_are_found_by_their_comment_and_deleted() {
    in_own_namespace(|| {
        let comment = "NodeLocal DNS Cache: skip conntrack";
        for (family, address) in [
            ("iptables-nft", "192.0.2.1"),
            ("ip6tables-nft", "2001:db8::1"),
        ] {
            let rule = [
                "-t", "raw", "-I", "OUTPUT", "-p", "udp", "-d", address, "--dport", "53",
            ];
            let rest = ["-m", "comment", "--comment", comment, "-j", "NOTRACK"];
            run(family, &[&rule[..], &rest].concat());
        }
        run(
            "iptables-nft",
            &["-A", "INPUT", "-p", "udp", "-j", "ACCEPT"],
        );
        run("iptables-nft", &["-P", "INPUT", "DROP"]);
        let foreign = ForeignRules::open().unwrap();
        let found = foreign.find(comment).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains(&[192, 0, 2, 1]));
        assert!(!found[1].contains(&[192, 0, 2, 1]));
        for rule in &found {
            foreign.delete(rule).unwrap();
        }
        assert!(foreign.find(comment).unwrap().is_empty());
        assert!(!nft(&["list", "ruleset"]).contains(comment));
        assert!(nft(&["list", "ruleset"]).contains("accept"));
        let closed = foreign.closed_inputs().unwrap();
        assert_eq!(closed.len(), 1);
        assert_eq!(
            (closed[0].table.as_str(), closed[0].name.as_str()),
            ("ip filter", "INPUT")
        );
    });
}

#[test]
fn rules_in_the_older_tables_are_deleted_and_the_others_stay_as_they_were() {
    in_own_namespace(|| {
        for program in ["iptables-legacy", "ip6tables-legacy"] {
            let comment = [
                "-m",
                "comment",
                "--comment",
                "NodeLocal DNS Cache: allow DNS traffic",
                "-j",
                "ACCEPT",
            ];
            let rule = |arguments: &str| {
                run(program, &arguments.split(' ').collect::<Vec<_>>());
            };
            rule("-N OTHERS");
            rule("-A OTHERS -p tcp --dport 22 -j ACCEPT");
            rule("-A OTHERS -p tcp --dport 23 -j RETURN");
            rule("-N EMPTY");
            rule("-A INPUT -j OTHERS");
            rule("-A INPUT -p udp -g EMPTY");
            rule("-A INPUT -p udp --dport 99");
            rule("-P FORWARD DROP");
            rule("-A OUTPUT -c 7 700 -j ACCEPT");
            let before = run(program, &["-S", "-v"]);
            for place in [
                "INPUT 1", "INPUT 3", "OTHERS 1", "OTHERS 3", "EMPTY 1", "OUTPUT 2",
            ] {
                let place: Vec<&str> = place.split(' ').collect();
                let arguments = [
                    &["-I"],
                    &place[..],
                    &["-p", "udp", "--dport", "53"],
                    &comment,
                ]
                .concat();
                run(program, &arguments);
            }
            let unwanted = |entry: &[u8]| entry.windows(8).any(|window| window == b"NodeLoca");
            let removed: usize = LegacyTable::ALL
                .iter()
                .filter(|table| table.program() == program)
                .map(|table| table.remove_entries(unwanted).unwrap())
                .sum();
            assert_eq!(removed, 6);
            assert_eq!(run(program, &["-S", "-v"]), before);
        }
    });
}

fn chains() -> [RuleChain; 2] {
    let v4 = "192.0.2.1".parse().unwrap();
    let v6 = "2001:db8::1".parse().unwrap();
    let rule = |matches: &[Match], action| Rule {
        matches: matches.to_vec(),
        action,
    };
    [
        RuleChain {
            name: "dns".into(),
            hook: None,
            rules: vec![
                rule(&[Match::Datagram, Match::ToPort(53)], Action::NoTrack),
                rule(&[Match::Stream, Match::ToPort(53)], Action::NoTrack),
            ],
        },
        RuleChain {
            name: "prerouting".into(),
            hook: Some(Hook::Prerouting),
            rules: vec![
                rule(&[Match::To(v4)], Action::Jump("dns".into())),
                rule(
                    &[Match::From(v6), Match::Datagram, Match::FromPort(53)],
                    Action::NoTrack,
                ),
                rule(&[Match::From(v4)], Action::Accept),
            ],
        },
    ]
}

/// Runs a test where it can do no harm; without the right to, says so.
fn in_own_namespace(test: impl FnOnce() + Send + 'static) {
    let thread = thread::spawn(move || {
        // SAFETY: only this thread moves, to a namespace that nobody else has.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            let error = std::io::Error::last_os_error();
            assert!(
                std::env::var_os("LAB").is_none(),
                "no network namespace: {error}"
            );
            eprintln!("skipped: no network namespace: {error}");
            return;
        }
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn nft(arguments: &[&str]) -> String {
    run("nft", arguments)
}

/// Programs of other people, which are started in the thread's namespace.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}
