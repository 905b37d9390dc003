//! `rewrite`: change questions before they are forwarded, and answers on their way back.

use crate::config::ServerBlock;
use crate::directive::Directive;
use crate::error::Error;
use crate::lexer::Token;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::numbers;
use crate::value::pattern::Pattern;
use crate::zone;

mod documentation;
mod edns0;
mod name;
mod response;

pub use edns0::{Edns0Action, Edns0Change, Edns0Rule, Edns0Variable};
pub use name::{AnswerPart, AnswerRule, Answers};

/// One `rewrite` rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Where it was written.
    pub position: Position,
    /// What happens after it has matched.
    pub mode: RewriteMode,
    /// What it changes.
    pub rule: RewriteRule,
}

/// What happens after a rule has matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteMode {
    /// No other rule is looked at.
    Stop,
    /// The next rule is looked at.
    Continue,
}

/// What a rule changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RewriteRule {
    /// The name of the question, and names in the answer.
    Name {
        /// Which names.
        matching: NameMatch,
        /// What the matching part is replaced by. For a regular expression, `{1}` stands for its
        /// first group.
        to: String,
        /// What happens to the answer.
        answers: Answers,
    },
    /// The class of the question.
    Class {
        /// This class…
        from: u16,
        /// …becomes this one.
        to: u16,
    },
    /// The type of the question.
    Type {
        /// This type…
        from: u16,
        /// …becomes this one.
        to: u16,
    },
    /// An EDNS option of the question.
    Edns0(Edns0Rule),
    /// The TTLs of the answer.
    Ttl {
        /// For which names in the question.
        matching: NameMatch,
        /// A shorter TTL becomes this.
        min: u32,
        /// A longer TTL becomes this.
        max: u32,
    },
    /// The target of a CNAME record in the answer, which is then asked for.
    Cname {
        /// Which targets.
        matching: NameMatch,
        /// What the matching part is replaced by.
        to: String,
    },
    /// The response code of the answer.
    Rcode {
        /// For which names in the question.
        matching: NameMatch,
        /// This code…
        from: u16,
        /// …becomes this one.
        to: u16,
    },
}

/// Which names a rule is about. Names are in lower case with a final dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameMatch {
    /// This one.
    Exact(String),
    /// Those that begin with this.
    Prefix(String),
    /// Those that end with this.
    Suffix(String),
    /// Those that contain this; every occurrence is replaced.
    Substring(String),
    /// Those that match this.
    Regex(Pattern),
}

pub(crate) const DIRECTIVE: Directive = documentation::DIRECTIVE;

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let position = statement.position();
    let mut arguments = statement.arguments();
    if arguments.len() < 2 {
        // A rule may be spread over lines in braces.
        while let Some(token) = statement.property() {
            arguments.push(token);
        }
    }
    let Some((first, rest)) = arguments.split_first() else {
        let message = "no rule type specified for rewrite";
        return Err(statement.problem(statement.name(), message, TYPES));
    };
    let (mode, kind, rest) = match first.text.to_ascii_lowercase().as_str() {
        word @ ("continue" | "stop") => {
            let Some((kind, rest)) = rest.split_first() else {
                let message = format!("{word} rule must begin with a rule type");
                return Err(statement.problem(first, message, TYPES));
            };
            let stop = word == "stop";
            (
                if stop {
                    RewriteMode::Stop
                } else {
                    RewriteMode::Continue
                },
                *kind,
                rest,
            )
        }
        _ => (RewriteMode::Stop, *first, rest),
    };
    let rule = Arguments {
        statement,
        kind,
        tokens: rest,
    }
    .rule()?;
    block.rewrite.push(Rewrite {
        position,
        mode,
        rule,
    });
    Ok(())
}

/// A rule being parsed: its type, and what follows.
struct Arguments<'a, 'b> {
    statement: &'a Statement<'b>,
    kind: &'b Token,
    tokens: &'a [&'b Token],
}

impl Arguments<'_, '_> {
    fn rule(&self) -> Result<RewriteRule, Error> {
        match self.kind.text.to_ascii_lowercase().as_str() {
            "name" => name::rule(self),
            "class" => self.class(),
            "type" => self.record_type(),
            "edns0" => edns0::rule(self).map(RewriteRule::Edns0),
            "ttl" => response::ttl(self),
            "cname" => response::cname(self),
            "rcode" => response::rcode(self),
            "answer" => Err(self.refused("response rewrites must begin with a name rule")),
            _ => Err(self.refused(format!("invalid rule type {:?}", self.kind.text))),
        }
    }

    fn class(&self) -> Result<RewriteRule, Error> {
        let [from, to] = self.two_arguments("class")?;
        let class = |token: &Token| {
            let name = token.text.to_ascii_uppercase();
            numbers::class(&name).ok_or_else(|| {
                let message = format!("invalid class {name:?}");
                self.statement
                    .problem(token, message, "a class, such as 'IN'")
            })
        };
        Ok(RewriteRule::Class {
            from: class(from)?,
            to: class(to)?,
        })
    }

    fn record_type(&self) -> Result<RewriteRule, Error> {
        let [from, to] = self.two_arguments("type")?;
        let record_type = |token: &Token| {
            let name = token.text.to_ascii_uppercase();
            numbers::record_type(&name).ok_or_else(|| {
                let message = format!("invalid type {name:?}");
                self.statement
                    .problem(token, message, "a record type, such as 'AAAA'")
            })
        };
        Ok(RewriteRule::Type {
            from: record_type(from)?,
            to: record_type(to)?,
        })
    }

    fn two_arguments(&self, kind: &str) -> Result<[&Token; 2], Error> {
        match self.tokens {
            [from, to] => Ok([from, to]),
            _ => Err(self.refused(format!("{kind} rules must have exactly two arguments"))),
        }
    }

    /// How names are matched: the word that says so and the text to look for.
    fn matching(&self, how: &Token, what: &Token, kind: &str) -> Result<NameMatch, Error> {
        let name = || zone::normalized(&what.text);
        Ok(match how.text.to_ascii_lowercase().as_str() {
            "exact" => NameMatch::Exact(name()),
            "prefix" => NameMatch::Prefix(name()),
            "suffix" => NameMatch::Suffix(name()),
            "substring" => NameMatch::Substring(name()),
            "regex" => NameMatch::Regex(self.statement.pattern(what, |_| {
                format!("invalid regex pattern in a {kind} rule: {}", what.text)
            })?),
            _ => {
                let message = format!(
                    "{kind} rule supports only exact, prefix, suffix, substring, and regex name \
                     matching"
                );
                return Err(self.statement.problem(how, message, MATCHES));
            }
        })
    }

    /// The rule as a whole is wrong.
    fn refused(&self, message: impl Into<String>) -> Error {
        self.statement.problem(self.kind, message, TYPES)
    }
}

const TYPES: &str = "a rule of type 'name', 'class', 'type', 'edns0', 'ttl', 'cname' or 'rcode'";
const MATCHES: &str = "'exact', 'prefix', 'suffix', 'substring' or 'regex'";

#[cfg(test)]
mod tests;
