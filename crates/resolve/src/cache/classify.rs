//! What an answer is, and the form in which it is kept.
//!
//! Kinds follow CoreDNS's `response.Typify` (RFC 2308): an SOA in the authority section makes NXDOMAIN or an empty NOERROR a
//! denial; so does an alias that leads to no data (RFC 2308 section 2.2). SERVFAIL and NOTIMP are failures; truncated answers,
//! zone transfers and other response codes are not kept.

use nodens_dns::{
    Flags, HEADER_LENGTH, Header, Message, MessageBuilder, Rcode, Record, RecordType, Section,
};

/// An answer without its OPT record, ready to be kept and sent.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The message; its id is 0.
    pub(crate) message: Vec<u8>,
    /// Where its times to live are.
    pub(crate) ttl_offsets: Vec<u16>,
    /// The least of them, in seconds; nothing when no record says how long the answer holds.
    pub(crate) least_ttl: Option<u32>,
    /// What it is.
    pub(crate) kind: AnswerKind,
    /// The response code, its extended part included.
    pub(crate) rcode: Rcode,
    /// Whether it is NOERROR without an answer.
    pub(crate) no_data: bool,
}

/// What an answer is to a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    /// Records, a delegation, or an empty answer without a reason.
    Success,
    /// NXDOMAIN or NODATA with the SOA that says for how long.
    Denial,
    /// SERVFAIL or NOTIMP.
    Failure,
    /// Truncated, or a response code that says nothing of the name.
    Uncacheable,
}

impl Answer {
    /// Reads an upstream's or a stage's message; nothing when it is not well-formed.
    /// `question` replaces the question section: the same name in lower case.
    pub(crate) fn read(bytes: &[u8], question: &[u8]) -> Option<Self> {
        let rcode = Message::parse(bytes).ok()?.rcode();
        let mut message = without_opt(bytes)?;
        Header {
            id: 0,
            ..Header::read(&message)?
        }
        .write(&mut message);
        let place = message.get_mut(HEADER_LENGTH..HEADER_LENGTH + question.len())?;
        if !same_question(place, question) {
            return None;
        }
        place.copy_from_slice(question);
        let [.., high, low, _, _] = *question else {
            return None;
        };
        let qtype = RecordType(u16::from_be_bytes([high, low]));
        let view = Message::parse(&message).ok()?;
        let mut seen = Seen::new(qtype);
        let mut end = view.records_start();
        let mut ttl_offsets = Vec::with_capacity(4);
        for record in view.records() {
            let record = record.ok()?;
            seen.note(&record);
            ttl_offsets.push(u16::try_from(record.ttl_offset).ok()?);
            end = record.end;
        }
        let header = view.header();
        let kind = seen.kind(rcode, header.flags);
        message.truncate(end);
        Some(Self {
            no_data: rcode == Rcode::NOERROR && header.answers == 0,
            message,
            ttl_offsets,
            least_ttl: if kind == AnswerKind::Success && !seen.answers {
                None
            } else {
                seen.least_ttl
            },
            kind,
            rcode,
        })
    }

    /// Gives every record this time to live.
    pub(crate) fn set_ttl(&mut self, seconds: u32) {
        for &offset in &self.ttl_offsets {
            let offset = usize::from(offset);
            if let Some(place) = self.message.get_mut(offset..offset + 4) {
                place.copy_from_slice(&seconds.to_be_bytes());
            }
        }
    }
}

/// What the records of a message are.
#[derive(Debug)]
struct Seen {
    qtype: RecordType,
    answers: bool,
    /// An answer of the type asked for.
    wanted: bool,
    soa: bool,
    least_ttl: Option<u32>,
}

impl Seen {
    fn new(qtype: RecordType) -> Self {
        Self {
            qtype,
            answers: false,
            wanted: false,
            soa: false,
            least_ttl: None,
        }
    }

    fn note(&mut self, record: &nodens_dns::RecordView<'_>) {
        match record.section {
            Section::Answer => {
                self.answers = true;
                self.wanted |= self.qtype == RecordType::ANY || record.rtype == self.qtype;
            }
            Section::Authority => self.soa |= record.rtype == RecordType::SOA,
            Section::Additional => {}
        }
        // RFC 2181 section 8: a time to live with the top bit set is zero.
        let ttl = if record.ttl > i32::MAX.unsigned_abs() {
            0
        } else {
            record.ttl
        };
        let ttl = if record.section == Section::Authority && record.rtype == RecordType::SOA {
            ttl.min(soa_minimum(record.rdata()).unwrap_or(ttl))
        } else {
            ttl
        };
        self.least_ttl = Some(self.least_ttl.map_or(ttl, |least| least.min(ttl)));
    }

    fn kind(&self, rcode: Rcode, flags: Flags) -> AnswerKind {
        let transfer = matches!(self.qtype, RecordType::AXFR | RecordType::IXFR);
        if flags.has(Flags::TC) || transfer {
            return AnswerKind::Uncacheable;
        }
        match rcode {
            Rcode::NOERROR if self.soa && !self.wanted => AnswerKind::Denial,
            Rcode::NOERROR => AnswerKind::Success,
            Rcode::NXDOMAIN if self.soa => AnswerKind::Denial,
            Rcode::SERVFAIL | Rcode::NOTIMP => AnswerKind::Failure,
            _ => AnswerKind::Uncacheable,
        }
    }
}

/// Whether two question sections ask the same: case counts for nothing in the name, and for everything in type and class,
/// where 65 (HTTPS) is not 97.
pub(crate) fn same_question(one: &[u8], other: &[u8]) -> bool {
    match (one.split_last_chunk::<4>(), other.split_last_chunk::<4>()) {
        (Some((name, numbers)), Some((other_name, other_numbers))) => {
            numbers == other_numbers && name.eq_ignore_ascii_case(other_name)
        }
        _ => false,
    }
}

/// The MINIMUM field of SOA data (RFC 2308 section 5): its last four bytes.
fn soa_minimum(rdata: &[u8]) -> Option<u32> {
    rdata
        .last_chunk::<4>()
        .map(|&bytes| u32::from_be_bytes(bytes))
}

/// The message without its OPT record.
fn without_opt(bytes: &[u8]) -> Option<Vec<u8>> {
    let view = Message::parse(bytes).ok()?;
    let header = view.header();
    let mut opt = None;
    let mut opts = 0;
    let mut end = view.records_start();
    for record in view.records() {
        let record = record.ok()?;
        if record.rtype == RecordType::OPT {
            opt = Some((record.start, record.end));
            opts += 1;
        }
        end = record.end;
    }
    let Some((start, opt_end)) = opt else {
        return Some(bytes[..end].to_vec());
    };
    if opt_end == end && opts == 1 && header.additionals > 0 {
        let mut message = bytes[..start].to_vec();
        Header {
            additionals: header.additionals - 1,
            ..header
        }
        .write(&mut message);
        return Some(message);
    }
    // Records behind the OPT may hold compression pointers to places behind it: write them anew.
    let mut builder = MessageBuilder::new(header.id, header.flags);
    let question = view.question().ok()??;
    builder.question(&question.qname, question.qtype, question.qclass);
    for record in view.records() {
        let record = record.ok()?;
        if record.rtype != RecordType::OPT {
            builder
                .record(record.section, &Record::from_view(&record).ok()?)
                .ok()?;
        }
    }
    Some(builder.finish())
}
