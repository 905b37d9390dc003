//! Tokens to server blocks: keys, and the tokens of each directive.
//!
//! The grammar is caddyfile's (`caddyfile/parse.go`): keys up to `{`, a trailing comma continues
//! them on the next line, braces may be left out when the file is one server block, a directive
//! ends with its line unless braces are open. Imports replace themselves by what they import.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Note;
use crate::directives;
use crate::environment::replace_variables;
use crate::error::{Error, Form, Problem};
use crate::files::Files;
use crate::lexer::Token;
use crate::position::Position;
use crate::suggest::nearest;
use crate::unsupported;

mod import;

/// A server block before its directives are looked at.
#[derive(Debug)]
pub(crate) struct RawBlock {
    /// What was written before the brace, without commas.
    pub(crate) keys: Vec<Token>,
    /// Each directive in order; the first token is its name.
    pub(crate) statements: Vec<Vec<Token>>,
}

/// Groups tokens into server blocks, expanding imports and snippets.
pub(crate) struct Parser<'a> {
    files: &'a dyn Files,
    /// What is still to be read, last token first.
    pending: Vec<Token>,
    current: Option<Token>,
    /// The token before the current one; imports leave no trace here.
    previous: Option<Token>,
    snippets: BTreeMap<String, Vec<Token>>,
    imports: import::Counters,
    /// Every imported file, in order of use.
    pub(crate) sources: Vec<PathBuf>,
    /// Imports and blocks without effect.
    pub(crate) notes: Vec<Note>,
}

