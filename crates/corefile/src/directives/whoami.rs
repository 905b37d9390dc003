//! `whoami`: answer with the client's own address.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Support};
use crate::error::Error;
use crate::statement::Statement;

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "whoami",
    summary: "Answer with the client's own address",
    support: Support::Same,
    repeat: Repeat::FirstCounts,
    syntax: "whoami",
    settings: &[],
    description: "Every question that no other directive answers gets an empty answer whose \
        additional section says who asked: the client's address as A or AAAA record, its port and \
        protocol as SRV record of `_udp` or `_tcp` below the name.",
    differences: "",
    examples: &[Example {
        purpose: "See which address a pod's questions come from",
        corefile: "whoami.example.org {\n    whoami\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    statement.no_argument()?;
    block.whoami = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};

    #[test]
    fn it_takes_no_argument() {
        assert!(block("whoami").whoami);
        assert!(
            problem("whoami example.org")
                .message
                .starts_with("Wrong argument count")
        );
    }
}
