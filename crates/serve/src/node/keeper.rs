//! Keeps the plumbing as it should be: asks the decision, does what it says, mends what others break, tells what happened.

use std::net::IpAddr;

use nodens_resolve::Time;

use super::NodeOptions;
use super::interception::{Interception, Observation, Stage};
use super::note::{Counts, Note, with_causes};
use super::plumbing::{Plumbing, PlumbingError};
use super::report::Report;
use super::rules::OwnPorts;
use crate::log::{Level, Logger};

/// The keeper.
pub(super) struct Keeper {
    plumbing: Plumbing,
    /// Nothing before the first process listens.
    interception: Option<Interception>,
    logger: Logger,
    addresses: Vec<IpAddr>,
    sync_interval: std::time::Duration,
    checked: Time,
    synchronized: Time,
    /// Told and still true.
    state: Vec<Report>,
    /// To be told.
    news: Vec<Report>,
    last_error: Option<String>,
}

impl Keeper {
    /// Puts the addresses up.
    pub(super) fn prepare(options: &NodeOptions, logger: &Logger, now: Time) -> Self {
        let (plumbing, notes) = Plumbing::prepare(options);
        let mut keeper = Self {
            plumbing,
            interception: None,
            logger: logger.clone(),
            addresses: options.local_addresses.clone(),
            sync_interval: options.sync_interval,
            checked: now,
            synchronized: now,
            state: Vec::new(),
            news: Vec::new(),
            last_error: None,
        };
        if options.keep_at_end {
            keeper.say(vec![Note::info(
                "-skipteardown: nothing to do, a second copy has addresses and rules of its own"
                    .into(),
            )]);
        }
        keeper.say(notes);
        keeper.tell_state();
        keeper
    }

    /// A process is about to be started, and listens only where there is an address.
    pub(super) fn expect_process(&mut self) {
        let mut notes = Vec::new();
        let outcome = self.plumbing.set_stage(Stage::Trial, &mut notes);
        self.say(notes);
        if let Err(error) = outcome {
            self.complain(&error);
        }
    }

    /// A process listens, and asks its own questions from these ports.
    pub(super) fn begin(&mut self, own: OwnPorts, now: Time) {
        self.plumbing.set_own_ports(own);
        let interception = self
            .interception
            .get_or_insert_with(|| Interception::new(now));
        let stage = interception.stage();
        self.put_in_place(stage, now);
        self.tell_state();
    }

    /// Takes in what was seen of the cache, and does what is due.
    pub(super) fn tick(&mut self, now: Time, seen: &Observation) {
        let Some(interception) = &mut self.interception else {
            return;
        };
        let before = interception.stage();
        let stage = interception.observe(now, seen);
        if stage != before {
            self.put_in_place(stage, now);
            self.announce(before);
        }
        if now.since(self.checked) >= CHECK {
            self.checked = now;
            self.mend(now);
        }
        self.tell_state();
    }

    /// Directs no more traffic here, for good; what is under way can still be answered.
    pub(super) fn let_go(&mut self, now: Time) {
        if let Some(interception) = &mut self.interception {
            interception.end(now);
        }
        if let Err(error) = self.plumbing.let_go() {
            self.logger
                .plugin(Level::Error, "node", with_causes(&error));
        }
        self.tell_state();
    }

    /// Takes away what would outlive the process, at its end.
    pub(super) fn clear(&mut self) {
        self.plumbing.clear();
    }

    /// Whether it waits for the cache's first answer.
    pub(super) fn is_on_trial(&self) -> bool {
        self.interception
            .as_ref()
            .is_none_or(|interception| interception.stage() == Stage::Trial)
    }

