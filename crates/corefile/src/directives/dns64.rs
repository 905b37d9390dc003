//! `dns64`: IPv6 addresses for names that only have IPv4 addresses.

use std::net::{IpAddr, Ipv6Addr};

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::lexer::Token;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::network::Network;

/// `dns64`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns64 {
    /// Where it was written.
    pub position: Position,
    /// The IPv6 network that IPv4 addresses are embedded in; its prefix is a multiple of 8 between
    /// 32 and 96.
    pub prefix: Network,
    /// Whether to synthesize even if there are IPv6 addresses.
    pub translate_all: bool,
    /// Whether to synthesize for clients that ask over IPv4 too.
    pub allow_ipv4: bool,
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "dns64",
    summary: "IPv6 addresses for names that only have IPv4 addresses",
    support: Support::Same,
    repeat: Repeat::Adds,
    syntax: "dns64 [PREFIX] {\n    prefix PREFIX\n    translate_all\n    allow_ipv4\n}",
    settings: &[
        Setting {
            name: "PREFIX",
            default: "64:ff9b::/96",
            bounds: "an IPv6 network with a prefix of 32 to 96 bits that is a multiple of 8",
            meaning: "The network that IPv4 addresses are embedded in.",
            source: "RFC 6052 sections 2.1 and 2.2",
        },
        Setting {
            name: "translate_all",
            default: "off",
            bounds: "",
            meaning: "Synthesize even if the name has IPv6 addresses.",
            source: "RFC 6147 section 5.1.4 excludes addresses that are not to be used",
        },
        Setting {
            name: "allow_ipv4",
            default: "off",
            bounds: "",
            meaning: "Synthesize for clients that ask over IPv4 too.",
            source: "",
        },
    ],
    description: "When a question for AAAA records has no answer, the A records are asked for and \
        embedded in the prefix (RFC 6147), so that clients without IPv4 reach such names through a \
        NAT64 gateway.",
    differences: "",
    examples: &[
        Example {
            purpose: "Synthesize addresses below the well-known prefix",
            corefile: ". {\n    dns64\n    forward . 2001:db8::1\n}\n",
        },
        Example {
            purpose: "Use a prefix of one's own for every name",
            corefile: ". {\n    dns64 {\n        prefix 2001:db8:64::/96\n        translate_all\n    \
                }\n    forward . 2001:db8::1\n}\n",
        },
    ],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let position = statement.position();
    let mut dns64 = match block.dns64.take() {
        Some(dns64) => dns64,
        None => Dns64 {
            position,
            prefix: well_known_prefix(),
            translate_all: false,
            allow_ipv4: false,
        },
    };
    match statement.arguments().as_slice() {
        [] => {}
        [token] => dns64.prefix = prefix(statement, token)?,
        _ => return Err(statement.wrong_arguments("at most one prefix")),
    }
    while let Some(property) = statement.property() {
        match property.text.as_str() {
            "prefix" => {
                let token = statement.first_argument("an IPv6 network")?;
                dns64.prefix = prefix(statement, token)?;
            }
            "translate_all" => dns64.translate_all = true,
            "allow_ipv4" => dns64.allow_ipv4 = true,
            _ => {
                let known = ["prefix", "translate_all", "allow_ipv4"];
                return Err(statement.unknown_property(property, &known));
            }
        }
    }
    block.dns64 = Some(dns64);
    Ok(())
}

fn prefix(statement: &Statement<'_>, token: &Token) -> Result<Network, Error> {
    const EXPECTED: &str = "an IPv6 network, such as '64:ff9b::/96'";
    let Some(network) = Network::parse(&token.text) else {
        let message = format!("invalid CIDR address: {}", token.text);
        return Err(statement.problem(token, message, EXPECTED));
    };
    if network.address().is_ipv4() {
        let message = format!("invalid netmask 32 IPv6 address: \"{network}\"");
        return Err(statement.problem(token, message, EXPECTED));
    }
    let length = network.prefix();
    if !length.is_multiple_of(8) || !(32..=96).contains(&length) {
        let message = format!("invalid prefix length \"{network}\"");
        let expected = "a prefix of 32, 40, 48, 56, 64 or 96 bits";
        return Err(statement.problem(token, message, expected));
    }
    Ok(network)
}

/// `64:ff9b::/96` (RFC 6052 section 2.1).
fn well_known_prefix() -> Network {
    let address = IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0));
    Network::new(address, 96).expect("96 bits fit in an IPv6 address")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};

    #[test]
    fn the_prefix_has_a_default() {
        let dns64 = block("dns64").dns64.unwrap();
        assert_eq!(dns64.prefix.to_string(), "64:ff9b::/96");
        assert!(!dns64.translate_all && !dns64.allow_ipv4);
    }

    #[test]
    fn argument_and_properties_are_read() {
        assert_eq!(
            block("dns64 2001:db8::/32").dns64.unwrap().prefix.prefix(),
            32
        );
        let dns64 = block("dns64 {\nprefix 2001:db8::/64\ntranslate_all\nallow_ipv4\n}")
            .dns64
            .unwrap();
        assert_eq!(dns64.prefix.to_string(), "2001:db8::/64");
        assert!(dns64.translate_all && dns64.allow_ipv4);
    }

    #[test]
    fn wrong_values_are_refused() {
        for (text, message) in [
            ("dns64 64:ff9b::", "invalid CIDR address: 64:ff9b::"),
            (
                "dns64 192.0.2.0/24",
                "invalid netmask 32 IPv6 address: \"192.0.2.0/24\"",
            ),
            (
                "dns64 2001:db8::/33",
                "invalid prefix length \"2001:db8::/33\"",
            ),
            (
                "dns64 2001:db8::/104",
                "invalid prefix length \"2001:db8::/104\"",
            ),
            ("dns64 ::/24", "invalid prefix length \"::/24\""),
            ("dns64 a b", "Wrong argument count"),
            ("dns64 {\nprefix\n}", "Wrong argument count"),
            ("dns64 {\nfoo\n}", "unknown property 'foo'"),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
