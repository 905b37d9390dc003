//! What is wrong with a Corefile, where, and what was expected instead.
//!
//! The first part of every message is `CoreDNS`'s own (`Corefile:3 - Error during parsing: …`), so
//! that people and tools that know it find it again; the part in parentheses is ours.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::position::Position;

/// Why a Corefile could not be turned into a configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Corefile itself could not be read.
    #[error("read the Corefile {}", path.display())]
    Read {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in the text is wrong.
    #[error(transparent)]
    Problem(Box<Problem>),
}

impl Error {
    /// The problem in the text, unless the file could not be read at all.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Read { .. } => None,
            Self::Problem(problem) => Some(problem),
        }
    }

    /// Where the problem is, unless the file could not be read at all.
    pub fn position(&self) -> Option<&Position> {
        self.problem().map(|problem| &problem.position)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// Which of the two forms `CoreDNS` gives its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `FILE:LINE - Error during parsing: MESSAGE`
    Parsing,
    /// `FILE:LINE - Syntax error: MESSAGE`
    Syntax,
}

/// One thing that is wrong in the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// Where the offending token starts.
    pub position: Position,
    /// Which form of message this is.
    pub form: Form,
    /// The directive whose arguments are wrong, when the directive itself is known.
    pub directive: Option<&'static str>,
    /// What is wrong, worded as `CoreDNS` words it where it has the same check.
    pub message: String,
    /// The offending token.
    pub token: String,
    /// What would have been accepted; empty when the message says it all.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(directive) = self.directive {
            write!(formatter, "plugin/{directive}: ")?;
        }
        let form = match self.form {
            Form::Parsing => "Error during parsing",
            Form::Syntax => "Syntax error",
        };
        let Position { file, line, column } = &self.position;
        write!(
            formatter,
            "{file}:{line} - {form}: {} (column {column}",
            self.message
        )?;
        if !self.token.is_empty() {
            write!(formatter, ", at '{}'", shortened(&self.token))?;
        }
        if !self.expected.is_empty() {
            write!(formatter, ": expected {}", self.expected)?;
        }
        formatter.write_str(")")
    }
}

/// The token, or its beginning when a misplaced quote made it pages long.
fn shortened(token: &str) -> String {
    let line = token.lines().next().unwrap_or_default();
    if line.chars().count() <= LONGEST_TOKEN_SHOWN && line.len() == token.len() {
        return token.to_owned();
    }
    let start: String = line.chars().take(LONGEST_TOKEN_SHOWN).collect();
    format!("{start}…")
}

/// Long enough for any address or domain name people write, short enough for one log line.
const LONGEST_TOKEN_SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_coredns_says_it_followed_by_what_was_expected() {
        let problem = Problem {
            position: Position {
                file: "Corefile".into(),
                line: 3,
                column: 5,
            },
            form: Form::Parsing,
            directive: None,
            message: "Unknown directive 'foo'".to_owned(),
            token: "foo".to_owned(),
            expected: "a directive such as 'forward'".to_owned(),
        };
        assert_eq!(
            problem.to_string(),
            "Corefile:3 - Error during parsing: Unknown directive 'foo' \
             (column 5, at 'foo': expected a directive such as 'forward')"
        );
    }

    #[test]
    fn a_token_of_several_lines_is_shortened_in_the_message() {
        assert_eq!(shortened("first line\nsecond"), "first line…");
        assert_eq!(shortened("short"), "short");
    }
}
