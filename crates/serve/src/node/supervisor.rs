//! The parent's side of supervision: it holds the plumbing, and starts the cache again when it crashes or hangs.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nodens_resolve::Time;
use nodens_sys::{ChildSignal, signal_child};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::NodeOptions;
use super::interception::Observation;
use super::keeper::Keeper;
use super::pulse::Pulse;
use super::report::Report;
use super::supervised::PARENT;
use crate::clock::Clock;
use crate::log::{Level, Logger};
use crate::metrics::Counter;
use crate::signals::{Request, Signals};

/// Why supervision ended other than by request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SupervisorError {
    /// The kernel refused something.
    #[error("{operation}")]
    System {
        /// What was tried.
        operation: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The cache ended before it answered anything: it has said why.
    #[error("the cache could not be started ({0})")]
    NeverStarted(ExitStatus),
}

/// Runs the program again as a child and keeps the node's plumbing for it, until told to end.
pub(crate) async fn supervise(options: &NodeOptions) -> Result<(), SupervisorError> {
    let clock = Clock::start();
    let logger = Logger::to_stdout(Counter::default()).map_err(system("start the log"))?;
    let mut signals = Signals::new(logger.clone()).map_err(system("watch signals"))?;
    let mut supervisor = Supervisor {
        keeper: Keeper::prepare(options, &logger, clock.now()),
        logger,
        clock,
        process: Process::start().map_err(system("start the cache"))?,
        last: Observation::default(),
        heard: clock.now(),
        restarts: 0,
        pause: Duration::ZERO,
        ending: false,
    };
    supervisor.introduce();
    let outcome = supervisor.run(&mut signals).await;
    supervisor.logger.flush(LOG_FLUSH);
    outcome
}

struct Supervisor {
    keeper: Keeper,
    logger: Logger,
    clock: Clock,
    process: Process,
    /// What the process told last, and when.
    last: Observation,
    heard: Time,
    restarts: u32,
    /// How long was waited before the last start.
    pause: Duration,
    ending: bool,
}

/// The child and the socket to it.
struct Process {
    child: Child,
    lines: Lines<BufReader<tokio::net::UnixStream>>,
    reports: UnixStream,
    started: tokio::time::Instant,
    /// Whether it ever said that it listens.
    listened: bool,
}

