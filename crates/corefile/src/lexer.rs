//! Text to tokens, with the quirks of the caddyfile lexer that Corefiles rely on.
//!
//! White space separates tokens. A token that starts with `"` runs to the next unescaped `"`, over
//! line ends; `\"` is the only escape, any other backslash stays. `#` at the start of a token is a
//! comment to the end of the line, but inside a token it only swallows what follows up to the next
//! white space. A carriage return is nothing at all, not even white space.
//! (<https://github.com/coredns/caddy>, `caddyfile/lexer.go`.)

use std::sync::Arc;

use crate::position::Position;

/// One word of a Corefile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The word without its quotes.
    pub(crate) text: String,
    /// Where it starts.
    pub(crate) position: Position,
    /// The line on which it ends: a quoted token can span several.
    pub(crate) last_line: u32,
    /// How many imports led to it; bounds imports that import themselves.
    pub(crate) depth: u16,
}

impl Token {
    /// Whether this token starts on another line than the one on which `previous` ends.
    pub(crate) fn starts_line_after(&self, previous: &Self) -> bool {
        self.position.file != previous.position.file || self.position.line != previous.last_line
    }
}

/// All tokens of a text.
pub(crate) fn tokens(file: &Arc<str>, text: &str, depth: u16) -> Vec<Token> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lexer = Lexer {
        characters: text.chars(),
        file,
        depth,
        line: 1,
        column: 0,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token() {
        tokens.push(token);
    }
    tokens
}

struct Lexer<'a> {
    characters: std::str::Chars<'a>,
    file: &'a Arc<str>,
    depth: u16,
    line: u32,
    /// Column of the character last read.
    column: u32,
}

impl Lexer<'_> {
    fn next_token(&mut self) -> Option<Token> {
        let mut token: Option<Token> = None;
        let mut comment = false;
        while let Some(character) = self.next_character() {
            if character.is_whitespace() {
                if character == '\r' {
                    continue;
                }
                if token.is_some() {
                    return token;
                }
                if character == '\n' {
                    comment = false;
                }
                continue;
            }
            comment |= character == '#';
            if comment {
                continue;
            }
            match &mut token {
                Some(token) => token.text.push(character),
                None if character == '"' => return self.quoted_token(),
                None => token = Some(self.token_starting_with(character)),
            }
        }
        token
    }

    /// The rest of a quoted token; a quote that is never closed ends with the text, and is nothing
    /// if nothing follows it.
    fn quoted_token(&mut self) -> Option<Token> {
        let mut token = self.token_starting_with('"');
        token.text.clear();
        let mut escaped = false;
        while let Some(character) = self.next_character() {
            token.last_line = self.line;
            if !escaped && character == '\\' {
                escaped = true;
                continue;
            }
            if !escaped && character == '"' {
                return Some(token);
            }
            if escaped && character != '"' {
                token.text.push('\\');
            }
            token.text.push(character);
            escaped = false;
        }
        (!token.text.is_empty()).then_some(token)
    }

    fn token_starting_with(&self, character: char) -> Token {
        Token {
            text: character.to_string(),
            position: Position {
                file: Arc::clone(self.file),
                line: self.line,
                column: self.column,
            },
            last_line: self.line,
            depth: self.depth,
        }
    }

    /// Reads a character. The token that a line end terminates has its line already.
    fn next_character(&mut self) -> Option<char> {
        let character = self.characters.next()?;
        if character == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 0;
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        tokens(&"Corefile".into(), text, 0)
            .into_iter()
            .map(|token| token.text)
            .collect()
    }

    fn places(text: &str) -> Vec<(u32, u32, u32)> {
        tokens(&"Corefile".into(), text, 0)
            .into_iter()
            .map(|token| (token.position.line, token.position.column, token.last_line))
            .collect()
    }

    #[test]
    fn white_space_separates_tokens() {
        assert_eq!(texts("a b\tc\nd\u{a0}e"), ["a", "b", "c", "d", "e"]);
        assert_eq!(texts("  \n "), Vec::<String>::new());
    }

    #[test]
    fn a_quoted_token_spans_lines_and_counts_them() {
        assert_eq!(texts("a \"b c\nd\" e"), ["a", "b c\nd", "e"]);
        assert_eq!(
            places("a \"b\nc\" d\ne"),
            [(1, 1, 1), (1, 3, 2), (2, 4, 2), (3, 1, 3)]
        );
    }

    #[test]
    fn only_quotes_can_be_escaped() {
        assert_eq!(
            texts(r#""a \"quoted\" \d \\ word""#),
            [r#"a "quoted" \d \\ word"#]
        );
    }

    #[test]
    fn an_empty_quoted_token_is_a_token() {
        assert_eq!(texts(r#"a "" b"#), ["a", "", "b"]);
    }

    #[test]
    fn a_closing_quote_ends_the_token_without_white_space() {
        assert_eq!(texts(r#""a"b"#), ["a", "b"]);
    }

    #[test]
    fn a_quote_inside_a_token_is_literal() {
        assert_eq!(texts(r#"a"b c"#), [r#"a"b"#, "c"]);
    }

    #[test]
    fn an_unclosed_quote_runs_to_the_end() {
        assert_eq!(texts("a \"b c\nd"), ["a", "b c\nd"]);
        assert_eq!(texts("a \""), ["a"]);
    }

    #[test]
    fn a_comment_runs_to_the_end_of_the_line() {
        assert_eq!(texts("a # b c\nd"), ["a", "d"]);
        assert_eq!(texts("#a\n#b"), Vec::<String>::new());
    }

    #[test]
    fn a_hash_inside_a_token_swallows_up_to_white_space_only() {
        assert_eq!(texts("whoami#hello extra"), ["whoami", "extra"]);
    }

    #[test]
    fn a_byte_order_mark_is_dropped_and_carriage_returns_are_nothing() {
        assert_eq!(texts("\u{feff}a\r\nb\rc"), ["a", "bc"]);
    }

    #[test]
    fn positions_count_characters() {
        assert_eq!(places("ä bc\n  d"), [(1, 1, 1), (1, 3, 1), (2, 3, 2)]);
    }
}
