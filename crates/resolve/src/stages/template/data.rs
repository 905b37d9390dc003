//! What a template sees as `.`: the question, the match and the message.

use std::collections::BTreeMap;
use std::rc::Rc;

use nodens_dns::Flags;
use regex::Captures;

use super::TemplateRequest;
use super::language::{Structure, Value};
use crate::stages::text;

/// A question that a template fits.
pub(super) struct Match<'a> {
    pub(super) zone: &'a str,
    /// The name in lower case.
    pub(super) name: &'a str,
    /// The expression that fits, as it was written.
    pub(super) regex: &'a str,
    pub(super) captures: Captures<'a>,
    pub(super) group_names: Vec<Option<&'a str>>,
    pub(super) class: &'static str,
    pub(super) qtype: String,
}

impl Match<'_> {
    /// The value of `.`, with the fields that CoreDNS gives it.
    pub(super) fn data(&self, request: &TemplateRequest<'_>) -> Value {
        let matches: Vec<Value> = self
            .captures
            .iter()
            .map(|group| Value::text(group.map_or("", |group| group.as_str())))
            .collect();
        let mut groups = BTreeMap::new();
        for (index, group) in matches.iter().enumerate() {
            groups.insert(index.to_string(), group.clone());
        }
        for (group, name) in matches.iter().zip(&self.group_names) {
            if let Some(name) = name {
                groups.insert((*name).to_owned(), group.clone());
            }
        }
        let question = question(request);
        Value::Structure(Rc::new(Structure {
            type_name: "*template.templateData",
            fields: vec![
                ("Zone", Value::text(self.zone)),
                ("Name", Value::text(self.name)),
                ("Regex", Value::text(self.regex)),
                ("Match", Value::list(matches)),
                ("Group", Value::Map(Rc::new(groups))),
                ("Class", Value::text(self.class)),
                ("Type", Value::text(&self.qtype)),
                ("Message", message(request, question.clone())),
                ("Question", question),
                (
                    "Remote",
                    Value::text(request.peer.to_canonical().to_string()),
                ),
                ("Var", Value::Map(Rc::default())),
            ],
            text: String::new(),
            // No other plugin of this server publishes values, so each of them is empty.
            method: Some(("Meta", |_| String::new())),
        }))
    }
}

fn question(request: &TemplateRequest<'_>) -> Value {
    let question = request.question;
    let name = text::exact(&question.qname);
    Value::Structure(Rc::new(Structure {
        type_name: "*dns.Question",
        text: format!(";{name}\t{}\t {}", question.qclass, question.qtype),
        fields: vec![
            ("Name", Value::text(name)),
            ("Qtype", Value::Uint(question.qtype.0.into())),
            ("Qclass", Value::Uint(question.qclass.0.into())),
        ],
        method: None,
    }))
}

fn message(request: &TemplateRequest<'_>, question: Value) -> Value {
    let flags = request.flags;
    let flag = |bit: u16| Value::Bool(flags.has(bit));
    Value::Structure(Rc::new(Structure {
        type_name: "*dns.Msg",
        text: format!(";; id: {}\n;; QUESTION SECTION:\n{question}", request.id),
        fields: vec![
            ("Id", Value::Uint(request.id.into())),
            ("Response", flag(Flags::QR)),
            ("Opcode", Value::Int(flags.opcode().0.into())),
            ("Authoritative", flag(Flags::AA)),
            ("Truncated", flag(Flags::TC)),
            ("RecursionDesired", flag(Flags::RD)),
            ("RecursionAvailable", flag(Flags::RA)),
            ("Zero", flag(Flags::Z)),
            ("AuthenticatedData", flag(Flags::AD)),
            ("CheckingDisabled", flag(Flags::CD)),
            ("Rcode", Value::Int(flags.rcode().0.into())),
            ("Question", Value::list(vec![question])),
        ],
        method: None,
    }))
}
