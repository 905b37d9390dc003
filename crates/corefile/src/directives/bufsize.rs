//! `bufsize`: the largest EDNS buffer size passed on to upstreams.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::statement::Statement;

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "bufsize",
    summary: "The largest EDNS buffer size passed on to upstreams",
    support: Support::Same,
    repeat: Repeat::FirstCounts,
    syntax: "bufsize [SIZE]",
    settings: &[Setting {
        name: "SIZE",
        default: "1232",
        bounds: "512 to 4096 octets",
        meaning: "A larger size in a question is lowered to this.",
        source: "RFC 6891 section 6.2.5; 1232 avoids fragments on any IPv6 path (DNS flag day 2020)",
    }],
    description: "Keeps answers small enough not to be fragmented on their way: fragments are lost \
        more often than whole packets, and a lost fragment costs the client its timeout.",
    differences: "",
    examples: &[Example {
        purpose: "Keep answers below the size of an Ethernet frame",
        corefile: ". {\n    bufsize 1400\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    const EXPECTED: &str = "at most one size between 512 and 4096";
    let arguments = statement.arguments();
    let size = match arguments.as_slice() {
        [] => DEFAULT,
        [size] => size
            .text
            .parse()
            .ok()
            .filter(|size| (SMALLEST..=LARGEST).contains(size))
            .ok_or_else(|| statement.wrong_arguments(EXPECTED))?,
        _ => return Err(statement.wrong_arguments(EXPECTED)),
    };
    statement.skip_rest();
    block.bufsize.get_or_insert(size);
    Ok(())
}

/// The size that any IPv6 path carries in one piece: 1280 octets less the headers.
const DEFAULT: u16 = 1232;

/// What every DNS implementation accepts (RFC 1035 section 4.2.1).
const SMALLEST: u16 = 512;

/// Beyond it, answers are fragmented on nearly every path.
const LARGEST: u16 = 4096;

#[cfg(test)]
mod tests {
    use super::super::tests::{block, problem};

    #[test]
    fn the_size_has_a_default_and_bounds() {
        assert_eq!(block("bufsize").bufsize, Some(1232));
        assert_eq!(block("bufsize 512").bufsize, Some(512));
        assert_eq!(block("bufsize 4096\nbufsize 600").bufsize, Some(4096));
        for text in [
            "bufsize 511",
            "bufsize 4097",
            "bufsize -1",
            "bufsize x",
            "bufsize 1000 2000",
        ] {
            let problem = problem(text);
            assert!(
                problem.message.starts_with("Wrong argument count"),
                "{text}"
            );
        }
    }
}
