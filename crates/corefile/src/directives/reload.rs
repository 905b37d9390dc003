//! `reload`: read the Corefile again when it changes.

use std::time::Duration;

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::duration::in_words;

/// `reload`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// Where it was written.
    pub position: Position,
    /// How often to look.
    pub interval: Duration,
    /// The interval varies by half of this in both directions; at most half of the interval.
    pub jitter: Duration,
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "reload",
    summary: "Read the Corefile again when it changes",
    support: Support::Same,
    repeat: Repeat::FirstCounts,
    syntax: "reload [INTERVAL] [JITTER]",
    settings: &[
        Setting {
            name: "INTERVAL",
            default: "30s",
            bounds: "2s or more",
            meaning: "How often to look for changes.",
            source: "",
        },
        Setting {
            name: "JITTER",
            default: "15s",
            bounds: "0s, or 1s or more; at most half of INTERVAL counts",
            meaning: "The interval varies by half of this in both directions, so that not all \
                nodes reload at once.",
            source: "",
        },
    ],
    description: "What counts as a change is what the Corefile and its imports say: comments and \
        white space do not. A Corefile with an error is refused and the running configuration \
        stays.",
    differences: "",
    examples: &[Example {
        purpose: "Look every ten seconds",
        corefile: ". {\n    reload 10s 5s\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    const EXPECTED: &str = "a duration, such as '30s'";
    let arguments = statement.arguments();
    if arguments.len() > 2 {
        return Err(statement.wrong_arguments("at most an interval and a jitter"));
    }
    let mut interval = DEFAULT_INTERVAL;
    if let Some(token) = arguments.first() {
        let too_short = format!(
            "interval value must be greater or equal to {}",
            in_words(LEAST_INTERVAL)
        );
        interval = statement.duration(token, &too_short, EXPECTED)?;
        if interval < LEAST_INTERVAL {
            return Err(statement.problem(token, too_short, EXPECTED));
        }
    }
    let mut jitter = DEFAULT_JITTER;
    if let Some(token) = arguments.get(1) {
        let too_short = format!(
            "jitter value must be 0 or greater or equal to {}",
            in_words(LEAST_JITTER)
        );
        jitter = statement.duration(token, &too_short, EXPECTED)?;
        if !jitter.is_zero() && jitter < LEAST_JITTER {
            return Err(statement.problem(token, too_short, EXPECTED));
        }
    }
    let jitter = jitter.min(interval / 2);
    statement.skip_rest();
    let position = statement.position();
    block.reload.get_or_insert(Reload {
        position,
        interval,
        jitter,
    });
    Ok(())
}

const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);
const DEFAULT_JITTER: Duration = Duration::from_secs(15);

/// More often would read files for nothing: a `ConfigMap` takes a minute to arrive.
const LEAST_INTERVAL: Duration = Duration::from_secs(2);

/// Less would not spread anything.
const LEAST_JITTER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};
    use super::*;

    fn of(text: &str) -> (Duration, Duration) {
        let reload = block(text).reload.unwrap();
        (reload.interval, reload.jitter)
    }

    #[test]
    fn interval_and_jitter_have_defaults_and_bounds() {
        let seconds = Duration::from_secs;
        assert_eq!(of("reload"), (seconds(30), seconds(15)));
        assert_eq!(of("reload 10s"), (seconds(10), seconds(5)));
        assert_eq!(of("reload 10s 2s"), (seconds(10), seconds(2)));
        assert_eq!(of("reload 10s 0s"), (seconds(10), seconds(0)));
        for (text, message) in [
            ("reload 1s", "interval value must be greater or equal to 2s"),
            (
                "reload -1s",
                "interval value must be greater or equal to 2s",
            ),
            (
                "reload 10s 0.5s",
                "jitter value must be 0 or greater or equal to 1s",
            ),
            ("reload 10", "time: missing unit in duration \"10\""),
            ("reload 1s 2s 3s", "Wrong argument count"),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