    /// What has happened since this was asked last.
    pub(super) fn news(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.news)
    }

    /// Everything that is so now, for a process that knows nothing yet.
    pub(super) fn state(&self) -> &[Report] {
        &self.state
    }

    /// Takes in something else that is to be told.
    pub(super) fn tell(&mut self, report: Report) {
        if !report.is_state() {
            self.news.push(report);
        } else if !self.state.contains(&report) {
            self.state.retain(|old| !replaces(&report, old));
            self.state.push(report.clone());
            self.news.push(report);
        }
    }

    fn put_in_place(&mut self, stage: Stage, now: Time) {
        let mut notes = Vec::new();
        let outcome = self.plumbing.set_stage(stage, &mut notes);
        self.say(notes);
        let Err(error) = outcome else {
            self.last_error = None;
            return;
        };
        self.complain(&error);
        if let Some(interception) = &mut self.interception {
            interception.failed(now);
        }
        // What can be undone is; the same error again says nothing new.
        let _ = self.plumbing.set_stage(Stage::Withdrawn, &mut Vec::new());
    }

    fn announce(&self, before: Stage) {
        let Some(interception) = &self.interception else {
            return;
        };
        match (before, interception.stage(), interception.reason()) {
            (_, Stage::Active, _) => {
                let addresses: Vec<String> = self.addresses.iter().map(IpAddr::to_string).collect();
                let text = format_args!(
                    "DNS traffic to {} comes to this cache",
                    addresses.join(", ")
                );
                self.logger.plugin(Level::Info, "node", text);
            }
            (Stage::Active, Stage::Withdrawn, Some(reason)) => {
                let text = format_args!(
                    "DNS traffic of the node is no longer directed to this cache: {reason}"
                );
                self.logger.plugin(Level::Warning, "node", text);
            }
            (Stage::Trial, Stage::Withdrawn, Some(reason)) => {
                let text =
                    format_args!("DNS traffic of the node is not directed to this cache: {reason}");
                self.logger.plugin(Level::Warning, "node", text);
            }
            _ => {}
        }
    }

    fn mend(&mut self, now: Time) {
        let mut notes = Vec::new();
        let outcome = self.plumbing.check(&mut notes);
        if now.since(self.synchronized) >= self.sync_interval {
            self.synchronized = now;
            notes.extend(self.plumbing.clear_leftovers());
        }
        self.say(notes);
        match outcome {
            Ok(()) => self.last_error = None,
            Err(error) => self.complain(&error),
        }
    }

    fn complain(&mut self, error: &PlumbingError) {
        let cause = match error {
            PlumbingError::Rules(_) => "iptables",
            _ if self.is_on_trial() => "interface_add",
            _ => "interface_check",
        };
        let text = with_causes(error);
        self.tell(Report::Failure(cause.into()));
        if matches!(error, PlumbingError::Rules(_)) {
            self.tell(Report::Fallback("rules".into()));
        }
        // Once per cause, not once a second.
        if self.last_error.as_ref() != Some(&text) {
            self.logger.plugin(Level::Error, "node", &text);
            self.last_error = Some(text);
        }
    }

    fn say(&mut self, notes: Vec<Note>) {
        for note in notes {
            self.logger.plugin(note.level, "node", &note.text);
            match note.counts {
                Counts::Nothing => {}
                Counts::Fallback(missing) => self.tell(Report::Fallback(missing.into())),
                Counts::Repair(what) => self.tell(Report::Repair(what.into())),
                Counts::Failure(cause) => self.tell(Report::Failure(cause.into())),
            }
        }
    }

    fn tell_state(&mut self) {
        let reason = match &self.interception {
            Some(interception) => interception
                .reason()
                .map(|reason| reason.label().to_owned()),
            None => Some("starting".to_owned()),
        };
        for address in self.addresses.clone() {
            let draws = self.interception.is_some() && self.plumbing.draws(address);
            self.tell(Report::Draws(address, draws));
        }
        self.tell(Report::Inactive(reason));
    }
}

/// Whether one report makes another untrue.
fn replaces(new: &Report, old: &Report) -> bool {
    match (new, old) {
        (Report::Draws(new, _), Report::Draws(old, _)) => new == old,
        (Report::Inactive(_), Report::Inactive(_)) | (Report::Restarts(_), Report::Restarts(_)) => {
            true
        }
        _ => false,
    }
}

/// How often everything is compared with what it should be.
const CHECK: std::time::Duration = std::time::Duration::from_secs(1);
