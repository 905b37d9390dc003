//! What follows an answer that was taken: the errand's end, or its next question.

use nodens_dns::{Flags, Message, NameKey, RecordType};

use super::Worker;
use super::errand::{Errand, Phase};
use super::outcome::Outcome;
use super::stages_behind::{Path, forward_for, forward_path, section_of};
use super::tasks::{Task, TaskId};
use crate::facts::Plugin;
use crate::time::Time;

/// What an accepted answer leads to.
enum Next {
    /// The errand's end.
    End(Outcome),
    /// Another question section; nothing when a template has all it asked for.
    Ask(Option<Box<[u8]>>),
}

impl Worker {
    /// A response that is taken: the errand's end, or its next question.
    pub(super) fn accept(&mut self, now: Time, id: TaskId, mut task: Box<Task>, message: Vec<u8>) {
        let Task::Errand(errand) = &mut *task else {
            return;
        };
        errand.fallback = None;
        let next = match &mut errand.phase {
            Phase::Question => after_question(errand, message),
            Phase::Dns64 { aaaa } => {
                let dns64 = errand.subject.block().dns64.as_ref();
                let made = dns64.and_then(|dns64| dns64.synthesize(aaaa, &message));
                let reply = made.unwrap_or_else(|| std::mem::take(aaaa));
                Next::End(Outcome::upstream(reply))
            }
            Phase::Alias { reply } => {
                let reply = std::mem::take(reply);
                let reply = match errand.reverter.take() {
                    Some(reverter) => reverter.apply(&reply, Some(&message)),
                    None => reply,
                };
                Next::End(Outcome::upstream(reply))
            }
            Phase::Template {
                questions, replies, ..
            } => {
                replies.push(Some(message));
                Next::Ask(questions.get(replies.len()).map(section_of))
            }
        };
        match next {
            Next::End(outcome) => self.end(now, id, task, outcome),
            Next::Ask(section) => self.ask_more(now, id, task, section),
        }
    }

    /// Asks the errand's next question; without one, a template's answer is complete.
    pub(super) fn ask_more(
        &mut self,
        now: Time,
        id: TaskId,
        mut task: Box<Task>,
        next: Option<Box<[u8]>>,
    ) {
        let Task::Errand(errand) = &mut *task else {
            return;
        };
        let Some(wanted) = next else {
            let phase = std::mem::replace(&mut errand.phase, Phase::Question);
            let outcome = match phase {
                Phase::Template { reply, replies, .. } => {
                    let reply = reply.finish(&replies);
                    Outcome::from_stage(&errand.subject, &reply, Plugin::Template)
                }
                _ => return self.lost(now, id, task, None),
            };
            return self.end(now, id, task, outcome);
        };
        if now >= errand.deadline {
            return self.lost(now, id, task, None);
        }
        if matches!(errand.phase, Phase::Alias { .. } | Phase::Template { .. }) {
            errand.forward = forward_for(errand.subject.block(), &wanted);
        }
        errand.wanted = wanted;
        errand.exchange.admission = None;
        match self.exchange(now, &errand.subject, errand.forward) {
            Ok(exchange) => {
                errand.go_on_with(exchange);
                self.go_on(now, id, task);
            }
            Err(trouble) => self.lost(now, id, task, Some(trouble)),
        }
    }
}

/// What follows the answer to the question itself. The order is that of the stages in CoreDNS, from the upstreams back:
/// `forward`, `rewrite`, `dns64`.
fn after_question(errand: &mut Errand, message: Vec<u8>) -> Next {
    let block = errand.subject.block();
    if let Some(forward) = next_line(errand, &message) {
        errand.forward = forward;
        errand.fallback = Some(message);
        return Next::Ask(Some(errand.wanted.clone()));
    }
    if errand.subject.client_wants_dns64()
        && let Some(dns64) = &block.dns64
        && dns64.needs(&message)
    {
        let end = errand.wanted.len() - 4;
        let mut wanted = errand.wanted.clone();
        wanted[end..end + 2].copy_from_slice(&RecordType::A.0.to_be_bytes());
        errand.phase = Phase::Dns64 { aaaa: message };
        return Next::Ask(Some(wanted));
    }
    let reverter = errand.reverter.as_ref();
    if let Some(question) = reverter.and_then(|reverter| reverter.alias_question(&message)) {
        errand.phase = Phase::Alias { reply: message };
        return Next::Ask(Some(section_of(&question)));
    }
    Next::End(Outcome::upstream(message))
}

/// The `forward` line that such an answer sends the question to (`next`, `next_on_nodata`).
fn next_line(errand: &Errand, message: &[u8]) -> Option<usize> {
    let view = Message::parse(message).ok()?;
    let whole = !view.flags().has(Flags::TC);
    let no_data = view.rcode().0 == 0 && view.header().answers == 0 && whole;
    if !errand.exchange.forward.passes_on(view.rcode(), no_data) {
        return None;
    }
    let name = NameKey::read(&errand.wanted, 0).ok()?;
    match forward_path(errand.subject.block(), &name, errand.forward + 1) {
        Path::Upstreams { forward } => Some(forward),
        _ => None,
    }
}
