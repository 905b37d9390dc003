//! What a client asks: read in one pass, without an allocation, with the checks that come before any answer.
//!
//! The order of the checks is that of the `miekg/dns` accept function and of CoreDNS's server: responses are dropped,
//! other operations are NOTIMP, more than one question or too many records are FORMERR, an EDNS version other than 0 is
//! BADVERS (RFC 6891 section 6.1.3).

use crate::edns::Edns;
use crate::header::{Flags, HEADER_LENGTH, Header};
use crate::iana::{Class, Opcode, RecordType};
use crate::message::{Message, Section};
use crate::name::NameKey;

/// A well-formed question of a client.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    message: &'a [u8],
    /// The header as sent.
    pub header: Header,
    /// The name in lower case.
    pub key: NameKey,
    /// The type asked for.
    pub qtype: RecordType,
    /// The class asked for.
    pub qclass: Class,
    /// The OPT record, if there was one.
    pub edns: Option<Edns<'a>>,
}

/// Why a message is not a question that can be answered, and so what to send instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Shorter than a header: nothing can be sent back.
    #[error("shorter than a DNS header")]
    TooShort,
    /// A response: answering one invites loops.
    #[error("a response where a question was expected")]
    Response,
    /// An operation other than QUERY and NOTIFY: NOTIMP.
    #[error("an operation that is not implemented")]
    NotImplemented,
    /// The sections do not hold what the header says, or more than a question may have: FORMERR.
    #[error("a malformed message")]
    Malformed,
    /// An EDNS version that is not 0: BADVERS.
    #[error("an EDNS version that is not supported")]
    BadVersion,
}

impl<'a> Query<'a> {
    /// Reads a client's message.
    ///
    /// # Errors
    /// When it is not one question in a form that can be answered.
    #[inline]
    pub fn parse(message: &'a [u8]) -> Result<Self, QueryError> {
        let header = Header::read(message).ok_or(QueryError::TooShort)?;
        if header.flags.has(Flags::QR) {
            return Err(QueryError::Response);
        }
        if !matches!(header.flags.opcode(), Opcode::QUERY | Opcode::NOTIFY) {
            return Err(QueryError::NotImplemented);
        }
        if header.questions != 1
            || header.answers > 1
            || header.authorities > 1
            || header.additionals > 2
        {
            return Err(QueryError::Malformed);
        }
        let key = NameKey::read(message, HEADER_LENGTH).map_err(|_| QueryError::Malformed)?;
        let name_end = HEADER_LENGTH + key.as_wire().len();
        let numbers = message
            .get(name_end..name_end + 4)
            .ok_or(QueryError::Malformed)?;
        let qtype = RecordType(u16::from_be_bytes([numbers[0], numbers[1]]));
        let qclass = Class(u16::from_be_bytes([numbers[2], numbers[3]]));
        let edns = find_edns(message, &header, name_end + 4)?;
        if edns.is_some_and(|edns| edns.version != 0) {
            return Err(QueryError::BadVersion);
        }
        Ok(Self {
            message,
            header,
            key,
            qtype,
            qclass,
            edns,
        })
    }

    /// The whole message.
    pub const fn message(&self) -> &'a [u8] {
        self.message
    }

    /// The name in wire form, in the case it was asked.
    #[inline]
    pub fn qname(&self) -> &'a [u8] {
        &self.message[HEADER_LENGTH..HEADER_LENGTH + self.key.as_wire().len()]
    }

    /// The question section: name, type and class as sent.
    #[inline]
    pub fn question(&self) -> &'a [u8] {
        &self.message[HEADER_LENGTH..HEADER_LENGTH + self.key.as_wire().len() + 4]
    }

    /// Whether DNSSEC records are wanted.
    #[inline]
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }

    /// The largest UDP reply the client takes, in bytes: 512 without EDNS (RFC 1035), at least 512 with it (RFC 6891 section 6.2.3).
    #[inline]
    pub fn udp_size(&self) -> u16 {
        self.edns.map_or(512, |edns| edns.udp_size.max(512))
    }
}

