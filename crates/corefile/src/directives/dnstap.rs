//! `dnstap`: accepted without effect.

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::statement::Statement;

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "dnstap",
    summary: "Send a copy of each message to a collector",
    support: Support::WithoutEffect,
    repeat: Repeat::Adds,
    syntax: "dnstap [listen] ENDPOINT [full] [WRITEBUFFER] [QUEUE] {\n    identity IDENTITY\n    \
        version VERSION\n    extra EXTRA\n    skipverify\n    tls CERT KEY [CA]\n}",
    settings: &[Setting {
        name: "ENDPOINT",
        default: "must be there",
        bounds: "a path, `unix://`, `tcp://` or `tls://`",
        meaning: "Where messages would be sent.",
        source: "",
    }],
    description: "Nothing is sent.",
    differences: "",
    examples: &[Example {
        purpose: "A line that does nothing",
        corefile: ". {\n    dnstap /run/dnstap.sock full\n    forward . 192.0.2.1\n}\n",
    }],
    parse,
};

fn parse(statement: &mut Statement<'_>, _block: &mut ServerBlock) -> Result<(), Error> {
    let arguments = statement.arguments();
    let arguments = match arguments.as_slice() {
        [] => return Err(statement.wrong_arguments("where to send messages")),
        [listen] if listen.text == "listen" => {
            let message = "dnstap listen requires an endpoint argument";
            return Err(statement.problem(listen, message, "an endpoint after 'listen'"));
        }
        [listen, rest @ ..] if listen.text == "listen" => rest,
        all => all,
    };
    for (token, what, most) in [
        (arguments.get(2), "MultipleTcpWriteBuf", 1024),
        (arguments.get(3), "MultipleQueue", 4096),
    ] {
        let Some(token) = token else { continue };
        if !token
            .text
            .parse::<i64>()
            .is_ok_and(|value| (1..=most).contains(&value))
        {
            let message = format!("dnstap: invalid {what} {:?}", token.text);
            return Err(statement.problem(token, message, &format!("a number from 1 to {most}")));
        }
    }
    while let Some(property) = statement.property() {
        match property.text.as_str() {
            "skipverify" => {}
            "tls" => {
                if statement.arguments().len() < 2 {
                    let message = "tls requires cert and key file paths";
                    return Err(statement.problem(property, message, "a certificate and a key"));
                }
            }
            "identity" | "version" | "extra" => {
                statement.first_argument("a text")?;
            }
            _ => {
                let known = ["extra", "identity", "skipverify", "tls", "version"];
                return Err(statement.unknown_property(property, &known));
            }
        }
    }
    statement.note(
        statement.name(),
        "'dnstap' does nothing: messages are not copied",
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{config, problem};

    #[test]
    fn its_syntax_is_checked() {
        let text = "dnstap tls://192.0.2.1:6000 full 2 4 {\nidentity a\nskipverify\n}\n\
                    dnstap listen tcp://192.0.2.1:6000 {\ntls cert key\n}";
        assert_eq!(config(text).unwrap().notes.len(), 2);
        for (text, message) in [
            ("dnstap", "Wrong argument count"),
            (
                "dnstap listen",
                "dnstap listen requires an endpoint argument",
            ),
            (
                "dnstap /x full 0",
                "dnstap: invalid MultipleTcpWriteBuf \"0\"",
            ),
            ("dnstap /x full 1 x", "dnstap: invalid MultipleQueue \"x\""),
            ("dnstap /x {\nidentity\n}", "Wrong argument count"),
            ("dnstap /x {\nfoo\n}", "unknown property 'foo'"),
        ] {
            assert!(problem(text).message.starts_with(message), "{text}");
        }
    }
}
