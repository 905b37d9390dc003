//! `minimal`: a positive answer without its authority and additional sections.
//!
//! Denials keep their start of authority, delegations their name servers, errors everything. The
//! OPT record is no data and stays.

use nodens_dns::{Header, Message, Opcode, Rcode, RecordType, Section};

/// Cuts the sections that a stub has no use for. A message that cannot be read is left as it is.
pub(crate) fn minimal(message: &mut Vec<u8>) {
    let Ok(view) = Message::parse(message) else {
        return;
    };
    let Some(cut) = plan(&view) else {
        return;
    };
    let opt = cut.opt.map(|(start, end)| message[start..end].to_vec());
    let header = Header {
        authorities: 0,
        additionals: u16::from(opt.is_some()),
        ..view.header()
    };
    message.truncate(cut.answers_end);
    // Nothing in an OPT record points elsewhere in the message, so it can move.
    message.extend(opt.unwrap_or_default());
    header.write(message);
}

struct Cut {
    answers_end: usize,
    opt: Option<(usize, usize)>,
}

/// What to keep; nothing when the message is not a positive answer.
fn plan(view: &Message<'_>) -> Option<Cut> {
    let header = view.header();
    if header.flags.opcode() != Opcode::QUERY || view.rcode() != Rcode::NOERROR {
        return None;
    }
    let transfer = |qtype| matches!(qtype, RecordType::AXFR | RecordType::IXFR);
    if view
        .question()
        .ok()?
        .is_some_and(|question| transfer(question.qtype))
    {
        return None;
    }
    let mut cut = Cut {
        answers_end: view.records_start(),
        opt: None,
    };
    for record in view.records() {
        let record = record.ok()?;
        match (record.section, record.rtype) {
            (Section::Answer, _) => cut.answers_end = record.end,
            (Section::Authority, RecordType::SOA | RecordType::NS) if header.answers == 0 => {
                return None;
            }
            (Section::Additional, RecordType::OPT) => cut.opt = Some((record.start, record.end)),
            _ => {}
        }
    }
    Some(cut)
}

#[cfg(test)]
mod tests {
    use nodens_dns::{
        Class, Flags, Message, MessageBuilder, Rcode, Record, RecordType, Section,
        records_from_text,
    };

    use super::minimal;

    fn message(rcode: Rcode, answer: &str, authority: &str, additional: &str) -> Vec<u8> {
        let mut builder = MessageBuilder::new(1, Flags(Flags::QR).with_rcode(rcode));
        builder.question(&"example.org".parse().unwrap(), RecordType::A, Class::IN);
        for (section, text) in [
            (Section::Answer, answer),
            (Section::Authority, authority),
            (Section::Additional, additional),
        ] {
            for record in records_from_text(text, 60).unwrap() {
                builder.record(section, &record).unwrap();
            }
        }
        builder.edns(1232, true, Rcode::NOERROR, &[]);
        builder.finish()
    }

    fn counts(mut bytes: Vec<u8>) -> (u16, u16, u16) {
        minimal(&mut bytes);
        let view = Message::parse(&bytes).unwrap();
        assert!(view.edns().unwrap().is_some_and(|edns| edns.dnssec_ok));
        assert!(
            view.records()
                .all(|record| Record::from_view(&record.unwrap()).is_ok())
        );
        let header = view.header();
        (header.answers, header.authorities, header.additionals)
    }

    const A: &str = "example.org. A 192.0.2.1";
    const NS: &str = "example.org. NS ns.example.org.\nexample.org. NS ns2.example.org.";
    const GLUE: &str = "ns.example.org. A 192.0.2.53";
    const SOA: &str = "example.org. SOA ns.example.org. admin.example.org. 1 2 3 4 5";

    #[test]
    fn a_positive_answer_loses_what_it_does_not_need() {
        assert_eq!(counts(message(Rcode::NOERROR, A, NS, GLUE)), (1, 0, 1));
        assert_eq!(counts(message(Rcode::NOERROR, A, SOA, GLUE)), (1, 0, 1));
        assert_eq!(counts(message(Rcode::NOERROR, "", "", GLUE)), (0, 0, 1));
    }

    #[test]
    fn denials_delegations_and_errors_stay_whole() {
        assert_eq!(counts(message(Rcode::NOERROR, "", SOA, GLUE)), (0, 1, 2));
        assert_eq!(counts(message(Rcode::NXDOMAIN, "", SOA, GLUE)), (0, 1, 2));
        assert_eq!(counts(message(Rcode::NXDOMAIN, A, SOA, GLUE)), (1, 1, 2));
        assert_eq!(counts(message(Rcode::NOERROR, "", NS, GLUE)), (0, 2, 2));
        assert_eq!(counts(message(Rcode::SERVFAIL, "", NS, GLUE)), (0, 2, 2));
        assert_eq!(counts(message(Rcode::REFUSED, "", NS, GLUE)), (0, 2, 2));
    }

    #[test]
    fn a_message_cut_anywhere_is_left_as_it_is() {
        let whole = message(Rcode::NOERROR, A, NS, GLUE);
        for length in 0..whole.len() {
            let mut bytes = whole[..length].to_vec();
            minimal(&mut bytes);
            assert_eq!(bytes, whole[..length]);
        }
    }
}
