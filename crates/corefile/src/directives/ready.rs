//! `ready`: an HTTP endpoint that says whether questions can be answered.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::listen::{ListenAddress, ListenHost};

/// `ready`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Where it was written.
    pub position: Position,
    /// Where `/ready` is served.
    pub address: ListenAddress,
    /// Whether what is ready can become unready again.
    pub monitor: Monitor,
}

/// How long readiness is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// Once ready, ready for good.
    UntilReady,
    /// Always.
    Continuously,
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "ready",
    summary: "An HTTP endpoint that says whether questions can be answered",
    support: Support::Same,
    repeat: Repeat::Once,
    syntax: "ready [ADDRESS:PORT] {\n    monitor until-ready|continuously\n}",
    settings: &[
        Setting {
            name: "ADDRESS:PORT",
            default: ":8181",
            bounds: "an address, a name or nothing, and a port; IPv6 in brackets",
            meaning: "Where `/ready` is served.",
            source: "",
        },
        Setting {
            name: "monitor",
            default: "until-ready",
            bounds: "until-ready, continuously",
            meaning: "Whether what was ready once is looked at again.",
            source: "",
        },
    ],
    description: "`GET /ready` is answered with status 200 and the text `OK` when everything in \
        the server block is ready, otherwise with status 503 and the names of what is not.",
    differences: "node-cache does not have this directive; CoreDNS does.",
    examples: &[Example {
        purpose: "A readiness probe that notices later trouble too",
        corefile: ". {\n    ready :8181 {\n        monitor continuously\n    }\n    \
            forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let position = statement.position();
    let mut ready = Ready {
        position: position.clone(),
        address: ListenAddress {
            host: ListenHost::Any,
            port: DEFAULT_PORT,
            position,
        },
        monitor: Monitor::UntilReady,
    };
    match statement.arguments().as_slice() {
        [] => {}
        [address] => ready.address = ListenAddress::new(statement, address)?,
        _ => return Err(statement.wrong_arguments("at most one ADDRESS:PORT")),
    }
    while let Some(property) = statement.property() {
        if property.text != "monitor" {
            return Err(statement.unknown_property(property, &["monitor"]));
        }
        let argument = statement.one_argument("'until-ready' or 'continuously'")?;
        ready.monitor = match argument.text.as_str() {
            "until-ready" => Monitor::UntilReady,
            "continuously" => Monitor::Continuously,
            other => {
                let message = format!("monitor type '{other}' not supported");
                let expected = "'until-ready' or 'continuously'";
                return Err(statement.problem(argument, message, expected));
            }
        };
    }
    block.ready = Some(ready);
    Ok(())
}

/// As in `CoreDNS`.
const DEFAULT_PORT: u16 = 8181;

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};
    use super::*;

    #[test]
    fn address_and_monitor_have_defaults() {
        let ready = block("ready").ready.unwrap();
        assert_eq!(ready.address.to_string(), ":8181");
        assert_eq!(ready.monitor, Monitor::UntilReady);
        let ready = block("ready 127.0.0.1:1 {\nmonitor continuously\n}")
            .ready
            .unwrap();
        assert_eq!(ready.address.to_string(), "127.0.0.1:1");
        assert_eq!(ready.monitor, Monitor::Continuously);
    }

    #[test]
    fn wrong_values_are_refused() {
        for (text, message) in [
            ("ready bla", "address bla: missing port in address"),
            ("ready :1 :2", "Wrong argument count"),
            (
                "ready\nready",
                "this plugin can only be used once per Server Block",
            ),
            (
                "ready {\nmonitor sometimes\n}",
                "monitor type 'sometimes' not supported",
            ),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