impl<'a> Parser<'a> {
    /// A parser for the tokens of one file.
    pub(crate) fn new(mut tokens: Vec<Token>, files: &'a dyn Files) -> Self {
        tokens.reverse();
        Self {
            files,
            pending: tokens,
            current: None,
            previous: None,
            snippets: BTreeMap::new(),
            imports: import::Counters::default(),
            sources: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// All server blocks.
    pub(crate) fn blocks(&mut self) -> Result<Vec<RawBlock>, Error> {
        let mut blocks = Vec::new();
        while self.advance() {
            let start = self.current_position();
            let Some(block) = self.block()? else { continue };
            if block.keys.is_empty() {
                self.notes.push(Note {
                    position: start,
                    directive: "",
                    message: "a server block without a zone is ignored".to_owned(),
                });
            } else {
                blocks.push(block);
            }
        }
        Ok(blocks)
    }

    /// A server block, or `None` for a snippet, which is remembered.
    fn block(&mut self) -> Result<Option<RawBlock>, Error> {
        let (keys, ended) = self.keys()?;
        if ended {
            return Ok(Some(RawBlock {
                keys,
                statements: Vec::new(),
            }));
        }
        if let [key] = keys.as_slice()
            && let Some(name) = key
                .text
                .strip_prefix('(')
                .and_then(|rest| rest.strip_suffix(')'))
        {
            self.snippet(name.to_owned())?;
            return Ok(None);
        }
        let statements = self.statements()?;
        Ok(Some(RawBlock { keys, statements }))
    }

    /// The keys of a block, and whether the text ended with them. Otherwise the current token is
    /// the one after them: `{` or the first directive.
    fn keys(&mut self) -> Result<(Vec<Token>, bool), Error> {
        let mut keys = Vec::new();
        let mut expecting_another = false;
        while let Some(token) = self.current.clone() {
            let mut text = replace_variables(&token.text, self.files);
            if text == "import" && self.at_line_start() {
                self.import()?;
                if !self.advance() {
                    break;
                }
                continue;
            }
            if text == "{" {
                if expecting_another {
                    return Err(self.problem(
                        "Expected another address but had '{' - check for extra comma".to_owned(),
                        "a zone, or no comma before the brace",
                    ));
                }
                return Ok((keys, false));
            }
            if !text.is_empty() {
                expecting_another = text.ends_with(',');
                if expecting_another {
                    text.pop();
                }
                keys.push(Token { text, ..token });
            }
            if !self.advance() {
                break;
            }
            if !expecting_another && self.at_line_start() {
                return Ok((keys, false));
            }
        }
        if expecting_another {
            return Err(self.unexpected_end("another zone after the comma"));
        }
        Ok((keys, true))
    }

    /// Remembers the tokens of a snippet for later imports.
    fn snippet(&mut self, name: String) -> Result<(), Error> {
        if self.snippets.contains_key(&name) {
            let message = format!("redeclaration of previously declared snippet {name}");
            return Err(self.problem(message, "a name that is not taken"));
        }
        let opened = self.current_position();
        if self.current_text() != "{" {
            return Err(self.syntax_problem("{", "the snippet's body in braces"));
        }
        let mut tokens = Vec::new();
        let mut nesting = 1_usize;
        while self.advance() {
            match self.current_text() {
                "{" => nesting += 1,
                "}" => nesting -= 1,
                _ => {}
            }
            if nesting == 0 {
                self.snippets.insert(name, tokens);
                return Ok(());
            }
            tokens.extend(self.current.clone());
        }
        Err(self.syntax_problem(
            "}",
            &format!("the end of the snippet opened on line {}", opened.line),
        ))
    }

    /// The directives of a block. The current token is `{` or, without braces, the first of them.
    fn statements(&mut self) -> Result<Vec<Vec<Token>>, Error> {
        let braced = self.current_text() == "{";
        let opened = self.current_position();
        let mut statements = Vec::new();
        let mut loaded = !braced;
        while loaded || self.advance() {
            loaded = false;
            match self.current_text() {
                "}" => return Ok(statements),
                "import" => self.import()?,
                _ => statements.push(self.statement()?),
            }
        }
        // The end of the text closes a block too if the last directive has just closed its own.
        if braced && self.current_text() != "}" {
            let expected = format!("the end of the server block opened on line {}", opened.line);
            return Err(self.syntax_problem("}", &expected));
        }
        Ok(statements)
    }

    /// The tokens of one directive, whose name is the current token.
    fn statement(&mut self) -> Result<Vec<Token>, Error> {
        let mut tokens = Vec::new();
        let Some(mut name) = self.current.clone() else {
            return Ok(tokens);
        };
        name.text = replace_variables(&name.text, self.files);
        if directives::find(&name.text).is_none() && !unsupported::is_known(&name.text) {
            return Err(unknown_directive(&name).into());
        }
        tokens.push(name);
        let mut nesting = 0_usize;
        while let Some(next) = self.pending.last() {
            let starts_line = self.next_starts_line();
            match next.text.as_str() {
                "{" => nesting += 1,
                _ if starts_line && nesting == 0 => break,
                "}" if nesting > 0 => nesting -= 1,
                "}" => {
                    self.advance();
                    return Err(self.problem(
                        "Unexpected '}' because no matching opening brace".to_owned(),
                        "the closing brace of the server block on a line of its own",
                    ));
                }
                "import" if starts_line => {
                    self.advance();
                    self.import()?;
                    continue;
                }
                _ => {}
            }
            self.advance();
            if let Some(current) = &mut self.current {
                current.text = replace_variables(&current.text, self.files);
                tokens.push(current.clone());
            }
        }
        if nesting > 0 {
            return Err(self.unexpected_end("'}' to close the directive's block"));
        }
        Ok(tokens)
    }

    /// Makes the next token the current one; at the end, the current one stays.
    fn advance(&mut self) -> bool {
        let Some(next) = self.pending.pop() else {
            return false;
        };
        if let Some(current) = self.current.replace(next) {
            self.previous = Some(current);
        }
        true
    }

    /// Makes the next token the current one if it is on the same line.
    fn advance_argument(&mut self) -> bool {
        !self.pending.is_empty() && !self.next_starts_line() && self.advance()
    }

    fn at_line_start(&self) -> bool {
        match (&self.previous, &self.current) {
            (Some(previous), Some(current)) => current.starts_line_after(previous),
            _ => true,
        }
    }

    fn next_starts_line(&self) -> bool {
        match (
            self.current.as_ref().or(self.previous.as_ref()),
            self.pending.last(),
        ) {
            (Some(current), Some(next)) => next.starts_line_after(current),
            _ => true,
        }
    }

    /// The text of the current token; after an import that was empty, of the one before it.
    fn current_text(&self) -> &str {
        let token = self.current.as_ref().or(self.previous.as_ref());
        token.map_or("", |token| token.text.as_str())
    }

    fn current_position(&self) -> Position {
        match self.current.as_ref().or(self.previous.as_ref()) {
            Some(token) => token.position.clone(),
            None => Position {
                file: Arc::from(""),
                line: 0,
                column: 0,
            },
        }
    }

    fn problem(&self, message: String, expected: &str) -> Error {
        Problem {
            position: self.current_position(),
            form: Form::Parsing,
            directive: None,
            message,
            token: self.current_text().to_owned(),
            expected: expected.to_owned(),
        }
        .into()
    }

    fn syntax_problem(&self, wanted: &str, expected: &str) -> Error {
        let token = self.current_text();
        Problem {
            position: self.current_position(),
            form: Form::Syntax,
            directive: None,
            message: format!("Unexpected token '{token}', expecting '{wanted}'"),
            token: token.to_owned(),
            expected: expected.to_owned(),
        }
        .into()
    }

    fn unexpected_end(&self, expected: &str) -> Error {
        self.problem("Unexpected EOF".to_owned(), expected)
    }
}

fn unknown_directive(name: &Token) -> Problem {
    let known = directives::all().iter().map(|directive| directive.name);
    let expected = match nearest(&name.text, known) {
        Some(nearest) => format!("a directive; did you mean '{nearest}'?"),
        None if name.text == "{" || name.text == "}" => "the name of a directive".to_owned(),
        None => "a directive, such as 'cache', 'errors' or 'forward'".to_owned(),
    };
    Problem {
        position: name.position.clone(),
        form: Form::Parsing,
        directive: None,
        message: format!("Unknown directive '{}'", name.text),
        token: name.text.clone(),
        expected,
    }
}

#[cfg(test)]
mod tests;
