//! Whether DNS traffic of the node should reach this cache: decided from what was observed, without looking at anything.
//!
//! ```text
//!             all addresses answered            stuck, silent, or worse than kube-proxy's way
//!   Trial ──────────────────────────▶ Active ────────────────────────────────────────────▶ Withdrawn
//!     ▲ │ not answered in time                                                                │  ▲
//!     │ └─────────────────────────────────────────────────────────────────────────────────────┼──┘
//!     └───────────────────────────────────── well again for a while ──────────────────────────┘
//! ```
//!
//! In a trial the addresses are there and only questions of our own reach the cache at them. That comes before every
//! interception, so that no client is the first to find out. A withdrawal that had to be repeated soon waits longer each time.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use nodens_resolve::Time;

/// What is to be in place on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Only addresses that nobody else would serve.
    Withdrawn,
    /// All addresses, reached by questions of our own.
    Trial,
    /// All addresses, reached by everybody.
    Active,
}

/// Why clients' questions are not directed to the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It has not answered a question of its own yet.
    Starting,
    /// There is no process that could answer.
    NoProcess,
    /// A worker does not move.
    Stuck(Duration),
    /// The cache does not answer at an address.
    Silent(IpAddr),
    /// Its upstreams fail, and the cluster DNS service answers without it.
    Worse,
    /// The program ends.
    Ending,
    /// What would direct them cannot be set up.
    NotPossible,
}

/// What was seen of the cache.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observation {
    /// How long ago the worker was seen that was not seen for longest; nothing when there is no process.
    pub(crate) pulse: Option<Duration>,
    /// For each local address, when the last question of our own that was answered had been sent.
    pub(crate) answered: Vec<(IpAddr, Option<Time>)>,
    /// Whether the way around the cache was found better.
    pub(crate) worse: bool,
}

/// The decision and what it depends on.
#[derive(Debug)]
pub(crate) struct Interception {
    stage: Stage,
    since: Time,
    reason: Reason,
    /// Since when everything has looked well, while withdrawn.
    well_since: Option<Time>,
    /// How long it must look well before the next trial.
    hold: Duration,
    active_since: Option<Time>,
    ending: bool,
}

impl Interception {
    /// Begins with a trial.
    pub(crate) fn new(now: Time) -> Self {
        Self {
            stage: Stage::Trial,
            since: now,
            reason: Reason::Starting,
            well_since: None,
            hold: SHORTEST_HOLD,
            active_since: None,
            ending: false,
        }
    }

    /// Takes in what was seen; gives what is to be in place from now on.
    pub(crate) fn observe(&mut self, now: Time, seen: &Observation) -> Stage {
        if self.ending {
            return self.stage;
        }
        match self.stage {
            Stage::Trial => self.on_trial(now, seen),
            Stage::Active => {
                if let Some(reason) = unwell(now, seen, |_| Some(self.since)) {
                    self.withdraw(now, reason);
                }
            }
            Stage::Withdrawn => self.while_withdrawn(now, seen),
        }
        self.stage
    }

    /// No more traffic is wanted, ever.
    pub(crate) fn end(&mut self, now: Time) -> Stage {
        self.ending = true;
        self.withdraw(now, Reason::Ending);
        self.stage
    }

    /// What a stage needs could not be set up.
    pub(crate) fn failed(&mut self, now: Time) {
        if !self.ending {
            self.withdraw(now, Reason::NotPossible);
        }
    }

    /// What is to be in place.
    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// Why there is no interception; nothing while there is.
    pub(crate) fn reason(&self) -> Option<&Reason> {
        (self.stage != Stage::Active).then_some(&self.reason)
    }

    fn on_trial(&mut self, now: Time, seen: &Observation) {
        let fresh = |at: &Option<Time>| at.is_some_and(|at| at >= self.since);
        let unanswered = seen.answered.iter().find(|(_, at)| !fresh(at));
        match (seen.pulse, unanswered) {
            (None, _) => self.withdraw(now, Reason::NoProcess),
            (Some(pulse), _) if pulse > LONGEST_PAUSE => self.withdraw(now, Reason::Stuck(pulse)),
            (Some(_), None) => {
                self.stage = Stage::Active;
                self.since = now;
                self.active_since = Some(now);
            }
            (Some(_), Some((address, _))) if now.since(self.since) > TRIAL => {
                self.withdraw(now, Reason::Silent(*address));
            }
            (Some(_), Some(_)) => {}
        }
    }

