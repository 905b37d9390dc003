//! The cells of one worker that belong to no zone: packets not answered, and what is open now.

use std::sync::Arc;

use super::families;
use super::series::Cell;
use super::text::Samples;
use crate::observer::Discard;

/// One worker's counters outside of any zone. Only the thread that is this worker may count.
#[derive(Debug, Clone, Default)]
pub struct WorkerSeries(Arc<WorkerCells>);

#[derive(Debug, Default)]
struct WorkerCells {
    dropped: [Cell; Discard::ALL.len()],
    questions_in_flight: Cell,
    tcp_connections: Cell,
}

impl WorkerSeries {
    /// Counts what was not answered, and what was thrown away.
    #[inline]
    pub fn dropped(&self, reason: Discard, count: u64) {
        self.0.dropped[reason.index()].add(count);
    }

    /// Says how many questions wait for an upstream.
    #[inline]
    pub fn set_questions_in_flight(&self, count: u64) {
        self.0.questions_in_flight.set(count);
    }

    /// Says how many TCP connections of clients are open.
    #[inline]
    pub fn set_tcp_connections(&self, count: u64) {
        self.0.tcp_connections.set(count);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the exposition's numbers are floats"
    )]
    pub(super) fn gather(&self, samples: &mut Samples) {
        for (reason, cell) in Discard::ALL.iter().zip(&self.0.dropped) {
            samples.counter(&families::DROPPED_PACKETS, &[reason.name()], cell.value());
        }
        let in_flight = self.0.questions_in_flight.value() as f64;
        samples.gauge(&families::QUESTIONS_IN_FLIGHT, &[], in_flight);
        let connections = self.0.tcp_connections.value() as f64;
        samples.gauge(&families::TCP_CONNECTIONS, &[], connections);
    }
}
