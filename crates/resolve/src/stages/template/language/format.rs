//! `print`, `println` and `printf`, by the rules of Go's `fmt`.

use std::fmt::Write as _;

use super::value::{Value, general, go_exponent};

/// `print`: a space between two operands when neither is a string.
pub(super) fn sprint(values: &[Value]) -> String {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        let text = matches!(value, Value::Text(_));
        if index > 0 && !text && !matches!(values[index - 1], Value::Text(_)) {
            out.push(' ');
        }
        out.push_str(&plain(value));
    }
    out
}

/// `println`: a space between all operands and a newline.
pub(super) fn sprintln(values: &[Value]) -> String {
    let mut out = values.iter().map(plain).collect::<Vec<_>>().join(" ");
    out.push('\n');
    out
}

/// `printf`
pub(super) fn printf(layout: &str, values: &[Value]) -> String {
    let mut out = String::new();
    let mut values = values.iter();
    let mut rest = layout;
    while let Some(percent) = rest.find('%') {
        out.push_str(&rest[..percent]);
        rest = &rest[percent + 1..];
        let directive = Directive::read(&mut rest, &mut values);
        match rest.chars().next() {
            None => out.push_str("%!(NOVERB)"),
            Some(verb) => {
                rest = &rest[verb.len_utf8()..];
                if verb == '%' {
                    out.push('%');
                } else if let Some(value) = values.next() {
                    out.push_str(&directive.format(verb, value));
                } else {
                    let _ = write!(out, "%!{verb}(MISSING)");
                }
            }
        }
    }
    out.push_str(rest);
    let extra: Vec<String> = values.map(typed).collect();
    if !extra.is_empty() {
        let _ = write!(out, "%!(EXTRA {})", extra.join(", "));
    }
    out
}

/// The text in double quotes, as `%q` writes it.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Flags, width and precision of one `%`.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one flag character of the layout"
)]
struct Directive {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

impl Directive {
    fn read<'a>(rest: &mut &str, values: &mut impl Iterator<Item = &'a Value>) -> Self {
        let mut directive = Self::default();
        while let Some(flag) = rest.chars().next() {
            match flag {
                '-' => directive.minus = true,
                '+' => directive.plus = true,
                '#' => directive.sharp = true,
                ' ' => directive.space = true,
                '0' => directive.zero = true,
                _ => break,
            }
            *rest = &rest[1..];
        }
        directive.width = size(rest, values).unwrap_or(0);
        if let Some(after) = rest.strip_prefix('.') {
            *rest = after;
            directive.precision = Some(size(rest, values).unwrap_or(0));
        }
        directive
    }

    fn format(&self, verb: char, value: &Value) -> String {
        let integer = match value {
            Value::Int(int) => Some(i128::from(*int)),
            Value::Uint(uint) => Some(i128::from(*uint)),
            _ => None,
        };
        match (verb, value, integer) {
            ('v', _, _) if self.sharp && matches!(value, Value::Text(_)) => {
                self.pad(&quote(&value.to_string()))
            }
            ('v' | 'd', _, Some(integer)) => self.integer(integer, 10, false),
            ('b', _, Some(integer)) => self.integer(integer, 2, false),
            ('o', _, Some(integer)) => self.integer(integer, 8, false),
            ('x', _, Some(integer)) => self.integer(integer, 16, false),
            ('X', _, Some(integer)) => self.integer(integer, 16, true),
            ('c', _, Some(integer)) => self.pad(&character(integer).to_string()),
            ('q', _, Some(integer)) => self.pad(&format!("'{}'", character(integer))),
            ('v' | 'g' | 'e' | 'E' | 'f' | 'F' | 'G', Value::Float(float), _) => {
                self.float(verb, *float)
            }
            ('s' | 'v', Value::Text(text), _) => self.pad(&self.cut(text)),
            ('q', Value::Text(text), _) => self.pad(&quote(&self.cut(text))),
            ('x' | 'X', Value::Text(text), _) => {
                let hex = self.cut(text).bytes().fold(String::new(), |mut out, byte| {
                    let _ = write!(out, "{byte:02x}");
                    out
                });
                self.pad(&if verb == 'X' { hex.to_uppercase() } else { hex })
            }
            ('t' | 'v', Value::Bool(_), _)
            | ('v', _, _)
            | ('s', Value::List(_) | Value::Map(_) | Value::Structure(_), _) => {
                self.pad(&plain(value))
            }
            ('T', _, _) => self.pad(value.type_name()),
            ('q', Value::List(list), _) => {
                let quoted: Vec<String> =
                    list.iter().map(|value| quote(&value.to_string())).collect();
                self.pad(&format!("[{}]", quoted.join(" ")))
            }
            _ => match value {
                Value::Nothing => format!("%!{verb}(<nil>)"),
                _ => format!("%!{verb}({})", typed(value)),
            },
        }
    }

