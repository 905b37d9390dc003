//! `acl`: who may ask what.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::lexer::Token;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::network::Network;
use crate::value::numbers;

/// One `acl` line: the policies for some zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    /// Where it was written.
    pub position: Position,
    /// The zones it is about.
    pub zones: Vec<String>,
    /// The first that matches decides.
    pub policies: Vec<AclPolicy>,
}

/// What to do with some questions of some clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclPolicy {
    /// Where it was written.
    pub position: Position,
    /// What to do.
    pub action: AclAction,
    /// The record types it is about; empty for all.
    pub types: Vec<u16>,
    /// The networks of the clients it is about; empty for all.
    pub networks: Vec<Network>,
}

/// What happens to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclAction {
    /// It is answered.
    Allow,
    /// It is answered with REFUSED.
    Block,
    /// It is answered with NOERROR and nothing else.
    Filter,
    /// It is not answered.
    Drop,
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "acl",
    summary: "Who may ask what",
    support: Support::Same,
    repeat: Repeat::Adds,
    syntax: "acl [ZONES...] {\n    allow|block|filter|drop [type QTYPE...] [net SOURCE...]\n}",
    settings: &[
        Setting {
            name: "ZONES...",
            default: "the zones of the server block",
            bounds: "zones or networks",
            meaning: "The names that the policies are about.",
            source: "",
        },
        Setting {
            name: "allow|block|filter|drop",
            default: "allow, when no policy matches",
            bounds: "",
            meaning: "Answer; answer REFUSED; answer NOERROR without records; do not answer.",
            source: "`block` adds the extended error Prohibited, `filter` Filtered (RFC 8914)",
        },
        Setting {
            name: "type QTYPE...",
            default: "every type",
            bounds: "names of record types in upper case, or `*`",
            meaning: "The types of questions that the policy is about.",
            source: "",
        },
        Setting {
            name: "net SOURCE...",
            default: "every client",
            bounds: "addresses, networks, or `*`",
            meaning: "The clients that the policy is about.",
            source: "",
        },
    ],
    description: "The lines are tried in order, and in each that is about the name the policies in \
        order: the first that matches decides.",
    differences: "It is looked at before the cache. Until version 1.14.6 CoreDNS answered blocked \
        clients from the cache.",
    examples: &[
        Example {
            purpose: "Answer only the clients of one network",
            corefile: ". {\n    acl {\n        allow net 192.0.2.0/24\n        block\n    }\n    \
                forward . 198.51.100.1\n}\n",
        },
        Example {
            purpose: "Hide IPv6 addresses from one network",
            corefile: "example.org {\n    acl {\n        filter type AAAA net 192.0.2.0/24 \
                2001:db8::/32\n    }\n    forward . 198.51.100.1\n}\n",
        },
    ],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let position = statement.position();
    let arguments = statement.arguments();
    let zones = statement.zones_or_block(&arguments);
    let mut policies = Vec::new();
    while let Some(property) = statement.property() {
        let action = match property.text.to_ascii_lowercase().as_str() {
            "allow" => AclAction::Allow,
            "block" => AclAction::Block,
            "filter" => AclAction::Filter,
            "drop" => AclAction::Drop,
            _ => {
                let message = format!(
                    "unexpected token {:?}; expect 'allow', 'block', 'filter' or 'drop'",
                    property.text
                );
                return Err(statement.problem(property, message, "what to do with a question"));
            }
        };
        let (types, networks) = sections(statement)?;
        policies.push(AclPolicy {
            position: property.position.clone(),
            action,
            types,
            networks,
        });
    }
    block.acl.push(Acl {
        position,
        zones,
        policies,
    });
    Ok(())
}

