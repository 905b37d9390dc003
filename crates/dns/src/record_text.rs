//! Records from their text form: the zone-file syntax of RFC 1035 section 5, as templates write it.
//!
//! One or more records without directives: `OWNER [TTL] [CLASS] TYPE DATA`, time to live and class in
//! either order, units in times (`1h30m`), parentheses over several lines, comments, quoted strings,
//! `\DDD` and `\X` escapes, and the generic form `\# LENGTH HEX` of RFC 3597 for every type. A name
//! without a final dot is relative to the root, as in CoreDNS.
//!
//! Part of the text may come from a client's question through a template, so every text is either
//! records or an error.

use thiserror::Error;

mod data;
mod fields;
mod service;
mod tokens;

use crate::builder::Record;
use crate::iana::{Class, RecordType};
use crate::name::Name;
use fields::{Fields, seconds};
use tokens::{Line, lines};

/// Reads all records of `text`; one without a time to live gets `default_ttl`.
///
/// # Errors
/// When any part of the text is not a record of a known form.
pub fn records_from_text(text: &str, default_ttl: u32) -> Result<Vec<Record>, RecordTextError> {
    let mut records: Vec<Record> = Vec::new();
    for line in lines(text)? {
        let previous = records.last().map(|record| record.owner.clone());
        records.push(record(&line, previous, default_ttl)?);
    }
    Ok(records)
}

/// Text that is not a record, and where it stops being one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("record text {line}:{column}: {problem}")]
pub struct RecordTextError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: String,
}

fn record(
    line: &Line<'_>,
    previous: Option<Name>,
    default_ttl: u32,
) -> Result<Record, RecordTextError> {
    let mut fields = Fields::new(line);
    let owner = if line.indented {
        previous.ok_or_else(|| fields.error("the record has no owner name"))?
    } else if fields
        .peek()
        .is_some_and(|token| !token.quoted && token.text.starts_with('$'))
    {
        return Err(fields.error("a directive is not a record"));
    } else {
        fields.name()?
    };
    let (mut ttl, mut class, mut rtype) = (None, None, None);
    while rtype.is_none() {
        let Some(token) = fields.peek() else {
            return Err(fields.error("expected a time to live, class or type"));
        };
        let text = token.text;
        if let (None, Some(time)) = (ttl, seconds(text)) {
            ttl = Some(time);
        } else if let (None, Some(named)) = (class, class_named(text)) {
            class = Some(named);
        } else if let Some(named) = RecordType::from_text(text).filter(|named| is_data(*named)) {
            rtype = Some(named);
        } else {
            let problem = format!("expected a time to live, class or type, found {text:?}");
            return Err(fields.error(&problem));
        }
        fields.skip();
    }
    let rtype = rtype.unwrap_or(RecordType::A);
    let rdata = data::read(rtype, &mut fields)?;
    fields.finish()?;
    if rdata.len() > usize::from(u16::MAX) {
        return Err(fields.error("the data is longer than 65,535 bytes"));
    }
    Ok(Record {
        owner,
        rtype,
        class: class.unwrap_or(Class::IN),
        ttl: ttl.unwrap_or(default_ttl),
        rdata,
    })
}

/// A class that a record can have.
fn class_named(text: &str) -> Option<Class> {
    Class::from_text(text).filter(|class| !matches!(*class, Class::NONE | Class::ANY))
}

/// Whether a type is one of data rather than of questions and connections.
fn is_data(rtype: RecordType) -> bool {
    !matches!(
        rtype,
        RecordType::ANY
            | RecordType::AXFR
            | RecordType::IXFR
            | RecordType::OPT
            | RecordType::TSIG
            | RecordType::TKEY
    )
}

#[cfg(test)]
mod tests;
