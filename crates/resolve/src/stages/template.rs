//! `template`: answers made from the question by templates.
//!
//! A template is about some zones, a class and a type. The first whose expression fits the name
//! answers; one that is about the question but whose expressions do not fit ends in SERVFAIL unless
//! it has `fallthrough`.

use std::net::IpAddr;

use nodens_corefile as config;
use nodens_dns::{Class, Flags, NameKey, Question, Rcode, Record, RecordType, records_from_text};
use regex::Regex;
use thiserror::Error;

use super::reply::{ExtendedError, Reply};
use super::text;
use super::zones::Zones;

mod data;
mod language;
mod reply;

use data::Match;
pub use language::ParseError as TemplateParseError;
use language::{Program, Value};
pub(crate) use reply::TemplateReply;

/// The stage, made ready.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    zones: Zones,
    templates: Vec<Template>,
}

/// A template in the configuration that cannot be understood.
#[derive(Debug, Error)]
#[error("{position}: could not compile template")]
pub struct TemplateError {
    /// Where the text of the record starts.
    pub(crate) position: config::Position,
    /// What is wrong, with the place within that text.
    pub(crate) source: TemplateParseError,
}

/// What a template may tell of a question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TemplateRequest<'a> {
    /// The question.
    pub(crate) question: &'a Question,
    /// The id of the message.
    pub(crate) id: u16,
    /// The flags of the message.
    pub(crate) flags: Flags,
    /// The client's address.
    pub(crate) peer: IpAddr,
}

/// What becomes of a question, and what metrics and the log are to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateAnswer {
    /// What becomes of the question.
    pub(crate) step: TemplateStep,
    /// The template that fits: `coredns_template_matches_total`.
    pub(crate) matched: Option<TemplateMatch>,
    /// Why the template that fits gave no answer.
    pub(crate) failure: Option<TemplateFailure>,
}

/// What becomes of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TemplateStep {
    /// The next stage is to answer.
    Next,
    /// SERVFAIL.
    ServerFailure,
    /// This is the answer.
    Reply(TemplateReply),
}

/// The labels of a match in metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateMatch {
    /// Which template of the block, from 0.
    pub(crate) index: u16,
    /// The zone that holds the name.
    pub(crate) zone: String,
    /// The class of the question, or of the template for a question of any class.
    pub(crate) class: String,
    /// The type of the question, or of the template for a question of any type.
    pub(crate) qtype: String,
}

/// A text that could not be made or is not a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateFailure {
    /// What failed.
    pub(crate) cause: FailureCause,
    /// `answer`, `additional` or `authority`.
    pub(crate) section: &'static str,
    /// The template as it was written.
    pub(crate) template: String,
    /// The failure in words, as the `errors` directive writes it.
    pub(crate) error: String,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureCause {
    /// The template itself: `coredns_template_template_failures_total`.
    Template,
    /// What it made is not a record: `coredns_template_rr_failures_total`.
    Record,
}

#[derive(Debug)]
struct Template {
    zones: Zones,
    class: Class,
    rtype: RecordType,
    patterns: Vec<Pattern>,
    answers: Vec<Program>,
    authorities: Vec<Program>,
    additionals: Vec<Program>,
    rcode: Rcode,
    extended_error: Option<ExtendedError>,
    fallthrough: Zones,
}

#[derive(Debug)]
struct Pattern {
    /// As it was written, for `.Regex`.
    source: String,
    regex: Regex,
}

/// Whether a template is the one to answer.
enum Fit<'a> {
    /// The next template is to be tried.
    No,
    /// It is about the question but does not answer it, and nothing else may.
    Refused,
    Yes(Match<'a>),
}

impl Templates {
    /// The stage that the directives describe, in their order.
    ///
    /// # Errors
    /// When a text is not a template.
    pub(crate) fn new(directives: &[config::Template]) -> Result<Self, TemplateError> {
        let mut stage = Self::default();
        for directive in directives {
            let template = Template::new(directive)?;
            stage.zones.extend(&template.zones);
            stage.templates.push(template);
        }
        Ok(stage)
    }

    /// Answers a question.
    pub(crate) fn answer(&self, request: &TemplateRequest<'_>) -> TemplateAnswer {
        let name = request.question.qname.to_lowercase();
        let key = NameKey::from(&name);
        let without_match = |step| TemplateAnswer {
            step,
            matched: None,
            failure: None,
        };
        if !self.zones.contain(&key) {
            return without_match(TemplateStep::Next);
        }
        let name = text::lower(&name);
        for (index, template) in self.templates.iter().enumerate() {
            match template.fits(request.question, &key, &name) {
                Fit::No => {}
                Fit::Refused => return without_match(TemplateStep::ServerFailure),
                Fit::Yes(found) => {
                    let matched = Some(TemplateMatch {
                        index: u16::try_from(index).unwrap_or(u16::MAX),
                        zone: found.zone.to_owned(),
                        class: found.class.to_owned(),
                        qtype: found.qtype.clone(),
                    });
                    let (step, failure) = template.run(request, &found);
                    return TemplateAnswer {
                        step,
                        matched,
                        failure,
                    };
                }
            }
        }
        without_match(TemplateStep::Next)
    }
}

