//! What the tests of the stages share.

use nodens_corefile::{Defaults, MemoryFiles, ServerBlock};
use nodens_dns::{
    Class, Flags, Message, MessageBuilder, Question, Rcode, Record, RecordType, Section,
    records_from_text,
};

/// The server block of a Corefile.
pub(crate) fn block(keys: &str, directives: &str) -> ServerBlock {
    let text = format!("{keys} {{\n{directives}\n}}\n");
    let files = MemoryFiles::default();
    let config = nodens_corefile::parse("Corefile", &text, &files, &Defaults::default());
    config
        .unwrap_or_else(|error| panic!("{error}"))
        .blocks
        .remove(0)
}

/// A question of class IN.
pub(crate) fn question(qname: &str, qtype: RecordType) -> Question {
    Question {
        qname: qname.parse().unwrap(),
        qtype,
        qclass: Class::IN,
    }
}

/// A reply to a question, its sections in zone-file syntax.
pub(crate) fn reply(
    question: &Question,
    rcode: Rcode,
    [answers, authorities, additionals]: [&str; 3],
) -> Vec<u8> {
    let flags = Flags(Flags::QR | Flags::RD | Flags::RA).with_rcode(rcode);
    let mut builder = MessageBuilder::new(7, flags);
    builder.question(&question.qname, question.qtype, question.qclass);
    for (section, text) in [
        (Section::Answer, answers),
        (Section::Authority, authorities),
        (Section::Additional, additionals),
    ] {
        for record in records_from_text(text, 60).unwrap() {
            builder.record(section, &record).unwrap();
        }
    }
    builder.finish()
}

/// The records of a message as `owner ttl type data`, names in the data as text.
pub(crate) fn records(message: &[u8], section: Section) -> Vec<String> {
    let view = Message::parse(message).unwrap();
    let views = view
        .records()
        .map(Result::unwrap)
        .filter(|view| view.section == section);
    views
        .map(|view| record_text(&Record::from_view(&view).unwrap()))
        .collect()
}

/// A record as `owner ttl type data`.
pub(crate) fn record_text(record: &Record) -> String {
    let name = |at: usize| {
        nodens_dns::Name::read(&record.rdata, at)
            .unwrap()
            .0
            .to_string()
    };
    let data = match (record.rtype, record.rdata.as_slice()) {
        (RecordType::A, &[a, b, c, d]) => format!("{a}.{b}.{c}.{d}"),
        (
            RecordType::CNAME
            | RecordType::NS
            | RecordType::PTR
            | RecordType::DNAME
            | RecordType::SOA,
            _,
        ) => name(0),
        (RecordType::MX, _) => name(2),
        (RecordType::SRV, _) => name(6),
        (RecordType::TXT, text) => String::from_utf8_lossy(&text[1..]).into_owned(),
        (_, other) => format!("{other:02x?}"),
    };
    format!("{} {} {} {data}", record.owner, record.ttl, record.rtype)
}
