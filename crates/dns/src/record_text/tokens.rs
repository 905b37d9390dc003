//! Zone-file text to lines of tokens: white space, quotes, parentheses and comments.

use super::RecordTextError;

/// The tokens of one record.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The line begins with white space, so its owner is that of the record before.
    pub(super) indented: bool,
    pub(super) tokens: Vec<Token<'a>>,
    /// Where the line ends.
    pub(super) end: Place,
}

/// One word, escapes as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// The text, without its quotes.
    pub(super) text: &'a str,
    pub(super) quoted: bool,
    /// No white space stands between this token and the one before, as in `key="value"`.
    pub(super) joined: bool,
    pub(super) place: Place,
}

/// Line and column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    pub(super) fn error(self, problem: &str) -> RecordTextError {
        RecordTextError {
            line: self.line,
            column: self.column,
            problem: problem.to_owned(),
        }
    }
}

/// Splits `text` into records; empty lines and comments are left out.
pub(super) fn lines(text: &str) -> Result<Vec<Line<'_>>, RecordTextError> {
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
        line_start: 0,
    };
    let mut lines = Vec::new();
    while let Some(line) = reader.line()? {
        if !line.tokens.is_empty() {
            lines.push(line);
        }
    }
    Ok(lines)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
}

impl<'a> Reader<'a> {
    fn line(&mut self) -> Result<Option<Line<'a>>, RecordTextError> {
        let Some(first) = self.peek() else {
            return Ok(None);
        };
        let indented = matches!(first, b' ' | b'\t');
        let mut tokens: Vec<Token<'a>> = Vec::new();
        let mut open: Vec<Place> = Vec::new();
        let mut token_end = None;
        loop {
            let place = self.place();
            let Some(byte) = self.peek() else {
                return match open.last() {
                    Some(open) => Err(open.error("the parenthesis is never closed")),
                    None => Ok(Some(Line {
                        indented,
                        tokens,
                        end: place,
                    })),
                };
            };
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                    self.line_start = self.at;
                    if open.is_empty() {
                        return Ok(Some(Line {
                            indented,
                            tokens,
                            end: place,
                        }));
                    }
                }
                b';' => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                b'(' => {
                    open.push(place);
                    self.at += 1;
                }
                b')' => {
                    if open.pop().is_none() {
                        return Err(place.error("the parenthesis was never opened"));
                    }
                    self.at += 1;
                }
                _ => {
                    let joined = token_end == Some(self.at);
                    let quoted = byte == b'"';
                    let text = if quoted {
                        self.quoted(place)?
                    } else {
                        self.plain()
                    };
                    tokens.push(Token {
                        text,
                        quoted,
                        joined,
                        place,
                    });
                    token_end = Some(self.at);
                }
            }
        }
    }

    /// A word up to white space or a byte with a meaning of its own.
    fn plain(&mut self) -> &'a str {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b'"' | b';' | b'(' | b')' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.cut(start)
    }

    /// A string up to its closing quote.
    fn quoted(&mut self, place: Place) -> Result<&'a str, RecordTextError> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                None | Some(b'\n') => return Err(place.error("the quote is never closed")),
                Some(b'"') => {
                    let text = self.cut(start);
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
    }

    /// The text from `start` to here. An escaped byte may begin a longer character, or a backslash
    /// may be the last byte: the cut then moves to the next boundary.
    fn cut(&mut self, start: usize) -> &'a str {
        while !self.text.is_char_boundary(self.at) && self.at < self.text.len() {
            self.at += 1;
        }
        self.at = self.at.min(self.text.len());
        &self.text[start..self.at]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn place(&self) -> Place {
        Place {
            line: self.line,
            column: self.at - self.line_start + 1,
        }
    }
}
