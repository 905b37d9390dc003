//! `health`: an HTTP endpoint that says whether the program is alive.

use std::time::Duration;

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::listen::{ListenAddress, ListenHost};

/// `health`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Where it was written.
    pub position: Position,
    /// Where `/health` is served.
    pub address: ListenAddress,
    /// How long to go on answering after the signal to stop.
    pub lameduck: Duration,
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "health",
    summary: "An HTTP endpoint that says whether the program is alive",
    support: Support::Same,
    repeat: Repeat::LastCounts,
    syntax: "health [ADDRESS:PORT] {\n    lameduck DURATION\n}",
    settings: &[
        Setting {
            name: "ADDRESS:PORT",
            default: ":8080",
            bounds: "an address, a name or nothing, and a port; IPv6 in brackets",
            meaning: "Where `/health` is served.",
            source: "",
        },
        Setting {
            name: "lameduck DURATION",
            default: "0s",
            bounds: "0s or more",
            meaning: "How long to go on answering after the signal to stop.",
            source: "",
        },
    ],
    description: "`GET /health` is answered with status 200 and the text `OK` while the program \
        works.",
    differences: "",
    examples: &[
        Example {
            purpose: "Serve the endpoint on the node-local address",
            corefile: ". {\n    health 169.254.20.10:8080\n    forward . 192.0.2.1\n}\n",
        },
        Example {
            purpose: "Serve it on an IPv6 address, and answer for 5 seconds after SIGTERM",
            corefile: ". {\n    health [2001:db8::10]:8080 {\n        lameduck 5s\n    }\n    \
                forward . 2001:db8::1\n}\n",
        },
    ],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let position = statement.position();
    let mut health = block.health.take().unwrap_or_else(|| Health {
        position: position.clone(),
        address: ListenAddress {
            host: ListenHost::Any,
            port: DEFAULT_PORT,
            position,
        },
        lameduck: Duration::ZERO,
    });
    match statement.arguments().as_slice() {
        [] => {}
        [address] => health.address = ListenAddress::new(statement, address)?,
        _ => return Err(statement.wrong_arguments("at most one ADDRESS:PORT")),
    }
    while let Some(property) = statement.property() {
        if property.text != "lameduck" {
            return Err(statement.unknown_property(property, &["lameduck"]));
        }
        let argument = statement.one_argument("one duration, such as '5s'")?;
        health.lameduck = statement.duration(
            argument,
            "lameduck can't be negative: {}",
            "a duration, such as '5s'",
        )?;
    }
    block.health = Some(health);
    Ok(())
}

/// As in `CoreDNS`; the manifests of clusters probe it.
const DEFAULT_PORT: u16 = 8080;

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};
    use super::*;

    #[test]
    fn the_address_has_a_default() {
        let health = block("health").health.unwrap();
        assert_eq!(health.address.to_string(), ":8080");
        assert_eq!(health.lameduck, Duration::ZERO);
    }

    #[test]
    fn addresses_of_both_families_are_read() {
        let health = block("health [2001:db8::1]:9254 {\nlameduck 5s\n}")
            .health
            .unwrap();
        assert_eq!(
            health.address.host,
            ListenHost::Address("2001:db8::1".parse().unwrap())
        );
        assert_eq!(health.address.port, 9254);
        assert_eq!(health.lameduck, Duration::from_secs(5));
        let health = block("health localhost:1").health.unwrap();
        assert_eq!(
            health.address.host,
            ListenHost::Name("localhost".to_owned())
        );
    }

    #[test]
    fn two_addresses_of_which_one_has_a_port_are_refused_as_coredns_does() {
        let problem = problem("health 169.254.20.10 192.0.2.10:8080");
        assert_eq!(
            problem.message,
            "Wrong argument count or unexpected line ending after '192.0.2.10:8080'"
        );
    }

    #[test]
    fn wrong_values_are_refused() {
        for (text, message) in [
            ("health 8080", "address 8080: missing port in address"),
            ("health :http", "address :http: invalid port \"http\""),
            (
                "health {\nlameduck\n}",
                "Wrong argument count or unexpected line ending",
            ),
            (
                "health {\nlameduck 5\n}",
                "time: missing unit in duration \"5\"",
            ),
            (
                "health {\nlameduck -5s\n}",
                "lameduck can't be negative: -5s",
            ),
            ("health {\nfoo\n}", "unknown property 'foo'"),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
