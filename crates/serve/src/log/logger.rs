//! The process log: lines of the form `[LEVEL] plugin/NAME: text` without a time, written by a
//! thread of their own.
//!
//! Callers copy a line into a bounded buffer and go on. When the reader of the standard output is
//! too slow, the buffer fills and further lines are dropped and counted: a full pipe must not stop
//! the answers. The lock is held for a copy of one line or batch, never during a write.

use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::metrics::Counter;

/// How much a line matters; the word in brackets that starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `[DEBUG]`: written only when the `debug` directive is in force.
    Debug,
    /// `[INFO]`
    Info,
    /// `[WARNING]`
    Warning,
    /// `[ERROR]`
    Error,
    /// `[FATAL]`: the process ends after it.
    Fatal,
}

impl Level {
    /// The start of a line, with the blank after it.
    pub const fn prefix(self) -> &'static str {
        match self {
            Level::Debug => "[DEBUG] ",
            Level::Info => "[INFO] ",
            Level::Warning => "[WARNING] ",
            Level::Error => "[ERROR] ",
            Level::Fatal => "[FATAL] ",
        }
    }
}

/// Where all lines go; cheap to clone, usable from every thread.
#[derive(Clone)]
pub struct Logger(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Tells the writing thread that there is something to write.
    pending: Condvar,
    /// Tells those who flush that everything is written.
    idle: Condvar,
    debug: AtomicBool,
    dropped: Counter,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    dropped: u64,
    writing: bool,
}

impl Logger {
    /// Starts the thread that writes to the standard output; `dropped` counts lines that did not
    /// fit into the buffer.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn to_stdout(dropped: Counter) -> io::Result<Self> {
        Self::to_writer(io::stdout(), dropped)
    }

    /// Starts a thread that writes to `writer`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn to_writer(writer: impl Write + Send + 'static, dropped: Counter) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            pending: Condvar::new(),
            idle: Condvar::new(),
            debug: AtomicBool::new(false),
            dropped,
        });
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name("log".into())
            .spawn(move || theirs.write_all(writer))?;
        Ok(Logger(shared))
    }

    /// Says whether lines of level debug are written.
    pub fn set_debug(&self, debug: bool) {
        self.0.debug.store(debug, Relaxed);
    }

    /// Writes a line.
    pub fn log(&self, level: Level, text: impl Display) {
        self.line(level, format_args!("{text}"));
    }

    /// Writes a line of a directive: `[LEVEL] plugin/NAME: text`.
    pub fn plugin(&self, level: Level, plugin: &str, text: impl Display) {
        self.line(level, format_args!("plugin/{plugin}: {text}"));
    }

    fn line(&self, level: Level, text: fmt::Arguments<'_>) {
        if level == Level::Debug && !self.0.debug.load(Relaxed) {
            return;
        }
        let mut line = String::with_capacity(128);
        line.push_str(level.prefix());
        let _ = line.write_fmt(text);
        // A line is one line, whatever an upstream's error text holds.
        if line.contains(['\n', '\r']) {
            line = line.replace(['\n', '\r'], " ");
        }
        line.push('\n');
        self.write(line.as_bytes(), 1);
    }

    /// Writes whole lines, each ended by a newline: what a worker has gathered in one turn.
    pub fn write(&self, lines: &[u8], count: u64) {
        if lines.is_empty() {
            return;
        }
        let mut state = self.0.lock();
        if state.buffer.len() + lines.len() > CAPACITY {
            state.dropped += count;
            self.0.dropped.add(count);
            return;
        }
        state.buffer.extend_from_slice(lines);
        let wake = !state.writing;
        drop(state);
        if wake {
            self.0.pending.notify_one();
        }
    }

    /// Waits until everything is written, or for `patience`; false when lines are left. Called
    /// before the process ends.
    pub fn flush(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut state = self.0.lock();
        while state.writing || !state.buffer.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .0
                .idle
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }
}

impl Shared {
    fn write_all(&self, mut writer: impl Write) {
        let mut batch = Vec::new();
        let mut state = self.lock();
        loop {
            while state.buffer.is_empty() {
                state.writing = false;
                self.idle.notify_all();
                state = self
                    .pending
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.writing = true;
            std::mem::swap(&mut batch, &mut state.buffer);
            let dropped = std::mem::take(&mut state.dropped);
            drop(state);
            if dropped > 0 {
                let warning = Level::Warning.prefix();
                let _ = writeln!(
                    batch,
                    "{warning}plugin/log: {dropped} lines dropped: standard output is read too slowly",
                );
            }
            // Nobody is left to be told when the standard output is gone.
            let _ = writer.write_all(&batch).and_then(|()| writer.flush());
            batch.clear();
            batch.shrink_to(KEPT);
            state = self.lock();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes kept for a slow reader: some ten thousand query log lines, a fraction of a second at full
/// load, and a small part of the memory a cache is given.
const CAPACITY: usize = 1 << 20;

/// Bytes of buffer kept between bursts.
const KEPT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    #[test]
    fn lines_have_a_level_and_a_directive_and_no_time() {
        let (logger, sink) = sink();
        logger.log(Level::Info, "Reloading");
        logger.plugin(
            Level::Warning,
            "forward",
            format_args!("{} is slow", "192.0.2.1:53"),
        );
        logger.log(Level::Debug, "not seen");
        logger.set_debug(true);
        logger.log(Level::Debug, "seen");
        logger.log(Level::Error, "two\nlines");
        assert!(logger.flush(Duration::from_secs(5)));
        let text = String::from_utf8(sink.try_iter().flatten().collect()).unwrap();
        assert_eq!(
            text,
            "[INFO] Reloading\n[WARNING] plugin/forward: 192.0.2.1:53 is slow\n[DEBUG] seen\n\
             [ERROR] two lines\n"
        );
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_not_time() {
        let (release, blocked) = channel::<()>();
        let (sender, sink) = channel();
        let dropped = Counter::default();
        let logger = Logger::to_writer(Blocked { blocked, sender }, dropped.clone()).unwrap();
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        let start = Instant::now();
        for _ in 0..3000 {
            logger.write(&line, 1);
        }
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
        assert!(dropped.value() > 900, "{}", dropped.value());
        assert!(!logger.flush(Duration::from_millis(10)));
        drop(release);
        assert!(logger.flush(Duration::from_secs(5)));
        let written: Vec<u8> = sink.try_iter().flatten().collect();
        let text = String::from_utf8(written).unwrap();
        let notice = format!("[WARNING] plugin/log: {} lines dropped", dropped.value());
        assert!(text.contains(&notice), "{}", &text[text.len() - 100..]);
        assert_eq!(text.lines().count() as u64, 3000 - dropped.value() + 1);
    }

    struct Blocked {
        blocked: Receiver<()>,
        sender: Sender<Vec<u8>>,
    }

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.blocked.recv();
            self.sender.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn sink() -> (Logger, Receiver<Vec<u8>>) {
        let (release, blocked) = channel();
        drop(release);
        let (sender, sink) = channel();
        (
            Logger::to_writer(Blocked { blocked, sender }, Counter::default()).unwrap(),
            sink,
        )
    }
}
