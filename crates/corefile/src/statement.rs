//! One directive as its parser sees it: a cursor over its tokens.
//!
//! The moves are those of caddyfile's dispenser, because what Corefiles may look like is defined by
//! them: an argument is a token on the same line, a property is the next token inside braces that
//! opened on the directive's line, and braces do not nest.

use std::time::Duration;

use crate::config::Note;
use crate::error::{Error, Form, Problem};
use crate::files::Files;
use crate::lexer::Token;
use crate::position::Position;
use crate::value::{duration, integer, pattern::Pattern};
use crate::zone;

/// A directive being parsed.
pub(crate) struct Statement<'a> {
    /// The directive, for messages.
    pub(crate) directive: &'static str,
    /// The zones of the server block, for directives that default to them.
    pub(crate) block_zones: &'a [String],
    /// For directives that must know whether a file exists.
    pub(crate) files: &'a dyn Files,
    tokens: &'a [Token],
    cursor: usize,
    in_block: bool,
    notes: &'a mut Vec<Note>,
}

impl<'a> Statement<'a> {
    /// A cursor on the name of the directive; `None` without a name.
    pub(crate) fn new(
        directive: &'static str,
        tokens: &'a [Token],
        block_zones: &'a [String],
        files: &'a dyn Files,
        notes: &'a mut Vec<Note>,
    ) -> Option<Self> {
        (!tokens.is_empty()).then_some(Self {
            directive,
            block_zones,
            files,
            tokens,
            cursor: 0,
            in_block: false,
            notes,
        })
    }

