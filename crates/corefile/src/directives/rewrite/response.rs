//! Rules that only change the answer: TTLs, targets of CNAME records, response codes.

use super::{Arguments, MATCHES, NameMatch, RewriteRule};
use crate::error::Error;
use crate::lexer::Token;
use crate::value::numbers;
use crate::zone;

/// `ttl [exact|…] NAME TTL|MIN-MAX`
pub(super) fn ttl(arguments: &Arguments<'_, '_>) -> Result<RewriteRule, Error> {
    let (how, name, value) = match arguments.tokens {
        [name, value] => (None, name, value),
        [how, name, value] => (Some(how), name, value),
        [] | [_] => {
            let count = arguments.tokens.len();
            return Err(arguments.refused(format!("too few ({count}) arguments for a ttl rule")));
        }
        _ => return Err(arguments.refused("too many arguments for a ttl rule")),
    };
    let (min, max) = ttl_range(&value.text).ok_or_else(|| {
        let message = format!("invalid TTL '{}' for a ttl rule", value.text);
        let expected = "a number of seconds or a range, such as '5', '5-60', '5-' or '-60'";
        arguments.statement.problem(value, message, expected)
    })?;
    Ok(RewriteRule::Ttl {
        matching: matching(arguments, how, name, "ttl")?,
        min,
        max,
    })
}

/// `5`, `5-60`, `5-` or `-60`.
fn ttl_range(text: &str) -> Option<(u32, u32)> {
    let number = |text: &str| crate::value::integer::unsigned(text).ok();
    let Some((min, max)) = text.split_once('-') else {
        let ttl = number(text)?;
        return Some((ttl, ttl));
    };
    let (min, max) = match (min, max) {
        ("", "") => return None,
        ("", max) => (0, number(max)?),
        (min, "") => (number(min)?, MOST_TTL),
        (min, max) => (number(min)?, number(max)?),
    };
    (min <= max).then_some((min, max))
}

/// `cname [exact|…] FROM TO`
pub(super) fn cname(arguments: &Arguments<'_, '_>) -> Result<RewriteRule, Error> {
    let lower = |token: &Token| token.text.to_ascii_lowercase();
    match arguments.tokens {
        [from, to] => Ok(RewriteRule::Cname {
            matching: NameMatch::Exact(zone::normalized(&from.text)),
            to: zone::normalized(&to.text),
        }),
        [how, from, to] => {
            // Unlike in other rules, parts of names get no final dot.
            let (matching, to) = match lower(how).as_str() {
                "exact" => {
                    let from = NameMatch::Exact(zone::normalized(&from.text));
                    (from, zone::normalized(&to.text))
                }
                "prefix" => (NameMatch::Prefix(lower(from)), lower(to)),
                "suffix" => (NameMatch::Suffix(lower(from)), lower(to)),
                "substring" => (NameMatch::Substring(lower(from)), lower(to)),
                "regex" => {
                    let mut lowered = (**from).clone();
                    lowered.text = lower(from);
                    let pattern = arguments.statement.pattern(&lowered, |reason| {
                        format!("invalid cname rewrite regex pattern: {reason}")
                    })?;
                    (NameMatch::Regex(pattern), lower(to))
                }
                other => {
                    let message = format!("unknown cname rewrite type: {other}");
                    return Err(arguments.statement.problem(how, message, MATCHES));
                }
            };
            Ok(RewriteRule::Cname { matching, to })
        }
        tokens => {
            let message = format!("too few ({}) arguments for a cname rule", tokens.len());
            Err(arguments.refused(message))
        }
    }
}

/// `rcode [exact|…] NAME FROM TO`
pub(super) fn rcode(arguments: &Arguments<'_, '_>) -> Result<RewriteRule, Error> {
    let (how, name, from, to) = match arguments.tokens {
        [name, from, to] => (None, name, from, to),
        [how, name, from, to] => (Some(how), name, from, to),
        [] | [_] | [_, _] => {
            let count = arguments.tokens.len();
            let message = format!("too few ({count}) arguments for a rcode rule");
            return Err(arguments.refused(message));
        }
        _ => return Err(arguments.refused("too many arguments for a rcode rule")),
    };
    let code = |token: &Token, which: &str| {
        response_code(&token.text).ok_or_else(|| {
            let message = format!("invalid {which} RCODE '{}' for a rcode rule", token.text);
            let expected = "a response code, such as 'SERVFAIL' or '2'";
            arguments.statement.problem(token, message, expected)
        })
    };
    let (from, to) = (code(from, "matching")?, code(to, "replacement")?);
    Ok(RewriteRule::Rcode {
        matching: matching(arguments, how, name, "rcode")?,
        from,
        to,
    })
}

fn response_code(text: &str) -> Option<u16> {
    match crate::value::integer::unsigned(text) {
        Ok(number) if number <= LAST_RESPONSE_CODE => u16::try_from(number).ok(),
        _ => numbers::response_code(&text.to_ascii_uppercase()),
    }
}

fn matching(
    arguments: &Arguments<'_, '_>,
    how: Option<&&Token>,
    name: &Token,
    kind: &str,
) -> Result<NameMatch, Error> {
    match how {
        None => Ok(NameMatch::Exact(zone::normalized(&name.text))),
        Some(how) => arguments.matching(how, name, kind),
    }
}

/// RFC 2181 section 8.
const MOST_TTL: u32 = 0x7fff_ffff;

/// BADCOOKIE (RFC 7873).
const LAST_RESPONSE_CODE: u32 = 23;