    fn while_withdrawn(&mut self, now: Time, seen: &Observation) {
        // The other addresses are not there, or answered by others.
        let since = self.since;
        let ours = |address: IpAddr| is_link_local(address).then_some(since);
        if unwell(now, seen, ours).is_some() {
            self.well_since = None;
            return;
        }
        let well_since = *self.well_since.get_or_insert(now);
        // A new process is as good as a first start.
        let hold = if self.reason == Reason::NoProcess {
            Duration::ZERO
        } else {
            self.hold
        };
        if now.since(well_since) >= hold {
            self.stage = Stage::Trial;
            self.since = now;
        }
    }

    fn withdraw(&mut self, now: Time, reason: Reason) {
        let lasted = self.active_since.take().map(|since| now.since(since));
        self.hold = match lasted {
            Some(lasted) if lasted >= STABLE => SHORTEST_HOLD,
            _ if self.stage == Stage::Withdrawn => self.hold,
            _ => (self.hold * 2).min(LONGEST_HOLD),
        };
        self.stage = Stage::Withdrawn;
        self.since = now;
        self.reason = reason;
        self.well_since = None;
    }
}

/// What is wrong, looking at the addresses for which `from` gives the moment that silence is counted from.
fn unwell(now: Time, seen: &Observation, from: impl Fn(IpAddr) -> Option<Time>) -> Option<Reason> {
    let Some(pulse) = seen.pulse else {
        return Some(Reason::NoProcess);
    };
    if pulse > LONGEST_PAUSE {
        return Some(Reason::Stuck(pulse));
    }
    let silent = seen.answered.iter().find(|(address, at)| {
        from(*address).is_some_and(|from| now.since(at.unwrap_or(from).max(from)) > LONGEST_SILENCE)
    });
    if let Some((address, _)) = silent {
        return Some(Reason::Silent(*address));
    }
    seen.worse.then_some(Reason::Worse)
}

/// Whether an address is one that only this node has, so that no other path leads anywhere.
pub(super) fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

impl Reason {
    /// The value of the metric label `reason`.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::NoProcess => "no_process",
            Self::Stuck(_) => "stuck",
            Self::Silent(_) => "silent",
            Self::Worse => "upstreams",
            Self::Ending => "ending",
            Self::NotPossible => "not_possible",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => out.write_str("the cache has not answered a question of its own yet"),
            Self::NoProcess => out.write_str("the process that answers has ended"),
            Self::Stuck(pulse) => write!(
                out,
                "a worker has not moved for {:.1} s",
                pulse.as_secs_f64()
            ),
            Self::Silent(address) => {
                write!(
                    out,
                    "the cache does not answer its own questions at {address}"
                )
            }
            Self::Worse => out.write_str(
                "the upstreams of the cache fail, and the cluster DNS service answers without it",
            ),
            Self::Ending => out.write_str("the program ends"),
            Self::NotPossible => {
                out.write_str("what directs traffic to the cache cannot be set up")
            }
        }
    }
}

/// Workers beat at least once a second, and a supervised process reports four times as often: two seconds is twice that, and
/// leaves a second of the three in which a hang must be over.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A question is asked every half second; four lost in a row are no chance.
const LONGEST_SILENCE: Duration = Duration::from_secs(2);
/// The cache answers a question of its own within a millisecond, or on an overloaded node within a second.
const TRIAL: Duration = Duration::from_secs(3);
/// Longer than a short stall, short enough not to lose the cache's use.
const SHORTEST_HOLD: Duration = Duration::from_secs(3);
/// What flaps is worse than what is off.
const LONGEST_HOLD: Duration = Duration::from_mins(1);
/// After this long, the next withdrawal is taken for another matter.
const STABLE: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests;
