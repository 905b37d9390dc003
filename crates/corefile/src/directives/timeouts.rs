//! `timeouts`: how long a client's TCP connection may stay silent.

use std::time::Duration;

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::lexer::Token;
use crate::statement::Statement;
use crate::value::duration::in_words;

/// `timeouts`: what was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// How long to wait for the first question on a connection.
    pub read: Option<Duration>,
    /// How long a reply may take to be sent.
    pub write: Option<Duration>,
    /// How long to wait for further questions.
    pub idle: Option<Duration>,
    /// After how many questions to close a connection.
    pub max_tcp_queries: Option<u32>,
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "timeouts",
    summary: "How long a client's TCP connection may stay silent",
    support: Support::Same,
    repeat: Repeat::Adds,
    syntax: "timeouts {\n    read DURATION\n    write DURATION\n    idle DURATION\n    \
        maxtcpqueries COUNT\n}",
    settings: &[
        Setting {
            name: "read DURATION",
            default: "3s",
            bounds: "1s to 24h; a number without unit is seconds",
            meaning: "How long to wait for the first question on a connection.",
            source: "",
        },
        Setting {
            name: "write DURATION",
            default: "5s",
            bounds: "1s to 24h",
            meaning: "How long a reply may take to be sent.",
            source: "",
        },
        Setting {
            name: "idle DURATION",
            default: "10s",
            bounds: "1s to 24h",
            meaning: "How long to wait for further questions on a connection.",
            source: "RFC 7766 section 6.2.3 asks for a few seconds",
        },
        Setting {
            name: "maxtcpqueries COUNT",
            default: "-1",
            bounds: "-1 for no limit, or 1 and more",
            meaning: "After how many questions a connection is closed.",
            source: "",
        },
    ],
    description: "At least one of the properties must be there.",
    differences: "",
    examples: &[Example {
        purpose: "Keep connections of clients open for half a minute",
        corefile: ". {\n    timeouts {\n        read 5s\n        idle 30s\n    }\n    \
            forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    if !statement.arguments().is_empty() {
        return Err(statement.wrong_arguments("a block with timeouts"));
    }
    let timeouts = &mut block.timeouts;
    let mut count = 0_usize;
    while let Some(property) = statement.property() {
        let argument = statement.one_argument("one value")?;
        match property.text.as_str() {
            "read" => timeouts.read = Some(timeout(statement, argument)?),
            "write" => timeouts.write = Some(timeout(statement, argument)?),
            "idle" => timeouts.idle = Some(timeout(statement, argument)?),
            "maxtcpqueries" => timeouts.max_tcp_queries = queries(statement, argument)?,
            other => {
                let message = format!("unknown option: '{other}'");
                let expected = "'read', 'write', 'idle' or 'maxtcpqueries'";
                return Err(statement.problem(property, message, expected));
            }
        }
        count += 1;
    }
    if count == 0 {
        let message = "timeouts block with no timeouts specified";
        let expected = "'read', 'write', 'idle' or 'maxtcpqueries' in braces";
        return Err(statement.problem(statement.name(), message, expected));
    }
    Ok(())
}

fn timeout(statement: &Statement<'_>, token: &Token) -> Result<Duration, Error> {
    const EXPECTED: &str = "a duration between 1s and 24h";
    let out_of_bounds =
        |text: &str| format!("timeout provided '{text}' needs to be between 1 second and 24 hours");
    let timeout = match token.text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => statement.duration(token, &out_of_bounds("{}"), EXPECTED)?,
    };
    if timeout < SHORTEST || timeout > LONGEST {
        return Err(statement.problem(token, out_of_bounds(&in_words(timeout)), EXPECTED));
    }
    Ok(timeout)
}

fn queries(statement: &Statement<'_>, token: &Token) -> Result<Option<u32>, Error> {
    const EXPECTED: &str = "-1, or a number from 1 on";
    let invalid =
        |reason: &str| format!("invalid value for maxtcpqueries '{}': {reason}", token.text);
    let count = crate::value::integer::signed(&token.text)
        .map_err(|reason| statement.problem(token, invalid(&reason), EXPECTED))?;
    match count {
        -1 => Ok(None),
        1.. => Ok(Some(u32::try_from(count).unwrap_or(u32::MAX))),
        _ => {
            let message = format!(
                "maxtcpqueries provided '{count}' needs to be -1 (unlimited) or a positive integer"
            );
            Err(statement.problem(token, message, EXPECTED))
        }
    }
}

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};
    use super::*;

    #[test]
    fn what_is_set_is_set_and_the_rest_is_not() {
        let timeouts = block("timeouts {\nread 10\nidle 1m\nmaxtcpqueries 128\n}").timeouts;
        assert_eq!(timeouts.read, Some(Duration::from_secs(10)));
        assert_eq!(timeouts.write, None);
        assert_eq!(timeouts.idle, Some(Duration::from_mins(1)));
        assert_eq!(timeouts.max_tcp_queries, Some(128));
    }

    #[test]
    fn wrong_values_are_refused() {
        for (text, message) in [
            ("timeouts", "timeouts block with no timeouts specified"),
            ("timeouts {\n}", "timeouts block with no timeouts specified"),
            ("timeouts 5s", "Wrong argument count"),
            ("timeouts {\nread\n}", "Wrong argument count"),
            (
                "timeouts {\nread 0.5s\n}",
                "timeout provided '500ms' needs to be between",
            ),
            (
                "timeouts {\nread 25h\n}",
                "timeout provided '25h0m0s' needs to be between",
            ),
            (
                "timeouts {\nread -1s\n}",
                "timeout provided '-1s' needs to be between",
            ),
            ("timeouts {\nfoo 5s\n}", "unknown option: 'foo'"),
            (
                "timeouts {\nmaxtcpqueries 0\n}",
                "maxtcpqueries provided '0' needs to be -1",
            ),
            (
                "timeouts {\nmaxtcpqueries x\n}",
                "invalid value for maxtcpqueries 'x'",
            ),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
