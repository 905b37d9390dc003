//! The packet rules that direct DNS traffic to the cache.
//!
//! node-cache's trick (KEP-1024): a packet that is not tracked is not translated, so a question to the address of the cluster
//! DNS service stays addressed to it, and the address is a local one. The rules are those of node-cache, in other words:
//! port 53 of UDP and TCP and the health page's port, to and from each address, before connection tracking.
//!
//! Questions of our own come first. Some must reach the cache while nobody else's do, to find out whether it answers; others
//! must go around it, to find out whether kube-proxy's way is better. They are told by their source ports.
//!
//! The `ACCEPT` rules that node-cache puts into the filter table have no counterpart: a verdict of one nftables table does not
//! bind another, so only a rule in the firewall's own table could help, and that would outlive the process.

use std::net::IpAddr;

use nodens_sys::{Action, Hook, Match, Rule, RuleChain};

use super::NodeOptions;

/// The source ports of our own questions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OwnPorts {
    /// Of those that must reach the cache.
    pub(super) inward: Vec<u16>,
    /// Of those that must go around it.
    pub(super) around: Vec<u16>,
}

/// Whose questions are directed to the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Everybody's.
    Everybodys,
    /// Our own. Replies to everybody still leave as they would have: what is under way is to be answered.
    Ours,
}

/// The chains of the table.
pub(super) fn chains(options: &NodeOptions, own: &OwnPorts, whose: Whose) -> Vec<RuleChain> {
    let everybody = whose == Whose::Everybodys;
    let to_cache = vec![
        no_track(Match::Datagram, Match::ToPort(options.port)),
        no_track(Match::Stream, Match::ToPort(options.port)),
        no_track(Match::Stream, Match::ToPort(options.health_port)),
    ];
    let from_cache = vec![
        no_track(Match::Datagram, Match::FromPort(options.port)),
        no_track(Match::Stream, Match::FromPort(options.port)),
        no_track(Match::Stream, Match::FromPort(options.health_port)),
    ];
    let mut chains = vec![
        chain("to-cache", if everybody { to_cache } else { Vec::new() }),
        chain("local-to-cache", local_to_cache(options.port, own)),
        chain("from-cache", from_cache),
    ];
    let addresses = &options.local_addresses;
    let each = |make: fn(IpAddr) -> Rule| addresses.iter().copied().map(make);
    if everybody {
        let rules = each(|address| jump(Match::To(address), "to-cache")).collect();
        chains.push(base("prerouting", Hook::Prerouting, rules));
    }
    let rules = each(|address| jump(Match::To(address), "local-to-cache"))
        .chain(each(|address| jump(Match::From(address), "from-cache")))
        .collect();
    chains.push(base("output", Hook::Output, rules));
    chains
}

/// Packets of this host to the cache's addresses.
fn local_to_cache(port: u16, own: &OwnPorts) -> Vec<Rule> {
    let around = own.around.iter().map(|own| Rule {
        matches: vec![Match::Datagram, Match::FromPort(*own)],
        action: Action::Accept,
    });
    let inward = own.inward.iter().map(|own| Rule {
        matches: vec![Match::Datagram, Match::FromPort(*own), Match::ToPort(port)],
        action: Action::NoTrack,
    });
    let everybody = Rule {
        matches: Vec::new(),
        action: Action::Jump("to-cache".into()),
    };
    around.chain(inward).chain([everybody]).collect()
}

fn no_track(transport: Match, port: Match) -> Rule {
    Rule {
        matches: vec![transport, port],
        action: Action::NoTrack,
    }
}

fn jump(address: Match, chain: &str) -> Rule {
    Rule {
        matches: vec![address],
        action: Action::Jump(chain.into()),
    }
}

fn chain(name: &str, rules: Vec<Rule>) -> RuleChain {
    RuleChain {
        name: name.into(),
        hook: None,
        rules,
    }
}

fn base(name: &str, hook: Hook, rules: Vec<Rule>) -> RuleChain {
    RuleChain {
        name: name.into(),
        hook: Some(hook),
        rules,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_directed_by_the_rules_of_node_cache() {
        let chains = chains(&options(), &OwnPorts::default(), Whose::Everybodys);
        let names: Vec<&str> = chains.iter().map(|chain| chain.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "to-cache",
                "local-to-cache",
                "from-cache",
                "prerouting",
                "output"
            ]
        );
        assert_eq!(chains[0].rules.len(), 3);
        assert_eq!(chains[3].rules.len(), 2);
        assert_eq!(chains[4].rules.len(), 4);
        assert_eq!(
            chains[4].rules[3].matches,
            [Match::From("2001:db8::a".parse().unwrap())]
        );
    }

    #[test]
    fn our_own_questions_reach_the_cache_alone_or_go_around_it() {
        let own = OwnPorts {
            inward: vec![4001],
            around: vec![4002],
        };
        let chains = chains(&options(), &own, Whose::Ours);
        assert!(chains[0].rules.is_empty());
        assert!(
            chains
                .iter()
                .all(|chain| chain.hook != Some(Hook::Prerouting))
        );
        let local = &chains[1].rules;
        assert_eq!(local[0].matches, [Match::Datagram, Match::FromPort(4002)]);
        assert_eq!(local[0].action, Action::Accept);
        assert_eq!(
            local[1].matches[1..],
            [Match::FromPort(4001), Match::ToPort(53)]
        );
        assert_eq!(local[1].action, Action::NoTrack);
    }

    fn options() -> NodeOptions {
        NodeOptions {
            local_addresses: vec![
                "10.96.0.10".parse().unwrap(),
                "2001:db8::a".parse().unwrap(),
            ],
            set_up_interface: true,
            interface_name: "nodelocaldns".into(),
            set_up_rules: true,
            port: 53,
            health_port: 8080,
            keep_at_end: false,
            sync_interval: std::time::Duration::from_mins(1),
            supervise: false,
        }
    }
}