    fn integer(&self, integer: i128, radix: u32, upper: bool) -> String {
        let magnitude = integer.unsigned_abs();
        let mut digits = match (radix, upper) {
            (2, _) => format!("{magnitude:b}"),
            (8, _) => format!("{magnitude:o}"),
            (16, true) => format!("{magnitude:X}"),
            (16, false) => format!("{magnitude:x}"),
            _ => format!("{magnitude}"),
        };
        let sign = match (integer < 0, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        };
        let prefix = match (self.sharp, radix, upper) {
            (true, 2, _) => "0b",
            (true, 8, _) => "0",
            (true, 16, true) => "0X",
            (true, 16, false) => "0x",
            _ => "",
        };
        let least = match self.precision {
            Some(precision) => precision,
            None if self.zero && !self.minus => self.width.saturating_sub(sign.len()),
            None => 0,
        };
        while digits.len() < least {
            digits.insert(0, '0');
        }
        self.pad(&format!("{sign}{prefix}{digits}"))
    }

    fn float(&self, verb: char, float: f64) -> String {
        let precision = self.precision;
        let mut text = match verb {
            'f' | 'F' => format!("{float:.*}", precision.unwrap_or(6)),
            'e' | 'E' => go_exponent(&format!("{float:.*e}", precision.unwrap_or(6))),
            _ => general(float),
        };
        if verb == 'E' || verb == 'G' {
            text = text.to_uppercase();
        }
        if self.plus && !text.starts_with('-') {
            text.insert(0, '+');
        }
        self.pad(&text)
    }

    fn cut(&self, text: &str) -> String {
        text.chars()
            .take(self.precision.unwrap_or(usize::MAX))
            .collect()
    }

    fn pad(&self, text: &str) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.minus {
            return format!("{text}{}", " ".repeat(missing));
        }
        let filler = if self.zero && self.precision.is_none() {
            "0"
        } else {
            " "
        };
        format!("{}{text}", filler.repeat(missing))
    }
}

/// A width or precision: digits, or `*` for the next value.
fn size<'a>(rest: &mut &str, values: &mut impl Iterator<Item = &'a Value>) -> Option<usize> {
    if let Some(after) = rest.strip_prefix('*') {
        *rest = after;
        return match values.next()? {
            Value::Int(int) => usize::try_from(*int).ok().map(|size| size.min(WIDEST)),
            _ => None,
        };
    }
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at(length);
    *rest = after;
    if digits.is_empty() {
        return None;
    }
    Some(digits.parse().unwrap_or(WIDEST).min(WIDEST))
}

/// A value as `print` writes it; an absent one is `<nil>` there.
fn plain(value: &Value) -> String {
    match value {
        Value::Nothing => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

fn typed(value: &Value) -> String {
    match value {
        Value::Nothing => "<nil>".to_owned(),
        other => format!("{}={other}", other.type_name()),
    }
}

fn character(code: i128) -> char {
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Widest field, so that a slip in a layout cannot fill the memory.
const WIDEST: usize = 1024;
