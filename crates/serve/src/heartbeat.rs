//! When each worker last was seen alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use nodens_resolve::Time;

/// The pulse of all workers. A worker beats at every turn of its loop, and takes one at least
/// every [`Heartbeats::LONGEST_PAUSE`], however little there is to do.
#[derive(Clone, Debug)]
pub struct Heartbeats {
    beats: Arc<[Beat]>,
}

/// On a cache line of its own: it is written all the time by one worker.
#[derive(Debug)]
#[repr(align(64))]
struct Beat(AtomicU64);

impl Heartbeats {
    /// The longest a worker waits when there is nothing to do.
    pub const LONGEST_PAUSE: Duration = Duration::from_secs(1);

    pub(crate) fn new(workers: usize, now: Time) -> Self {
        let beat = |_| Beat(AtomicU64::new(now.as_nanos()));
        Self {
            beats: (0..workers).map(beat).collect(),
        }
    }

    pub(crate) fn beat(&self, worker: usize, now: Time) {
        if let Some(beat) = self.beats.get(worker) {
            beat.0.store(now.as_nanos(), Relaxed);
        }
    }

    /// How long ago each worker was last seen, by index.
    pub fn ages(&self, now: Time) -> Vec<Duration> {
        let age = |beat: &Beat| now.since(Time::from_nanos(beat.0.load(Relaxed)));
        self.beats.iter().map(age).collect()
    }

    /// How long ago the worker was last seen that was not seen for longest.
    pub fn oldest(&self, now: Time) -> Duration {
        self.ages(now).into_iter().max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_that_stopped_is_seen() {
        let beats = Heartbeats::new(2, Time::EPOCH);
        let second = Time::EPOCH + Duration::from_secs(1);
        beats.beat(1, second);
        assert_eq!(beats.ages(second), [Duration::from_secs(1), Duration::ZERO]);
        assert_eq!(beats.oldest(second), Duration::from_secs(1));
    }
}
