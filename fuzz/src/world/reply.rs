//! What every reply must be, whatever was asked and whatever upstreams said.

use nodens_dns::{Flags, Header, Message, Query, QueryError, RecordType, Section};
use nodens_resolve::{Facts, Transport};

use crate::signature::Signature;

/// Panics when `reply` is not a reply to `asked` that its client can use.
#[track_caller]
pub(crate) fn check_reply(
    asked: &[u8],
    transport: Transport,
    reply: &[u8],
    facts: &Facts,
    signature: &mut Signature,
) {
    let question = Header::read(asked).expect("what is shorter than a header is not answered");
    let query = Query::parse(asked);
    let message = Message::parse(reply).expect("a reply reads");
    let header = message.header();
    assert!(header.flags.has(Flags::QR), "a reply says that it is one");
    assert_eq!(
        header.id, question.id,
        "the reply has the id of the question"
    );
    assert_eq!(
        header.flags.opcode(),
        question.flags.opcode(),
        "and its opcode"
    );
    assert_eq!(
        header.flags.has(Flags::RD),
        question.flags.has(Flags::RD),
        "and its RD"
    );
    let limit = match (&query, transport) {
        (Ok(query), Transport::Udp) => usize::from(query.udp_size()),
        (Err(_), Transport::Udp) => 512,
        (_, Transport::Tcp) => usize::from(u16::MAX),
    };
    assert!(
        reply.len() <= limit,
        "{} bytes where {limit} may be",
        reply.len()
    );

    let mut opts = 0;
    for record in message.records() {
        let record = record.expect("every record of a reply reads");
        let owner = record.owner().expect("and so does its name");
        record.expanded_rdata().expect("and the names in its data");
        if record.rtype == RecordType::OPT {
            opts += 1;
            assert!(owner.is_root() && record.section == Section::Additional);
        }
        signature.note(
            "record",
            u64::from(record.rtype.0.min(300)) << 2 | record.section as u64,
        );
    }
    let wants_edns = match &query {
        Ok(query) => query.edns.is_some(),
        Err(error) => *error == QueryError::BadVersion,
    };
    assert_eq!(
        opts,
        u32::from(wants_edns),
        "an OPT record where there was one in the question"
    );
    if let Ok(query) = &query {
        assert_eq!(header.questions, 1);
        let end = reply.len().min(12 + query.question().len());
        assert_eq!(
            &reply[12..end],
            query.question(),
            "the question comes back as it was sent"
        );
    }
    if wants_edns {
        assert_eq!(
            message.rcode().0,
            facts.rcode,
            "the code that is counted is the one that is sent"
        );
    } else if facts.rcode > 15 {
        assert_ne!(
            header.flags.rcode().0,
            0,
            "an error that cannot be told is no success"
        );
    } else {
        assert_eq!(header.flags.rcode().0, facts.rcode);
    }
    signature.note("rcode", facts.rcode.min(24));
    signature.note("truncated", header.flags.has(Flags::TC));
    signature.note(
        "by",
        u64::from(facts.plugin as u8) << 4 | facts.cache as u64,
    );
    signature.magnitude("answers", usize::from(header.answers));
    signature.magnitude("size", reply.len());
}
