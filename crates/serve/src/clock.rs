//! The one clock of the process, in the form the resolver takes the time.

use std::time::Instant;

use nodens_resolve::Time;

/// Counts from the moment it was started. Copies agree with each other.
///
/// All that hands a time to one resolver must use copies of one clock, across reloads too: the
/// cache and the upstreams keep times.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that stands at [`Time::EPOCH`] now.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// The time now.
    pub fn now(&self) -> Time {
        let elapsed = self.start.elapsed();
        // 64 bits of nanoseconds last 584 years.
        Time::from_nanos(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_clock_agree_and_never_go_back() {
        let clock = Clock::start();
        let copy = clock;
        let first = clock.now();
        let second = copy.now();
        assert!(second >= first);
    }
}
