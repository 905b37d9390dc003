//! `local`: answer for `localhost` and the reverse zones of the host itself.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::position::Position;
use crate::statement::Statement;

/// `local`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Where it was written.
    pub position: Position,
    /// Whether `localhost.<domain>` is answered with the loopback address too.
    pub localhost_prefix: bool,
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "local",
    summary: "Answer for localhost and the reverse zones of the host itself",
    support: Support::Same,
    repeat: Repeat::LastCounts,
    syntax: "local {\n    localhost_prefix on|off\n}",
    settings: &[Setting {
        name: "localhost_prefix",
        default: "on",
        bounds: "on, off",
        meaning: "Whether `localhost.<domain>`, which a search list makes of `localhost`, is \
            answered with the loopback address too.",
        source: "RFC 6761 section 6.3 is about `localhost` and names below it only",
    }],
    description: "`localhost`, the names below it, `0.in-addr.arpa`, `127.in-addr.arpa` and \
        `255.in-addr.arpa` are answered here and never forwarded (RFC 6303 section 4.1 and 4.2). \
        The reverse name of `::1` is asked upstream like any other, as in CoreDNS.",
    differences: "",
    examples: &[Example {
        purpose: "Do not trouble upstreams with questions about the host itself",
        corefile: ". {\n    local\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let mut local = Local {
        position: statement.position(),
        localhost_prefix: true,
    };
    if !statement.arguments().is_empty() {
        return Err(statement.wrong_arguments("no argument"));
    }
    while let Some(property) = statement.property() {
        if property.text != "localhost_prefix" {
            return Err(statement.unknown_property(property, &["localhost_prefix"]));
        }
        let argument = statement.one_argument("'on' or 'off'")?;
        local.localhost_prefix = match argument.text.as_str() {
            "on" => true,
            "off" => false,
            other => {
                let message = format!("localhost_prefix expects 'on' or 'off', got {other:?}");
                return Err(statement.problem(argument, message, "'on' or 'off'"));
            }
        };
    }
    block.local = Some(local);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};

    #[test]
    fn the_prefix_is_on_unless_turned_off() {
        assert!(block("local").local.unwrap().localhost_prefix);
        let off = block("local {\nlocalhost_prefix off\n}");
        assert!(!off.local.unwrap().localhost_prefix);
        assert!(
            problem("local x")
                .message
                .starts_with("Wrong argument count")
        );
        assert_eq!(
            problem("local {\nlocalhost_prefix no\n}").message,
            "localhost_prefix expects 'on' or 'off', got \"no\""
        );
    }
}
