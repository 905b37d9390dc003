//! Literals of the template language: numbers, characters and quoted strings as Go writes them.

use std::str::Chars;

use super::syntax::Literal;

/// A number such as `12`, `-0x1f`, `0b101`, `0o17`, `017`, `1_000` or `1.5e3`.
pub(super) fn parse(text: &str) -> Result<Literal, String> {
    let bad = || format!("bad number syntax: {text:?}");
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ if lower.len() > 1
            && lower.starts_with('0')
            && lower
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'_') =>
        {
            (8, &lower[1..])
        }
        _ => (10, lower.as_str()),
    };
    if radix == 10 && body.contains(['.', 'e']) {
        let well_formed = body
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-'));
        let float: f64 = if well_formed {
            body.parse().map_err(|_| bad())?
        } else {
            Err(bad())?
        };
        return Ok(Literal::Float(if negative { -float } else { float }));
    }
    let underscores = body.contains("__") || body.ends_with('_');
    let body = body.replace('_', "");
    if underscores || body.starts_with(['+', '-']) {
        return Err(bad());
    }
    let magnitude = u64::from_str_radix(&body, radix).map_err(|_| bad())?;
    let signed = i128::from(magnitude) * if negative { -1 } else { 1 };
    i64::try_from(signed)
        .map(Literal::Int)
        .map_err(|_| format!("{text} overflows int"))
}

/// A character constant, which stands for its code point.
pub(super) fn character(text: &str) -> Result<Literal, String> {
    let bad = || format!("malformed character constant: {text}");
    let body = text.get(1..text.len() - 1).ok_or_else(bad)?;
    let body = body.replace("\\'", "'");
    let unescaped = unescape(&body).ok_or_else(bad)?;
    let mut characters = unescaped.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(Literal::Int(i64::from(u32::from(character)))),
        _ => Err(bad()),
    }
}

/// The text of a quoted string.
pub(super) fn unquote(text: &str) -> Result<String, String> {
    text.get(1..text.len() - 1)
        .and_then(unescape)
        .ok_or_else(|| format!("invalid syntax in string {text}"))
}

/// Replaces Go's escapes; nothing when one of them is malformed.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        let octal = rest.clone();
        out.push(match rest.next()? {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            escaped @ ('\\' | '"') => escaped,
            'x' => code_point(&mut rest, 16, 2)?,
            'u' => code_point(&mut rest, 16, 4)?,
            'U' => code_point(&mut rest, 16, 8)?,
            '0'..='7' => {
                rest = octal;
                code_point(&mut rest, 8, 3)?
            }
            _ => return None,
        });
    }
    Some(out)
}

/// The character that the next `count` digits stand for.
fn code_point(digits: &mut Chars<'_>, radix: u32, count: usize) -> Option<char> {
    let mut code = 0_u32;
    for _ in 0..count {
        code = code
            .checked_mul(radix)?
            .checked_add(digits.next()?.to_digit(radix)?)?;
    }
    char::from_u32(code)
}
