//! Writing messages: names compressed against those written before, records, the OPT record.

use std::collections::HashMap;

use crate::edns::EdnsOption;
use crate::header::{Flags, HEADER_LENGTH, Header};
use crate::iana::{Class, Rcode, RecordType};
use crate::message::{Message, MessageError, RecordView, Section};
use crate::name::Name;

/// One record to be written. Names in the data are in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The owner name.
    pub owner: Name,
    /// The type.
    pub rtype: RecordType,
    /// The class.
    pub class: Class,
    /// The time to live, in seconds.
    pub ttl: u32,
    /// The data, names in it uncompressed.
    pub rdata: Vec<u8>,
}

/// Why a message cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A record's data is longer than 65,535 bytes, or the message would be.
    #[error("the message would be longer than 65,535 bytes")]
    TooLong,
}

/// A message being written, sections in order.
#[derive(Clone, Debug)]
pub struct MessageBuilder {
    bytes: Vec<u8>,
    header: Header,
    /// Lower-case suffixes written so far and where; only the first 16 KiB can be pointed at.
    suffixes: HashMap<Box<[u8]>, u16>,
}

impl Record {
    /// A record of class IN.
    pub fn new(owner: Name, rtype: RecordType, ttl: u32, rdata: &[u8]) -> Self {
        Self {
            owner,
            rtype,
            class: Class::IN,
            ttl,
            rdata: rdata.to_vec(),
        }
    }

    /// The record at `view`, names written out in full.
    ///
    /// # Errors
    /// When a name in it cannot be read.
    pub fn from_view(view: &RecordView<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            owner: view.owner()?,
            rtype: view.rtype,
            class: view.class,
            ttl: view.ttl,
            rdata: view.expanded_rdata()?,
        })
    }
}

impl MessageBuilder {
    /// An empty message.
    pub fn new(id: u16, flags: Flags) -> Self {
        let header = Header {
            id,
            flags,
            ..Header::default()
        };
        Self {
            bytes: header.to_bytes().to_vec(),
            header,
            suffixes: HashMap::new(),
        }
    }

    /// Opens the reply to `request`: its id, opcode, RD and CD, QR set, its question, and `rcode`.
    pub fn reply_to(request: &Message<'_>, rcode: Rcode) -> Self {
        let asked = request.flags();
        let kept = asked.0 & (0x7800 | Flags::RD | Flags::CD);
        let mut builder = Self::new(
            request.header().id,
            Flags(kept | Flags::QR).with_rcode(rcode),
        );
        if let Ok(Some(question)) = request.question() {
            builder.question(&question.qname, question.qtype, question.qclass);
        }
        builder
    }

    /// Appends a question.
    pub fn question(&mut self, qname: &Name, qtype: RecordType, qclass: Class) {
        self.name(qname);
        self.bytes.extend_from_slice(&qtype.0.to_be_bytes());
        self.bytes.extend_from_slice(&qclass.0.to_be_bytes());
        self.header.questions += 1;
    }

