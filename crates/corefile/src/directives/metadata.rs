//! `metadata`: accepted without effect.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::statement::Statement;

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "metadata",
    summary: "Collect facts about questions for other directives",
    support: Support::WithoutEffect,
    repeat: Repeat::Once,
    syntax: "metadata [ZONES...]",
    settings: &[Setting {
        name: "ZONES...",
        default: "the zones of the server block",
        bounds: "zones or networks",
        meaning: "For which names.",
        source: "",
    }],
    description: "None of the directives here makes or uses metadata.",
    differences: "",
    examples: &[Example {
        purpose: "A line that does nothing",
        corefile: ". {\n    metadata\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, _block: &mut ServerBlock) -> Result<(), Error> {
    statement.arguments();
    if statement.property().is_some() {
        return Err(statement.wrong_arguments("no block"));
    }
    statement.note(
        statement.name(),
        "'metadata' does nothing: no metadata is kept",
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{config, problem};

    #[test]
    fn zones_are_accepted_and_a_block_is_not() {
        assert_eq!(config("metadata example.org").unwrap().notes.len(), 1);
        assert!(
            problem("metadata {\nx\n}")
                .message
                .starts_with("Wrong argument count")
        );
    }
}
