//! Noticing that a target does not come back.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::growth::{Budget, Growth, grow};
use crate::targets::Target;

/// An input that a target did not finish.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{target} was still busy with one input of {} bytes after {PATIENCE:?}", input.len())]
pub struct Hang {
    /// The target.
    pub target: &'static str,
    /// The input.
    pub input: Vec<u8>,
}

/// Grows in a thread of its own and gives up when one input takes 15 seconds. The thread cannot be
/// ended; it ends with the process.
///
/// # Errors
/// When an input was not finished.
pub fn watched(
    target: &'static Target,
    inputs: Vec<Vec<u8>>,
    seed: u64,
    budget: Budget,
) -> Result<Growth, Hang> {
    let current = Arc::new(Mutex::new(Vec::new()));
    let runs = Arc::new(AtomicU64::new(0));
    let (sender, receiver) = channel();
    let (noted, counted) = (Arc::clone(&current), Arc::clone(&runs));
    thread::spawn(move || {
        let growth = grow(target, &inputs, seed, budget, &|input| {
            let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.clear();
            noted.extend_from_slice(input);
            counted.fetch_add(1, Relaxed);
        });
        // Nobody listens any more when the process is about to end.
        let _ = sender.send(growth);
    });
    let mut before = 0;
    loop {
        match receiver.recv_timeout(PATIENCE) {
            Ok(growth) => return Ok(growth),
            Err(RecvTimeoutError::Timeout) if runs.load(Relaxed) != before => {
                before = runs.load(Relaxed);
            }
            Err(_) => {
                let input = current
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                return Err(Hang {
                    target: target.name,
                    input,
                });
            }
        }
    }
}

/// A busy machine may stop a thread for a second or two; no input takes more than milliseconds.
const PATIENCE: Duration = Duration::from_secs(15);
