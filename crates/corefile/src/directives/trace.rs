//! `trace`: accepted without effect.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::lexer::Token;
use crate::statement::Statement;
use crate::value::duration;

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "trace",
    summary: "Send traces of questions to a collector",
    support: Support::WithoutEffect,
    repeat: Repeat::LastCounts,
    syntax: "trace [zipkin|datadog] [ENDPOINT] {\n    every AMOUNT\n    service NAME\n    \
        client_server [true|false]\n    datadog_analytics_rate RATE\n    \
        zipkin_max_backlog_size SIZE\n    zipkin_max_batch_size SIZE\n    \
        zipkin_max_batch_interval DURATION\n}",
    settings: &[Setting {
        name: "ENDPOINT",
        default: "localhost:9411",
        bounds: "an address or URL",
        meaning: "Where traces would be sent.",
        source: "",
    }],
    description: "Nothing is sent.",
    differences: "",
    examples: &[Example {
        purpose: "A line that does nothing",
        corefile: ". {\n    trace zipkin localhost:9411\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, _block: &mut ServerBlock) -> Result<(), Error> {
    match statement.arguments().as_slice() {
        [] | [_] => {}
        [kind, _] => {
            let name = kind.text.to_ascii_lowercase();
            if !["zipkin", "datadog"].contains(&name.as_str()) {
                let message = format!("tracing endpoint type '{name}' is not supported");
                return Err(statement.problem(kind, message, "'zipkin' or 'datadog'"));
            }
        }
        _ => return Err(statement.wrong_arguments("at most a type and an endpoint")),
    }
    while let Some(property) = statement.property() {
        let Some(&(_, check, expected)) =
            PROPERTIES.iter().find(|(name, ..)| *name == property.text)
        else {
            let known = PROPERTIES.map(|(name, ..)| name);
            return Err(statement.unknown_property(property, &known));
        };
        let optional = ["client_server", "datadog_analytics_rate"].contains(&&*property.text);
        match statement.arguments().as_slice() {
            [] if optional => {}
            [token] if check(token) => {}
            [token] => {
                let message = format!("invalid value {:?}", token.text);
                return Err(statement.problem(token, message, expected));
            }
            _ => return Err(statement.wrong_arguments(expected)),
        }
    }
    statement.note(
        statement.name(),
        "'trace' does nothing: there are no traces",
    );
    Ok(())
}

/// A property, the check of its value and what it must be.
type Property = (&'static str, fn(&Token) -> bool, &'static str);

/// Every property.
const PROPERTIES: [Property; 7] = [
    ("every", is_count, "a number"),
    ("service", |_| true, "a name"),
    ("client_server", is_boolean, "'true' or 'false'"),
    (
        "datadog_analytics_rate",
        is_rate,
        "a number between 0 and 1",
    ),
    ("zipkin_max_backlog_size", is_count, "a number"),
    ("zipkin_max_batch_size", is_count, "a number"),
    (
        "zipkin_max_batch_interval",
        |token| duration::parse(&token.text).is_ok(),
        "a duration",
    ),
];

fn is_count(token: &Token) -> bool {
    token.text.parse::<u64>().is_ok()
}

fn is_rate(token: &Token) -> bool {
    token
        .text
        .parse::<f64>()
        .is_ok_and(|rate| (0.0..=1.0).contains(&rate))
}

fn is_boolean(token: &Token) -> bool {
    ["1", "t", "true", "0", "f", "false"].contains(&&*token.text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{config, problem};

    #[test]
    fn its_syntax_is_checked() {
        let text = "trace datadog localhost:8126 {\nevery 100\nservice dns\nclient_server\n\
                    datadog_analytics_rate 0.5\nzipkin_max_batch_interval 1s\n}";
        assert_eq!(config(text).unwrap().notes.len(), 1);
        for (text, message) in [
            ("trace a b c", "Wrong argument count"),
            (
                "trace jaeger localhost",
                "tracing endpoint type 'jaeger' is not supported",
            ),
            ("trace {\nevery\n}", "Wrong argument count"),
            ("trace {\nevery x\n}", "invalid value \"x\""),
            ("trace {\nclient_server maybe\n}", "invalid value \"maybe\""),
            (
                "trace {\ndatadog_analytics_rate 2\n}",
                "invalid value \"2\"",
            ),
            ("trace {\nfoo\n}", "unknown property 'foo'"),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
