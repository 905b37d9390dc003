//! `log`: a line for each question.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::position::Position;
use crate::statement::Statement;
use crate::zone;

/// One `log` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Where it was written.
    pub position: Position,
    /// The zones whose questions are logged.
    pub zones: Vec<String>,
    /// The line, with placeholders in braces; `{common}` and `{combined}` are replaced already.
    pub format: String,
    /// Which answers are logged.
    pub classes: LogClasses,
}

/// Which answers are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogClasses {
    /// Successful ones, delegations included.
    pub success: bool,
    /// NXDOMAIN and NODATA.
    pub denial: bool,
    /// Everything else, no answer included.
    pub error: bool,
}

impl LogClasses {
    const ALL: Self = Self {
        success: true,
        denial: true,
        error: true,
    };
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "log",
    summary: "A line in the log for each question",
    support: Support::Same,
    repeat: Repeat::Adds,
    syntax: "log [NAMES...] [FORMAT] {\n    class all|denial|error|success...\n}",
    settings: &[
        Setting {
            name: "NAMES...",
            default: ".",
            bounds: "zones",
            meaning: "Log questions for these names and those below them.",
            source: "",
        },
        Setting {
            name: "FORMAT",
            default: "{common}",
            bounds: "the last argument, after at least one name, with a `{` in it",
            meaning: "The line to write.",
            source: "",
        },
        Setting {
            name: "class CLASSES...",
            default: "all",
            bounds: "all, denial, error, success",
            meaning: "Log only answers of these classes.",
            source: "",
        },
    ],
    description: "Placeholders of the format: `{type}`, `{name}`, `{class}`, `{proto}`, `{remote}`, \
        `{port}`, `{local}`, `{size}`, `{>id}`, `{>opcode}`, `{>do}`, `{>bufsize}` of the question; \
        `{rcode}`, `{rsize}`, `{>rflags}`, `{duration}` of the answer. `{common}` and `{combined}` \
        are formats made of these; `{combined}` adds the opcode. What cannot be known is `-`.",
    differences: "",
    examples: &[
        Example {
            purpose: "Log every question",
            corefile: ". {\n    log\n    forward . 192.0.2.1\n}\n",
        },
        Example {
            purpose: "Log what fails below one zone, in a format of one's own",
            corefile: ". {\n    log example.org \"{remote} {name} {rcode}\" {\n        \
                class denial error\n    }\n    forward . 192.0.2.1\n}\n",
        },
    ],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let position = statement.position();
    let arguments = statement.arguments();
    let (zones, format) = match arguments.as_slice() {
        [names @ .., format] if !names.is_empty() && format.text.contains('{') => {
            (names, expanded(&format.text))
        }
        names => (names, COMMON_LOG_FORMAT.to_owned()),
    };
    let mut zones: Vec<String> = zones
        .iter()
        .map(|name| zone::normalized(&name.text))
        .collect();
    if zones.is_empty() {
        zones.push(".".to_owned());
    }
    let mut classes = LogClasses::default();
    while let Some(property) = statement.property() {
        if property.text != "class" {
            return Err(statement.unknown_property(property, &["class"]));
        }
        for class in statement.some_arguments("'all', 'denial', 'error' or 'success'")? {
            match class.text.as_str() {
                "all" => classes = LogClasses::ALL,
                "success" => classes.success = true,
                "denial" => classes.denial = true,
                "error" => classes.error = true,
                other => {
                    let message = format!("invalid Class: {other}");
                    let expected = "'all', 'denial', 'error' or 'success'";
                    return Err(statement.problem(class, message, expected));
                }
            }
        }
    }
    if classes == LogClasses::default() {
        classes = LogClasses::ALL;
    }
    block.log.push(Log {
        position,
        zones,
        format,
        classes,
    });
    Ok(())
}

fn expanded(format: &str) -> String {
    format
        .replace("{common}", COMMON_LOG_FORMAT)
        .replace("{combined}", COMBINED_LOG_FORMAT)
}

/// The format `{common}`, which is the default.
pub const COMMON_LOG_FORMAT: &str = "{remote}:{port} - {>id} \"{type} {class} {name} {proto} \
    {size} {>do} {>bufsize}\" {rcode} {>rflags} {rsize} {duration}";

/// The format `{combined}`.
pub const COMBINED_LOG_FORMAT: &str = "{remote}:{port} - {>id} \"{type} {class} {name} {proto} \
    {size} {>do} {>bufsize}\" {rcode} {>rflags} {rsize} {duration} \"{>opcode}\"";

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};
    use super::*;

    #[test]
    fn zones_format_and_classes_have_defaults() {
        let log = block("log").log.remove(0);
        assert_eq!(log.zones, ["."]);
        assert_eq!(log.format, COMMON_LOG_FORMAT);
        assert_eq!(log.classes, LogClasses::ALL);
    }

    #[test]
    fn the_last_argument_is_the_format_if_it_has_a_brace() {
        let logs = block("log Example.org a \"{combined} x\"\nlog b c\nlog {x}").log;
        assert_eq!(logs[0].zones, ["example.org.", "a."]);
        assert_eq!(logs[0].format, format!("{COMBINED_LOG_FORMAT} x"));
        assert_eq!(logs[1].zones, ["b.", "c."]);
        assert_eq!(logs[2].zones, ["{x}."]);
    }

    #[test]
    fn classes_add_up() {
        let logs = block("log {\nclass denial\nclass error\n}\nlog . {\nclass all denial\n}").log;
        let both = LogClasses {
            success: false,
            denial: true,
            error: true,
        };
        assert_eq!(logs[0].classes, both);
        assert_eq!(logs[1].classes, LogClasses::ALL);
        assert!(
            problem("log {\nclass\n}")
                .message
                .starts_with("Wrong argument count")
        );
        assert_eq!(problem("log {\nclass abc\n}").message, "invalid Class: abc");
        assert_eq!(
            problem("log {\nunknown\n}").message,
            "unknown property 'unknown'"
        );
    }
}
