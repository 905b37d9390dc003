//! How a question ended, and what everyone who asked it is told.

use nodens_dns::{Question, Rcode};

use super::errand::Subject;
use crate::facts::{CacheOutcome, Plugin};
use crate::reply::ReplyTo;
use crate::stages::Reply;

/// How a question ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// With a message.
    Message {
        message: Vec<u8>,
        plugin: Plugin,
        error: Option<(u16, String)>,
    },
    /// Without one.
    Failed(Trouble),
}

/// Why a question has no answer.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) plugin: Plugin,
    /// In words, for the log.
    pub(super) error: String,
    pub(super) rcode: Rcode,
    /// Extended DNS Error, if one says what happened.
    pub(super) note: Option<u16>,
    /// The question itself could not be answered, which is remembered for a moment (RFC 9520); too much to do at once says
    /// nothing of it.
    pub(super) lasting: bool,
}

/// What everyone who asked is told.
#[derive(Debug)]
pub(super) struct Settled {
    /// The answer without OPT; nothing for a reply without records.
    pub(super) answer: Option<Vec<u8>>,
    pub(super) rcode: Rcode,
    pub(super) plugin: Plugin,
    /// An expired answer, and why it is served.
    pub(super) stale: Option<CacheOutcome>,
    pub(super) note: Option<(u16, String)>,
}

impl Outcome {
    /// An upstream's message.
    pub(super) fn upstream(message: Vec<u8>) -> Self {
        Self::Message {
            message,
            plugin: Plugin::Forward,
            error: None,
        }
    }

    /// A stage's reply to the subject's question.
    pub(super) fn from_stage(subject: &Subject, reply: &Reply, plugin: Plugin) -> Self {
        let question = Question {
            qname: subject.name().to_name(),
            qtype: subject.qtype(),
            qclass: subject.qclass(),
        };
        let error = reply.extended_error.as_ref();
        Self::Message {
            message: reply.to_message(0, subject.flags, &question),
            plugin,
            error: error.map(|error| (error.code, error.text.clone())),
        }
    }
}

impl Trouble {
    /// No upstream gave an answer.
    pub(super) fn upstreams(error: impl Into<String>) -> Self {
        Self {
            plugin: Plugin::Forward,
            error: error.into(),
            rcode: Rcode::SERVFAIL,
            note: Some(NO_REACHABLE_AUTHORITY),
            lasting: true,
        }
    }

    /// More at once than may be.
    pub(super) fn overload(error: impl Into<String>, rcode: Rcode) -> Self {
        Self {
            rcode,
            note: Some(OTHER_ERROR),
            lasting: false,
            ..Self::upstreams(error)
        }
    }

    /// A stage cannot answer.
    pub(super) fn stage(plugin: Plugin, error: &str) -> Self {
        Self {
            plugin,
            note: None,
            lasting: false,
            ..Self::upstreams(error)
        }
    }
}

impl Settled {
    /// The response code for a client: without EDNS, one that needs it cannot be said (RFC 6891 section 6.1.3).
    pub(super) fn rcode_for(&self, reply_to: &ReplyTo<'_>) -> Rcode {
        if self.rcode.0 > 0xf && reply_to.edns.is_none() {
            return Rcode::SERVFAIL;
        }
        self.rcode
    }

    /// Writes the reply to one question into `out`.
    pub(super) fn write(
        &self,
        subject: &Subject,
        reply_to: &ReplyTo<'_>,
        random: u64,
        out: &mut Vec<u8>,
    ) {
        let note = self
            .note
            .as_ref()
            .map(|(code, text)| (*code, text.as_str()));
        let rcode = self.rcode_for(reply_to);
        let Some(answer) = self.answer.as_ref().filter(|_| rcode == self.rcode) else {
            return reply_to.empty(out, rcode, note);
        };
        out.clear();
        out.extend_from_slice(answer);
        if let Some(loadbalance) = &subject.block().loadbalance {
            loadbalance.apply(out, random);
        }
        reply_to.finish(out, rcode, self.stale.is_some(), note);
    }
}

/// Extended DNS Error 0: no other code fits (RFC 8914 section 4.1).
const OTHER_ERROR: u16 = 0;
/// Extended DNS Error 22 (RFC 8914 section 4.23).
const NO_REACHABLE_AUTHORITY: u16 = 22;
