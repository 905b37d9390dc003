//! `debug`: log at debug level.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Support};
use crate::error::Error;
use crate::statement::Statement;

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "debug",
    summary: "Log at debug level",
    support: Support::Same,
    repeat: Repeat::LastCounts,
    syntax: "debug",
    settings: &[],
    description: "Lines of level debug are written, for the whole program. Not for production: \
        there is at least one for every question.",
    differences: "In CoreDNS it also turns off the recovery from panics; here it does not.",
    examples: &[Example {
        purpose: "See what happens to each question",
        corefile: ". {\n    debug\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    statement.no_argument()?;
    block.debug = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};

    #[test]
    fn it_takes_no_argument() {
        assert!(block("debug").debug);
        assert!(
            problem("debug off")
                .message
                .starts_with("Wrong argument count")
        );
    }
}
