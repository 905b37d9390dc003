//! The way back: a reply to the question that was asked becomes a reply to the one that came.

use std::sync::Arc;

use nodens_dns::{Flags, Message, MessageBuilder, Name, Question, Rcode, Record, RecordType};
use regex::Regex;

use super::alias::AliasRule;
use super::pattern::expand;
use crate::stages::reply::Sections;
use crate::stages::text;

/// Turns the reply to a rewritten question into one to the original; kept as long as the question
/// is under way.
#[derive(Clone, Debug)]
pub(crate) struct Reverter {
    pub(super) original: Question,
    pub(super) rules: Vec<ResponseRule>,
}

/// One change to a reply.
#[derive(Clone, Debug)]
pub(super) enum ResponseRule {
    /// Owner names.
    Owner(NameChange),
    /// Names in the data.
    Value(NameChange),
    /// Times to live, kept between two bounds.
    Ttl { least: u32, most: u32 },
    /// One response code becomes another.
    Rcode { from: Rcode, to: Rcode },
    /// The target of an alias, which is then asked for.
    Alias(Arc<AliasRule>),
}

/// How a name changes on the way back.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    /// This name and all below it move to another.
    Move { from: String, to: String },
    /// An ending is replaced.
    Suffix { from: String, to: String },
    /// An expression and what replaces the whole name when it fits.
    Regex { regex: Regex, to: String },
}

impl Reverter {
    /// The question that must be asked before [`Self::apply`]: that for the new target of an alias
    /// in the reply, where a `cname` rule says so.
    pub(crate) fn alias_question(&self, message: &[u8]) -> Option<Question> {
        if !self
            .rules
            .iter()
            .any(|rule| matches!(rule, ResponseRule::Alias(_)))
        {
            return None;
        }
        let view = Message::parse(message).ok()?;
        let asked = view
            .question()
            .ok()?
            .unwrap_or_else(|| self.original.clone());
        let answers = Sections::read(&view)?.answers;
        let (_, qname) = self.alias(&answers)?;
        Some(Question { qname, ..asked })
    }

    /// The reply to the original question. `alias_reply` is the reply to
    /// [`Self::alias_question`]; without one, an alias stays as it is. A message that cannot be
    /// read becomes SERVFAIL.
    pub(crate) fn apply(&self, message: &[u8], alias_reply: Option<&[u8]>) -> Vec<u8> {
        self.try_apply(message, alias_reply).unwrap_or_else(|| {
            let header = Message::parse(message)
                .map(|view| view.header())
                .unwrap_or_default();
            let kept = header.flags.0 & (Flags::RD | Flags::RA | Flags::CD);
            let flags = Flags(kept | Flags::QR).with_rcode(Rcode::SERVFAIL);
            let mut builder = MessageBuilder::new(header.id, flags);
            let Question {
                qname,
                qtype,
                qclass,
            } = &self.original;
            builder.question(qname, *qtype, *qclass);
            builder.finish()
        })
    }

    fn try_apply(&self, message: &[u8], alias_reply: Option<&[u8]>) -> Option<Vec<u8>> {
        let view = Message::parse(message).ok()?;
        let mut sections = Sections::read(&view)?;
        let mut flags = view.flags();
        let mut followed = Vec::new();
        if let Some(reply) = alias_reply
            && let Some((place, target)) = self.alias(&sections.answers)
            && let Some(reply) = Message::parse(reply).ok()
        {
            followed = Sections::read(&reply)?.answers;
            sections.answers[place].rdata = target.as_wire().to_vec();
            sections.answers.truncate(place + 1);
            sections
                .answers
                .retain(|record| record.rtype == RecordType::CNAME);
            flags = flags.with(Flags::TC, reply.flags().has(Flags::TC));
        }
        // The last change of the question is the first to be undone.
        let mut rcode = view.rcode();
        for rule in self.rules.iter().rev() {
            match rule {
                ResponseRule::Rcode { from, to } if rcode == *from => rcode = *to,
                ResponseRule::Rcode { .. } | ResponseRule::Alias(_) => {}
                rule => {
                    // The OPT record's fields mean other things, and its name is nobody's.
                    for record in sections
                        .all_mut()
                        .filter(|record| record.rtype != RecordType::OPT)
                    {
                        rule.change(record);
                    }
                }
            }
        }
        for record in &mut sections.additionals {
            if record.rtype == RecordType::OPT {
                record.ttl = record.ttl & EXTENDED_FLAGS | u32::from(rcode.0 >> 4) << 24;
            }
        }
        sections.answers.extend(followed);
        sections.write(
            view.header().id,
            flags.with_rcode(rcode),
            Some(&self.original),
        )
    }