/// The sections `type …` and `net …` in any order.
fn sections(statement: &mut Statement<'_>) -> Result<(Vec<u16>, Vec<Network>), Error> {
    let arguments = statement.arguments();
    let (mut types, mut networks) = (Some(Vec::new()), Some(Vec::new()));
    let mut rest = arguments.as_slice();
    while let Some((section, after)) = rest.split_first() {
        let length = after.iter().position(|token| section_name(token).is_some());
        let (tokens, remaining) = after.split_at(length.unwrap_or(after.len()));
        let Some(name) = section_name(section) else {
            let message = format!("unexpected token {:?}; expect 'type | net'", section.text);
            return Err(statement.problem(section, message, "'type' or 'net'"));
        };
        if tokens.is_empty() {
            let message = format!("no token specified in {name:?} section");
            return Err(statement.problem(section, message, "at least one value after it"));
        }
        for token in tokens {
            match (name, token.text.as_str()) {
                ("type", "*") => {
                    types = None;
                    break;
                }
                (_, "*") => {
                    networks = None;
                    break;
                }
                ("type", _) => {
                    let number = record_type(statement, token)?;
                    if let Some(types) = &mut types {
                        types.push(number);
                    }
                }
                _ => {
                    let network = network(statement, token)?;
                    if let Some(networks) = &mut networks {
                        networks.push(network);
                    }
                }
            }
        }
        rest = remaining;
    }
    Ok((types.unwrap_or_default(), networks.unwrap_or_default()))
}

fn section_name(token: &Token) -> Option<&'static str> {
    match token.text.to_ascii_lowercase().as_str() {
        "type" => Some("type"),
        "net" => Some("net"),
        _ => None,
    }
}

fn record_type(statement: &Statement<'_>, token: &Token) -> Result<u16, Error> {
    numbers::record_type(&token.text).ok_or_else(|| {
        let message = format!("unexpected token {:?}; expect legal QTYPE", token.text);
        statement.problem(
            token,
            message,
            "the name of a record type in upper case, or '*'",
        )
    })
}

/// A network, or an address as a network of one.
fn network(statement: &Statement<'_>, token: &Token) -> Result<Network, Error> {
    let text = &token.text;
    let network = match text.parse() {
        Ok(address) if !text.contains('/') => {
            Network::new(address, if address.is_ipv4() { 32 } else { 128 })
        }
        _ => Network::parse(text),
    };
    network.ok_or_else(|| {
        let shown = match (text.contains('/'), text.contains(':')) {
            (true, _) => text.clone(),
            (false, true) => format!("{text}/128"),
            (false, false) => format!("{text}/32"),
        };
        let message = format!("illegal CIDR notation {shown:?}");
        statement.problem(
            token,
            message,
            "an address or a network, such as '192.0.2.0/24'",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::super::tests::{block, problem};
    use super::*;

    #[test]
    fn policies_name_types_and_networks() {
        let block = block(
            "acl {\nblock type A AAAA net 192.0.2.0/24 198.51.100.7\nfilter net 2001:db8::1\n\
             DROP type *\nallow\n}\nacl a.example.org 192.0.2.0/23 {\nblock net *\n}",
        );
        let [first, second] = block.acl.as_slice() else {
            panic!("two lines")
        };
        assert_eq!(first.zones, ["example.org."]);
        assert_eq!(first.policies[0].types, [1, 28]);
        assert_eq!(first.policies[0].networks[1].to_string(), "198.51.100.7/32");
        assert_eq!(first.policies[1].networks[0].prefix(), 128);
        assert_eq!(first.policies[2].action, AclAction::Drop);
        assert_eq!(first.policies[2].types, Vec::<u16>::new());
        assert_eq!(first.policies[3].networks, []);
        assert_eq!(second.zones.len(), 3);
        assert!(first.policies[0].networks[0].contains(IpAddr::from([192, 0, 2, 1])));
    }

    #[test]
    fn wrong_values_are_refused() {
        for (text, message) in [
            (
                "acl {\ndeny net *\n}",
                "unexpected token \"deny\"; expect 'allow', 'block'",
            ),
            (
                "acl {\nblock from *\n}",
                "unexpected token \"from\"; expect 'type | net'",
            ),
            (
                "acl {\nblock type\n}",
                "no token specified in \"type\" section",
            ),
            (
                "acl {\nblock type ABC\n}",
                "unexpected token \"ABC\"; expect legal QTYPE",
            ),
            (
                "acl {\nblock net 192.0.2.300\n}",
                "illegal CIDR notation \"192.0.2.300/32\"",
            ),
            (
                "acl {\nblock net 2001:db8::1/\n}",
                "illegal CIDR notation \"2001:db8::1/\"",
            ),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
