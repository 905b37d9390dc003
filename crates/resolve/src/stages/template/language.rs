//! The part of Go's `text/template` that Corefiles use.
//!
//! The `template` directive is written in Go's template language, so a drop-in has to run it:
//! actions, pipelines, variables, `if`, `with`, `range`, `break`, `continue`, comments, white space
//! trimming and the built-in functions that make sense for a record. Named templates (`define`,
//! `template`, `block`) and the HTML, JavaScript and URL escapers are refused when the
//! configuration is read, with their position.
//!
//! The order of evaluation, the printed form of values and the wording of errors follow
//! <https://pkg.go.dev/text/template>.

use thiserror::Error;

mod compare;
mod execute;
mod format;
mod functions;
mod lexer;
mod number;
mod parser;
mod syntax;
mod value;

pub(crate) use value::{Structure, Value};

use syntax::Node;

/// A template that was parsed, ready to be executed any number of times.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    source: String,
    nodes: Vec<Node>,
}

impl Program {
    /// Parses `source`; `name` stands in error texts, as the section does in CoreDNS.
    pub(crate) fn parse(name: &str, source: &str) -> Result<Self, ParseError> {
        let nodes = lexer::tokens(source)
            .and_then(|tokens| parser::parse(source, &tokens))
            .map_err(|fault| {
                let (line, column) = position(source, fault.offset);
                ParseError {
                    name: name.to_owned(),
                    line,
                    column,
                    problem: fault.problem,
                }
            })?;
        Ok(Self {
            name: name.to_owned(),
            source: source.to_owned(),
            nodes,
        })
    }

    /// The text the program was parsed from.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Runs the program with `data` as `.` and `$`.
    pub(crate) fn execute(&self, data: &Value) -> Result<String, ExecuteError> {
        execute::run(&self.source, &self.nodes, data).map_err(|fault| {
            let (line, column) = position(&self.source, fault.span.start);
            ExecuteError {
                name: self.name.clone(),
                line,
                column,
                context: self.source[fault.span.start..fault.span.end].to_owned(),
                problem: fault.problem,
            }
        })
    }
}

/// A template that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("template: {name}:{line}:{column}: {problem}")]
pub struct ParseError {
    /// The section the template belongs to: `answer`, `additional` or `authority`.
    pub(crate) name: String,
    /// The line within the template, from 1.
    pub(crate) line: usize,
    /// Bytes before the fault on that line.
    pub(crate) column: usize,
    /// What is wrong.
    pub(crate) problem: String,
}

/// A template that failed while it ran.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("template: {name}:{line}:{column}: executing \"{name}\" at <{context}>: {problem}")]
pub(crate) struct ExecuteError {
    /// The section the template belongs to.
    pub(crate) name: String,
    /// The line within the template, from 1.
    pub(crate) line: usize,
    /// Bytes before the failing part on that line.
    pub(crate) column: usize,
    /// The part of the template that failed.
    pub(crate) context: String,
    /// What went wrong.
    pub(crate) problem: String,
}

/// A fault at a byte offset of the source, before it is turned into a line and column.
#[derive(Debug)]
struct Fault {
    offset: usize,
    problem: String,
}

/// Line from 1 and bytes before `offset` on it: how Go counts.
fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = &source[..offset];
    let line = before.matches('\n').count() + 1;
    (
        line,
        before
            .rfind('\n')
            .map_or(offset, |newline| offset - newline - 1),
    )
}

#[cfg(test)]
mod tests;
