//! A whole message as a view over its bytes: the question, then records section by section.

use crate::edns::Edns;
use crate::header::{Flags, HEADER_LENGTH, Header};
use crate::iana::{Class, Rcode, RecordType};
use crate::name::{Name, NameError, expand, skip};

/// A message whose header and question were read; records are read as they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    header: Header,
    records_start: usize,
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Fewer than twelve bytes.
    #[error("the message is shorter than a header")]
    NoHeader,
    /// A record or question ends after the message does.
    #[error("the message ends inside a question or record")]
    Truncated,
    /// A name cannot be read.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The answer section.
    Answer,
    /// The authority section.
    Authority,
    /// The additional section.
    Additional,
}

/// The first entry of the question section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name asked for, in the case it was asked.
    pub qname: Name,
    /// The type asked for.
    pub qtype: RecordType,
    /// The class asked for.
    pub qclass: Class,
}

/// One record, as places in the message it stands in.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    message: &'a [u8],
    /// Where the record stands.
    pub section: Section,
    /// Offset of the owner name.
    pub start: usize,
    /// The record's type.
    pub rtype: RecordType,
    /// The record's class; for OPT, the sender's UDP size.
    pub class: Class,
    /// The time to live, in seconds; for OPT, extended flags.
    pub ttl: u32,
    /// Offset of the four bytes of the time to live.
    pub ttl_offset: usize,
    /// Offset of the data.
    pub rdata_start: usize,
    /// Offset of the first byte after the record.
    pub end: usize,
}

impl<'a> Message<'a> {
    /// Reads the header and steps over the question section.
    ///
    /// # Errors
    /// When the bytes end early or a question name is not one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let header = Header::read(bytes).ok_or(MessageError::NoHeader)?;
        let mut at = HEADER_LENGTH;
        for _ in 0..header.questions {
            at = skip(bytes, at)? + 4;
            if at > bytes.len() {
                return Err(MessageError::Truncated);
            }
        }
        Ok(Self {
            bytes,
            header,
            records_start: at,
        })
    }

    /// The bytes viewed.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The header.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The flags of the header.
    pub const fn flags(&self) -> Flags {
        self.header.flags
    }

    /// Offset of the first record.
    pub const fn records_start(&self) -> usize {
        self.records_start
    }

    /// The first question, if there is one.
    ///
    /// # Errors
    /// When its name cannot be read.
    pub fn question(&self) -> Result<Option<Question>, MessageError> {
        if self.header.questions == 0 {
            return Ok(None);
        }
        let (qname, at) = Name::read(self.bytes, HEADER_LENGTH)?;
        let numbers = self.bytes.get(at..at + 4).ok_or(MessageError::Truncated)?;
        Ok(Some(Question {
            qname,
            qtype: RecordType(u16::from_be_bytes([numbers[0], numbers[1]])),
            qclass: Class(u16::from_be_bytes([numbers[2], numbers[3]])),
        }))
    }

    /// All records in order. The iterator ends after the first error.
    pub fn records(&self) -> impl Iterator<Item = Result<RecordView<'a>, MessageError>> + use<'a> {
        let header = self.header;
        let bytes = self.bytes;
        let answers = u32::from(header.answers);
        let authorities = answers + u32::from(header.authorities);
        let total = authorities + u32::from(header.additionals);
        let mut at = self.records_start;
        let mut index = 0;
        std::iter::from_fn(move || {
            if index >= total {
                return None;
            }
            let section = match index {
                place if place < answers => Section::Answer,
                place if place < authorities => Section::Authority,
                _ => Section::Additional,
            };
            let record = RecordView::read(bytes, at, section);
            match &record {
                Ok(record) => {
                    at = record.end;
                    index += 1;
                }
                Err(_) => index = total,
            }
            Some(record)
        })
    }

    /// The EDNS pseudo-record, if there is one.
    ///
    /// # Errors
    /// When a record before it cannot be read.
    pub fn edns(&self) -> Result<Option<Edns<'a>>, MessageError> {
        for record in self.records() {
            let record = record?;
            if record.section == Section::Additional && record.rtype == RecordType::OPT {
                return Ok(Some(Edns::from_record(&record)));
            }
        }
        Ok(None)
    }

    /// The response code with the extension that EDNS carries.
    pub fn rcode(&self) -> Rcode {
        let low = self.header.flags.rcode();
        match self.edns() {
            Ok(Some(edns)) => Rcode(u16::from(edns.extended_rcode) << 4 | low.0),
            _ => low,
        }
    }
}

impl<'a> RecordView<'a> {
    /// Reads the record at `start`.
    ///
    /// # Errors
    /// When the message ends inside it or its owner name cannot be read.
    pub fn read(message: &'a [u8], start: usize, section: Section) -> Result<Self, MessageError> {
        let at = skip(message, start)?;
        let fixed = message.get(at..at + 10).ok_or(MessageError::Truncated)?;
        let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        let rdata_start = at + 10;
        let end = rdata_start + length;
        if end > message.len() {
            return Err(MessageError::Truncated);
        }
        Ok(Self {
            message,
            section,
            start,
            rtype: RecordType(u16::from_be_bytes([fixed[0], fixed[1]])),
            class: Class(u16::from_be_bytes([fixed[2], fixed[3]])),
            ttl: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ttl_offset: at + 4,
            rdata_start,
            end,
        })
    }

