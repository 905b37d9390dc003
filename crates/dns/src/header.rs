//! The twelve bytes before the sections of a message (RFC 1035 section 4.1.1, RFC 4035 section 3.2 for AD and CD).

use crate::iana::{Opcode, Rcode};

/// Bytes in a header.
pub const HEADER_LENGTH: usize = 12;

/// The second and third byte pair of a header: one bit field of 16 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u16);

impl Flags {
    /// The message is a response.
    pub const QR: u16 = 0x8000;
    /// The answer is authoritative.
    pub const AA: u16 = 0x0400;
    /// The message was cut to fit its transport.
    pub const TC: u16 = 0x0200;
    /// Recursion is desired.
    pub const RD: u16 = 0x0100;
    /// Recursion is available.
    pub const RA: u16 = 0x0080;
    /// The reserved bit.
    pub const Z: u16 = 0x0040;
    /// The data is authenticated.
    pub const AD: u16 = 0x0020;
    /// Checking is disabled.
    pub const CD: u16 = 0x0010;

    /// Whether every bit of `bits` is set.
    pub const fn has(self, bits: u16) -> bool {
        self.0 & bits == bits
    }

    /// These flags with `bits` set or cleared.
    #[must_use]
    pub const fn with(self, bits: u16, set: bool) -> Self {
        if set {
            Self(self.0 | bits)
        } else {
            Self(self.0 & !bits)
        }
    }

    /// The operation.
    pub const fn opcode(self) -> Opcode {
        Opcode((self.0 >> 11) & 0xf)
    }

    /// The lower four bits of the response code; EDNS carries the rest.
    pub const fn rcode(self) -> Rcode {
        Rcode(self.0 & 0xf)
    }

    /// These flags with the lower four bits of `rcode`.
    #[must_use]
    pub const fn with_rcode(self, rcode: Rcode) -> Self {
        Self((self.0 & !0xf) | (rcode.0 & 0xf))
    }

    /// These flags with `opcode`.
    #[must_use]
    pub const fn with_opcode(self, opcode: Opcode) -> Self {
        Self((self.0 & !0x7800) | ((opcode.0 & 0xf) << 11))
    }
}

/// A header, read from or written to the front of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The message id.
    pub id: u16,
    /// Flags, operation and response code.
    pub flags: Flags,
    /// Entries in the question section.
    pub questions: u16,
    /// Records in the answer section.
    pub answers: u16,
    /// Records in the authority section.
    pub authorities: u16,
    /// Records in the additional section.
    pub additionals: u16,
}

impl Header {
    /// Reads the header of `message`; nothing when it is shorter than one.
    pub fn read(message: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_LENGTH] = message.first_chunk()?;
        let pair = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        Some(Self {
            id: pair(0),
            flags: Flags(pair(2)),
            questions: pair(4),
            answers: pair(6),
            authorities: pair(8),
            additionals: pair(10),
        })
    }

    /// This header's bytes.
    pub fn to_bytes(self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        let fields = [
            self.id,
            self.flags.0,
            self.questions,
            self.answers,
            self.authorities,
            self.additionals,
        ];
        for (place, field) in bytes.chunks_exact_mut(2).zip(fields) {
            place.copy_from_slice(&field.to_be_bytes());
        }
        bytes
    }

    /// Overwrites the header of `message`. A message shorter than a header is left as it is.
    pub fn write(self, message: &mut [u8]) {
        if let Some(place) = message.first_chunk_mut::<HEADER_LENGTH>() {
            *place = self.to_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Flags, Header, Opcode, Rcode};

    #[test]
    fn a_header_reads_back_as_written() {
        let header = Header {
            id: 0x1234,
            flags: Flags(Flags::QR | Flags::RD).with_rcode(Rcode::NXDOMAIN),
            questions: 1,
            answers: 2,
            authorities: 3,
            additionals: 4,
        };
        assert_eq!(Header::read(&header.to_bytes()), Some(header));
        assert_eq!(Header::read(&[0; 11]), None);
    }

    #[test]
    fn opcode_and_rcode_share_the_flags_without_touching_each_other() {
        let flags = Flags(Flags::RD)
            .with_opcode(Opcode::NOTIFY)
            .with_rcode(Rcode::REFUSED);
        assert_eq!(flags.opcode(), Opcode::NOTIFY);
        assert_eq!(flags.rcode(), Rcode::REFUSED);
        assert!(flags.has(Flags::RD) && !flags.has(Flags::AA));
    }
}
