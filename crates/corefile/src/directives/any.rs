//! `any`: minimal answers to questions of type ANY.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Support};
use crate::error::Error;
use crate::statement::Statement;

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "any",
    summary: "Minimal answers to questions of type ANY",
    support: Support::Same,
    repeat: Repeat::FirstCounts,
    syntax: "any",
    settings: &[],
    description: "A question of type ANY is answered with one HINFO record (RFC 8482 section 4.2) \
        and not forwarded: such questions serve little but amplification attacks.",
    differences: "",
    examples: &[Example {
        purpose: "Do not forward questions of type ANY",
        corefile: "example.org {\n    any\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    statement.no_argument()?;
    block.any = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};

    #[test]
    fn it_takes_no_argument() {
        assert!(block("any").any);
        assert!(
            problem("any example.org")
                .message
                .starts_with("Wrong argument count")
        );
    }
}