    /// Appends a record; sections must be written in their order.
    ///
    /// # Errors
    /// When the message would grow past 65,535 bytes; nothing is appended then.
    #[expect(
        clippy::unwrap_in_result,
        reason = "the length was checked before, and compression only makes it smaller"
    )]
    pub fn record(&mut self, section: Section, record: &Record) -> Result<(), BuildError> {
        let length = u16::try_from(record.rdata.len()).map_err(|_| BuildError::TooLong)?;
        let room = usize::from(u16::MAX) - self.bytes.len().min(usize::from(u16::MAX));
        if record.owner.as_wire().len() + 10 + usize::from(length) > room {
            return Err(BuildError::TooLong);
        }
        self.name(&record.owner);
        self.bytes.extend_from_slice(&record.rtype.0.to_be_bytes());
        self.bytes.extend_from_slice(&record.class.0.to_be_bytes());
        self.bytes.extend_from_slice(&record.ttl.to_be_bytes());
        let length_at = self.bytes.len();
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.rdata(record);
        let written = self.bytes.len() - length_at - 2;
        let written = u16::try_from(written).expect("compression never makes data longer");
        self.bytes[length_at..length_at + 2].copy_from_slice(&written.to_be_bytes());
        let count = match section {
            Section::Answer => &mut self.header.answers,
            Section::Authority => &mut self.header.authorities,
            Section::Additional => &mut self.header.additionals,
        };
        *count += 1;
        Ok(())
    }

    /// Appends an OPT record (RFC 6891); `rcode` gives the extended bits.
    pub fn edns(&mut self, udp_size: u16, dnssec_ok: bool, rcode: Rcode, options: &[EdnsOption]) {
        self.bytes.push(0);
        self.bytes
            .extend_from_slice(&RecordType::OPT.0.to_be_bytes());
        self.bytes.extend_from_slice(&udp_size.to_be_bytes());
        let [_, extended] = (rcode.0 >> 4).to_be_bytes();
        self.bytes
            .extend_from_slice(&[extended, 0, if dnssec_ok { 0x80 } else { 0 }, 0]);
        let length: usize = options.iter().map(|option| option.data.len() + 4).sum();
        let length = u16::try_from(length).expect("options are a few hundred bytes at most");
        self.bytes.extend_from_slice(&length.to_be_bytes());
        for option in options {
            let size = u16::try_from(option.data.len()).expect("the sum fits, so does the part");
            self.bytes.extend_from_slice(&option.code.to_be_bytes());
            self.bytes.extend_from_slice(&size.to_be_bytes());
            self.bytes.extend_from_slice(&option.data);
        }
        self.header.additionals += 1;
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing but the header was written.
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER_LENGTH
    }

    /// The message.
    pub fn finish(mut self) -> Vec<u8> {
        self.header.write(&mut self.bytes);
        self.bytes
    }

    fn name(&mut self, name: &Name) {
        self.compressed_name(name.as_wire());
    }

    /// Writes an uncompressed wire-form name, pointing at the longest suffix written before.
    fn compressed_name(&mut self, wire: &[u8]) {
        let lower = wire.to_ascii_lowercase();
        let mut at = 0;
        while lower[at] != 0 {
            if let Some(&place) = self.suffixes.get(&lower[at..]) {
                self.bytes
                    .extend_from_slice(&(0xc000 | place).to_be_bytes());
                return;
            }
            if let Some(place) = u16::try_from(self.bytes.len()).ok().filter(|&p| p < 0x4000) {
                self.suffixes.insert(lower[at..].into(), place);
            }
            let end = at + 1 + usize::from(lower[at]);
            self.bytes.extend_from_slice(&wire[at..end]);
            at = end;
        }
        self.bytes.push(0);
    }

    /// Writes the data; names are compressed in the types of RFC 1035 only (RFC 3597 section 4).
    fn rdata(&mut self, record: &Record) {
        let before = match record.rtype {
            RecordType::NS | RecordType::CNAME | RecordType::PTR | RecordType::SOA => 0,
            RecordType::MX => 2,
            _ => {
                self.bytes.extend_from_slice(&record.rdata);
                return;
            }
        };
        let names = if record.rtype == RecordType::SOA {
            2
        } else {
            1
        };
        let mut rest = &record.rdata[..];
        let mut parts = Vec::with_capacity(names);
        let Some((head, tail)) = rest.split_at_checked(before) else {
            self.bytes.extend_from_slice(rest);
            return;
        };
        rest = tail;
        for _ in 0..names {
            let Ok((name, end)) = Name::read(rest, 0) else {
                self.bytes.extend_from_slice(&record.rdata);
                return;
            };
            parts.push(name);
            rest = &rest[end..];
        }
        self.bytes.extend_from_slice(head);
        for part in &parts {
            self.compressed_name(part.as_wire());
        }
        self.bytes.extend_from_slice(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::{MessageBuilder, Record};
    use crate::header::Flags;
    use crate::iana::{Class, Rcode, RecordType};
    use crate::message::{Message, Section};
    use crate::name::Name;

    #[test]
    fn names_are_compressed_against_the_question() {
        let qname: Name = "a.example.org".parse().unwrap();
        let mut builder = MessageBuilder::new(1, Flags(Flags::QR));
        builder.question(&qname, RecordType::MX, Class::IN);
        let start = builder.len();
        let record = Record::new(qname, RecordType::MX, 5, b"\0\x0a\x01b\x07Example\x03org\0");
        builder.record(Section::Answer, &record).unwrap();
        assert_eq!(builder.len() - start, 2 + 10 + 2 + 2 + 2);
        let bytes = builder.finish();
        let message = Message::parse(&bytes).unwrap();
        let view = message.records().next().unwrap().unwrap();
        assert_eq!(
            Record::from_view(&view).unwrap().rdata,
            b"\0\x0a\x01b\x07example\x03org\0"
        );
    }

    #[test]
    fn an_extended_rcode_is_split_between_header_and_opt() {
        let mut builder = MessageBuilder::new(1, Flags(Flags::QR).with_rcode(Rcode::BADVERS));
        builder.edns(1232, true, Rcode::BADVERS, &[]);
        let bytes = builder.finish();
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.rcode(), Rcode::BADVERS);
        assert!(message.edns().unwrap().unwrap().dnssec_ok);
    }

    #[test]
    fn data_that_claims_names_but_holds_none_is_written_as_it_is() {
        let mut builder = MessageBuilder::new(1, Flags(Flags::QR));
        let record = Record::new(Name::root(), RecordType::SOA, 5, &[0x3f, 1]);
        builder.record(Section::Answer, &record).unwrap();
        let bytes = builder.finish();
        let message = Message::parse(&bytes).unwrap();
        let view = message.records().next().unwrap().unwrap();
        assert_eq!(view.rdata(), [0x3f, 1]);
        assert!(view.expanded_rdata().is_err());
    }
}
