//! `minimal`: leave out what a stub resolver does not need.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Support};
use crate::error::Error;
use crate::statement::Statement;

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "minimal",
    summary: "Leave out what a stub resolver does not need",
    support: Support::Same,
    repeat: Repeat::FirstCounts,
    syntax: "minimal",
    settings: &[],
    description: "The authority and additional sections of successful answers are dropped, so \
        that more answers fit in one packet. Negative answers, delegations and errors stay whole: \
        a client needs their SOA or NS records (RFC 2308).",
    differences: "",
    examples: &[Example {
        purpose: "Keep answers small",
        corefile: ". {\n    minimal\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    statement.no_argument()?;
    block.minimal = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};

    #[test]
    fn it_takes_no_argument() {
        assert!(block("minimal").minimal);
        assert!(
            problem("minimal example.org")
                .message
                .starts_with("Wrong argument count")
        );
    }
}
