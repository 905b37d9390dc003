//! Cutting a reply to the size its client takes (RFC 1035 section 4.1.1, RFC 2181 section 9).

use crate::header::{Flags, Header};
use crate::iana::RecordType;
use crate::message::{Message, Section};

/// Cuts `message` to at most `limit` bytes by leaving out records from its end; an OPT record is kept.
/// TC is set when an answer or authority record had to go; additional records are left out silently (RFC 2181 section 9).
/// A message that cannot be read is left as it is.
pub fn truncate(message: &mut Vec<u8>, limit: usize) {
    if message.len() <= limit {
        return;
    }
    let Ok(view) = Message::parse(message) else {
        return;
    };
    let mut opt = None;
    for record in view.records() {
        let Ok(record) = record else { return };
        if record.section == Section::Additional && record.rtype == RecordType::OPT {
            // Its owner is the root; written as a pointer, it would not survive the cut.
            let behind_owner = record.ttl_offset - 4;
            opt = Some([&[0], &message[behind_owner..record.end]].concat());
        }
    }
    let room = limit.saturating_sub(opt.as_ref().map_or(0, Vec::len));
    let mut header = view.header();
    let wanted = header;
    (header.answers, header.authorities, header.additionals) = (0, 0, 0);
    let mut end = view.records_start();
    for record in view.records().flatten() {
        let is_opt = record.section == Section::Additional && record.rtype == RecordType::OPT;
        // Compression only points backwards, so a prefix of the records stands on its own.
        if is_opt || record.end > room {
            break;
        }
        end = record.end;
        match record.section {
            Section::Answer => header.answers += 1,
            Section::Authority => header.authorities += 1,
            Section::Additional => header.additionals += 1,
        }
    }
    let cut = header.answers < wanted.answers || header.authorities < wanted.authorities;
    header.flags = header
        .flags
        .with(Flags::TC, cut || header.flags.has(Flags::TC));
    message.truncate(end);
    if let Some(opt) = opt {
        message.extend_from_slice(&opt);
        header.additionals += 1;
    }
    Header::write(header, message);
}

#[cfg(test)]
mod tests {
    use super::truncate;
    use crate::builder::{MessageBuilder, Record};
    use crate::header::Flags;
    use crate::iana::{Class, Rcode, RecordType};
    use crate::message::{Message, Section};
    use crate::name::Name;

    fn reply(answers: u8, additionals: u8) -> Vec<u8> {
        let qname: Name = "many.example.org".parse().unwrap();
        let mut builder = MessageBuilder::new(1, Flags(Flags::QR));
        builder.question(&qname, RecordType::A, Class::IN);
        for index in 0..answers {
            let record = Record::new(qname.clone(), RecordType::A, 5, &[192, 0, 2, index]);
            builder.record(Section::Answer, &record).unwrap();
        }
        for index in 0..additionals {
            let record = Record::new(qname.clone(), RecordType::A, 5, &[192, 0, 2, index]);
            builder.record(Section::Additional, &record).unwrap();
        }
        builder.edns(1232, false, Rcode::NOERROR, &[]);
        builder.finish()
    }

    #[test]
    fn answers_that_do_not_fit_go_and_tc_says_so() {
        let mut message = reply(50, 0);
        truncate(&mut message, 512);
        assert!(message.len() <= 512);
        let view = Message::parse(&message).unwrap();
        assert!(view.flags().has(Flags::TC));
        assert_eq!(view.header().answers, 29);
        assert!(view.edns().unwrap().is_some());
        assert_eq!(view.records().flatten().count(), 30);
    }

    #[test]
    fn additional_records_go_without_tc() {
        let mut message = reply(2, 60);
        truncate(&mut message, 512);
        let view = Message::parse(&message).unwrap();
        assert!(!view.flags().has(Flags::TC));
        assert_eq!(view.header().answers, 2);
        assert!(view.edns().unwrap().is_some());
    }

    #[test]
    fn an_opt_record_that_is_owned_by_a_pointer_still_reads() {
        let mut message = reply(50, 0);
        let opt_start = message.len() - 11;
        // The root byte of the question's name.
        let root = 12 + 17;
        message.splice(opt_start..=opt_start, [0xc0, root]);
        truncate(&mut message, 512);
        let view = Message::parse(&message).unwrap();
        let opt = view.records().last().unwrap().unwrap();
        assert_eq!(opt.rtype, RecordType::OPT);
        assert!(opt.owner().unwrap().is_root());
        assert!(message.len() <= 512);
    }

    #[test]
    fn a_message_that_fits_is_not_touched() {
        let mut message = reply(2, 0);
        let before = message.clone();
        truncate(&mut message, 512);
        assert_eq!(message, before);
    }
}
