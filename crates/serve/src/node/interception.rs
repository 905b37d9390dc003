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
mod tests {
    use super::*;

    #[test]
    fn interception_begins_with_an_answer_at_every_address() {
        let mut interception = Interception::new(at(0));
        assert_eq!(
            interception.observe(at(10), &seen(&[Some(5), None])),
            Stage::Trial
        );
        assert_eq!(interception.reason(), Some(&Reason::Starting));
        assert_eq!(
            interception.observe(at(20), &seen(&[Some(5), Some(15)])),
            Stage::Active
        );
        assert_eq!(interception.reason(), None);
    }

    #[test]
    fn an_answer_from_before_a_trial_does_not_count() {
        let mut interception = Interception::new(at(100));
        assert_eq!(
            interception.observe(at(110), &seen(&[Some(90), Some(105)])),
            Stage::Trial
        );
        assert_eq!(
            interception.observe(at(3200), &seen(&[Some(90), Some(105)])),
            Stage::Withdrawn
        );
        assert_eq!(interception.reason(), Some(&Reason::Silent(LOCAL)));
    }

    #[test]
    fn a_worker_that_does_not_move_is_noticed_within_three_seconds() {
        let mut interception = active();
        let mut observation = seen(&[Some(1000), Some(1000)]);
        observation.pulse = Some(Duration::from_millis(1900));
        assert_eq!(interception.observe(at(1000), &observation), Stage::Active);
        observation.pulse = Some(Duration::from_millis(2100));
        assert_eq!(
            interception.observe(at(1200), &observation),
            Stage::Withdrawn
        );
        assert_eq!(interception.reason().unwrap().label(), "stuck");
    }

    #[test]
    fn silence_at_one_address_withdraws() {
        let mut interception = active();
        assert_eq!(
            interception.observe(at(2900), &seen(&[Some(2800), Some(1000)])),
            Stage::Active
        );
        assert_eq!(
            interception.observe(at(3100), &seen(&[Some(3000), Some(1000)])),
            Stage::Withdrawn
        );
        assert_eq!(interception.reason(), Some(&Reason::Silent(SERVICE)));
    }

    #[test]
    fn a_cache_that_is_well_again_is_tried_after_a_while() {
        let mut interception = active();
        let mut observation = seen(&[Some(1000), Some(1000)]);
        observation.worse = true;
        assert_eq!(
            interception.observe(at(1000), &observation),
            Stage::Withdrawn
        );
        assert_eq!(
            interception.observe(at(9000), &{
                let mut o = seen(&[Some(9000), None]);
                o.worse = true;
                o
            }),
            Stage::Withdrawn
        );
        // What is answered at the service's address while withdrawn is not the cache's doing.
        assert_eq!(
            interception.observe(at(10_000), &seen(&[Some(9900), None])),
            Stage::Withdrawn
        );
        assert_eq!(
            interception.observe(at(15_900), &seen(&[Some(15_900), None])),
            Stage::Withdrawn
        );
        assert_eq!(
            interception.observe(at(16_100), &seen(&[Some(16_000), None])),
            Stage::Trial
        );
        assert_eq!(
            interception.observe(at(16_200), &seen(&[Some(16_150), Some(16_150)])),
            Stage::Active
        );
    }

    #[test]
    fn repeated_withdrawals_wait_longer_and_longer_up_to_a_minute() {
        let mut interception = active();
        let mut now = 1000;
        let mut holds = Vec::new();
        for _ in 0..7 {
            let mut bad = seen(&[Some(now), Some(now)]);
            bad.worse = true;
            assert_eq!(interception.observe(at(now), &bad), Stage::Withdrawn);
            let begin = now;
            while interception.observe(at(now), &seen(&[Some(now), Some(now)])) != Stage::Active {
                now += 100;
            }
            holds.push((now - begin) / 1000);
        }
        assert_eq!(holds, [6, 12, 24, 48, 60, 60, 60]);
        let mut bad = seen(&[Some(now + 400_000), Some(now + 400_000)]);
        bad.worse = true;
        interception.observe(at(now + 400_000), &bad);
        assert_eq!(interception.hold, SHORTEST_HOLD);
    }

    #[test]
    fn a_new_process_is_tried_at_once() {
        let mut interception = active();
        let gone = Observation {
            pulse: None,
            ..seen(&[None, None])
        };
        assert_eq!(interception.observe(at(500), &gone), Stage::Withdrawn);
        assert_eq!(
            interception.observe(at(520), &seen(&[None, None])),
            Stage::Trial
        );
        assert_eq!(
            interception.observe(at(540), &seen(&[Some(530), Some(530)])),
            Stage::Active
        );
    }

    #[test]
    fn the_end_is_final() {
        let mut interception = active();
        assert_eq!(interception.end(at(100)), Stage::Withdrawn);
        assert_eq!(
            interception.observe(at(90_000), &seen(&[Some(90_000), Some(90_000)])),
            Stage::Withdrawn
        );
        assert_eq!(interception.reason(), Some(&Reason::Ending));
    }

    fn active() -> Interception {
        let mut interception = Interception::new(at(0));
        assert_eq!(
            interception.observe(at(1), &seen(&[Some(0), Some(0)])),
            Stage::Active
        );
        interception
    }

    fn seen(answered: &[Option<u64>; 2]) -> Observation {
        let times = answered.map(|milliseconds| milliseconds.map(at));
        Observation {
            pulse: Some(Duration::ZERO),
            answered: vec![(LOCAL, times[0]), (SERVICE, times[1])],
            worse: false,
        }
    }

    fn at(milliseconds: u64) -> Time {
        Time::EPOCH + Duration::from_millis(milliseconds)
    }

    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 20, 10));
    const SERVICE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 96, 0, 10));
}