    /// The place of the alias to be changed and its new target.
    fn alias(&self, answers: &[Record]) -> Option<(usize, Name)> {
        let rules = self.rules.iter().rev().filter_map(|rule| match rule {
            ResponseRule::Alias(rule) => Some(rule),
            _ => None,
        });
        for (place, record) in answers.iter().enumerate() {
            if record.rtype != RecordType::CNAME {
                continue;
            }
            let Ok(target) = Name::from_wire(&record.rdata) else {
                continue;
            };
            if let Some(target) = rules.clone().find_map(|rule| rule.target(&target)) {
                return Some((place, target));
            }
        }
        None
    }
}

impl ResponseRule {
    fn change(&self, record: &mut Record) {
        match self {
            Self::Owner(change) => {
                if let Some(owner) = change.apply(&record.owner) {
                    record.owner = owner;
                }
            }
            Self::Value(change) => {
                if let Some((start, name)) = name_in_data(record)
                    && let Some(new) = change.apply(&name)
                {
                    let end = start + name.as_wire().len();
                    record
                        .rdata
                        .splice(start..end, new.as_wire().iter().copied());
                }
            }
            Self::Ttl { least, most } => record.ttl = record.ttl.min(*most).max(*least),
            Self::Rcode { .. } | Self::Alias(_) => {}
        }
    }
}

impl NameChange {
    /// The changed name. Nothing when the name stays as it is, or when what came out is not a
    /// name.
    fn apply(&self, name: &Name) -> Option<Name> {
        let text = text::exact(name);
        // Upstreams may answer in another case than they were asked in.
        let ending = |from: &str| {
            let start = text.len().checked_sub(from.len())?;
            text[start..].eq_ignore_ascii_case(from).then_some(start)
        };
        let changed = match self {
            Self::Move { from, to } => {
                let start = ending(from)?;
                if start > 0 && !text[..start].ends_with('.') {
                    return None;
                }
                format!("{}{to}", &text[..start])
            }
            Self::Suffix { from, to } => format!("{}{to}", &text[..ending(from)?]),
            Self::Regex { regex, to } => expand(regex, &text, to)?,
        };
        if changed.is_empty() {
            None
        } else {
            changed.parse().ok()
        }
    }
}

/// The name in a record's data that `answer value` and `answer auto` are about, and where it is.
fn name_in_data(record: &Record) -> Option<(usize, Name)> {
    let start = match record.rtype {
        RecordType::CNAME
        | RecordType::NS
        | RecordType::DNAME
        | RecordType::PTR
        | RecordType::SOA => 0,
        RecordType::MX => 2,
        RecordType::SRV => 6,
        RecordType::NAPTR => {
            // Order, preference, and three strings come before the replacement.
            let mut at = 4;
            for _ in 0..3 {
                at += 1 + usize::from(*record.rdata.get(at)?);
            }
            at
        }
        _ => return None,
    };
    let (name, end) = Name::read(record.rdata.get(start..)?, 0).ok()?;
    // A name that points elsewhere cannot be replaced in place; expanded data holds none.
    (end == name.as_wire().len()).then_some((start, name))
}

/// All of an OPT record's time to live but the upper bits of the response code.
const EXTENDED_FLAGS: u32 = 0x00ff_ffff;
