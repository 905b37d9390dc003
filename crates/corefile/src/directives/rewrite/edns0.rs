//! Rules that change the EDNS options of a question.

use super::Arguments;
use crate::error::Error;
use crate::lexer::Token;
use crate::value::integer;

/// What happens to an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edns0Rule {
    /// When it is set.
    pub action: Edns0Action,
    /// Which one, and what to.
    pub change: Edns0Change,
    /// Whether it is taken out of the answer.
    pub revert: bool,
}

/// When an option is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edns0Action {
    /// If it is not there.
    Append,
    /// If it is there.
    Replace,
    /// Always.
    Set,
    /// Never: it is removed.
    Unset,
}

/// An option and what it is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edns0Change {
    /// An option of any code, with these octets.
    Local {
        /// The code of the option.
        code: u16,
        /// Its data; empty when it is removed.
        data: Vec<u8>,
    },
    /// An option of any code, with what is known about the question.
    Variable {
        /// The code of the option.
        code: u16,
        /// What its data is.
        variable: Edns0Variable,
    },
    /// The option that asks for the identifier of the server (RFC 5001).
    Nsid,
    /// The option with the client's network (RFC 7871).
    Subnet {
        /// How many bits of an IPv4 address.
        v4_bits: u8,
        /// How many bits of an IPv6 address.
        v6_bits: u8,
    },
}

/// What is known about a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edns0Variable {
    /// Its name, as text.
    QueryName,
    /// Its type, in two octets.
    QueryType,
    /// The client's address.
    ClientIp,
    /// The client's port, in two octets.
    ClientPort,
    /// `udp` or `tcp`.
    Protocol,
    /// The address it was sent to.
    ServerIp,
    /// The port it was sent to, in two octets.
    ServerPort,
}

/// `edns0 local|nsid|subnet append|replace|set|unset … [revert]`
pub(super) fn rule(arguments: &Arguments<'_, '_>) -> Result<Edns0Rule, Error> {
    let [kind, action, rest @ ..] = arguments.tokens else {
        return Err(arguments.refused("too few arguments for an EDNS0 rule"));
    };
    let action = match action.text.to_ascii_lowercase().as_str() {
        "append" => Edns0Action::Append,
        "replace" => Edns0Action::Replace,
        "set" => Edns0Action::Set,
        "unset" => {
            let change = unset(arguments, kind, rest)?;
            return Ok(Edns0Rule {
                action: Edns0Action::Unset,
                change,
                revert: false,
            });
        }
        other => {
            let message = format!("invalid action: {other:?}");
            let expected = "'append', 'replace', 'set' or 'unset'";
            return Err(arguments.statement.problem(action, message, expected));
        }
    };
    let (revert, rest) = match rest {
        [before @ .., last] if last.text == "revert" => (true, before),
        _ => (false, rest),
    };
    let change = match (kind.text.to_ascii_lowercase().as_str(), rest) {
        ("local", [code, data]) => local(arguments, code, data)?,
        ("local", _) => {
            return Err(arguments.refused("EDNS0 local rules require three or four args"));
        }
        ("nsid", []) => Edns0Change::Nsid,
        ("nsid", _) => {
            return Err(arguments.refused("EDNS0 NSID rules can accept no more than one arg"));
        }
        ("subnet", [v4_bits, v6_bits]) => Edns0Change::Subnet {
            v4_bits: bits(arguments, v4_bits, "IPv4", 32)?,
            v6_bits: bits(arguments, v6_bits, "IPv6", 128)?,
        },
        ("subnet", _) => {
            return Err(arguments.refused("EDNS0 subnet rules require three or four args"));
        }
        _ => return Err(unknown_option(arguments, kind)),
    };
    Ok(Edns0Rule {
        action,
        change,
        revert,
    })
}

fn unset(
    arguments: &Arguments<'_, '_>,
    kind: &Token,
    rest: &[&Token],
) -> Result<Edns0Change, Error> {
    match (kind.text.to_ascii_lowercase().as_str(), rest) {
        ("local", [code]) => Ok(Edns0Change::Local {
            code: option_code(arguments, code)?,
            data: Vec::new(),
        }),
        ("local", _) => Err(arguments.refused("local unset action requires exactly two arguments")),
        ("nsid", []) => Ok(Edns0Change::Nsid),
        ("nsid", _) => Err(arguments.refused("nsid unset action requires exactly one argument")),
        ("subnet", []) => Ok(Edns0Change::Subnet {
            v4_bits: 0,
            v6_bits: 0,
        }),
        ("subnet", _) => {
            Err(arguments.refused("subnet unset action requires exactly one argument"))
        }
        _ => Err(unknown_option(arguments, kind)),
    }
}

fn local(arguments: &Arguments<'_, '_>, code: &Token, data: &Token) -> Result<Edns0Change, Error> {
    let code = option_code(arguments, code)?;
    let text = data.text.as_str();
    if text.starts_with('{') && text.ends_with('}') {
        let variable = variable(text).ok_or_else(|| {
            let message = format!("unsupported variable name {text:?}");
            arguments.statement.problem(data, message, VARIABLES)
        })?;
        return Ok(Edns0Change::Variable { code, variable });
    }
    let data = match text.strip_prefix("0x") {
        None => text.as_bytes().to_vec(),
        Some(digits) => octets(digits).ok_or_else(|| {
            let message = format!("encoding/hex: invalid hexadecimal data {text:?}");
            arguments
                .statement
                .problem(data, message, "an even number of hexadecimal digits")
        })?,
    };
    Ok(Edns0Change::Local { code, data })
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(*pair.first()?)?, digit(*pair.get(1)?)?);
            u8::try_from(high * 16 + low).ok()
        })
        .collect()
}

fn option_code(arguments: &Arguments<'_, '_>, token: &Token) -> Result<u16, Error> {
    integer::unsigned_any_base(&token.text).map_err(|message| {
        arguments
            .statement
            .problem(token, message, "the code of an option, such as '0xffee'")
    })
}

fn bits(arguments: &Arguments<'_, '_>, token: &Token, family: &str, most: u8) -> Result<u8, Error> {
    let expected = format!("a number of bits up to {most}");
    let bits = integer::unsigned_any_base(&token.text)
        .map_err(|message| arguments.statement.problem(token, message, &expected))?;
    u8::try_from(bits)
        .ok()
        .filter(|bits| *bits <= most)
        .ok_or_else(|| {
            let message = format!("invalid {family} bit mask length {bits}");
            arguments.statement.problem(token, message, &expected)
        })
}

fn variable(text: &str) -> Option<Edns0Variable> {
    Some(match text {
        "{qname}" => Edns0Variable::QueryName,
        "{qtype}" => Edns0Variable::QueryType,
        "{client_ip}" => Edns0Variable::ClientIp,
        "{client_port}" => Edns0Variable::ClientPort,
        "{protocol}" => Edns0Variable::Protocol,
        "{server_ip}" => Edns0Variable::ServerIp,
        "{server_port}" => Edns0Variable::ServerPort,
        _ => return None,
    })
}

fn unknown_option(arguments: &Arguments<'_, '_>, kind: &Token) -> Error {
    let message = format!("invalid rule type {:?}", kind.text.to_ascii_lowercase());
    arguments
        .statement
        .problem(kind, message, "'local', 'nsid' or 'subnet'")
}

const VARIABLES: &str = "one of '{qname}', '{qtype}', '{client_ip}', '{client_port}', \
    '{protocol}', '{server_ip}' and '{server_port}'";
