//! What a worker needs of the resolver, as a trait, so that the sockets can be tested against a
//! resolver that does what a test says.

use std::sync::Arc;

use nodens_resolve::{Ask, AskId, Client, Due, Event, Failure, Resolver, Step, Time, Worker};

/// One worker's share of a resolver.
pub(crate) trait Engine: Sized + 'static {
    /// A configuration made ready to answer.
    type Generation: Send + Sync + 'static;

    /// The share of worker `index`.
    fn start(generation: Arc<Self::Generation>, index: u16) -> Self;
    /// Takes a new configuration.
    fn replace(&mut self, generation: Arc<Self::Generation>);
    /// Answers at once into `out`, or keeps the question.
    fn on_query(
        &mut self,
        now: Time,
        client: &Client,
        message: &[u8],
        random: u64,
        out: &mut Vec<u8>,
    ) -> Step;
    /// Takes an upstream's reply; false when it does not answer `ask`.
    fn on_answer(&mut self, now: Time, ask: AskId, message: &[u8]) -> bool;
    /// Takes the news that `ask` will not be answered.
    fn on_failure(&mut self, now: Time, ask: AskId, failure: Failure);
    /// When `on_timeout` wants to be called.
    fn poll_timeout(&self) -> Option<Time>;
    /// Does what is due.
    fn on_timeout(&mut self, now: Time);
    /// Moves the messages for upstreams to `out`.
    fn take_asks(&mut self, out: &mut Vec<Ask>);
    /// Moves the replies that are due to `out`.
    fn take_dues(&mut self, out: &mut Vec<Due>);
    /// Moves what is to be logged and counted to `out`.
    fn take_events(&mut self, out: &mut Vec<Event>);
    /// How many questions are under way.
    fn in_flight(&self) -> usize;
}

impl Engine for Worker {
    type Generation = Resolver;

    fn start(generation: Arc<Resolver>, index: u16) -> Self {
        Self::new(generation, index)
    }

    fn replace(&mut self, generation: Arc<Resolver>) {
        Self::replace(self, generation);
    }

    #[inline]
    fn on_query(
        &mut self,
        now: Time,
        client: &Client,
        message: &[u8],
        random: u64,
        out: &mut Vec<u8>,
    ) -> Step {
        Self::on_query(self, now, client, message, random, out)
    }

    fn on_answer(&mut self, now: Time, ask: AskId, message: &[u8]) -> bool {
        Self::on_answer(self, now, ask, message)
    }

    fn on_failure(&mut self, now: Time, ask: AskId, failure: Failure) {
        Self::on_failure(self, now, ask, failure);
    }

    fn poll_timeout(&self) -> Option<Time> {
        Self::poll_timeout(self)
    }

    fn on_timeout(&mut self, now: Time) {
        Self::on_timeout(self, now);
    }

    fn take_asks(&mut self, out: &mut Vec<Ask>) {
        out.extend(self.asks());
    }

    fn take_dues(&mut self, out: &mut Vec<Due>) {
        out.extend(self.dues());
    }

    fn take_events(&mut self, out: &mut Vec<Event>) {
        out.extend(self.events());
    }

    fn in_flight(&self) -> usize {
        Self::in_flight(self)
    }
}

#[cfg(test)]
pub(crate) mod scripted;
