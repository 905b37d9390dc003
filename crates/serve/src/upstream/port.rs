//! One port that questions to an upstream are sent from.

use std::net::UdpSocket;
use std::time::Duration;

use nodens_resolve::Time;

use super::outstanding::Outstanding;

/// A connected datagram socket with the questions that were sent from it.
pub(crate) struct Port {
    pub(crate) socket: UdpSocket,
    pub(crate) outstanding: Outstanding,
    /// No new questions; it is kept for the answers that are still to come.
    pub(crate) retired: bool,
    opened: Time,
    asked: u32,
    strays: u32,
}

impl Port {
    pub(crate) fn new(socket: UdpSocket, now: Time) -> Self {
        let outstanding = Outstanding::default();
        Self {
            socket,
            outstanding,
            retired: false,
            opened: now,
            asked: 0,
            strays: 0,
        }
    }

    /// Whether it may be asked from once more.
    pub(crate) fn is_fresh(&self, now: Time) -> bool {
        !self.retired && self.asked < QUESTIONS && now.since(self.opened) < LIFETIME
    }

    /// Whether it has been asked from too often to go on in this turn.
    pub(crate) fn is_spent(&self) -> bool {
        self.retired || self.asked >= QUESTIONS
    }

    /// Counts a question; false for the first.
    pub(crate) fn note_question(&mut self) -> bool {
        self.asked += 1;
        self.asked > 1
    }

    /// Counts a message that answers nothing. Somebody may be guessing: after a few the port is
    /// given up.
    pub(crate) fn note_stray(&mut self) {
        self.strays += 1;
        if self.strays >= STRAYS {
            self.retired = true;
        }
    }

    /// Whether nothing is to be expected of it any more; questions given up are forgotten.
    pub(crate) fn is_done(&mut self, now: Time) -> bool {
        self.outstanding.take_given_up(now);
        if !self.is_fresh(now) {
            self.retired = true;
        }
        self.retired && self.outstanding.is_empty()
    }
}

/// A port is used for so many questions, then replaced.
const QUESTIONS: u32 = 512;
/// A port is used for so long, then replaced.
const LIFETIME: Duration = Duration::from_secs(5);
/// So many messages that answer nothing end a port. Late answers are a few; guessing needs
/// thousands.
const STRAYS: u32 = 32;