impl Template {
    fn new(directive: &config::Template) -> Result<Self, TemplateError> {
        let programs = |section: &str, texts: &[config::TemplateText]| {
            let parsed = texts.iter().map(|text| {
                Program::parse(section, &text.source).map_err(|source| TemplateError {
                    position: text.position.clone(),
                    source,
                })
            });
            parsed.collect::<Result<Vec<Program>, TemplateError>>()
        };
        let pattern = |pattern: &config::Pattern| Pattern {
            source: pattern.as_str().to_owned(),
            regex: Regex::new(pattern.regex())
                .expect("a pattern of the configuration is an expression that compiles"),
        };
        Ok(Self {
            zones: Zones::new(&directive.zones),
            class: Class(directive.class),
            rtype: RecordType(directive.record_type),
            patterns: directive.matches.iter().map(pattern).collect(),
            answers: programs("answer", &directive.answer)?,
            authorities: programs("authority", &directive.authority)?,
            additionals: programs("additional", &directive.additional)?,
            rcode: Rcode(directive.rcode),
            extended_error: directive
                .extended_error
                .as_ref()
                .map(|error| ExtendedError {
                    code: error.code,
                    text: error.reason.clone(),
                }),
            fallthrough: Zones::new(&directive.fallthrough),
        })
    }

    fn fits<'a>(&'a self, question: &Question, key: &NameKey, name: &'a str) -> Fit<'a> {
        let Some(zone) = self.zones.matching(key) else {
            return Fit::No;
        };
        let (qclass, qtype) = (question.qclass, question.qtype);
        let other_class = self.class != Class::ANY && qclass != Class::ANY && qclass != self.class;
        let other_type =
            self.rtype != RecordType::ANY && qtype != RecordType::ANY && qtype != self.rtype;
        if other_class || other_type {
            return Fit::No;
        }
        for pattern in &self.patterns {
            if let Some(captures) = pattern.regex.captures(name) {
                let class = if qclass == Class::ANY {
                    self.class
                } else {
                    qclass
                };
                let qtype = if qtype == RecordType::ANY {
                    self.rtype
                } else {
                    qtype
                };
                return Fit::Yes(Match {
                    zone,
                    name,
                    regex: &pattern.source,
                    captures,
                    group_names: pattern.regex.capture_names().collect(),
                    class: class.mnemonic().unwrap_or(""),
                    qtype: qtype.mnemonic().unwrap_or("").to_owned(),
                });
            }
        }
        if self.fallthrough.contain(key) {
            Fit::No
        } else {
            Fit::Refused
        }
    }

    fn run(
        &self,
        request: &TemplateRequest<'_>,
        found: &Match<'_>,
    ) -> (TemplateStep, Option<TemplateFailure>) {
        if self.rcode == Rcode::SERVFAIL {
            return (TemplateStep::ServerFailure, None);
        }
        let data = found.data(request);
        let section = |programs: &[Program], section: &'static str| {
            programs
                .iter()
                .map(|program| record(program, &data, section))
                .collect::<Result<Vec<Record>, TemplateFailure>>()
        };
        let made = section(&self.answers, "answer").and_then(|answers| {
            let additionals = section(&self.additionals, "additional")?;
            let authorities = section(&self.authorities, "authority")?;
            Ok(Reply {
                authoritative: true,
                answers,
                additionals,
                authorities,
                extended_error: self.extended_error.clone(),
                ..Reply::new(self.rcode)
            })
        });
        match made {
            Ok(reply) => (
                TemplateStep::Reply(TemplateReply::new(reply, request.question)),
                None,
            ),
            Err(failure) => (TemplateStep::ServerFailure, Some(failure)),
        }
    }
}

/// The record that a template makes.
fn record(
    program: &Program,
    data: &Value,
    section: &'static str,
) -> Result<Record, TemplateFailure> {
    let failure = |cause, error: String| TemplateFailure {
        cause,
        section,
        template: program.source().to_owned(),
        error,
    };
    let text = program
        .execute(data)
        .map_err(|error| failure(FailureCause::Template, error.to_string()))?;
    let records = records_from_text(&text, DEFAULT_TTL)
        .map_err(|error| failure(FailureCause::Record, error.to_string()))?;
    let missing = || {
        failure(
            FailureCause::Record,
            "the template made no record".to_owned(),
        )
    };
    records.into_iter().next().ok_or_else(missing)
}

/// Time to live of a record whose text has none, in seconds: that of the Go DNS library.
const DEFAULT_TTL: u32 = 3600;

#[cfg(test)]
mod tests;
