//! `prometheus`: metrics over HTTP.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::listen::{ListenAddress, ListenHost};

/// `prometheus`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prometheus {
    /// Where it was written.
    pub position: Position,
    /// Where `/metrics` is served.
    pub address: ListenAddress,
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "prometheus",
    summary: "Metrics over HTTP",
    support: Support::Same,
    repeat: Repeat::Once,
    syntax: "prometheus [ADDRESS:PORT] {\n    runtime_metrics\n}",
    settings: &[
        Setting {
            name: "ADDRESS:PORT",
            default: "localhost:9153",
            bounds: "an address, a name or nothing, and a port; IPv6 in brackets",
            meaning: "Where `/metrics` is served.",
            source: "",
        },
        Setting {
            name: "runtime_metrics",
            default: "off",
            bounds: "",
            meaning: "Accepted without effect: it is about the runtime of another language.",
            source: "",
        },
    ],
    description: "`GET /metrics` shows the metrics of every server block that has this directive. \
        Blocks may share an address. The traffic of a block without it is not counted.",
    differences: "`tls` is refused: the metrics are served over plain HTTP only.",
    examples: &[Example {
        purpose: "Metrics on the port that the stock manifest announces",
        corefile: ". {\n    prometheus :9253\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let position = statement.position();
    let address = match statement.arguments().as_slice() {
        [] => ListenAddress {
            host: ListenHost::Name("localhost".to_owned()),
            port: DEFAULT_PORT,
            position: position.clone(),
        },
        [address] => ListenAddress::new(statement, address)?,
        _ => return Err(statement.wrong_arguments("at most one ADDRESS:PORT")),
    };
    while let Some(property) = statement.property() {
        match property.text.as_str() {
            "runtime_metrics" => {
                if !statement.arguments().is_empty() {
                    return Err(statement.wrong_arguments("no argument"));
                }
                statement.note(property, "'runtime_metrics' does nothing");
            }
            "tls" => {
                let message = "metrics are not served over TLS";
                return Err(statement.problem(property, message, "metrics over plain HTTP"));
            }
            other => {
                let message = format!("unknown option: {other}");
                return Err(statement.problem(property, message, "'runtime_metrics'"));
            }
        }
    }
    block.prometheus = Some(Prometheus { position, address });
    Ok(())
}

/// As in `CoreDNS`.
const DEFAULT_PORT: u16 = 9153;

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};

    #[test]
    fn the_address_has_a_default() {
        assert_eq!(
            block("prometheus").prometheus.unwrap().address.to_string(),
            "localhost:9153"
        );
        let block = block("prometheus :9253 {\nruntime_metrics\n}");
        assert_eq!(block.prometheus.unwrap().address.to_string(), ":9253");
    }

    #[test]
    fn wrong_values_are_refused() {
        for (text, message) in [
            ("prometheus a b", "Wrong argument count"),
            ("prometheus 9253", "address 9253: missing port in address"),
            (
                "prometheus\nprometheus",
                "this plugin can only be used once per Server Block",
            ),
            (
                "prometheus {\ntls cert.yaml\n}",
                "metrics are not served over TLS",
            ),
            ("prometheus {\nfoo\n}", "unknown option: foo"),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
