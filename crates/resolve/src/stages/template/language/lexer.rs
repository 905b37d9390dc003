//! Text to tokens, by the rules of Go's `text/template/parse/lex.go`.
//!
//! White space inside an action is a token, because `.A.B` is a field of a field while `.A .B` is
//! two operands.

use super::{Fault, syntax::Span};

/// A token and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) span: Span,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// Text outside actions, trimmed as the actions around it ask.
    Text(&'a str),
    LeftDelimiter,
    RightDelimiter,
    Space,
    /// `.Name`, without the dot.
    Field(&'a str),
    /// `$name`, with the dollar sign.
    Variable(&'a str),
    /// A word: function, keyword or constant.
    Word(&'a str),
    Dot,
    Number(&'a str),
    /// A character constant with its quotes.
    Character(&'a str),
    /// A string with its quotes.
    Quoted(&'a str),
    /// A string without its back quotes.
    Raw(&'a str),
    Pipe,
    Comma,
    LeftParenthesis,
    RightParenthesis,
    Declare,
    Assign,
    End,
}

/// Splits `source` into tokens; the last one is [`Kind::End`].
pub(super) fn tokens(source: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut lexer = Lexer {
        source,
        position: 0,
        tokens: Vec::new(),
    };
    lexer.text()?;
    lexer.push(Kind::End, source.len());
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    source: &'a str,
    position: usize,
    tokens: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn text(&mut self) -> Result<(), Fault> {
        let mut trim_left = false;
        loop {
            let rest = self.rest();
            let found = rest.find(LEFT);
            let mut text = &rest[..found.unwrap_or(rest.len())];
            let trim_right = found.is_some_and(|at| {
                let mut after = rest[at + LEFT.len()..].chars();
                after.next() == Some('-') && after.next().is_some_and(is_space)
            });
            if trim_left {
                text = text.trim_start_matches(is_space);
            }
            if trim_right {
                text = text.trim_end_matches(is_space);
            }
            let start = self.position;
            self.position += found.unwrap_or(rest.len());
            if !text.is_empty() {
                self.push(Kind::Text(text), start);
            }
            if found.is_none() {
                return Ok(());
            }
            let start = self.position;
            self.position += LEFT.len() + if trim_right { 2 } else { 0 };
            if self.rest().starts_with("/*") {
                trim_left = self.comment(start)?;
            } else {
                self.push(Kind::LeftDelimiter, start);
                trim_left = self.action(start)?;
            }
        }
    }

    /// Skips a comment; tells whether the text after it is to be trimmed.
    fn comment(&mut self, start: usize) -> Result<bool, Fault> {
        let Some(end) = self.rest().find("*/") else {
            return Err(fault(start, "unclosed comment"));
        };
        self.position += end + 2;
        match self.right_delimiter() {
            Some(length) => {
                self.position += length;
                Ok(length > RIGHT.len())
            }
            None => Err(fault(start, "comment ends before closing delimiter")),
        }
    }

    /// Reads an action; tells whether the text after it is to be trimmed.
    fn action(&mut self, action: usize) -> Result<bool, Fault> {
        let mut open = 0_usize;
        loop {
            let start = self.position;
            if let Some(length) = self.right_delimiter() {
                if open > 0 {
                    return Err(fault(start, "unclosed left paren"));
                }
                self.position += length;
                self.push(Kind::RightDelimiter, start);
                return Ok(length > RIGHT.len());
            }
            let Some(character) = self.next() else {
                return Err(fault(action, "unclosed action"));
            };
            let kind = match character {
                character if is_space(character) => {
                    while self.peek().is_some_and(is_space) && self.right_delimiter().is_none() {
                        self.next();
                    }
                    Kind::Space
                }
                '=' => Kind::Assign,
                ':' if self.next() == Some('=') => Kind::Declare,
                ':' => return Err(fault(start, "expected :=")),
                '|' => Kind::Pipe,
                ',' => Kind::Comma,
                '"' | '\'' => self.quoted(start, character)?,
                '`' => self.raw(start)?,
                '(' => {
                    open += 1;
                    Kind::LeftParenthesis
                }
                ')' => {
                    open = open
                        .checked_sub(1)
                        .ok_or_else(|| fault(start, "unexpected right paren"))?;
                    Kind::RightParenthesis
                }
                '$' => Kind::Variable(self.word(start, start)?),
                '.' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => {
                    if self.peek().is_some_and(is_alphanumeric) {
                        Kind::Field(self.word(start, start + 1)?)
                    } else {
                        self.terminator(start)?;
                        Kind::Dot
                    }
                }
                '.' | '+' | '-' | '0'..='9' => self.number(start),
                character if is_alphanumeric(character) => Kind::Word(self.word(start, start)?),
                other => {
                    let problem = format!("unrecognized character in action: {other:?}");
                    return Err(Fault {
                        offset: start,
                        problem,
                    });
                }
            };
            self.push(kind, start);
        }
    }

    fn word(&mut self, start: usize, from: usize) -> Result<&'a str, Fault> {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        self.terminator(start)?;
        Ok(&self.source[from..self.position])
    }

    /// A word must be followed by something that cannot be part of one.
    fn terminator(&self, start: usize) -> Result<(), Fault> {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | '=' | '(' | ')') => Ok(()),
            Some(character) if is_space(character) => Ok(()),
            Some(_) if self.right_delimiter().is_some() => Ok(()),
            Some(other) => Err(Fault {
                offset: start,
                problem: format!("bad character {other:?}"),
            }),
        }
    }

    fn number(&mut self, start: usize) -> Kind<'a> {
        while let Some(character) = self.peek() {
            let sign = matches!(character, '+' | '-')
                && matches!(
                    self.source.as_bytes()[start..self.position].last(),
                    Some(b'e' | b'E')
                )
                && !self.source[start..].starts_with("0x");
            if !(is_alphanumeric(character) || character == '.' || sign) {
                break;
            }
            self.next();
        }
        Kind::Number(&self.source[start..self.position])
    }

    fn quoted(&mut self, start: usize, quote: char) -> Result<Kind<'a>, Fault> {
        let unterminated = if quote == '"' {
            "unterminated quoted string"
        } else {
            "unterminated character constant"
        };
        loop {
            match self.next() {
                Some('\\') if !matches!(self.peek(), None | Some('\n')) => {
                    self.next();
                }
                Some('\n') | None => return Err(fault(start, unterminated)),
                Some(character) if character == quote => break,
                Some(_) => {}
            }
        }
        let text = &self.source[start..self.position];
        Ok(if quote == '"' {
            Kind::Quoted(text)
        } else {
            Kind::Character(text)
        })
    }

    fn raw(&mut self, start: usize) -> Result<Kind<'a>, Fault> {
        match self.rest().find('`') {
            Some(length) => {
                let text = &self.rest()[..length];
                self.position += length + 1;
                Ok(Kind::Raw(text))
            }
            None => Err(fault(start, "unterminated raw quoted string")),
        }
    }

    /// The length of the right delimiter that stands here, with its trim marker.
    fn right_delimiter(&self) -> Option<usize> {
        let rest = self.rest();
        if rest.starts_with(RIGHT) {
            return Some(RIGHT.len());
        }
        let after = rest.strip_prefix(is_space)?.strip_prefix('-')?;
        after.starts_with(RIGHT).then_some(RIGHT.len() + 2)
    }

    fn push(&mut self, kind: Kind<'a>, start: usize) {
        self.tokens.push(Token {
            kind,
            span: Span {
                start,
                end: self.position,
            },
        });
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.position += character.len_utf8();
        Some(character)
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'a str {
        &self.source[self.position..]
    }
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

fn fault(offset: usize, problem: &str) -> Fault {
    Fault {
        offset,
        problem: problem.to_owned(),
    }
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
