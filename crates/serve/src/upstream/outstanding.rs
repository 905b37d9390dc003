//! The questions of one socket that wait for an answer, by message id.
//!
//! Ids are random and unique on their socket (RFC 5452, section 9.2): two questions with one id
//! could not be told apart, and a guessable id is half of a forged answer.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use nodens_resolve::{AskId, Time};
use nodens_sys::SecureRandom;

/// Questions by message id.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    questions: HashMap<u16, Question, BuildHasherDefault<IdHasher>>,
}

/// A question that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    /// Whose it is.
    pub(crate) ask: AskId,
    /// When it was sent, or put in line to be.
    pub(crate) sent: Time,
    /// When nobody waits for it any more.
    pub(crate) give_up: Time,
}

impl Outstanding {
    /// Draws an id for `question`, writes it into `message` and remembers it. Nothing when the
    /// ids are all but used up, or `message` has no room for one.
    pub(crate) fn add(
        &mut self,
        random: &mut SecureRandom,
        message: &mut [u8],
        question: Question,
    ) -> Option<u16> {
        let place = message.first_chunk_mut::<2>()?;
        if self.questions.len() >= MOST_QUESTIONS {
            return None;
        }
        let id = loop {
            let id = random.next_u16();
            if !self.questions.contains_key(&id) {
                break id;
            }
        };
        *place = id.to_be_bytes();
        self.questions.insert(id, question);
        Some(id)
    }

    /// The question that a received message claims to answer.
    pub(crate) fn find(&self, message: &[u8]) -> Option<(u16, Question)> {
        let id = u16::from_be_bytes(*message.first_chunk::<2>()?);
        Some((id, *self.questions.get(&id)?))
    }

    /// Takes a question out.
    pub(crate) fn remove(&mut self, id: u16) -> Option<Question> {
        self.questions.remove(&id)
    }

    /// Takes all questions out, in the order they were sent.
    pub(crate) fn take_all(&mut self) -> Vec<Question> {
        let mut all: Vec<Question> = self
            .questions
            .drain()
            .map(|(_, question)| question)
            .collect();
        all.sort_unstable_by_key(|question| (question.sent, question.ask.0));
        all
    }

    /// Takes out the questions that nobody waits for at `now`, in the order they were sent.
    pub(crate) fn take_given_up(&mut self, now: Time) -> Vec<Question> {
        let given_up = self
            .questions
            .extract_if(|_, question| question.give_up <= now);
        let mut given_up: Vec<Question> = given_up.map(|(_, question)| question).collect();
        given_up.sort_unstable_by_key(|question| (question.sent, question.ask.0));
        given_up
    }

    /// The first moment at which a question is given up.
    pub(crate) fn next_give_up(&self) -> Option<Time> {
        self.questions
            .values()
            .map(|question| question.give_up)
            .min()
    }

    /// How many questions wait.
    pub(crate) fn len(&self) -> usize {
        self.questions.len()
    }

    /// Whether none do.
    pub(crate) fn is_empty(&self) -> bool {
        self.questions.is_empty()
    }
}

/// Ids are random already; they only need to be spread to the upper bits, which the table reads.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u16(u16::from(byte));
        }
    }

    fn write_u16(&mut self, id: u16) {
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// With half of the ids free, a free one is drawn in two attempts on average.
const MOST_QUESTIONS: usize = 32_768;

#[cfg(test)]
mod tests {
    use super::*;

    fn question(number: u64) -> Question {
        let give_up = Time::from_nanos(number);
        Question {
            ask: AskId(number),
            sent: Time::EPOCH,
            give_up,
        }
    }

    #[test]
    fn ids_are_unique_and_written_into_the_message() {
        let mut random = SecureRandom::new().unwrap();
        let mut outstanding = Outstanding::default();
        for number in 0..2000 {
            let mut message = [0; 12];
            let id = outstanding
                .add(&mut random, &mut message, question(number))
                .unwrap();
            assert_eq!(message[..2], id.to_be_bytes());
            assert_eq!(outstanding.find(&message).unwrap().1.ask, AskId(number));
        }
        assert_eq!(outstanding.len(), 2000);
    }

    #[test]
    fn questions_are_given_up_at_their_time() {
        let mut random = SecureRandom::new().unwrap();
        let mut outstanding = Outstanding::default();
        for number in [30, 10, 20] {
            outstanding.add(&mut random, &mut [0; 12], question(number));
        }
        assert_eq!(outstanding.next_give_up(), Some(Time::from_nanos(10)));
        let given_up = outstanding.take_given_up(Time::from_nanos(20));
        assert_eq!(
            given_up
                .iter()
                .map(|question| question.ask.0)
                .collect::<Vec<_>>(),
            [10, 20]
        );
        assert_eq!(outstanding.take_all().len(), 1);
        assert!(outstanding.is_empty());
    }

    #[test]
    fn a_message_too_short_for_an_id_is_no_answer() {
        let mut random = SecureRandom::new().unwrap();
        let mut outstanding = Outstanding::default();
        assert!(
            outstanding
                .add(&mut random, &mut [0], question(1))
                .is_none()
        );
        assert!(outstanding.find(&[]).is_none());
    }
}
