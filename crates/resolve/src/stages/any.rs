//! `any`: a small answer to ANY questions (RFC 8482 section 4.2).

use nodens_dns::{Question, Rcode, Record, RecordType};

use super::Reply;

/// The reply to a question for ANY; nothing for other questions.
pub(crate) fn any(question: &Question) -> Option<Reply> {
    if question.qtype != RecordType::ANY {
        return None;
    }
    let record = Record::new(question.qname.clone(), RecordType::HINFO, TTL, HINFO);
    Some(Reply {
        answers: vec![record],
        ..Reply::new(Rcode::NOERROR)
    })
}

/// CPU and operating system, each after its length.
const HINFO: &[u8] = b"\x0dANY obsoleted\x0cSee RFC 8482";

/// As long as CoreDNS says, in seconds: the number of the RFC.
const TTL: u32 = 8482;

#[cfg(test)]
mod tests {
    use nodens_dns::{Class, Question, RecordType};

    use super::any;

    fn question(qtype: RecordType) -> Question {
        Question {
            qname: "example.org".parse().unwrap(),
            qtype,
            qclass: Class::IN,
        }
    }

    #[test]
    fn a_question_for_any_gets_hinfo() {
        let reply = any(&question(RecordType::ANY)).unwrap();
        assert_eq!(reply.answers.len(), 1);
        assert_eq!(
            (reply.answers[0].rtype, reply.answers[0].ttl),
            (RecordType::HINFO, 8482)
        );
        assert_eq!(reply.answers[0].rdata, b"\x0dANY obsoleted\x0cSee RFC 8482");
        assert!(!reply.authoritative);
    }

    #[test]
    fn other_questions_go_on() {
        assert_eq!(any(&question(RecordType::A)), None);
    }
}
