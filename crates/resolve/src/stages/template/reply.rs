//! The reply of a template, to be completed with the addresses of the aliases it names.

use nodens_dns::{Class, Flags, Message, Name, Question, RecordType};

use crate::stages::reply::{Reply, Sections};

/// A reply, and what is to be asked before it is sent: for a question about addresses, those of
/// each alias in the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateReply {
    reply: Reply,
    /// The place of each alias in the answer and the question for its target.
    lookups: Vec<(usize, Question)>,
}

impl TemplateReply {
    pub(super) fn new(reply: Reply, question: &Question) -> Self {
        let addresses = matches!(question.qtype, RecordType::A | RecordType::AAAA);
        let lookup = |(place, record): (usize, &nodens_dns::Record)| {
            let alias = addresses && record.rtype == RecordType::CNAME;
            let qname = Name::from_wire(&record.rdata).ok().filter(|_| alias)?;
            let question = Question {
                qname,
                qtype: question.qtype,
                qclass: Class::IN,
            };
            Some((place, question))
        };
        let lookups = reply
            .answers
            .iter()
            .enumerate()
            .filter_map(lookup)
            .collect();
        Self { reply, lookups }
    }

    /// The questions for the targets of aliases; usually none.
    pub(crate) fn lookups(&self) -> impl Iterator<Item = &Question> {
        self.lookups.iter().map(|(_, question)| question)
    }

    /// The reply, with the answers to [`Self::lookups`] behind their aliases. A lookup that failed,
    /// or has no entry in `replies`, adds nothing.
    pub(crate) fn finish(mut self, replies: &[Option<Vec<u8>>]) -> Reply {
        // From the last to the first, so that the places before stay true.
        let mut truncated = None;
        for ((place, _), reply) in self.lookups.iter().zip(replies).rev() {
            let Some(message) = reply.as_ref().and_then(|bytes| Message::parse(bytes).ok()) else {
                continue;
            };
            let Some(sections) = Sections::read(&message) else {
                continue;
            };
            truncated.get_or_insert(message.flags().has(Flags::TC));
            let at = (place + 1).min(self.reply.answers.len());
            self.reply.answers.splice(at..at, sections.answers);
        }
        self.reply.truncated |= truncated.unwrap_or(false);
        self.reply
    }
}
