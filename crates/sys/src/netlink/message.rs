//! Writing and reading netlink messages: a header, a fixed part, attributes that may hold attributes
//! (`include/uapi/linux/netlink.h`). Everything is padded to four bytes.

use super::Reply;

/// A message under construction.
#[derive(Debug)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// A message of a type, with `NLM_F_*` flags beyond `NLM_F_REQUEST`, and the fixed part that its type asks for.
    pub(crate) fn new(kind: u16, flags: u16, fixed: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | REQUEST).to_ne_bytes());
        bytes.extend_from_slice(fixed);
        let mut message = Self { bytes };
        message.pad();
        message
    }

    /// With an attribute.
    pub(crate) fn with(mut self, kind: u16, value: &[u8]) -> Self {
        let start = self.begin(kind);
        self.bytes.extend_from_slice(value);
        self.end(start);
        self
    }

    /// With an attribute that is a text ended by a zero byte.
    pub(crate) fn with_text(self, kind: u16, text: &str) -> Self {
        self.with(kind, &nul_terminated(text))
    }

    /// With an attribute that is a number in network order, as all of netfilter's are.
    pub(crate) fn with_u32(self, kind: u16, number: u32) -> Self {
        self.with(kind, &number.to_be_bytes())
    }

    /// With an attribute that holds attributes.
    pub(crate) fn with_nested(mut self, kind: u16, fill: impl FnOnce(Self) -> Self) -> Self {
        let start = self.begin(kind | NESTED);
        let mut filled = fill(self);
        filled.end(start);
        filled
    }

    /// With the flag that asks for an acknowledgement.
    pub(crate) fn acknowledged(mut self) -> Self {
        let flags = self.flags() | ACKNOWLEDGE;
        self.bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        self
    }

    pub(crate) fn is_dump(&self) -> bool {
        self.flags() & DUMP == DUMP
    }

    /// The bytes to send.
    pub(crate) fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }

    fn flags(&self) -> u16 {
        u16::from_ne_bytes([self.bytes[6], self.bytes[7]])
    }

    fn begin(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0, 0]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    fn end(&mut self, start: usize) {
        let length = u16::try_from(self.bytes.len() - start).unwrap_or(u16::MAX);
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// The attributes in a piece of a message.
#[derive(Clone, Debug)]
pub(crate) struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// The attributes after a fixed part of `fixed` bytes.
    pub(crate) fn after(payload: &'a [u8], fixed: usize) -> Self {
        Self(payload.get(fixed.next_multiple_of(4)..).unwrap_or_default())
    }

    /// The value of the first attribute of a kind.
    pub(crate) fn find(&self, kind: u16) -> Option<&'a [u8]> {
        let mut all = self.clone();
        let (_, value) = Iterator::find(&mut all, |(found, _)| *found == kind)?;
        Some(value)
    }

    /// The value as a text.
    pub(crate) fn text(&self, kind: u16) -> Option<&'a str> {
        let value = self.find(kind)?;
        let end = value
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(value.len());
        std::str::from_utf8(&value[..end]).ok()
    }

    /// The attributes within.
    pub(crate) fn nested(&self, kind: u16) -> Self {
        Self(self.find(kind).unwrap_or_default())
    }

    /// The value as a number in network order.
    pub(crate) fn u32(&self, kind: u16) -> Option<u32> {
        self.find(kind)?
            .first_chunk()
            .map(|bytes| u32::from_be_bytes(*bytes))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16::from_ne_bytes(*self.0.first_chunk()?));
        let kind = u16::from_ne_bytes(*self.0.get(2..)?.first_chunk()?);
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind & !(NESTED | NETWORK_ORDER), value))
    }
}

/// Splits what was received into messages with their sequence numbers.
pub(super) fn split(mut bytes: &[u8]) -> Vec<(u32, Reply)> {
    let mut replies = Vec::new();
    while let Some(header) = bytes.first_chunk::<HEADER>() {
        let word = |at: usize| {
            u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let length = usize::try_from(word(0)).unwrap_or(usize::MAX);
        let Some(payload) = bytes.get(HEADER..length) else {
            break;
        };
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        replies.push((
            word(8),
            Reply {
                kind,
                payload: payload.to_vec(),
            },
        ));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    replies
}

/// A text with the zero byte at its end that the kernel expects.
fn nul_terminated(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// `sizeof(struct nlmsghdr)`
const HEADER: usize = 16;
/// `NLM_F_REQUEST`
const REQUEST: u16 = 1;
/// `NLM_F_ACK`
const ACKNOWLEDGE: u16 = 4;
/// `NLM_F_DUMP`
const DUMP: u16 = 0x300;
/// `NLA_F_NESTED`
const NESTED: u16 = 0x8000;
/// `NLA_F_NET_BYTEORDER`
const NETWORK_ORDER: u16 = 0x4000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_as_it_was_written() {
        let message = Message::new(9, 0, &[1, 2, 3, 4])
            .with_text(1, "lo")
            .with_nested(2, |nested| nested.with_u32(5, 7).with(6, &[9]))
            .with(3, &[]);
        let replies = split(&message.finish(11));
        assert_eq!(replies.len(), 1);
        let (sequence, reply) = &replies[0];
        assert_eq!((*sequence, reply.kind), (11, 9));
        let attributes = Attributes::after(&reply.payload, 4);
        assert_eq!(attributes.text(1), Some("lo"));
        assert_eq!(attributes.nested(2).u32(5), Some(7));
        assert_eq!(attributes.nested(2).find(6), Some(&[9][..]));
        assert_eq!(attributes.find(3), Some(&[][..]));
        assert_eq!(attributes.find(4), None);
    }

    #[test]
    fn broken_lengths_end_the_reading() {
        assert!(split(&[255; 20]).is_empty());
        assert_eq!(Attributes::after(&[3, 0, 1, 0, 9], 0).count(), 0);
        assert_eq!(Attributes::after(&[200, 0, 1, 0, 9], 0).count(), 0);
        assert_eq!(Attributes::after(&[0; 8], 0).count(), 0);
        assert_eq!(Attributes::after(&[1], 4).count(), 0);
    }
}
