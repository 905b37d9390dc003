//! `pprof`: accepted without effect.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::statement::Statement;
use crate::value::listen::ListenAddress;

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "pprof",
    summary: "Profiles of another language's runtime over HTTP",
    support: Support::WithoutEffect,
    repeat: Repeat::Once,
    syntax: "pprof [ADDRESS:PORT] {\n    block [RATE]\n}",
    settings: &[
        Setting {
            name: "ADDRESS:PORT",
            default: "localhost:6053",
            bounds: "an address, a name or nothing, and a port",
            meaning: "Where profiles would be served.",
            source: "",
        },
        Setting {
            name: "block [RATE]",
            default: "off; 1",
            bounds: "a number",
            meaning: "How often blocking would be recorded.",
            source: "",
        },
    ],
    description: "There is no such runtime here, so nothing listens.",
    differences: "",
    examples: &[Example {
        purpose: "A line that does nothing",
        corefile: ". {\n    pprof\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, _block: &mut ServerBlock) -> Result<(), Error> {
    match statement.arguments().as_slice() {
        [] => {}
        [address] => {
            ListenAddress::new(statement, address)?;
        }
        _ => return Err(statement.wrong_arguments("at most one ADDRESS:PORT")),
    }
    while let Some(property) = statement.property() {
        if property.text != "block" {
            return Err(statement.unknown_property(property, &["block"]));
        }
        match statement.arguments().as_slice() {
            [] => {}
            [rate] if rate.text.parse::<i64>().is_ok() => {}
            [rate] => {
                let message = format!("property 'block' invalid integer value '{}'", rate.text);
                return Err(statement.problem(rate, message, "a number"));
            }
            _ => return Err(statement.wrong_arguments("at most one number")),
        }
    }
    statement.note(
        statement.name(),
        "'pprof' does nothing: there are no such profiles",
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{config, problem};

    #[test]
    fn its_syntax_is_checked() {
        assert_eq!(config("pprof :6060 {\nblock 20\n}").unwrap().notes.len(), 1);
        for (text, message) in [
            ("pprof 6060", "address 6060: missing port in address"),
            ("pprof :1 :2", "Wrong argument count"),
            (
                "pprof {\nblock x\n}",
                "property 'block' invalid integer value 'x'",
            ),
            ("pprof {\nfoo\n}", "unknown property 'foo'"),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
