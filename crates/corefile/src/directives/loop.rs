//! `loop`: detect that questions come back to where they were forwarded from.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Support};
use crate::error::Error;
use crate::statement::Statement;

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "loop",
    summary: "Detect that forwarded questions come back",
    support: Support::Same,
    repeat: Repeat::Once,
    syntax: "loop",
    settings: &[],
    description: "At start, a question of type HINFO for a random name below the first zone of the \
        server block is sent through the block. If it comes back more than twice, the upstreams \
        lead back here, directly or through other servers. A common cause is a `resolv.conf` that \
        names a local stub, such as systemd-resolved, which forwards to this program.",
    differences: "",
    examples: &[Example {
        purpose: "Notice when the servers in resolv.conf forward back to this node",
        corefile: ". {\n    loop\n    forward . /etc/resolv.conf\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    statement.no_argument()?;
    block.loop_detection = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};

    #[test]
    fn it_takes_no_argument_and_comes_once() {
        assert!(block("loop").loop_detection);
        assert!(
            problem("loop .")
                .message
                .starts_with("Wrong argument count")
        );
        assert_eq!(
            problem("loop\nloop").message,
            "this plugin can only be used once per Server Block"
        );
    }
}
