//! A reply that a stage makes up itself.

use nodens_dns::{
    Flags, Message, MessageBuilder, Name, Question, Rcode, Record, RecordType, Section,
};

/// A reply without the OPT record, which depends on who gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The response code.
    pub(crate) rcode: u16,
    /// The AA bit.
    pub(crate) authoritative: bool,
    /// The TC bit.
    pub(crate) truncated: bool,
    /// The answer section.
    pub(crate) answers: Vec<Record>,
    /// The authority section.
    pub(crate) authorities: Vec<Record>,
    /// The additional section.
    pub(crate) additionals: Vec<Record>,
    /// An Extended DNS Error for the OPT record (RFC 8914).
    pub(crate) extended_error: Option<ExtendedError>,
}

/// An Extended DNS Error (RFC 8914).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExtendedError {
    /// The information code.
    pub(crate) code: u16,
    /// The extra text; often empty.
    pub(crate) text: String,
}

impl Reply {
    /// An empty reply.
    pub(crate) fn new(rcode: Rcode) -> Self {
        Self {
            rcode: rcode.0,
            ..Self::default()
        }
    }

    /// The reply as a message: `id`, and of `flags` the opcode, RD and CD, are those of the
    /// question. Records that do not fit in 65,535 bytes are left out and TC is set.
    pub(crate) fn to_message(&self, id: u16, flags: Flags, question: &Question) -> Vec<u8> {
        let kept = flags.0 & (OPCODE | Flags::RD | Flags::CD) | Flags::QR;
        let flags = Flags(kept)
            .with(Flags::AA, self.authoritative)
            .with(Flags::TC, self.truncated)
            .with_rcode(Rcode(self.rcode));
        let mut builder = MessageBuilder::new(id, flags);
        builder.question(&question.qname, question.qtype, question.qclass);
        let sections = [
            (Section::Answer, &self.answers),
            (Section::Authority, &self.authorities),
            (Section::Additional, &self.additionals),
        ];
        let mut whole = true;
        for (section, records) in sections {
            for record in records {
                whole = whole && builder.record(section, record).is_ok();
            }
        }
        let mut message = builder.finish();
        if !whole && let Some(byte) = message.get_mut(2) {
            *byte |= TRUNCATED;
        }
        message
    }
}

/// The records of a message by section; an unreadable message gives nothing.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    pub(crate) answers: Vec<Record>,
    pub(crate) authorities: Vec<Record>,
    pub(crate) additionals: Vec<Record>,
}

impl Sections {
    pub(crate) fn read(message: &Message<'_>) -> Option<Self> {
        let mut sections = Self::default();
        for view in message.records() {
            let view = view.ok()?;
            let record = Record::from_view(&view).ok()?;
            match view.section {
                Section::Answer => sections.answers.push(record),
                Section::Authority => sections.authorities.push(record),
                Section::Additional => sections.additionals.push(record),
            }
        }
        Some(sections)
    }

    /// Writes these records under the given header flags and question. Nothing when they do not
    /// fit in a message.
    pub(crate) fn write(
        &self,
        id: u16,
        flags: Flags,
        question: Option<&Question>,
    ) -> Option<Vec<u8>> {
        let mut builder = MessageBuilder::new(id, flags);
        if let Some(question) = question {
            builder.question(&question.qname, question.qtype, question.qclass);
        }
        for (section, records) in [
            (Section::Answer, &self.answers),
            (Section::Authority, &self.authorities),
            (Section::Additional, &self.additionals),
        ] {
            for record in records {
                builder.record(section, record).ok()?;
            }
        }
        Some(builder.finish())
    }

    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        self.answers
            .iter_mut()
            .chain(&mut self.authorities)
            .chain(&mut self.additionals)
    }
}

/// A start of authority for a zone that exists only here.
pub(crate) fn start_of_authority(
    owner: Name,
    primary: &Name,
    mailbox: &Name,
    numbers: [u32; 5],
    ttl: u32,
) -> Record {
    let mut rdata = primary.as_wire().to_vec();
    rdata.extend_from_slice(mailbox.as_wire());
    for number in numbers {
        rdata.extend_from_slice(&number.to_be_bytes());
    }
    Record::new(owner, RecordType::SOA, ttl, &rdata)
}

/// The opcode bits of a header's flags.
const OPCODE: u16 = 0x7800;

/// The TC bit within the third byte of a message.
const TRUNCATED: u8 = 0x02;

#[cfg(test)]
mod tests {
    use nodens_dns::{Class, Flags, Message, Question, Rcode, Record, RecordType};

    use super::Reply;

    fn question() -> Question {
        let qname = "Www.example.org".parse().unwrap();
        Question {
            qname,
            qtype: RecordType::A,
            qclass: Class::IN,
        }
    }

    #[test]
    fn the_header_answers_the_question() {
        let reply = Reply {
            authoritative: true,
            ..Reply::new(Rcode::NXDOMAIN)
        };
        let asked = Flags(Flags::RD | Flags::AD | Flags::CD | Flags::Z);
        let bytes = reply.to_message(7, asked, &question());
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.header().id, 7);
        let expected = Flags(Flags::QR | Flags::AA | Flags::RD | Flags::CD);
        assert_eq!(message.flags(), expected.with_rcode(Rcode::NXDOMAIN));
        assert_eq!(
            message.question().unwrap().unwrap().qname.to_string(),
            "Www.example.org."
        );
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_tc_says_so() {
        let owner: nodens_dns::Name = "example.org".parse().unwrap();
        let big = Record::new(owner, RecordType::TXT, 1, &vec![0; 40_000]);
        let reply = Reply {
            answers: vec![big.clone(), big],
            ..Reply::new(Rcode::NOERROR)
        };
        let bytes = reply.to_message(1, Flags(0), &question());
        let message = Message::parse(&bytes).unwrap();
        assert!(message.flags().has(Flags::TC));
        assert_eq!(message.header().answers, 1);
        assert_eq!(message.records().flatten().count(), 1);
    }
}