/// The OPT record. The usual question has it as its only record, right after the question.
#[inline]
fn find_edns<'a>(
    message: &'a [u8],
    header: &Header,
    at: usize,
) -> Result<Option<Edns<'a>>, QueryError> {
    if header.answers == 0 && header.authorities == 0 {
        if header.additionals == 0 {
            return Ok(None);
        }
        let rest = &message[at..];
        if let Some(
            &[
                0,
                0,
                41,
                size_high,
                size_low,
                a,
                b,
                c,
                d,
                length_high,
                length_low,
            ],
        ) = rest.first_chunk::<11>()
            && header.additionals == 1
        {
            let length = usize::from(u16::from_be_bytes([length_high, length_low]));
            let options = rest.get(11..11 + length).ok_or(QueryError::Malformed)?;
            let size = u16::from_be_bytes([size_high, size_low]);
            let ttl = u32::from_be_bytes([a, b, c, d]);
            return Ok(Some(Edns::from_parts(size, ttl, options)));
        }
    }
    find_edns_among_records(message)
}

#[cold]
fn find_edns_among_records(message: &[u8]) -> Result<Option<Edns<'_>>, QueryError> {
    let mut found = None;
    let message = Message::parse(message).map_err(|_| QueryError::Malformed)?;
    for record in message.records() {
        let record = record.map_err(|_| QueryError::Malformed)?;
        if record.section != Section::Additional || record.rtype != RecordType::OPT {
            continue;
        }
        // RFC 6891 section 6.1.1: more than one OPT, or one not owned by the root, is FORMERR.
        let root = record.ttl_offset - record.start == 5;
        if found.is_some() || !root {
            return Err(QueryError::Malformed);
        }
        found = Some(Edns::from_record(&record));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Query, QueryError};
    use crate::builder::MessageBuilder;
    use crate::header::Flags;
    use crate::iana::{Class, Opcode, Rcode, RecordType};

    fn question(flags: Flags) -> MessageBuilder {
        let mut builder = MessageBuilder::new(9, flags);
        builder.question(
            &"Www.Example.org".parse().unwrap(),
            RecordType::A,
            Class::IN,
        );
        builder
    }

    #[test]
    fn a_plain_question_is_read() {
        let bytes = question(Flags(Flags::RD)).finish();
        let query = Query::parse(&bytes).unwrap();
        assert_eq!(query.key.as_wire(), b"\x03www\x07example\x03org\0");
        assert_eq!(query.qname(), b"\x03Www\x07Example\x03org\0");
        assert_eq!((query.udp_size(), query.dnssec_ok()), (512, false));
    }

    #[test]
    fn edns_gives_size_and_dnssec_ok() {
        let mut builder = question(Flags(0));
        builder.edns(100, true, Rcode::NOERROR, &[]);
        let bytes = builder.finish();
        let query = Query::parse(&bytes).unwrap();
        assert_eq!((query.udp_size(), query.dnssec_ok()), (512, true));
    }

    #[test]
    fn what_cannot_be_answered_is_told_apart() {
        let error = |bytes: &[u8]| Query::parse(bytes).unwrap_err();
        assert_eq!(error(&[0; 4]), QueryError::TooShort);
        assert_eq!(
            error(&question(Flags(Flags::QR)).finish()),
            QueryError::Response
        );
        let update = question(Flags(0).with_opcode(Opcode::UPDATE)).finish();
        assert_eq!(error(&update), QueryError::NotImplemented);
        assert_eq!(
            error(&MessageBuilder::new(1, Flags(0)).finish()),
            QueryError::Malformed
        );
        let mut two = question(Flags(0));
        two.question(&"b".parse().unwrap(), RecordType::A, Class::IN);
        assert_eq!(error(&two.finish()), QueryError::Malformed);
        let mut bytes = question(Flags(0));
        bytes.edns(1232, false, Rcode::NOERROR, &[]);
        let mut bytes = bytes.finish();
        let version_at = bytes.len() - 5;
        bytes[version_at] = 1;
        assert_eq!(error(&bytes), QueryError::BadVersion);
        bytes.truncate(version_at);
        assert_eq!(error(&bytes), QueryError::Malformed);
    }

    #[test]
    fn two_opt_records_are_malformed() {
        let mut builder = question(Flags(0));
        builder.edns(1232, false, Rcode::NOERROR, &[]);
        builder.edns(1232, false, Rcode::NOERROR, &[]);
        assert_eq!(
            Query::parse(&builder.finish()).unwrap_err(),
            QueryError::Malformed
        );
    }
}
