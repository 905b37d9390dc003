//! Turning a stored or received answer into the reply to one question: the id, flags, case of the name, times to live and
//! OPT record of that question, and no more bytes than its client takes.

use nodens_dns::{Flags, HEADER_LENGTH, Header, Query, Rcode, RecordType, truncate};

use crate::client::{Asked, AskedEdns};

/// What a reply takes from its question, borrowed from wherever the question is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplyTo<'a> {
    pub(crate) id: u16,
    pub(crate) flags: Flags,
    /// The question section as sent.
    pub(crate) question: &'a [u8],
    pub(crate) edns: Option<AskedEdns>,
    /// The largest reply, in bytes.
    pub(crate) limit: usize,
}

/// An Extended DNS Error to put into a reply (RFC 8914): its information code and text.
pub(crate) type ErrorNote<'a> = (u16, &'a str);

impl<'a> ReplyTo<'a> {
    #[inline]
    pub(crate) fn query(query: &Query<'a>, limit: usize) -> Self {
        Self {
            id: query.header.id,
            flags: query.header.flags,
            question: query.question(),
            edns: query.edns.map(|edns| AskedEdns {
                udp_size: edns.udp_size,
                dnssec_ok: edns.dnssec_ok,
            }),
            limit,
        }
    }

    pub(crate) fn asked(asked: &'a Asked, limit: usize) -> Self {
        Self {
            id: asked.id,
            flags: asked.flags,
            question: &asked.question,
            edns: asked.edns,
            limit,
        }
    }

    /// Makes `message`, an answer without OPT, the reply to this question. `from_cache` sets AA (CoreDNS does: some stubs
    /// discard answers without it).
    #[inline]
    pub(crate) fn finish(
        &self,
        message: &mut Vec<u8>,
        rcode: Rcode,
        from_cache: bool,
        note: Option<ErrorNote<'_>>,
    ) {
        let Some(&[a, b, c, d, ..]) = message.first_chunk::<HEADER_LENGTH>() else {
            return;
        };
        let _ = (a, b);
        let stored = u16::from_be_bytes([c, d]);
        let wants_ad = self.flags.has(Flags::AD) || self.edns.is_some_and(|edns| edns.dnssec_ok);
        let ours = OPCODE | Flags::RD | Flags::CD;
        let dropped = ours | if wants_ad { 0 } else { Flags::AD };
        let mut flags = stored & !dropped | self.flags.0 & ours;
        if from_cache {
            flags |= Flags::AA;
        }
        message[..2].copy_from_slice(&self.id.to_be_bytes());
        message[2..4].copy_from_slice(&flags.to_be_bytes());
        let end = HEADER_LENGTH + self.question.len();
        if let Some(place) = message.get_mut(HEADER_LENGTH..end) {
            place.copy_from_slice(self.question);
        }
        if let Some(edns) = self.edns {
            append_opt(message, edns.dnssec_ok, rcode, note);
        }
        if message.len() > self.limit {
            truncate(message, self.limit);
        }
    }

    /// Writes a reply without records into `out`.
    pub(crate) fn empty(&self, out: &mut Vec<u8>, rcode: Rcode, note: Option<ErrorNote<'_>>) {
        out.clear();
        let kept = self.flags.0 & (OPCODE | Flags::RD | Flags::CD) | Flags::QR;
        let header = Header {
            id: self.id,
            flags: Flags(kept).with_rcode(rcode),
            questions: u16::from(!self.question.is_empty()),
            ..Header::default()
        };
        out.extend_from_slice(&header.to_bytes());
        out.extend_from_slice(self.question);
        if let Some(edns) = self.edns {
            append_opt(out, edns.dnssec_ok, rcode, note);
        }
    }
}

/// Overwrites the times to live at `offsets`.
#[inline]
pub(crate) fn set_ttls(message: &mut [u8], offsets: impl Iterator<Item = usize>, seconds: u32) {
    for offset in offsets {
        if let Some(place) = message.get_mut(offset..offset + 4) {
            place.copy_from_slice(&seconds.to_be_bytes());
        }
    }
}

/// Appends an OPT record and counts it.
#[inline]
fn append_opt(message: &mut Vec<u8>, dnssec_ok: bool, rcode: Rcode, note: Option<ErrorNote<'_>>) {
    let [_, extended] = (rcode.0 >> 4).to_be_bytes();
    let [type_high, type_low] = RecordType::OPT.0.to_be_bytes();
    let [size_high, size_low] = OUR_UDP_SIZE.to_be_bytes();
    let dnssec_ok = if dnssec_ok { 0x80 } else { 0 };
    let opt = [
        0, type_high, type_low, size_high, size_low, extended, 0, dnssec_ok, 0,
    ];
    message.extend_from_slice(&opt);
    match note {
        None => message.extend_from_slice(&[0, 0]),
        Some((code, text)) => {
            let text = text
                .get(..text.len().min(NOTE_LIMIT))
                .unwrap_or_default()
                .as_bytes();
            let length = u16::try_from(text.len() + 2).expect("the text is short");
            message.extend_from_slice(&(length + 4).to_be_bytes());
            message.extend_from_slice(&nodens_dns::EdnsOption::EXTENDED_ERROR.to_be_bytes());
            message.extend_from_slice(&length.to_be_bytes());
            message.extend_from_slice(&code.to_be_bytes());
            message.extend_from_slice(text);
        }
    }
    let count = u16::from_be_bytes([message[10], message[11]]).saturating_add(1);
    message[10..12].copy_from_slice(&count.to_be_bytes());
}

/// The size of UDP message that we say we take, and ask upstreams for: what passes every path unfragmented (DNS flag day 2020).
pub(crate) const OUR_UDP_SIZE: u16 = 1232;
/// Longest text of an Extended DNS Error, in bytes.
const NOTE_LIMIT: usize = 120;
const OPCODE: u16 = 0x7800;
