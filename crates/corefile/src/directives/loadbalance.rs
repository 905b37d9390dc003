//! `loadbalance`: vary the order of addresses in answers.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::network::Network;

/// `loadbalance`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalance {
    /// Where it was written.
    pub position: Position,
    /// How the order varies.
    pub policy: LoadBalancePolicy,
    /// Addresses in these networks come first.
    pub prefer: Vec<Network>,
}

/// How the order of addresses varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadBalancePolicy {
    /// At random.
    RoundRobin,
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "loadbalance",
    summary: "Vary the order of addresses in answers",
    support: Support::Same,
    repeat: Repeat::LastCounts,
    syntax: "loadbalance [round_robin] {\n    prefer NETWORK...\n}",
    settings: &[
        Setting {
            name: "POLICY",
            default: "round_robin",
            bounds: "round_robin",
            meaning: "Shuffle the A, AAAA and MX records of each answer.",
            source: "",
        },
        Setting {
            name: "prefer NETWORK...",
            default: "none",
            bounds: "networks of either family",
            meaning: "Addresses in these networks come first, in the order of the networks.",
            source: "",
        },
    ],
    description: "Clients mostly use the first address of an answer, so a varying order spreads \
        them. CNAME records stay in front.",
    differences: "The policy `weighted`, which needs a file of weights, is refused.",
    examples: &[Example {
        purpose: "Spread clients over the addresses of a name",
        corefile: ". {\n    loadbalance round_robin\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let mut prefer = Vec::new();
    let arguments = statement.arguments();
    match arguments.as_slice() {
        [] => {}
        [policy, rest @ ..] => match policy.text.as_str() {
            "round_robin" => {
                if let Some(token) = rest.first() {
                    let message = "unknown property for round_robin";
                    return Err(statement.problem(token, message, "nothing after 'round_robin'"));
                }
            }
            "weighted" => {
                let message = "the policy 'weighted' is not supported";
                return Err(statement.problem(policy, message, "'round_robin'"));
            }
            other => {
                let message = format!("unknown policy: {other}");
                return Err(statement.problem(policy, message, "'round_robin'"));
            }
        },
    }
    while let Some(property) = statement.property() {
        if property.text != "prefer" {
            return Err(statement.unknown_property(property, &["prefer"]));
        }
        for token in statement.arguments() {
            let network = Network::parse(&token.text).ok_or_else(|| {
                let text = &token.text;
                let message = format!("invalid CIDR {text:?}: invalid CIDR address: {text}");
                statement.problem(token, message, "a network, such as '192.0.2.0/24'")
            })?;
            prefer.push(network);
        }
    }
    let policy = LoadBalancePolicy::RoundRobin;
    block.loadbalance = Some(LoadBalance {
        position: statement.position(),
        policy,
        prefer,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};

    #[test]
    fn policy_and_preference_are_read() {
        assert!(block("loadbalance").loadbalance.unwrap().prefer.is_empty());
        let loadbalance =
            block("loadbalance round_robin {\nprefer 192.0.2.0/24 2001:db8::/32\n}").loadbalance;
        assert_eq!(loadbalance.unwrap().prefer[1].to_string(), "2001:db8::/32");
    }

    #[test]
    fn wrong_values_are_refused() {
        for (text, message) in [
            ("loadbalance fleeb", "unknown policy: fleeb"),
            (
                "loadbalance round_robin a",
                "unknown property for round_robin",
            ),
            (
                "loadbalance weighted file",
                "the policy 'weighted' is not supported",
            ),
            (
                "loadbalance {\nprefer x\n}",
                "invalid CIDR \"x\": invalid CIDR address: x",
            ),
            ("loadbalance {\nfoo\n}", "unknown property 'foo'"),
        ] {
            assert_eq!(problem(text).message, message, "{text}");
        }
    }
}
