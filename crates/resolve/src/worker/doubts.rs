//! Whether an upstream that answers by UDP can do TCP: a question by TCP that was silent while UDP answered is a doubt, until
//! its answer or its failure comes, or neither.

use std::sync::Arc;
use std::time::Duration;

use super::Worker;
use crate::ask::{AskId, Failure};
use crate::time::Time;
use crate::upstream::Upstream;

/// Questions by TCP that were still waiting when UDP had answered; one for each upstream is enough.
#[derive(Debug, Default)]
pub(super) struct Doubts(Vec<Doubt>);

#[derive(Debug)]
struct Doubt {
    ask: AskId,
    upstream: Arc<Upstream>,
    until: Time,
}

impl Doubts {
    /// When the first doubt is confirmed by silence.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.0.iter().map(|doubt| doubt.until).min()
    }

    fn take(&mut self, suits: impl Fn(&Doubt) -> bool) -> Option<Doubt> {
        let index = self.0.iter().position(suits)?;
        Some(self.0.swap_remove(index))
    }
}

impl Worker {
    /// UDP has answered while `ask`, sent to the same upstream by TCP, is silent; the driver gives it up at `give_up`.
    pub(super) fn doubt(&mut self, ask: AskId, upstream: &Arc<Upstream>, give_up: Time) {
        let doubts = &mut self.doubts.0;
        let doubted = |doubt: &Doubt| Arc::ptr_eq(&doubt.upstream, upstream);
        if !upstream.tcp_was_unusable() && !doubts.iter().any(doubted) {
            let until = give_up + SLACK;
            let upstream = Arc::clone(upstream);
            doubts.push(Doubt {
                ask,
                upstream,
                until,
            });
        }
    }

    /// The answer has come after all.
    pub(super) fn clear_doubt(&mut self, ask: AskId) {
        if let Some(doubt) = self.doubts.take(|doubt| doubt.ask == ask) {
            self.tcp_works(&doubt.upstream);
        }
    }

    /// It has failed.
    pub(super) fn confirm_doubt(&mut self, now: Time, ask: AskId, failure: &Failure) {
        if let Some(doubt) = self.doubts.take(|doubt| doubt.ask == ask) {
            self.tcp_failed(now, &doubt.upstream, failure);
        }
    }

    /// Nothing was heard: a server that takes connections and never answers on them.
    pub(super) fn confirm_old_doubts(&mut self, now: Time) {
        while let Some(doubt) = self.doubts.take(|doubt| doubt.until <= now) {
            self.tcp_failed(now, &doubt.upstream, &Failure::Timeout);
        }
    }
}

/// The driver's own word about a connection that was not made says more, so it gets the time to come first.
const SLACK: Duration = Duration::from_millis(100);
