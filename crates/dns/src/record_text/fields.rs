//! The fields of a record's text, read one after the other.

use std::str::FromStr;

use super::RecordTextError;
use super::tokens::{Line, Place, Token};
use crate::name::Name;

/// A cursor over the tokens of one record.
pub(super) struct Fields<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    end: Place,
}

impl<'a> Fields<'a> {
    pub(super) fn new(line: &'a Line<'a>) -> Self {
        Self {
            tokens: &line.tokens,
            at: 0,
            end: line.end,
        }
    }

    /// The next token, left in place.
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    /// Steps over the next token.
    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    /// Takes the next token.
    pub(super) fn token(&mut self, expected: &str) -> Result<Token<'a>, RecordTextError> {
        let token = self
            .peek()
            .ok_or_else(|| self.error(&format!("expected {expected}")))?;
        self.at += 1;
        Ok(token)
    }

    /// An error at the next token.
    pub(super) fn error(&self, problem: &str) -> RecordTextError {
        self.peek()
            .map_or(self.end, |token| token.place)
            .error(problem)
    }

    /// Nothing may be left.
    pub(super) fn finish(&self) -> Result<(), RecordTextError> {
        match self.peek() {
            Some(token) => Err(token
                .place
                .error(&format!("{:?} is more than the type holds", token.text))),
            None => Ok(()),
        }
    }

    /// A domain name; `@` is the root.
    pub(super) fn name(&mut self) -> Result<Name, RecordTextError> {
        let token = self.token("a name")?;
        if token.text == "@" && !token.quoted {
            return Ok(Name::root());
        }
        if token.text.is_empty() {
            return Err(token.place.error("a name is empty"));
        }
        token.text.parse().map_err(|error| {
            token
                .place
                .error(&format!("{:?} is not a name: {error}", token.text))
        })
    }

    /// A value in the form its type reads: a number or an address.
    pub(super) fn value<T: FromStr>(&mut self, expected: &str) -> Result<T, RecordTextError> {
        let token = self.token(expected)?;
        token.text.parse().map_err(|_| {
            token
                .place
                .error(&format!("expected {expected}, found {:?}", token.text))
        })
    }

    /// A time in seconds, with or without units.
    pub(super) fn time(&mut self, expected: &str) -> Result<u32, RecordTextError> {
        let token = self.token(expected)?;
        seconds(token.text).ok_or_else(|| {
            token
                .place
                .error(&format!("expected {expected}, found {:?}", token.text))
        })
    }

    /// A character string: at most 255 bytes after one length byte.
    pub(super) fn character_string(&mut self) -> Result<Vec<u8>, RecordTextError> {
        let token = self.token("a string")?;
        let bytes = bytes_of(token)?;
        let length = u8::try_from(bytes.len())
            .map_err(|_| token.place.error("a string is longer than 255 bytes"))?;
        let mut out = vec![length];
        out.extend(bytes);
        Ok(out)
    }

    /// The rest of the record as hexadecimal digits, which white space may divide.
    pub(super) fn hex(&mut self) -> Result<Vec<u8>, RecordTextError> {
        let place = self.peek().map_or(self.end, |token| token.place);
        hex(&self.rest()).ok_or_else(|| place.error("expected pairs of hexadecimal digits"))
    }

    /// The rest of the record in base 64, which white space may divide.
    pub(super) fn base64(&mut self) -> Result<Vec<u8>, RecordTextError> {
        let place = self.peek().map_or(self.end, |token| token.place);
        base64(&self.rest()).ok_or_else(|| place.error("expected base 64"))
    }

    fn rest(&mut self) -> String {
        let text = self.tokens[self.at.min(self.tokens.len())..].iter();
        self.at = self.tokens.len();
        text.map(|token| token.text).collect()
    }
}

/// The bytes a token stands for.
pub(super) fn bytes_of(token: Token<'_>) -> Result<Vec<u8>, RecordTextError> {
    unescape(token.text.as_bytes())
        .ok_or_else(|| token.place.error("an escape is not \\DDD or \\X"))
}

/// A time such as `60`, `1h` or `1w2d3h4m5s`, in seconds.
pub(super) fn seconds(text: &str) -> Option<u32> {
    let (mut total, mut number, mut digits) = (0_u32, 0_u32, false);
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            number = number
                .checked_mul(10)?
                .checked_add(u32::from(byte - b'0'))?;
            digits = true;
            continue;
        }
        let unit = match byte.to_ascii_lowercase() {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        if !digits {
            return None;
        }
        total = total.checked_add(number.checked_mul(unit)?)?;
        (number, digits) = (0, false);
    }
    let ends = digits
        || text
            .bytes()
            .last()
            .is_some_and(|last| last.is_ascii_alphabetic());
    ends.then(|| total.checked_add(number))?
}

/// Replaces `\DDD` and `\X`.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let (&escaped, tail) = rest.split_first()?;
        if !escaped.is_ascii_digit() {
            out.push(escaped);
            rest = tail;
            continue;
        }
        let (digits, tail) = rest.split_at_checked(3)?;
        let code = std::str::from_utf8(digits).ok()?.parse::<u8>().ok()?;
        out.push(code);
        rest = tail;
    }
    Some(out)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            u8::try_from(high << 4 | low).ok()
        })
        .collect()
}

/// Base 64 of RFC 4648 section 4, with padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if text.is_empty() || !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let (mut out, mut bits, mut held) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0_u32);
    for byte in digits.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(digit)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(out)
}
