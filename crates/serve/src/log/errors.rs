//! The `errors` directive: a line per failed question, or one line per pattern and period.
//!
//! `consolidate` works as in `CoreDNS`: the first match of a pattern starts its timer, matches
//! are counted until it ends, and the count is logged then and at the end of the process. Time is
//! an argument; [`ErrorLog::run`] is the driver that waits for the timers.

use std::sync::Mutex;
use std::time::Duration;

use nodens_resolve::Time;
use regex::Regex;
use tokio::sync::Notify;

use super::duration::go_duration;
use super::logger::{Level, Logger};
use crate::metrics::lock;

/// One `consolidate` line.
#[derive(Debug, Clone)]
pub struct Consolidation {
    /// How long matches are gathered.
    pub period: Duration,
    /// What an error's text must match, as the Corefile has it: for the line.
    pub expression: String,
    /// The same, compiled.
    pub pattern: Regex,
    /// The level of the lines about it.
    pub level: Level,
    /// Whether the first match of a period is logged at once.
    pub show_first: bool,
}

/// The `errors` directive of one server block, shared by all workers.
#[derive(Debug)]
pub struct ErrorLog {
    patterns: Vec<(Consolidation, Mutex<Gathered>)>,
    /// A timer was started, or none will be any more.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Gathered {
    count: u32,
    ends: Option<Time>,
    stopped: bool,
}

impl ErrorLog {
    /// Takes the `consolidate` lines in the order of the Corefile; the first that matches wins.
    pub fn new(patterns: Vec<Consolidation>) -> Self {
        let patterns = patterns
            .into_iter()
            .map(|pattern| (pattern, Mutex::default()))
            .collect();
        ErrorLog {
            patterns,
            changed: Notify::new(),
        }
    }

    /// Logs or gathers a failed question; `question` reads `example.org. A`.
    pub fn record(&self, logger: &Logger, now: Time, rcode: u16, question: &str, error: &str) {
        let matching = self
            .patterns
            .iter()
            .find(|(pattern, _)| pattern.pattern.is_match(error));
        let mut level = Level::Error;
        if let Some((pattern, gathered)) = matching {
            if self.gather(pattern, gathered, now) {
                return;
            }
            level = pattern.level;
        }
        logger.plugin(level, PLUGIN, format_args!("{rcode} {question}: {error}"));
    }

    /// Counts a match; false when it is to be logged by itself.
    fn gather(&self, pattern: &Consolidation, gathered: &Mutex<Gathered>, now: Time) -> bool {
        let mut gathered = lock(gathered);
        if gathered.stopped {
            return false;
        }
        gathered.count += 1;
        if gathered.count > 1 {
            return true;
        }
        gathered.ends = Some(now + pattern.period);
        drop(gathered);
        self.changed.notify_one();
        !pattern.show_first
    }

    /// When the next timer ends.
    pub fn next_end(&self) -> Option<Time> {
        self.patterns
            .iter()
            .filter_map(|(_, gathered)| lock(gathered).ends)
            .min()
    }

    /// Logs what was gathered by timers that have ended.
    pub fn expire(&self, logger: &Logger, now: Time) {
        for (pattern, gathered) in &self.patterns {
            let mut gathered = lock(gathered);
            if gathered.ends.is_some_and(|end| end <= now) {
                gathered.report(logger, pattern);
            }
        }
    }

    /// Logs everything gathered and gathers no more: at shutdown, and when a reload has replaced
    /// this configuration.
    pub fn stop(&self, logger: &Logger) {
        for (pattern, gathered) in &self.patterns {
            let mut gathered = lock(gathered);
            gathered.stopped = true;
            gathered.report(logger, pattern);
        }
        self.changed.notify_one();
    }

    /// Waits for timers and logs what they gathered, until stopped. `clock` tells the time that
    /// [`record`](Self::record) is given.
    pub async fn run(&self, logger: &Logger, clock: impl Fn() -> Time) {
        while !self
            .patterns
            .iter()
            .all(|(_, gathered)| lock(gathered).stopped)
        {
            let Some(end) = self.next_end() else {
                self.changed.notified().await;
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep(end.since(clock())) => self.expire(logger, clock()),
                () = self.changed.notified() => {}
            }
        }
    }
}

impl Gathered {
    fn report(&mut self, logger: &Logger, pattern: &Consolidation) {
        self.ends = None;
        let count = std::mem::take(&mut self.count);
        // A single error that was shown at once need not be told again.
        if count == 0 || (count == 1 && pattern.show_first) {
            return;
        }
        let expression = &pattern.expression;
        let period = go_duration(pattern.period);
        let text = format_args!("{count} errors like '{expression}' occurred in last {period}");
        logger.plugin(pattern.level, PLUGIN, text);
    }
}

