//! `bind`: which addresses a server block listens on.

use std::net::IpAddr;

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::lexer::Token;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::address::PLACEHOLDER;

/// One `bind` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// Where it was written.
    pub position: Position,
    /// What to listen on.
    pub to: Vec<BindTo>,
    /// What to leave out of it, once interfaces have become addresses.
    pub except: Vec<BindTo>,
}

/// An address or interface, with its position: an interface may turn out not to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindTo {
    /// Where it was written.
    pub position: Position,
    /// What was written.
    pub target: BindTarget,
}

/// What can be listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindTarget {
    /// This address.
    Address(IpAddr),
    /// Every address of this interface, as of the start of the program.
    Interface(String),
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "bind",
    summary: "Which addresses a server block listens on",
    support: Support::Same,
    repeat: Repeat::Adds,
    syntax: "bind ADDRESS|INTERFACE... {\n    except ADDRESS|INTERFACE...\n}",
    settings: &[
        Setting {
            name: "ADDRESS|INTERFACE...",
            default: "every address of the host, when there is no `bind`",
            bounds: "IPv4 or IPv6 addresses, names of interfaces",
            meaning: "Listen on these. An interface stands for all its addresses at start.",
            source: "",
        },
        Setting {
            name: "except ADDRESS|INTERFACE...",
            default: "nothing",
            bounds: "as above",
            meaning: "Leave these out of the line they belong to.",
            source: "",
        },
    ],
    description: "Blocks that are bound to the same address and port share their sockets; which \
        block answers is decided by the longest zone that matches the question. A block that is \
        bound to addresses and one that is not cannot serve the same zone on the same port.",
    differences: "",
    examples: &[
        Example {
            purpose: "Listen on the node-local address and on that of the cluster's DNS service",
            corefile: "cluster.local:53 {\n    bind 169.254.20.10 192.0.2.10\n    whoami\n}\n",
        },
        Example {
            purpose: "Listen on an interface, but not on one of its addresses",
            corefile: ". {\n    bind nodelocaldns {\n        except 192.0.2.10\n    }\n    whoami\n}\n",
        },
    ],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let position = statement.position();
    let arguments = statement.arguments();
    if arguments.is_empty() {
        let message = "at least one address or interface name is expected";
        return Err(statement.problem(statement.name(), message, "an address or interface"));
    }
    let to = targets(statement, &arguments)?;
    let mut except = Vec::new();
    while let Some(property) = statement.property() {
        if property.text != "except" {
            let message = format!("invalid option {:?}", property.text);
            return Err(statement.problem(property, message, "'except'"));
        }
        let arguments = statement.arguments();
        if arguments.is_empty() {
            let message = "at least one address or interface must be given to except subdirective";
            return Err(statement.problem(property, message, "an address or interface"));
        }
        except = targets(statement, &arguments)?;
    }
    block.bind.push(Bind {
        position,
        to,
        except,
    });
    Ok(())
}

fn targets(statement: &Statement<'_>, tokens: &[&Token]) -> Result<Vec<BindTo>, Error> {
    tokens
        .iter()
        .map(|token| {
            let target = if let Ok(address) = token.text.parse() {
                BindTarget::Address(address)
            } else if is_interface_name(&token.text) {
                BindTarget::Interface(token.text.clone())
            } else {
                let message = format!("not a valid IP address or interface name: {:?}", token.text);
                let expected = if token.text.contains(PLACEHOLDER) {
                    "an address in place of the variable, which was not replaced"
                } else {
                    "an IP address or the name of an interface"
                };
                return Err(statement.problem(token, message, expected));
            };
            Ok(BindTo {
                position: token.position.clone(),
                target,
            })
        })
        .collect()
}

/// Whether the kernel would accept the name (`dev_valid_name` in `net/core/dev.c`), and it is not an
/// IPv4 address with a slip in it.
fn is_interface_name(text: &str) -> bool {
    const LONGEST: usize = 15;
    let looks_like_address = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    !text.is_empty()
        && text.len() <= LONGEST
        && !looks_like_address
        && !text.contains(['/', ':'])
        && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};
    use super::*;

    #[test]
    fn addresses_and_interfaces_are_told_apart() {
        let block = block("bind 169.254.20.10 2001:db8::1 lo {\nexcept 127.0.0.1\n}\nbind eth0");
        assert_eq!(block.bind.len(), 2);
        let targets: Vec<&BindTarget> = block.bind[0].to.iter().map(|to| &to.target).collect();
        assert_eq!(
            targets,
            [
                &BindTarget::Address("169.254.20.10".parse().unwrap()),
                &BindTarget::Address("2001:db8::1".parse().unwrap()),
                &BindTarget::Interface("lo".to_owned())
            ]
        );
        assert_eq!(
            block.bind[0].except[0].target,
            BindTarget::Address("127.0.0.1".parse().unwrap())
        );
        assert_eq!(block.bind[0].to[2].position.column, 32);
    }

    #[test]
    fn what_is_neither_is_refused() {
        for (text, message) in [
            ("bind", "at least one address or interface name is expected"),
            (
                "bind 192.0.2.300",
                "not a valid IP address or interface name: \"192.0.2.300\"",
            ),
            (
                "bind __PILLAR__LOCAL__DNS__",
                "not a valid IP address or interface name: \"__PILLAR__LOCAL__DNS__\"",
            ),
            (
                "bind lo {\nexcept\n}",
                "at least one address or interface must be given",
            ),
            ("bind lo {\nonly eth0\n}", "invalid option \"only\""),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
