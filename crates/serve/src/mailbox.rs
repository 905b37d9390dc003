//! Letters to workers: from each other, and from the service that started them.
//!
//! Everything here is off the hot path. A worker looks into its mailbox when the kernel says that
//! somebody rang.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use nodens_resolve::{Due, Time};
use nodens_sys::Wake;

use crate::listen::Placement;

/// A letter to a worker; `G` is what a configuration is made into.
pub(crate) enum Letter<G> {
    /// A reply to one of the worker's connections, fetched by another worker.
    Reply(Due),
    /// A new configuration.
    Replace {
        generation: Arc<G>,
        listeners: Vec<Placement>,
    },
    /// Take no new questions, finish what is under way, and end; at the latest at this time.
    Drain(Time),
}

/// Where a worker's letters wait.
pub(crate) struct Mailbox<G> {
    letters: Mutex<Vec<Letter<G>>>,
    wake: Wake,
}

/// The mailboxes of all workers, by index.
pub(crate) struct Post<G> {
    mailboxes: Arc<[Mailbox<G>]>,
}

impl<G> Clone for Post<G> {
    fn clone(&self) -> Self {
        Self {
            mailboxes: Arc::clone(&self.mailboxes),
        }
    }
}

impl<G> Post<G> {
    /// Mailboxes for `workers`.
    pub(crate) fn new(workers: usize) -> io::Result<Self> {
        let mailbox = |_| {
            let letters = Mutex::new(Vec::new());
            Ok(Mailbox {
                letters,
                wake: Wake::new()?,
            })
        };
        let mailboxes: io::Result<Arc<[_]>> = (0..workers).map(mailbox).collect();
        Ok(Self {
            mailboxes: mailboxes?,
        })
    }

    /// Puts a letter into the mailbox of `worker`.
    pub(crate) fn send(&self, worker: usize, letter: Letter<G>) {
        let Some(mailbox) = self.mailboxes.get(worker) else {
            return;
        };
        let mut letters = mailbox
            .letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        letters.push(letter);
        // Only the first letter needs to ring: the worker takes all it finds.
        if letters.len() == 1 {
            mailbox.wake.wake();
        }
    }

    /// Takes the letters to `worker`, oldest first.
    pub(crate) fn take(&self, worker: usize) -> Vec<Letter<G>> {
        let Some(mailbox) = self.mailboxes.get(worker) else {
            return Vec::new();
        };
        mailbox.wake.clear();
        std::mem::take(
            &mut mailbox
                .letters
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// What becomes readable when a letter comes for `worker`.
    pub(crate) fn wake(&self, worker: usize) -> Option<&Wake> {
        Some(&self.mailboxes.get(worker)?.wake)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nodens_sys::{Epoll, Events, Interest};

    use super::*;

    #[test]
    fn letters_ring_and_are_taken_in_order() {
        let post = Post::<()>::new(2).unwrap();
        let epoll = Epoll::new().unwrap();
        epoll
            .add(post.wake(1).unwrap(), 1, Interest::Readable)
            .unwrap();
        let mut events = Events::new(2);
        for time in [1, 2] {
            post.send(1, Letter::Drain(Time::from_nanos(time)));
        }
        epoll.wait(&mut events, Duration::from_secs(1)).unwrap();
        assert_eq!(events.len(), 1);
        let letters = post.take(1);
        let times = letters.iter().map(|letter| match letter {
            Letter::Drain(time) => time.as_nanos(),
            _ => 0,
        });
        assert_eq!(times.collect::<Vec<_>>(), [1, 2]);
        epoll.wait(&mut events, Duration::ZERO).unwrap();
        assert!(events.is_empty());
        assert!(post.take(0).is_empty());
    }
}
