//! Go's regular expressions in the syntax of the `regex` crate.
//!
//! Both descend from RE2, so most expressions are the same text. What differs (Go's
//! `regexp/syntax` against the documentation of `regex-syntax`):
//!
//! - a `{` that does not begin a repetition is a literal in Go and an error in the crate;
//! - inside `[…]`, `[` is a literal in Go unless it begins `[:name:]`, and `&&`, `--` and `~~`
//!   mean nothing special; in the crate they nest, intersect and subtract;
//! - `\Q…\E` quotes in Go only;
//! - `\<` and `\>` are literals in Go and word boundaries in the crate;
//! - `\0` and `\12` are octal characters in Go;
//! - `\pL`, `\d`, `\w`, `\s` and `\b` are about ASCII in Go, about Unicode in the crate, except
//!   `\pL`, which is about Unicode in both;
//! - `\p{^Greek}` negates in Go only.

use std::fmt::Write;

/// The expression for the crate; the error is a reason not to accept it.
pub(super) fn translate(source: &str) -> Result<String, String> {
    let mut translator = Translator {
        characters: source.chars().collect(),
        at: 0,
        translated: String::with_capacity(source.len()),
    };
    translator.expression()?;
    Ok(translator.translated)
}

struct Translator {
    characters: Vec<char>,
    at: usize,
    translated: String,
}

impl Translator {
    fn expression(&mut self) -> Result<(), String> {
        while let Some(character) = self.next() {
            match character {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '{' if !self.begins_repetition() => self.translated.push_str(r"\{"),
                _ => self.translated.push(character),
            }
        }
        Ok(())
    }

