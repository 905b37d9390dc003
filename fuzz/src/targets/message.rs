//! A DNS message: every reader ends with a value or an error, what is written reads back, and a message
//! that was cut reads again and is no longer than it may be.

use nodens_dns::{
    BuildError, Flags, Message, MessageBuilder, Query, Record, RecordType, Section, truncate,
};

use crate::signature::Signature;
use crate::targets::Target;

mod seeds;

pub(super) use seeds::questions;

pub(super) const TARGET: Target = Target {
    name: "message",
    run: target,
    seeds: seeds::seeds,
    words: crate::dictionary::dns,
};

/// Runs one input.
pub fn target(data: &[u8]) -> Signature {
    let mut signature = Signature::new();
    match Query::parse(data) {
        Ok(query) => {
            assert!(query.question().starts_with(query.qname()));
            assert!(query.udp_size() >= 512);
            let message = Message::parse(data).expect("a question is a message");
            let question = message
                .question()
                .expect("its question reads")
                .expect("there is one");
            assert_eq!(question.qname, query.key.to_name());
            assert_eq!(
                (question.qtype, question.qclass),
                (query.qtype, query.qclass)
            );
            assert_eq!(message.edns().expect("every record reads"), query.edns);
            signature.note("query", query.edns.is_some());
        }
        Err(error) => signature.error("query", &error),
    }
    match Message::parse(data) {
        Ok(message) => {
            read_all(&message, &mut signature);
            for limit in [
                0,
                12,
                40,
                100,
                512,
                1232,
                data.len() / 2,
                data.len().saturating_sub(1),
            ] {
                cut(&message, limit, &mut signature);
            }
            write_again(&message, &mut signature);
        }
        Err(error) => signature.error("message", &error),
    }
    signature
}

/// Reads everything that can be read.
fn read_all(message: &Message<'_>, signature: &mut Signature) {
    match message.question() {
        Ok(question) => signature.note("question", question.is_some()),
        Err(error) => signature.error("question", &error),
    }
    signature.note("rcode", message.rcode().0.min(24));
    let mut sections = [0; 3];
    for record in message.records() {
        match record {
            Ok(record) => {
                sections[record.section as usize] += 1;
                match record.owner() {
                    Ok(owner) => {
                        let again = owner.to_string().parse();
                        assert_eq!(again, Ok(owner), "a printed name reads back");
                    }
                    Err(error) => signature.error("owner", &error),
                }
                match record.expanded_rdata() {
                    Ok(data) => {
                        // Two names at most are written out, and each is at most 255 bytes.
                        assert!(data.len() <= record.rdata().len() + 2 * 255);
                        signature.note("type", record.rtype.0.min(300));
                    }
                    Err(error) => signature.error("data", &error),
                }
            }
            Err(error) => signature.error("record", &error),
        }
    }
    for (section, count) in ["answer", "authority", "additional"]
        .into_iter()
        .zip(sections)
    {
        signature.magnitude(section, count);
    }
    if let Ok(Some(edns)) = message.edns() {
        let length: usize = edns.options().map(|(_, data)| 4 + data.len()).sum();
        assert!(length <= edns.options.len());
        signature.magnitude("options", edns.options().count());
        signature.note("version", edns.version.min(2));
    }
}

/// Cuts the message: whole records from its end, or nothing when it cannot be read.
fn cut(message: &Message<'_>, limit: usize, signature: &mut Signature) {
    let before = message.bytes();
    let mut after = before.to_vec();
    truncate(&mut after, limit);
    let Ok(records) = message.records().collect::<Result<Vec<_>, _>>() else {
        return assert_eq!(after, before, "what cannot be read is left alone");
    };
    if before.len() <= limit {
        return assert_eq!(after, before, "what fits is left alone");
    }
    let opts = records
        .iter()
        .filter(|record| record.section == Section::Additional && record.rtype == RecordType::OPT);
    let opt = opts
        .map(|record| record.end - record.start)
        .max()
        .unwrap_or(0);
    let least = message.records_start() + opt;
    assert!(
        after.len() <= limit.max(least),
        "{} bytes, limit {limit}, {least}",
        after.len()
    );
    let cut = Message::parse(&after).expect("a cut message reads");
    let kept: Vec<_> = cut
        .records()
        .map(|record| record.expect("and so does every record"))
        .collect();
    assert!(kept.len() <= records.len());
    assert_eq!(
        cut.edns().is_ok_and(|edns| edns.is_some()),
        opt > 0,
        "the OPT record stays"
    );
    let counts =
        [cut.header(), message.header()].map(|header| (header.answers, header.authorities));
    if counts[0] != counts[1] {
        assert!(cut.flags().has(Flags::TC), "what is missing is said");
    }
    for (kept, record) in kept.iter().zip(&records) {
        if kept.rtype != RecordType::OPT {
            assert_eq!(
                (kept.rtype, kept.ttl, kept.rdata()),
                (record.rtype, record.ttl, record.rdata())
            );
            assert_eq!(kept.owner().is_ok(), record.owner().is_ok());
        } else if kept.section == Section::Additional {
            assert!(
                kept.owner().is_ok_and(|owner| owner.is_root()),
                "the OPT record's name reads"
            );
        }
    }
    signature.magnitude("kept", kept.len());
}

/// Writes the records into a new message and reads them from that.
fn write_again(message: &Message<'_>, signature: &mut Signature) {
    let header = message.header();
    let mut builder = MessageBuilder::new(header.id, header.flags);
    if let Ok(Some(question)) = message.question() {
        builder.question(&question.qname, question.qtype, question.qclass);
    }
    let mut written = Vec::new();
    for view in message.records().flatten() {
        let Ok(record) = Record::from_view(&view) else {
            continue;
        };
        match builder.record(view.section, &record) {
            Ok(()) => written.push((view.section, record)),
            Err(BuildError::TooLong) => signature.note("too long", 0_u8),
        }
    }
    let bytes = builder.finish();
    let again = Message::parse(&bytes).expect("a message that was built reads");
    let mut count = 0;
    for (view, (section, record)) in again.records().zip(&written) {
        let view = view.expect("and so does every record");
        let back = Record::from_view(&view).expect("and every name");
        assert_eq!(view.section, *section);
        assert_eq!(
            (&back.owner, back.rtype, back.class),
            (&record.owner, record.rtype, record.class)
        );
        assert_eq!(back.ttl, record.ttl);
        assert!(
            back.rdata.eq_ignore_ascii_case(&record.rdata),
            "{back:?} is not {record:?}"
        );
        count += 1;
    }
    assert_eq!(count, written.len());
}
