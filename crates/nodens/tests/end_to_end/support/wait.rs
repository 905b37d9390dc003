//! Waiting for a condition, with a deadline: never for a time.

use std::thread;
use std::time::{Duration, Instant};

/// Waits until `condition` holds; false when it does not within `patience`.
pub(crate) fn until(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    eventually(patience, || condition().then_some(())).is_some()
}

/// Waits until `look` finds something.
pub(crate) fn eventually<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(PAUSE);
    }
}

const PAUSE: Duration = Duration::from_millis(5);
