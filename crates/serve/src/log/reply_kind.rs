//! Sorting replies into the classes by which the `log` directive selects.
//!
//! The kinds and their order of tests are those of `CoreDNS` (`pkg/response/typify.go`), except
//! that signatures past their end are not looked for.

use nodens_dns::{Message, Opcode, Rcode, RecordType, Section};

/// What kind of reply a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyKind {
    /// It has an answer.
    NoError,
    /// NXDOMAIN.
    NameError,
    /// SERVFAIL or NOTIMP.
    ServerError,
    /// The name exists, the type does not.
    NoData,
    /// It points to other name servers.
    Delegation,
    /// A notification or zone transfer.
    Meta,
    /// A dynamic update.
    Update,
    /// Any other error, or no reply.
    OtherError,
}

/// The classes of replies that a `log` directive can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyClass {
    /// `success`
    Success,
    /// `denial`
    Denial,
    /// `error`
    Error,
}

impl ReplyKind {
    /// Sorts a reply; what cannot be read is another error.
    pub fn of(message: &[u8]) -> Self {
        Self::read(message).unwrap_or(ReplyKind::OtherError)
    }

    fn read(message: &[u8]) -> Option<Self> {
        let message = Message::parse(message).ok()?;
        let header = message.header();
        match header.flags.opcode() {
            Opcode::UPDATE => return Some(ReplyKind::Update),
            Opcode::NOTIFY => return Some(ReplyKind::Meta),
            _ => {}
        }
        let question = message.question().ok()?;
        let transfer = [RecordType::AXFR, RecordType::IXFR];
        if question.is_some_and(|question| transfer.contains(&question.qtype)) {
            return Some(ReplyKind::Meta);
        }
        let rcode = message.rcode();
        if header.answers > 0 && rcode == Rcode::NOERROR {
            return Some(ReplyKind::NoError);
        }
        if header.answers > 0 && rcode == Rcode::NXDOMAIN {
            return Some(ReplyKind::OtherError);
        }
        let (mut start_of_authority, mut name_servers) = (false, false);
        if header.authorities > 0 {
            for record in message.records() {
                let record = record.ok()?;
                if record.section == Section::Authority {
                    start_of_authority |= record.rtype == RecordType::SOA;
                    name_servers |= record.rtype == RecordType::NS;
                }
            }
        }
        Some(match rcode {
            Rcode::NOERROR if start_of_authority => ReplyKind::NoData,
            Rcode::NXDOMAIN => ReplyKind::NameError,
            Rcode::SERVFAIL | Rcode::NOTIMP => ReplyKind::ServerError,
            Rcode::NOERROR if name_servers => ReplyKind::Delegation,
            Rcode::NOERROR => ReplyKind::NoError,
            _ => ReplyKind::OtherError,
        })
    }

    /// The class it belongs to.
    pub const fn class(self) -> ReplyClass {
        match self {
            ReplyKind::NoError | ReplyKind::Delegation => ReplyClass::Success,
            ReplyKind::NameError | ReplyKind::NoData => ReplyClass::Denial,
            ReplyKind::ServerError
            | ReplyKind::Meta
            | ReplyKind::Update
            | ReplyKind::OtherError => ReplyClass::Error,
        }
    }

    /// The text of the label `{/log/type}`.
    pub const fn name(self) -> &'static str {
        match self {
            ReplyKind::NoError => "NOERROR",
            ReplyKind::NameError => "NXDOMAIN",
            ReplyKind::ServerError => "SERVERERROR",
            ReplyKind::NoData => "NODATA",
            ReplyKind::Delegation => "DELEGATION",
            ReplyKind::Meta => "META",
            ReplyKind::Update => "UPDATE",
            ReplyKind::OtherError => "OTHERERROR",
        }
    }
}

impl ReplyClass {
    /// The word in a Corefile, and the text of the label `{/log/class}`.
    pub const fn name(self) -> &'static str {
        match self {
            ReplyClass::Success => "success",
            ReplyClass::Denial => "denial",
            ReplyClass::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use nodens_dns::{Class, Flags, MessageBuilder, Name, Record};

    use super::*;

    #[test]
    fn a_reply_is_sorted_by_code_and_sections() {
        let a = (Section::Answer, RecordType::A);
        let soa = (Section::Authority, RecordType::SOA);
        let ns = (Section::Authority, RecordType::NS);
        for (qtype, rcode, records, kind, class) in [
            (
                RecordType::A,
                Rcode::NOERROR,
                &[a][..],
                ReplyKind::NoError,
                ReplyClass::Success,
            ),
            (
                RecordType::A,
                Rcode::NOERROR,
                &[soa],
                ReplyKind::NoData,
                ReplyClass::Denial,
            ),
            (
                RecordType::A,
                Rcode::NOERROR,
                &[ns],
                ReplyKind::Delegation,
                ReplyClass::Success,
            ),
            (
                RecordType::A,
                Rcode::NOERROR,
                &[],
                ReplyKind::NoError,
                ReplyClass::Success,
            ),
            (
                RecordType::A,
                Rcode::NXDOMAIN,
                &[soa],
                ReplyKind::NameError,
                ReplyClass::Denial,
            ),
            (
                RecordType::A,
                Rcode::NXDOMAIN,
                &[a],
                ReplyKind::OtherError,
                ReplyClass::Error,
            ),
            (
                RecordType::A,
                Rcode::SERVFAIL,
                &[],
                ReplyKind::ServerError,
                ReplyClass::Error,
            ),
            (
                RecordType::A,
                Rcode::REFUSED,
                &[],
                ReplyKind::OtherError,
                ReplyClass::Error,
            ),
            (
                RecordType::AXFR,
                Rcode::NOERROR,
                &[a],
                ReplyKind::Meta,
                ReplyClass::Error,
            ),
        ] {
            let name: Name = "www.example.org.".parse().unwrap();
            let flags = Flags(Flags::QR).with_rcode(rcode);
            let mut builder = MessageBuilder::new(1, flags);
            builder.question(&name, qtype, Class::IN);
            for (section, rtype) in records {
                builder
                    .record(*section, &Record::new(name.clone(), *rtype, 30, &[0; 4]))
                    .unwrap();
            }
            let found = ReplyKind::of(&builder.finish());
            assert_eq!((found, found.class()), (kind, class), "{rcode} {records:?}");
        }
        assert_eq!(ReplyKind::of(b"short"), ReplyKind::OtherError);
    }
}