    /// After a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(character) = self.next() else {
            return Err("trailing backslash at end of expression".to_owned());
        };
        match character {
            'Q' if !in_class => self.quotation(),
            'd' => self
                .translated
                .push_str(if in_class { "0-9" } else { "[0-9]" }),
            's' => self.translated.push_str(if in_class {
                r"\t\n\f\r "
            } else {
                r"[\t\n\f\r ]"
            }),
            'w' => self.translated.push_str(if in_class {
                "0-9A-Za-z_"
            } else {
                "[0-9A-Za-z_]"
            }),
            'D' => self.translated.push_str("[^0-9]"),
            'S' => self.translated.push_str(r"[^\t\n\f\r ]"),
            'W' => self.translated.push_str("[^0-9A-Za-z_]"),
            'b' if !in_class => self.translated.push_str(r"(?-u:\b)"),
            'B' if !in_class => self.translated.push_str(r"(?:\B)"),
            'p' | 'P' => self.unicode_class(character),
            '0' => self.octal(character),
            '1'..='7' if self.peek().is_some_and(|next| ('0'..='7').contains(&next)) => {
                self.octal(character);
            }
            '<' | '>' => self.translated.push(character),
            _ => {
                self.translated.push('\\');
                self.translated.push(character);
            }
        }
        Ok(())
    }

    /// `\Q…\E`: everything literally; without `\E`, to the end.
    fn quotation(&mut self) {
        while let Some(character) = self.next() {
            if character == '\\' && self.peek() == Some('E') {
                self.at += 1;
                return;
            }
            self.translated
                .push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
        }
    }

    /// `\p{^Greek}`, which the crate writes `\P{Greek}`.
    fn unicode_class(&mut self, letter: char) {
        self.translated.push('\\');
        if self.peek() == Some('{') && self.characters.get(self.at + 1) == Some(&'^') {
            self.at += 2;
            self.translated.push(if letter == 'p' { 'P' } else { 'p' });
            self.translated.push('{');
        } else {
            self.translated.push(letter);
            if self.peek() == Some('{') {
                self.at += 1;
                self.translated.push('{');
            }
        }
    }

    fn octal(&mut self, first: char) {
        let mut code = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|next| next.to_digit(8)) else {
                break;
            };
            code = code * 8 + digit;
            self.at += 1;
        }
        let _ = write!(self.translated, r"\x{{{code:X}}}");
    }

    /// After `[`.
    fn class(&mut self) -> Result<(), String> {
        self.translated.push('[');
        if self.peek() == Some('^') {
            self.at += 1;
            self.translated.push('^');
        }
        let mut first = true;
        while let Some(character) = self.next() {
            match character {
                ']' if !first => {
                    self.translated.push(']');
                    return Ok(());
                }
                ']' => self.translated.push_str(r"\]"),
                '\\' => self.escape(true)?,
                '[' if self.peek() == Some(':') && self.named_class() => {}
                '[' => self.translated.push_str(r"\["),
                '&' | '~' => {
                    self.translated.push('\\');
                    self.translated.push(character);
                }
                '-' if self.peek() == Some('-') => self.translated.push_str(r"\-"),
                _ => self.translated.push(character),
            }
            first = false;
        }
        Err("unclosed character class".to_owned())
    }

    /// Copies `[:name:]`, or says that there is none here.
    fn named_class(&mut self) -> bool {
        let rest = &self.characters[self.at..];
        let Some(end) = rest.windows(2).position(|pair| pair == [':', ']']) else {
            return false;
        };
        if end == 0 {
            return false;
        }
        self.translated.push('[');
        self.translated.extend(&rest[..end + 2]);
        self.at += end + 2;
        true
    }

    /// Whether what follows `{` is `n}`, `n,}` or `n,m}`.
    fn begins_repetition(&self) -> bool {
        let rest = &self.characters[self.at..];
        let Some(end) = rest.iter().position(|&character| character == '}') else {
            return false;
        };
        let inside: String = rest[..end].iter().collect();
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match inside.split_once(',') {
            None => is_number(&inside),
            Some((least, "")) => is_number(least),
            Some((least, most)) => is_number(least) && is_number(most),
        }
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, matching: &[&str], other: &[&str]) {
        let translated = translate(expression).unwrap();
        let compiled = regex::Regex::new(&translated)
            .unwrap_or_else(|error| panic!("{expression} became {translated}: {error}"));
        for text in matching {
            assert!(
                compiled.is_match(text),
                "{expression} as {translated} matches {text}"
            );
        }
        for text in other {
            assert!(
                !compiled.is_match(text),
                "{expression} as {translated} and {text}"
            );
        }
    }

    #[test]
    fn common_expressions_stay_what_they_are() {
        for expression in [
            r"^ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)[.]example[.]org[.]$",
            "(.*).cluster.local",
            r"^(?s:.*)\z",
            "(?i)example",
            "a{2,3}b{1}c{4,}",
            "^(?:a|b)+?$",
        ] {
            assert_eq!(translate(expression).unwrap(), expression);
        }
    }

    #[test]
    fn a_brace_that_repeats_nothing_is_a_literal() {
        check("^a{x}$", &["a{x}"], &["ax"]);
        check("^a{,3}$", &["a{,3}"], &["aaa"]);
        check("^a{2}$", &["aa"], &["a{2}"]);
    }

    #[test]
    fn brackets_do_not_nest_and_nothing_is_intersected() {
        check("^[[a]$", &["[", "a"], &["b"]);
        check("^[a&&b]$", &["a", "&", "b"], &["c"]);
        check("^[a~~b]$", &["~"], &["c"]);
        check("^[]a]$", &["]", "a"], &["b"]);
        check("^[^]a]$", &["b"], &["]", "a"]);
        check("^[[:alpha:]_]$", &["q", "_"], &["1", ":"]);
        check(r"^[\]\-x]$", &["]", "-", "x"], &["\\"]);
        check("^[a-c-]$", &["b", "-"], &["d"]);
    }

    #[test]
    fn perl_classes_are_ascii() {
        check(r"^\d$", &["7"], &["٣"]);
        check(r"^[\w.]$", &["_", "."], &["é"]);
        check(r"^\W$", &["é"], &["a"]);
        check(r"^[^\s]$", &["a"], &[" "]);
        check(r"\bfoo\b", &["a foo b"], &["afoo"]);
    }

    #[test]
    fn quotations_octal_and_punctuation_are_translated() {
        check(r"^\Qa.b*\E+$", &["a.b*", "a.b**"], &["axb"]);
        check(r"^\Qa.b", &["a.b"], &["axb"]);
        check(r"^\101\0$", &["A\0"], &["101"]);
        check(r"^\<\>\_\-$", &["<>_-"], &[]);
        check(r"^\p{^Greek}\pL$", &["aα"], &["αα"]);
    }

    #[test]
    fn what_cannot_end_is_refused() {
        assert!(translate("[a").is_err());
        assert!(translate("a\\").is_err());
    }
}