const PLUGIN: &str = "errors";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::sink::Sink;
    use super::*;

    const TIMEOUT: &str = "read udp 192.0.2.2:4711->192.0.2.1:53: i/o timeout";

    #[test]
    fn an_error_without_a_pattern_is_one_line() {
        let (logger, sink) = Sink::new();
        let log = ErrorLog::new(Vec::new());
        log.record(&logger, Time::EPOCH, 2, "example.org. A", TIMEOUT);
        assert_eq!(
            sink.take(),
            format!("[ERROR] plugin/errors: 2 example.org. A: {TIMEOUT}\n")
        );
    }

    #[test]
    fn errors_like_a_pattern_are_counted_until_its_timer_ends() {
        let (logger, sink) = Sink::new();
        let log = ErrorLog::new(vec![pattern(30, "timeout$", Level::Warning, false)]);
        let start = Time::EPOCH + Duration::from_secs(100);
        for second in 0..3 {
            let now = start + Duration::from_secs(second);
            log.record(&logger, now, 2, "example.org. A", TIMEOUT);
        }
        log.record(&logger, start, 2, "example.org. A", "EOF");
        let end = start + Duration::from_secs(30);
        assert_eq!(log.next_end(), Some(end));
        log.expire(&logger, start + Duration::from_secs(29));
        log.expire(&logger, end);
        log.expire(&logger, end + Duration::from_mins(1));
        assert_eq!(log.next_end(), None);
        assert_eq!(
            sink.take(),
            "[ERROR] plugin/errors: 2 example.org. A: EOF\n[WARNING] plugin/errors: 3 errors like \
             'timeout$' occurred in last 30s\n"
        );
    }

    #[test]
    fn show_first_logs_the_first_error_at_the_level_of_the_pattern() {
        let (logger, sink) = Sink::new();
        let log = ErrorLog::new(vec![pattern(60, ".*", Level::Info, true)]);
        log.record(&logger, Time::EPOCH, 2, "example.org. A", "EOF");
        log.expire(&logger, Time::NEVER);
        log.record(&logger, Time::EPOCH, 2, "example.org. AAAA", "EOF");
        log.record(&logger, Time::EPOCH, 2, "example.org. AAAA", "EOF");
        log.stop(&logger);
        log.record(&logger, Time::EPOCH, 2, "example.org. MX", "EOF");
        assert_eq!(
            sink.take(),
            "[INFO] plugin/errors: 2 example.org. A: EOF\n\
             [INFO] plugin/errors: 2 example.org. AAAA: EOF\n\
             [INFO] plugin/errors: 2 errors like '.*' occurred in last 1m0s\n\
             [INFO] plugin/errors: 2 example.org. MX: EOF\n"
        );
    }

    #[test]
    fn the_first_pattern_that_matches_wins() {
        let (logger, sink) = Sink::new();
        let log = ErrorLog::new(vec![
            pattern(30, "refused", Level::Error, false),
            pattern(30, "connection", Level::Error, false),
        ]);
        log.record(
            &logger,
            Time::EPOCH,
            2,
            "example.org. A",
            "connection refused",
        );
        log.stop(&logger);
        assert_eq!(
            sink.take(),
            "[ERROR] plugin/errors: 1 errors like 'refused' occurred in last 30s\n"
        );
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn the_driver_waits_for_the_timers_and_ends_when_stopped() {
        let (logger, sink) = Sink::new();
        let log = Arc::new(ErrorLog::new(vec![pattern(5, "EOF", Level::Error, false)]));
        let epoch = tokio::time::Instant::now();
        let clock = move || Time::EPOCH + epoch.elapsed();
        let (theirs, their_logger) = (Arc::clone(&log), logger.clone());
        let driver = tokio::spawn(async move { theirs.run(&their_logger, clock).await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        log.record(&logger, clock(), 2, "example.org. A", "EOF");
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(sink.take(), "");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(
            sink.take(),
            "[ERROR] plugin/errors: 1 errors like 'EOF' occurred in last 5s\n"
        );
        log.stop(&logger);
        driver.await.unwrap();
    }

    fn pattern(seconds: u64, pattern: &str, level: Level, show_first: bool) -> Consolidation {
        let period = Duration::from_secs(seconds);
        Consolidation {
            period,
            expression: pattern.into(),
            pattern: Regex::new(pattern).unwrap(),
            level,
            show_first,
        }
    }
}
