//! `nsid`: accepted without effect.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::statement::Statement;

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "nsid",
    summary: "Tell clients that ask for it which server answered",
    support: Support::WithoutEffect,
    repeat: Repeat::Once,
    syntax: "nsid [DATA...]",
    settings: &[Setting {
        name: "DATA...",
        default: "the name of the host",
        bounds: "a text",
        meaning: "What would be sent.",
        source: "RFC 5001",
    }],
    description: "No identifier is sent.",
    differences: "node-cache does not have this directive; other node-local caches do.",
    examples: &[Example {
        purpose: "A line that does nothing",
        corefile: ". {\n    nsid node-local\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "every directive's parser has this signature"
)]
fn parse(statement: &mut Statement<'_>, _block: &mut ServerBlock) -> Result<(), Error> {
    statement.arguments();
    statement.note(
        statement.name(),
        "'nsid' does nothing: no identifier is sent",
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;

    #[test]
    fn any_text_is_accepted() {
        assert_eq!(config("nsid a b").unwrap().notes.len(), 1);
    }
}