    /// The owner name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn owner(&self) -> Result<Name, MessageError> {
        Ok(Name::read(self.message, self.start)?.0)
    }

    /// The data as it stands in the message; names in it may be compressed.
    pub fn rdata(&self) -> &'a [u8] {
        &self.message[self.rdata_start..self.end]
    }

    /// Checks that the owner name and the names in the data can be read: what a client of the message will do.
    ///
    /// # Errors
    /// When one of them cannot, or runs past the data.
    pub fn check_names(&self) -> Result<(), MessageError> {
        let mut scratch = Vec::with_capacity(64);
        expand(self.message, self.start, &mut scratch)?;
        let Some((before, names)) = names_in_data(self.rtype) else {
            return Ok(());
        };
        let data = self.message.get(..self.end).unwrap_or_default();
        let mut at = self.rdata_start + before;
        for _ in 0..names {
            scratch.clear();
            at = expand(data, at, &mut scratch)?;
        }
        Ok(())
    }

    /// The data with every name in it written out in full, for the types whose names may be compressed
    /// (RFC 3597 section 4: those of RFC 1035, and SRV, which some servers compress all the same).
    ///
    /// # Errors
    /// When a name in the data cannot be read or runs past it.
    pub fn expanded_rdata(&self) -> Result<Vec<u8>, MessageError> {
        let Some((before, names)) = names_in_data(self.rtype) else {
            return Ok(self.rdata().to_vec());
        };
        let mut at = self.rdata_start + before;
        if at > self.end {
            return Err(MessageError::Truncated);
        }
        let mut out = self.message[self.rdata_start..at].to_vec();
        for _ in 0..names {
            at = expand(&self.message[..self.end], at, &mut out)?;
        }
        out.extend_from_slice(&self.message[at..self.end]);
        Ok(out)
    }
}

/// How many bytes and then names the data of a type starts with: the types whose names may be compressed.
pub(crate) const fn names_in_data(rtype: RecordType) -> Option<(usize, usize)> {
    match rtype {
        RecordType::NS | RecordType::CNAME | RecordType::PTR | RecordType::DNAME => Some((0, 1)),
        RecordType::SOA | RecordType::RP => Some((0, 2)),
        RecordType::MX | RecordType::AFSDB | RecordType::KX => Some((2, 1)),
        RecordType::SRV => Some((6, 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, MessageError, Section};
    use crate::builder::{MessageBuilder, Record};
    use crate::header::Flags;
    use crate::iana::{Class, RecordType};
    use crate::name::Name;

    fn sample() -> Vec<u8> {
        let qname: Name = "www.example.org".parse().unwrap();
        let mut builder = MessageBuilder::new(7, Flags(Flags::QR));
        builder.question(&qname, RecordType::A, Class::IN);
        let alias = Record::new(qname, RecordType::CNAME, 60, b"\x03web\x07example\x03org\0");
        builder.record(Section::Answer, &alias).unwrap();
        let target = "web.example.org".parse().unwrap();
        let address = Record::new(target, RecordType::A, 30, &[192, 0, 2, 1]);
        builder.record(Section::Answer, &address).unwrap();
        builder.finish()
    }

    #[test]
    fn records_are_seen_with_their_places() {
        let bytes = sample();
        let message = Message::parse(&bytes).unwrap();
        let records: Vec<_> = message.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].ttl, 60);
        assert_eq!(
            records[0].expanded_rdata().unwrap(),
            b"\x03web\x07example\x03org\0"
        );
        assert_eq!(records[1].owner().unwrap().to_string(), "web.example.org.");
        assert_eq!(records[1].rdata(), [192, 0, 2, 1]);
        assert_eq!(&bytes[records[1].ttl_offset..][..4], [0, 0, 0, 30]);
    }

    #[test]
    fn names_are_checked_in_owner_and_data() {
        let mut bytes = sample();
        let places: Vec<_> = Message::parse(&bytes)
            .unwrap()
            .records()
            .map(|record| record.unwrap())
            .inspect(|record| record.check_names().unwrap())
            .map(|record| (record.start, record.rdata_start))
            .collect();
        let (owner, data) = (places[1].0, places[0].1);
        for at in [owner, data] {
            let before = bytes[at];
            // A label that runs past everything.
            bytes[at] = 63;
            let message = Message::parse(&bytes).unwrap();
            let whole = message
                .records()
                .all(|record| record.is_ok_and(|record| record.check_names().is_ok()));
            assert!(!whole, "at {at}");
            bytes[at] = before;
        }
    }

    #[test]
    fn every_cut_of_a_message_is_an_error_and_never_a_panic() {
        let bytes = sample();
        for length in 0..bytes.len() {
            let Ok(message) = Message::parse(&bytes[..length]) else {
                continue;
            };
            assert!(
                message.records().any(|record| record.is_err()),
                "cut at {length}"
            );
        }
        assert_eq!(
            Message::parse(&bytes[..5]).unwrap_err(),
            MessageError::NoHeader
        );
    }
}
