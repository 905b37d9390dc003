//! An engine for tests that does what the first byte after the header says:
//!
//! | byte | what happens |
//! |---|---|
//! | `e` | the message comes back at once, with its mark and the script's |
//! | `w` | the upstream is asked, and its answer, or the failure's name, is the reply |
//! | `s` | the reply is left for another worker to deliver |
//! | `b` | as `e`, with a reply of 60,000 bytes |
//! | `p` | a panic |
//! | else | nothing |

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nodens_dns::Name;
use nodens_resolve::{
    Ask, AskId, AskSource, Asked, CacheOutcome, Client, DropReason, Due, Event, Facts, Failure,
    Plugin, Protocol, Step, Time, Upstream, UpstreamSettings,
};

use super::Engine;
use crate::observer::{Answered, Discard, Observer};

/// What scripted engines share.
pub(crate) struct Script {
    /// The last byte of immediate replies.
    pub(crate) mark: u8,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) protocol: Protocol,
    pub(crate) patience: Duration,
    /// Replies that another worker is to deliver.
    pub(crate) shared: Mutex<Vec<Due>>,
}

impl Script {
    pub(crate) fn new(mark: u8, address: std::net::SocketAddr, protocol: Protocol) -> Arc<Self> {
        Arc::new(Self {
            mark,
            upstream: upstream(address),
            protocol,
            patience: Duration::from_secs(1),
            shared: Mutex::new(Vec::new()),
        })
    }
}

/// An upstream that is kept for ten seconds.
pub(crate) fn upstream(address: std::net::SocketAddr) -> Arc<Upstream> {
    Arc::new(Upstream::new(settings(address)))
}

pub(crate) fn settings(address: std::net::SocketAddr) -> UpstreamSettings {
    UpstreamSettings {
        address,
        tls: None,
        expire: Duration::from_secs(10),
        max_age: None,
        max_idle_connections: 0,
        max_fails: 0,
        health_check: Duration::from_millis(500),
        health_check_recursion: true,
        health_check_domain: Name::root(),
    }
}

/// The engine.
pub(crate) struct Scripted {
    script: Arc<Script>,
    index: u16,
    next: u64,
    waiting: HashMap<AskId, (Client, Asked, Time)>,
    asks: Vec<Ask>,
    dues: Vec<Due>,
}

pub(crate) fn facts(client: &Client) -> Facts {
    Facts {
        server: client.server,
        block: 0,
        zone: 0,
        qtype: 1,
        dnssec_ok: false,
        rcode: 0,
        plugin: Plugin::Cache,
        cache: CacheOutcome::Hit,
    }
}

impl Scripted {
    fn finish(&mut self, ask: AskId, text: &[u8]) -> bool {
        let Some((client, asked, _)) = self.waiting.remove(&ask) else {
            return false;
        };
        let mut message = asked.id.to_be_bytes().to_vec();
        message.resize(12, 0);
        message.extend_from_slice(text);
        self.dues.push(Due {
            client,
            message,
            facts: facts(&client),
            asked,
        });
        true
    }
}

impl Engine for Scripted {
    type Generation = Script;

    fn start(script: Arc<Script>, index: u16) -> Self {
        Self {
            script,
            index,
            next: 0,
            waiting: HashMap::new(),
            asks: Vec::new(),
            dues: Vec::new(),
        }
    }

    fn replace(&mut self, script: Arc<Script>) {
        self.script = script;
    }

    fn on_query(
        &mut self,
        now: Time,
        client: &Client,
        message: &[u8],
        _random: u64,
        out: &mut Vec<u8>,
    ) -> Step {
        out.clear();
        match message.get(12) {
            Some(&command @ (b'e' | b'b')) => {
                out.extend_from_slice(message);
                if command == b'b' {
                    out.resize(60_000, 0);
                }
                out.push(self.script.mark);
                Step::Reply(facts(client))
            }
            Some(b'w') => {
                self.next += 1;
                let id = AskId(u64::from(self.index) << 48 | self.next);
                let asked = Asked::remember_header(message, now);
                let give_up = now + self.script.patience;
                self.waiting.insert(id, (*client, asked, give_up));
                let mut question = message.to_vec();
                question[..2].fill(0);
                self.asks.push(Ask {
                    id,
                    upstream: Arc::clone(&self.script.upstream),
                    protocol: self.script.protocol,
                    message: question,
                    give_up,
                    source: AskSource::Question,
                });
                Step::Waiting
            }
            Some(b's') => {
                let asked = Asked::remember_header(message, now);
                let (facts, mut message) = (facts(client), message.to_vec());
                message.push(self.script.mark);
                let due = Due {
                    client: *client,
                    message,
                    facts,
                    asked,
                };
                self.script.shared.lock().unwrap().push(due);
                Step::Waiting
            }
            Some(b'p') => panic!("as the test wants it"),
            _ => Step::Drop(DropReason::TooShort),
        }
    }

    fn on_answer(&mut self, _now: Time, ask: AskId, message: &[u8]) -> bool {
        message.get(12) == Some(&b'w') && self.finish(ask, &message[12..])
    }

    fn on_failure(&mut self, _now: Time, ask: AskId, failure: Failure) {
        self.finish(ask, failure.to_string().as_bytes());
    }

    fn poll_timeout(&self) -> Option<Time> {
        if !self.script.shared.lock().unwrap().is_empty() {
            return Some(Time::EPOCH);
        }
        self.waiting.values().map(|(_, _, give_up)| *give_up).min()
    }

    fn on_timeout(&mut self, now: Time) {
        let mut shared = self.script.shared.lock().unwrap();
        let (mine, others) = shared
            .drain(..)
            .partition(|due| due.client.worker == self.index);
        *shared = mine;
        drop(shared);
        self.dues.extend::<Vec<Due>>(others);
        let late: Vec<AskId> = self
            .waiting
            .iter()
            .filter_map(|(ask, (_, _, give_up))| (*give_up <= now).then_some(*ask))
            .collect();
        for ask in late {
            self.finish(ask, b"timeout");
        }
    }

    fn take_asks(&mut self, out: &mut Vec<Ask>) {
        out.append(&mut self.asks);
    }

    fn take_dues(&mut self, out: &mut Vec<Due>) {
        out.append(&mut self.dues);
    }

    fn take_events(&mut self, _out: &mut Vec<Event>) {}

    fn in_flight(&self) -> usize {
        self.waiting.len()
    }
}

/// What observers have seen, all workers together.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

#[derive(Clone, Default, Debug)]
pub(crate) struct Counts {
    pub(crate) requests: usize,
    pub(crate) replies: usize,
    pub(crate) panics: usize,
    pub(crate) dropped: Vec<Discard>,
    pub(crate) slowest: Duration,
    pub(crate) servers: Vec<u16>,
}

impl Tally {
    pub(crate) fn counts(&self) -> Counts {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Tally {
    fn request(&mut self, _client: &Client, _message: &[u8]) {
        self.0.lock().unwrap().requests += 1;
    }

    fn reply(&mut self, answered: &Answered<'_>) {
        let mut counts = self.0.lock().unwrap();
        counts.replies += 1;
        counts.slowest = counts.slowest.max(answered.elapsed);
        counts.servers.push(answered.facts.server);
        assert!(!answered.reply.is_empty());
    }

    fn dropped(&mut self, reason: Discard) {
        self.0.lock().unwrap().dropped.push(reason);
    }

    fn event(&mut self, _event: &Event) {}

    fn panicked(&mut self) {
        self.0.lock().unwrap().panics += 1;
    }
}