impl Supervisor {
    async fn run(&mut self, signals: &mut Signals) -> Result<(), SupervisorError> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                line = self.process.lines.next_line() => match line {
                    Ok(Some(line)) => self.hear(&line),
                    Ok(None) | Err(_) => {
                        if let Some(outcome) = self.after_end().await? {
                            return outcome;
                        }
                    }
                },
                _ = ticks.tick() => self.look(),
                request = signals.next() => self.obey(request),
            }
            self.pass_on();
        }
    }

    fn hear(&mut self, line: &str) {
        let now = self.clock.now();
        match Pulse::from_line(line, now) {
            Some(Pulse::Listens(ports)) => {
                self.process.listened = true;
                self.heard = now;
                self.keeper.begin(ports, now);
            }
            Some(Pulse::Sees(seen)) => {
                self.last = seen;
                self.heard = now;
                self.keeper.tick(now, &self.last);
            }
            None => {}
        }
    }

    /// Looks at what was told last, which becomes older when nothing is told.
    fn look(&mut self) {
        if !self.process.listened || self.ending {
            return;
        }
        let now = self.clock.now();
        let mut seen = self.last.clone();
        let silent = now.since(self.heard);
        seen.pulse = seen.pulse.map(|pulse| pulse.max(silent));
        self.keeper.tick(now, &seen);
        if seen.pulse.is_some_and(|pulse| pulse > LONGEST_HANG) {
            self.logger.plugin(
                Level::Error,
                "node",
                format_args!(
                    "the cache has hung for {} s: starting it again",
                    LONGEST_HANG.as_secs()
                ),
            );
            self.signal(ChildSignal::Kill);
            self.heard = now;
        }
    }

    fn obey(&mut self, request: Request) {
        match request {
            Request::Reload => self.signal(ChildSignal::Reload),
            Request::Drain => {
                self.ending = true;
                self.keeper.let_go(self.clock.now());
                self.signal(ChildSignal::Terminate);
            }
            Request::Quit => {
                self.ending = true;
                self.signal(ChildSignal::Quit);
            }
        }
    }

    /// The socket was closed: the process is gone, or on its way.
    async fn after_end(&mut self) -> Result<Option<Result<(), SupervisorError>>, SupervisorError> {
        // Traffic goes elsewhere first. Whatever the process is still doing, it does not answer.
        self.last = Observation::default();
        self.keeper.tick(self.clock.now(), &self.last);
        let status = self
            .process
            .child
            .wait()
            .map_err(system("wait for the cache"))?;
        if self.ending || status.success() {
            return Ok(Some(Ok(())));
        }
        if !self.process.listened && self.restarts == 0 {
            return Ok(Some(Err(SupervisorError::NeverStarted(status))));
        }
        let lasted = self.process.started.elapsed();
        self.pause = if lasted > SHORT_LIFE {
            Duration::ZERO
        } else {
            (self.pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
        };
        self.logger.plugin(
            Level::Error,
            "node",
            format_args!(
                "the cache ended after {:.1} s ({status}): starting it again",
                lasted.as_secs_f64()
            ),
        );
        sleep(self.pause).await;
        self.keeper.expect_process();
        self.process = Process::start().map_err(system("start the cache"))?;
        self.restarts += 1;
        self.heard = self.clock.now();
        self.keeper.tell(Report::Restarts(self.restarts));
        self.introduce();
        Ok(None)
    }

    /// Tells a new process everything.
    fn introduce(&mut self) {
        let _ = self.keeper.news();
        let reports = self.keeper.state().to_vec();
        self.send(&reports);
    }

    fn pass_on(&mut self) {
        let news = self.keeper.news();
        self.send(&news);
    }

    fn send(&mut self, reports: &[Report]) {
        for report in reports {
            let line = format!("{report}\n");
            // A process that hangs reads nothing, and must not make its parent wait.
            let _ = self.process.reports.write(line.as_bytes());
        }
    }

    fn signal(&self, signal: ChildSignal) {
        if let Err(error) = signal_child(&self.process.child, signal) {
            self.logger.plugin(
                Level::Warning,
                "node",
                format_args!("signal the cache: {error}"),
            );
        }
    }
}

impl Process {
    fn start() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut arguments = std::env::args_os();
        let name = arguments.next().unwrap_or_default();
        // The name it was called by may decide what it is; the file may have been replaced since.
        let child = Command::new("/proc/self/exe")
            .arg0(name)
            .args(arguments)
            .env(PARENT, std::process::id().to_string())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            // What a terminal sends to the group is for the parent to pass on.
            .process_group(0)
            .spawn()?;
        let reports = ours.try_clone()?;
        let read = tokio::net::UnixStream::from_std(ours)?;
        Ok(Self {
            child,
            lines: BufReader::new(read).lines(),
            reports,
            started: tokio::time::Instant::now(),
            listened: false,
        })
    }
}

fn system(operation: &'static str) -> impl Fn(io::Error) -> SupervisorError {
    move |source| SupervisorError::System { operation, source }
}

/// Fine enough to withdraw within three seconds of a hang that is noticed after two.
const TICK: Duration = Duration::from_millis(100);
/// What is stopped for a moment goes on; what hangs this long does not come back by itself.
const LONGEST_HANG: Duration = Duration::from_secs(10);
/// A process that ended this soon will probably do so again.
const SHORT_LIFE: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long the last log lines may take.
const LOG_FLUSH: Duration = Duration::from_millis(200);
