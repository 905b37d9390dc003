//! Rules that change the name of a question.

use super::{Arguments, MATCHES, NameMatch, RewriteRule};
use crate::error::Error;
use crate::lexer::Token;
use crate::value::pattern::Pattern;
use crate::zone;

/// What happens to the answer of a question whose name was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Whether the change is undone in the names and values of the answer.
    pub auto: bool,
    /// What else is changed.
    pub rules: Vec<AnswerRule>,
}

/// A change of names in the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRule {
    /// Where.
    pub part: AnswerPart,
    /// Which names.
    pub pattern: Pattern,
    /// What they become; `{1}` stands for the first group.
    pub to: String,
}

/// Where in a record names are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerPart {
    /// The owner's name.
    Name,
    /// Names in the data.
    Value,
}

/// `name [exact|prefix|suffix|substring|regex] FROM TO [answer …]`
pub(super) fn rule(arguments: &Arguments<'_, '_>) -> Result<RewriteRule, Error> {
    match arguments.tokens {
        [] | [_] => Err(arguments.refused("too few arguments for a name rule")),
        [from, to] => {
            let from = zone::normalized(&from.text);
            let to = zone::normalized(&to.text);
            let answers = Answers {
                auto: true,
                rules: Vec::new(),
            };
            Ok(RewriteRule::Name {
                matching: NameMatch::Exact(from),
                to,
                answers,
            })
        }
        [how, from, to, rest @ ..] => {
            let matching = matching(arguments, how, from, to)?;
            let mut answers = answers(arguments, &how.text.to_ascii_lowercase(), rest)?;
            // An exact rule can always be undone.
            answers.auto |= matches!(matching, NameMatch::Exact(_));
            Ok(RewriteRule::Name {
                matching,
                to: zone::normalized(&to.text),
                answers,
            })
        }
    }
}

fn matching(
    arguments: &Arguments<'_, '_>,
    how: &Token,
    from: &Token,
    to: &Token,
) -> Result<NameMatch, Error> {
    match how.text.to_ascii_lowercase().as_str() {
        "regex" => Ok(NameMatch::Regex(pattern(arguments, from, to)?)),
        "exact" | "prefix" | "suffix" | "substring" => arguments.matching(how, from, "name"),
        other => {
            let message = format!(
                "name rule supports only exact, prefix, suffix, substring, and regex name \
                 matching, received: {other}"
            );
            Err(arguments.statement.problem(how, message, MATCHES))
        }
    }
}

/// `answer auto`, `answer name FROM TO`, `answer value FROM TO`, in any number. The word `answer`
/// may be left out after the first.
fn answers(arguments: &Arguments<'_, '_>, how: &str, tokens: &[&Token]) -> Result<Answers, Error> {
    const EXPECTED: &str = "'answer auto', 'answer name FROM TO' or 'answer value FROM TO'";
    let refused =
        |token: &Token, message: String| Err(arguments.statement.problem(token, message, EXPECTED));
    let mut answers = Answers::default();
    let mut rest = tokens;
    if let [only] = rest {
        return refused(only, format!("invalid arguments for {how} rule"));
    }
    let mut first = true;
    while let [token, after @ ..] = rest {
        let mut kind = *token;
        rest = after;
        if token.text == "answer" {
            let [next, after @ ..] = rest else {
                return refused(
                    token,
                    format!("type missing for answer rule for {how} rule"),
                );
            };
            kind = next;
            rest = after;
        } else if first {
            let message = format!(
                "exceeded the number of arguments for a non-answer rule argument for {how} rule"
            );
            return refused(token, message);
        }
        first = false;
        let part = match kind.text.as_str() {
            "auto" => {
                answers.auto = true;
                continue;
            }
            "name" => AnswerPart::Name,
            "value" => AnswerPart::Value,
            other => {
                let message = format!("invalid type {other:?} for answer rule for {how} rule");
                return refused(kind, message);
            }
        };
        let [from, to, after @ ..] = rest else {
            let message = format!(
                "{} answer rule for {how} rule: 2 arguments required",
                kind.text
            );
            return refused(kind, message);
        };
        rest = after;
        let pattern = pattern(arguments, from, to)?;
        answers.rules.push(AnswerRule {
            part,
            pattern,
            to: zone::normalized(&to.text),
        });
    }
    if answers.auto
        && answers
            .rules
            .iter()
            .any(|rule| rule.part == AnswerPart::Name)
    {
        let message = "auto name answer rule cannot be combined with explicit name answer rules";
        return Err(arguments.refused(message));
    }
    Ok(answers)
}

/// A pattern with at least as many groups as the replacement uses.
fn pattern(arguments: &Arguments<'_, '_>, from: &Token, to: &Token) -> Result<Pattern, Error> {
    let pattern = arguments.statement.pattern(from, |_| {
        format!("invalid regex matching pattern: {}", from.text)
    })?;
    let used = (0..=MOST_GROUPS)
        .filter(|group| to.text.contains(&format!("{{{group}}}")))
        .count();
    if used > pattern.groups() {
        let message = format!(
            "the rewrite regex pattern ({}) uses more subexpressions than its corresponding \
             matching regex pattern ({})",
            to.text, from.text
        );
        return Err(arguments
            .statement
            .problem(to, message, "groups that the pattern has"));
    }
    Ok(pattern)
}

/// How far `CoreDNS` looks for groups in a replacement.
const MOST_GROUPS: usize = 100;
