//! Signals, and what each asks for.
//!
//! | signal | meaning |
//! |---|---|
//! | `SIGTERM`, `SIGINT` | end after the questions under way; a second one ends at once |
//! | `SIGQUIT` | end at once |
//! | `SIGUSR1` | reload |
//! | `SIGHUP` | ignored: terminals send it |
//! | `SIGUSR2` | ignored with a line in the log: in `CoreDNS` it replaces the binary, here a second copy is started instead |

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::log::{Level, Logger};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// End once the questions under way are answered.
    Drain,
    /// End now.
    Quit,
    /// Reload the configuration.
    Reload,
}

/// The signals of this process.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    reload: Signal,
    hang_up: Signal,
    upgrade: Signal,
    logger: Logger,
    draining: bool,
}

impl Signals {
    /// Takes the signals over from the kernel's defaults. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When a handler cannot be installed.
    pub fn new(logger: Logger) -> io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            reload: signal(SignalKind::user_defined1())?,
            hang_up: signal(SignalKind::hangup())?,
            upgrade: signal(SignalKind::user_defined2())?,
            logger,
            draining: false,
        })
    }

    /// Waits for the next request.
    pub async fn next(&mut self) -> Request {
        loop {
            let (request, text) = tokio::select! {
                _ = self.terminate.recv() =>
                    self.end("SIGTERM: Shutting down servers then terminating", "SIGTERM: Force quit"),
                _ = self.interrupt.recv() =>
                    self.end("SIGINT: Shutting down", "SIGINT: Force quit"),
                _ = self.quit.recv() =>
                    (Some(Request::Quit), "SIGQUIT: Quitting process immediately"),
                _ = self.reload.recv() => (Some(Request::Reload), "SIGUSR1: Reloading"),
                _ = self.upgrade.recv() =>
                    (None, "SIGUSR2: ignored; start a second copy and then end this one"),
                _ = self.hang_up.recv() => continue,
            };
            self.logger.log(Level::Info, text);
            if let Some(request) = request {
                return request;
            }
        }
    }

    fn end(
        &mut self,
        first: &'static str,
        second: &'static str,
    ) -> (Option<Request>, &'static str) {
        if std::mem::replace(&mut self.draining, true) {
            (Some(Request::Quit), second)
        } else {
            (Some(Request::Drain), first)
        }
    }
}
