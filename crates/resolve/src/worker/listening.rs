//! Which messages of an upstream are answers at all.

use nodens_dns::{Flags, HEADER_LENGTH, Header, Message, RecordView};

use super::errand::vary_case;
use crate::cache::same_question;

/// Whether `message` is a response to the question section `asked` (RFC 5452 section 9.1). A name that was sent with `case`
/// must come back in it.
pub(super) fn answers(message: &[u8], asked: &[u8], case: Option<u64>) -> bool {
    let Some(header) = Header::read(message) else {
        return false;
    };
    if !header.flags.has(Flags::QR) || header.questions > 1 {
        return false;
    }
    if header.questions == 0 {
        // Some servers leave the question out of an error (FORMERR before the question was read).
        return matches!(header.flags.rcode().0, 1 | 2 | 4 | 5) && header.answers == 0;
    }
    let Some(question) = message.get(HEADER_LENGTH..HEADER_LENGTH + asked.len()) else {
        return false;
    };
    match case {
        None => same_question(question, asked),
        Some(random) => {
            let mut sent = asked.to_vec();
            let name_end = sent.len() - 4;
            vary_case(&mut sent[..name_end], random);
            question == sent
        }
    }
}

/// The answer, if all of its records and the names in them can be read. One that was cut inside a record and says so becomes an
/// empty one that says so, as in CoreDNS.
pub(super) fn readable(message: &[u8]) -> Option<Vec<u8>> {
    let view = Message::parse(message).ok()?;
    // A client that cannot read a name drops the whole reply and waits for another.
    let reads =
        |record: Result<RecordView<'_>, _>| record.is_ok_and(|record| record.check_names().is_ok());
    if view.records().all(reads) {
        return Some(message.to_vec());
    }
    if !view.flags().has(Flags::TC) {
        return None;
    }
    let mut cut = message.get(..view.records_start())?.to_vec();
    let header = Header {
        answers: 0,
        authorities: 0,
        additionals: 0,
        ..view.header()
    };
    header.write(&mut cut);
    Some(cut)
}

#[cfg(test)]
mod tests {
    use nodens_dns::{Class, Flags, Header, MessageBuilder, Rcode, Record, RecordType, Section};

    use super::{answers, readable};

    fn reply(flags: u16) -> Vec<u8> {
        let qname = "www.example.org".parse().unwrap();
        let mut builder = MessageBuilder::new(0, Flags(Flags::QR | flags));
        builder.question(&qname, RecordType::A, Class::IN);
        let record = Record::new(qname, RecordType::A, 60, &[192, 0, 2, 1]);
        builder.record(Section::Answer, &record).unwrap();
        builder.finish()
    }

    #[test]
    fn no_cut_or_changed_message_is_taken_for_something_it_is_not() {
        let asked = b"\x03www\x07example\x03org\0\0\x01\0\x01";
        let whole = reply(0);
        assert!(answers(&whole, asked, None));
        for length in 0..12 + asked.len() {
            assert!(!answers(&whole[..length], asked, None), "cut at {length}");
        }
        for place in 12..12 + asked.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            assert!(!answers(&changed, asked, None), "changed at {place}");
        }
    }

    #[test]
    fn an_error_without_the_question_is_an_answer_and_anything_else_is_not() {
        for (rcode, taken) in [(Rcode::FORMERR, true), (Rcode::NOERROR, false)] {
            let flags = Flags(Flags::QR).with_rcode(rcode);
            let message = Header {
                flags,
                ..Header::default()
            }
            .to_bytes();
            assert_eq!(answers(&message, b"\0\0\x01\0\x01", None), taken, "{rcode}");
        }
    }

    #[test]
    fn a_message_cut_inside_a_record_is_empty_if_it_says_so_and_unreadable_if_not() {
        let cut = |mut message: Vec<u8>| {
            message.pop();
            readable(&message)
        };
        assert_eq!(readable(&reply(0)), Some(reply(0)));
        assert_eq!(cut(reply(0)), None);
        let empty = cut(reply(Flags::TC)).unwrap();
        assert_eq!(Header::read(&empty).unwrap().answers, 0);
        assert!(readable(&empty).is_some());
    }
}
