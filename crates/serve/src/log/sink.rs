//! A log in memory, for tests.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Logger;
use crate::metrics::{Counter, lock};

/// What a logger has written.
#[derive(Clone)]
pub(crate) struct Sink {
    logger: Logger,
    written: Written,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Sink {
    pub(crate) fn new() -> (Logger, Self) {
        let written = Written::default();
        let logger = Logger::to_writer(written.clone(), Counter::default()).unwrap();
        (logger.clone(), Sink { logger, written })
    }

    /// Takes the text written since last asked.
    pub(crate) fn take(&self) -> String {
        assert!(
            self.logger.flush(Duration::from_secs(5)),
            "the log is written in time"
        );
        String::from_utf8(std::mem::take(&mut *lock(&self.written.0))).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
