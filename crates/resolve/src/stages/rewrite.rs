//! `rewrite`: other questions upstream than the clients asked, and the way back.
//!
//! Rules are tried in order; each sees the question as the rules before it left it. A rule that
//! changes something ends the list unless it says `continue`. What the reply needs so that the
//! client recognizes it is kept in a [`Reverter`].

use std::sync::Arc;

use nodens_corefile as config;
use nodens_dns::{Class, EdnsOption, Name, Question, Rcode, RecordType};
use thiserror::Error;

use super::text;

mod alias;
mod options;
mod pattern;
mod reverter;

use alias::AliasRule;
use options::OptionRule;
pub(crate) use options::Origin;
use pattern::NameTest;
pub(crate) use reverter::Reverter;
use reverter::{NameChange, ResponseRule};

/// The stage, made ready.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rewrite {
    rules: Vec<Rule>,
}

/// The question after all rules.
#[derive(Clone, Debug)]
pub(crate) struct Rewritten {
    /// What to ask.
    pub(crate) question: Question,
    /// The options to ask with.
    pub(crate) options: Vec<EdnsOption>,
    /// What the reply must go through; nothing when it can go to the client as it is.
    pub(crate) reverter: Option<Reverter>,
}

/// A rule made something of a name that is not one: SERVFAIL.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid name after rewrite: {name}")]
pub(crate) struct InvalidName {
    /// What came out.
    pub(crate) name: String,
}

#[derive(Clone, Debug)]
struct Rule {
    action: Action,
    /// Whether a change by this rule is the last.
    stops: bool,
}

#[derive(Clone, Debug)]
enum Action {
    Name(NameRule),
    Type {
        from: RecordType,
        to: RecordType,
    },
    Class {
        from: Class,
        to: Class,
    },
    Option(OptionRule),
    /// Has an effect on replies only, like the two below.
    Ttl {
        test: NameTest,
        least: u32,
        most: u32,
    },
    Rcode {
        test: NameTest,
        from: Rcode,
        to: Rcode,
    },
    Alias(Arc<AliasRule>),
}

/// A rule that changes the name.
#[derive(Clone, Debug)]
struct NameRule {
    test: NameTest,
    replacement: String,
    /// Names in the reply move back to where the question came from.
    moves_back: bool,
    /// The changes of the reply that do not depend on the question.
    answers: Vec<ResponseRule>,
}

impl Rewrite {
    /// The stage that the directives describe, in their order.
    pub(crate) fn new(directives: &[config::Rewrite]) -> Self {
        let rule = |directive: &config::Rewrite| Rule {
            action: Action::new(&directive.rule),
            stops: directive.mode == config::RewriteMode::Stop,
        };
        Self {
            rules: directives.iter().map(rule).collect(),
        }
    }

    /// Applies the rules to a question that came from `origin` with `options`.
    ///
    /// # Errors
    /// When a rule makes something that is not a name.
    pub(crate) fn rewrite(
        &self,
        question: &Question,
        options: &[EdnsOption],
        origin: &Origin,
    ) -> Result<Rewritten, InvalidName> {
        let mut now = question.clone();
        let mut options = options.to_vec();
        let mut rules = Vec::new();
        for rule in &self.rules {
            if rule
                .action
                .apply(&mut now, &mut options, origin, &mut rules)?
                && rule.stops
            {
                break;
            }
        }
        let needed = !rules.is_empty() || !same(&now, question);
        let reverter = needed.then(|| Reverter {
            original: question.clone(),
            rules,
        });
        Ok(Rewritten {
            question: now,
            options,
            reverter,
        })
    }
}

