//! `errors`: log failed questions.

use std::time::Duration;

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::pattern::Pattern;

/// `errors`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors {
    /// Where it was written.
    pub position: Position,
    /// Whether panics are logged with a trace.
    pub stacktrace: bool,
    /// Errors to count instead of logging each; the first whose pattern matches.
    pub consolidate: Vec<Consolidate>,
}

/// Errors that are counted for a while and then logged in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consolidate {
    /// Where it was written.
    pub position: Position,
    /// For how long they are counted, from the first one on.
    pub period: Duration,
    /// Which errors.
    pub pattern: Pattern,
    /// The level of the line.
    pub level: LogLevel,
    /// Whether the first one is logged at once.
    pub show_first: bool,
}

/// The level of a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// `[ERROR]`
    Error,
    /// `[WARNING]`
    Warning,
    /// `[INFO]`
    Info,
    /// `[DEBUG]`
    Debug,
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "errors",
    summary: "Log failed questions",
    support: Support::Same,
    repeat: Repeat::Once,
    syntax: "errors [stdout] {\n    stacktrace\n    consolidate DURATION REGEXP \
        [error|warning|info|debug] [show_first]\n}",
    settings: &[
        Setting {
            name: "stdout",
            default: "stdout",
            bounds: "stdout",
            meaning: "Where to log.",
            source: "",
        },
        Setting {
            name: "stacktrace",
            default: "off",
            bounds: "",
            meaning: "Log a panic with its trace.",
            source: "",
        },
        Setting {
            name: "consolidate DURATION REGEXP",
            default: "each error is logged",
            bounds: "a duration; a regular expression of at most 10000 characters",
            meaning: "Count the errors that match for that long, then log one line.",
            source: "",
        },
        Setting {
            name: "error|warning|info|debug",
            default: "error",
            bounds: "",
            meaning: "The level of that line.",
            source: "",
        },
        Setting {
            name: "show_first",
            default: "off",
            bounds: "after the level",
            meaning: "Log the first of them at once.",
            source: "",
        },
    ],
    description: "A question that fails is logged with its name, type and what went wrong.",
    differences: "",
    examples: &[
        Example {
            purpose: "Log every error",
            corefile: ". {\n    errors\n    forward . 192.0.2.1\n}\n",
        },
        Example {
            purpose: "Log timeouts once every five minutes, as warnings",
            corefile: ". {\n    errors {\n        consolidate 5m \".* i/o timeout$\" warning\n        \
                consolidate 30s \"^Failed to .+\"\n    }\n    forward . 192.0.2.1\n}\n",
        },
    ],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let mut errors = Errors {
        position: statement.position(),
        stacktrace: false,
        consolidate: Vec::new(),
    };
    match statement.arguments().as_slice() {
        [] => {}
        [file] if file.text == "stdout" => {}
        [file] => {
            let message = format!("invalid log file: {}", file.text);
            return Err(statement.problem(file, message, "'stdout' or nothing"));
        }
        _ => return Err(statement.wrong_arguments("'stdout' or nothing")),
    }
    while let Some(property) = statement.property() {
        match property.text.as_str() {
            "stacktrace" => errors.stacktrace = true,
            "consolidate" => errors.consolidate.push(consolidate(statement)?),
            other => {
                let message = format!("Unknown field {other}");
                return Err(statement.problem(property, message, "'stacktrace' or 'consolidate'"));
            }
        }
    }
    block.errors = Some(errors);
    Ok(())
}

fn consolidate(statement: &mut Statement<'_>) -> Result<Consolidate, Error> {
    const OPTIONS: &str = "'error', 'warning', 'info' or 'debug', then 'show_first'";
    let position = statement.current().position.clone();
    let arguments = statement.arguments();
    let [period, pattern, options @ ..] = arguments.as_slice() else {
        return Err(statement.wrong_arguments("a duration and a regular expression"));
    };
    if options.len() > 2 {
        return Err(statement.wrong_arguments("at most a level and 'show_first' after them"));
    }
    let period = statement.duration(
        period,
        "consolidate period can't be negative: {}",
        "a duration, such as '30s'",
    )?;
    let pattern = statement.pattern(pattern, |reason| {
        format!("error parsing regexp: {reason}: `{}`", pattern.text)
    })?;
    let mut level = None;
    let mut show_first = false;
    for option in options {
        let written = match option.text.as_str() {
            "show_first" => {
                show_first = true;
                continue;
            }
            "error" => LogLevel::Error,
            "warning" => LogLevel::Warning,
            "info" => LogLevel::Info,
            "debug" => LogLevel::Debug,
            other => {
                let message = format!("unknown option in consolidate: {other}");
                return Err(statement.problem(option, message, OPTIONS));
            }
        };
        if show_first {
            let message = "log level must come before show_first in consolidate";
            return Err(statement.problem(option, message, OPTIONS));
        }
        if level.replace(written).is_some() {
            let message = "multiple log levels specified in consolidate";
            return Err(statement.problem(option, message, OPTIONS));
        }
    }
    let level = level.unwrap_or(LogLevel::Error);
    Ok(Consolidate {
        position,
        period,
        pattern,
        level,
        show_first,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};
    use super::*;

    #[test]
    fn patterns_have_a_period_and_a_level() {
        let errors = block(
            "errors stdout {\nstacktrace\nconsolidate 1m \"i/o timeout$\" info show_first\n\
             consolidate 5s ^x\n}",
        )
        .errors
        .unwrap();
        assert!(errors.stacktrace);
        let [first, second] = errors.consolidate.as_slice() else {
            panic!("two patterns")
        };
        assert_eq!(first.period, Duration::from_mins(1));
        assert_eq!(first.pattern.as_str(), "i/o timeout$");
        assert_eq!((first.level, first.show_first), (LogLevel::Info, true));
        assert_eq!((second.level, second.show_first), (LogLevel::Error, false));
    }

    #[test]
    fn a_block_on_one_line_is_accepted_as_coredns_accepts_it() {
        assert!(block("errors { stacktrace }").errors.unwrap().stacktrace);
    }

    #[test]
    fn wrong_values_are_refused() {
        for (text, message) in [
            ("errors file.log", "invalid log file: file.log"),
            ("errors a b", "Wrong argument count"),
            (
                "errors\nerrors",
                "this plugin can only be used once per Server Block",
            ),
            ("errors {\nfoo\n}", "Unknown field foo"),
            ("errors {\nconsolidate 1m\n}", "Wrong argument count"),
            (
                "errors {\nconsolidate 1x a\n}",
                "time: unknown unit \"x\" in duration \"1x\"",
            ),
            (
                "errors {\nconsolidate 1m (\n}",
                "error parsing regexp: unclosed group",
            ),
            (
                "errors {\nconsolidate 1m a loud\n}",
                "unknown option in consolidate: loud",
            ),
            (
                "errors {\nconsolidate 1m a info debug\n}",
                "multiple log levels specified",
            ),
            (
                "errors {\nconsolidate 1m a show_first info\n}",
                "log level must come before",
            ),
            (
                "errors {\nconsolidate 1m a info show_first x\n}",
                "Wrong argument count",
            ),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