    /// The next token of the line, which may be an opening brace.
    pub(crate) fn argument(&mut self) -> Option<&'a Token> {
        let current = self.current();
        let next = self.tokens.get(self.cursor + 1)?;
        if next.starts_line_after(current) {
            return None;
        }
        self.cursor += 1;
        Some(next)
    }

    /// The rest of the line up to an opening brace.
    pub(crate) fn arguments(&mut self) -> Vec<&'a Token> {
        let mut arguments = Vec::new();
        while let Some(argument) = self.argument() {
            if argument.text == "{" {
                self.cursor -= 1;
                break;
            }
            arguments.push(argument);
        }
        arguments
    }

    /// The next token inside the directive's braces; `None` when they close or never open.
    pub(crate) fn property(&mut self) -> Option<&'a Token> {
        if !self.in_block {
            let brace = self.argument()?;
            if brace.text != "{" {
                self.cursor -= 1;
                return None;
            }
        }
        self.in_block = true;
        let token = self.next()?;
        if token.text == "}" {
            self.in_block = false;
            return None;
        }
        Some(token)
    }

    /// Moves to the next token wherever it is.
    fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.cursor + 1)?;
        self.cursor += 1;
        Some(token)
    }

    /// Moves past everything that is left.
    pub(crate) fn skip_rest(&mut self) {
        self.cursor = self.tokens.len() - 1;
    }

    /// The first token that was not consumed.
    pub(crate) fn left_over(&self) -> Option<&'a Token> {
        self.tokens.get(self.cursor + 1)
    }

    /// The only argument of the directive or property.
    pub(crate) fn one_argument(&mut self, expected: &str) -> Result<&'a Token, Error> {
        match self.arguments().as_slice() {
            [only] => Ok(only),
            _ => Err(self.wrong_arguments(expected)),
        }
    }

    /// The next argument, which may be followed by others.
    pub(crate) fn first_argument(&mut self, expected: &str) -> Result<&'a Token, Error> {
        match self.argument() {
            Some(token) => Ok(token),
            None => Err(self.wrong_arguments(expected)),
        }
    }

    /// At least one argument.
    pub(crate) fn some_arguments(&mut self, expected: &str) -> Result<Vec<&'a Token>, Error> {
        let arguments = self.arguments();
        if arguments.is_empty() {
            return Err(self.wrong_arguments(expected));
        }
        Ok(arguments)
    }

    /// Refuses any argument.
    pub(crate) fn no_argument(&mut self) -> Result<(), Error> {
        match self.argument() {
            None => Ok(()),
            Some(_) => Err(self.wrong_arguments("nothing after it")),
        }
    }

    /// The zones named by the arguments, or those of the server block.
    pub(crate) fn zones_or_block(&self, arguments: &[&Token]) -> Vec<String> {
        if arguments.is_empty() {
            return self.block_zones.to_vec();
        }
        zones(arguments)
    }

    /// The zones of a `fallthrough`: those named, or every name.
    pub(crate) fn fallthrough_zones(&mut self) -> Vec<String> {
        let arguments = self.arguments();
        if arguments.is_empty() {
            return vec![".".to_owned()];
        }
        zones(&arguments)
    }

    /// Go's `strconv.Atoi`.
    pub(crate) fn integer(&self, token: &Token, expected: &str) -> Result<i64, Error> {
        integer::signed(&token.text).map_err(|message| self.problem(token, message, expected))
    }

    /// Go's `strconv.ParseUint` in 32 bits.
    pub(crate) fn unsigned(&self, token: &Token, expected: &str) -> Result<u32, Error> {
        integer::unsigned(&token.text).map_err(|message| self.problem(token, message, expected))
    }

    /// Go's `time.ParseDuration`; what is negative is refused with `negative`, in which `{}` stands
    /// for the value.
    pub(crate) fn duration(
        &self,
        token: &Token,
        negative: &str,
        expected: &str,
    ) -> Result<Duration, Error> {
        let parsed = duration::parse(&token.text)
            .map_err(|message| self.problem(token, message, expected))?;
        u64::try_from(parsed)
            .map(Duration::from_nanos)
            .map_err(|_| self.problem(token, negative.replace("{}", &token.text), expected))
    }

    /// A regular expression in Go's syntax.
    pub(crate) fn pattern(
        &self,
        token: &Token,
        invalid: impl FnOnce(&str) -> String,
    ) -> Result<Pattern, Error> {
        const EXPECTED: &str = "a regular expression (RE2 syntax)";
        if token.text.len() > MAX_PATTERN {
            let message = format!(
                "regex pattern too long: {} > {MAX_PATTERN}",
                token.text.len()
            );
            return Err(self.problem(token, message, EXPECTED));
        }
        Pattern::new(&token.text).map_err(|reason| self.problem(token, invalid(&reason), EXPECTED))
    }

    /// `CoreDNS`'s message for too few or too many arguments.
    pub(crate) fn wrong_arguments(&self, expected: &str) -> Error {
        let current = self.current();
        let message = if current.text == "{" {
            "Unexpected token '{', expecting argument".to_owned()
        } else {
            format!(
                "Wrong argument count or unexpected line ending after '{}'",
                current.text
            )
        };
        self.problem(current, message, expected)
    }

    /// `CoreDNS`'s message for a property that the directive does not have.
    pub(crate) fn unknown_property(&self, token: &Token, known: &[&str]) -> Error {
        let expected = match crate::suggest::nearest(&token.text, known.iter().copied()) {
            Some(nearest) => format!("one of {}; did you mean '{nearest}'?", listed(known)),
            None => format!("one of {}", listed(known)),
        };
        self.problem(
            token,
            format!("unknown property '{}'", token.text),
            &expected,
        )
    }

    /// Something wrong with a token of this directive.
    pub(crate) fn problem(
        &self,
        token: &Token,
        message: impl Into<String>,
        expected: &str,
    ) -> Error {
        Problem {
            position: token.position.clone(),
            form: Form::Parsing,
            directive: Some(self.directive),
            message: message.into(),
            token: token.text.clone(),
            expected: expected.to_owned(),
        }
        .into()
    }

    /// Records that something was accepted and does nothing.
    pub(crate) fn note(&mut self, token: &Token, message: impl Into<String>) {
        self.notes.push(Note {
            position: token.position.clone(),
            directive: self.directive,
            message: message.into(),
        });
    }

    /// Where the directive was written.
    pub(crate) fn position(&self) -> Position {
        self.name().position.clone()
    }

    /// The token that names the directive.
    pub(crate) fn name(&self) -> &'a Token {
        &self.tokens[0]
    }

    /// The token under the cursor.
    pub(crate) fn current(&self) -> &'a Token {
        &self.tokens[self.cursor]
    }
}

/// The zones that the tokens name. What is not a domain name is left out, as `CoreDNS` does; the
/// server block's own keys were checked before.
pub(crate) fn zones(tokens: &[&Token]) -> Vec<String> {
    tokens
        .iter()
        .flat_map(|token| zone::normalized_zones(&token.text))
        .collect()
}

/// `'a', 'b' and 'c'`
pub(crate) fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => format!("'{only}'"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|word| format!("'{word}'")).collect();
            format!("{} and '{last}'", first.join(", "))
        }
    }
}

/// Longer patterns are refused, so that compiling one cannot exhaust memory (`CoreDNS`'s limit).
const MAX_PATTERN: usize = 10_000;