impl Action {
    fn new(rule: &config::RewriteRule) -> Self {
        match rule {
            config::RewriteRule::Name {
                matching,
                to,
                answers,
            } => Self::Name(NameRule::new(matching, to, answers)),
            config::RewriteRule::Class { from, to } => Self::Class {
                from: Class(*from),
                to: Class(*to),
            },
            config::RewriteRule::Type { from, to } => Self::Type {
                from: RecordType(*from),
                to: RecordType(*to),
            },
            config::RewriteRule::Edns0(rule) => Self::Option(OptionRule::new(rule)),
            config::RewriteRule::Ttl { matching, min, max } => Self::Ttl {
                test: NameTest::new(matching),
                least: *min,
                most: *max,
            },
            config::RewriteRule::Cname { matching, to } => Self::Alias(Arc::new(AliasRule {
                test: NameTest::new(matching),
                replacement: to.clone(),
            })),
            config::RewriteRule::Rcode { matching, from, to } => Self::Rcode {
                test: NameTest::new(matching),
                from: Rcode(*from),
                to: Rcode(*to),
            },
        }
    }

    /// Changes the question, or what will happen to the reply; false when the rule is about others.
    fn apply(
        &self,
        question: &mut Question,
        options: &mut Vec<EdnsOption>,
        origin: &Origin,
        rules: &mut Vec<ResponseRule>,
    ) -> Result<bool, InvalidName> {
        let response = match self {
            Self::Name(rule) => {
                let name = text::lower(&question.qname);
                let Some(replaced) = rule.test.replace(&name, &rule.replacement) else {
                    return Ok(false);
                };
                question.qname = name_of(&replaced)?;
                if rule.moves_back {
                    let change = NameChange::Move {
                        from: replaced,
                        to: name,
                    };
                    rules.push(ResponseRule::Owner(change.clone()));
                    rules.push(ResponseRule::Value(change));
                }
                rules.extend_from_slice(&rule.answers);
                return Ok(true);
            }
            Self::Type { from, to } => {
                let about = question.qtype == *from;
                if about {
                    question.qtype = *to;
                }
                return Ok(about);
            }
            Self::Class { from, to } => {
                let about = question.qclass == *from;
                if about {
                    question.qclass = *to;
                }
                return Ok(about);
            }
            Self::Option(rule) => return Ok(rule.apply(question, origin, options)),
            Self::Ttl { test, least, most } if test.fits(&text::lower(&question.qname)) => {
                ResponseRule::Ttl {
                    least: *least,
                    most: *most,
                }
            }
            Self::Rcode { test, from, to } if test.fits(&text::lower(&question.qname)) => {
                ResponseRule::Rcode {
                    from: *from,
                    to: *to,
                }
            }
            Self::Ttl { .. } | Self::Rcode { .. } => return Ok(false),
            Self::Alias(rule) => ResponseRule::Alias(Arc::clone(rule)),
        };
        rules.push(response);
        Ok(true)
    }
}

impl NameRule {
    fn new(matching: &config::NameMatch, to: &str, answers: &config::Answers) -> Self {
        let mut rules = Vec::new();
        let mut moves_back = answers.auto;
        // A suffix can be put back for any name, not only for those below the one that was asked.
        if let (true, config::NameMatch::Suffix(suffix)) = (answers.auto, matching) {
            let change = NameChange::Suffix {
                from: to.to_owned(),
                to: suffix.clone(),
            };
            rules.push(ResponseRule::Owner(change.clone()));
            rules.push(ResponseRule::Value(change));
            moves_back = false;
        }
        for rule in &answers.rules {
            let regex = pattern::compile(&rule.pattern);
            let change = NameChange::Regex {
                regex,
                to: rule.to.clone(),
            };
            rules.push(match rule.part {
                config::AnswerPart::Name => ResponseRule::Owner(change),
                config::AnswerPart::Value => ResponseRule::Value(change),
            });
        }
        let test = NameTest::new(matching);
        Self {
            test,
            replacement: to.to_owned(),
            moves_back,
            answers: rules,
        }
    }
}

fn name_of(text: &str) -> Result<Name, InvalidName> {
    let invalid = || InvalidName {
        name: text.to_owned(),
    };
    if text.is_empty() {
        Err(invalid())
    } else {
        text.parse().map_err(|_| invalid())
    }
}

/// Whether two questions are the same to the byte: a client may compare them so.
fn same(one: &Question, other: &Question) -> bool {
    one == other && one.qname.as_wire() == other.qname.as_wire()
}

#[cfg(test)]
mod tests;
