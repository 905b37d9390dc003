//! A resolver and the world around it: clients, upstreams, a clock that only moves when it is told to.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use nodens_corefile::{Defaults, MemoryFiles, parse};
use nodens_resolve::{
    Ask, AskSource, BlockSurroundings, Client, Due, Event, Facts, Failure, Protocol, Resolver,
    Shared, Step, Surroundings, Time, Transport, Upstream, Worker,
};

use crate::messages::{Asking, ask_in_words, belongs};

/// The world.
#[derive(Debug)]
pub(crate) struct Scene {
    shared: Arc<Shared>,
    resolver: Arc<Resolver>,
    workers: Vec<Worker>,
    now: Time,
    random: u64,
    questions: Vec<Asked>,
    /// Replies that no step has looked at.
    pub(crate) replies: VecDeque<Reply>,
    /// Messages to upstreams that no step has looked at.
    pub(crate) asks: Vec<Sent>,
    /// Messages to upstreams that were looked at and not answered.
    pub(crate) open: Vec<Sent>,
    /// Health checks since the last step that did something.
    pub(crate) probes: Vec<Sent>,
    /// What happened since the last step that did something.
    pub(crate) events: Vec<String>,
    counts: HashMap<SocketAddr, usize>,
}

/// A message to an upstream.
#[derive(Debug)]
pub(crate) struct Sent {
    worker: usize,
    pub(crate) ask: Ask,
}

#[derive(Debug)]
struct Asked {
    client: Client,
    message: Vec<u8>,
    since: Time,
    replies: usize,
    dropped: Option<&'static str>,
}

/// A reply to a client.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) peer: IpAddr,
    pub(crate) message: Vec<u8>,
    pub(crate) facts: Facts,
}

impl Scene {
    pub(crate) fn new(corefile: &str) -> Result<Self, String> {
        let shared = Arc::new(Shared::new(1));
        let resolver = resolver(&shared, corefile, None)?;
        let workers = (0..2)
            .map(|index| Worker::new(Arc::clone(&resolver), index))
            .collect();
        Ok(Self {
            shared,
            resolver,
            workers,
            now: Time::EPOCH + Duration::from_secs(1000),
            random: 1,
            questions: Vec::new(),
            replies: VecDeque::new(),
            asks: Vec::new(),
            open: Vec::new(),
            probes: Vec::new(),
            events: Vec::new(),
            counts: HashMap::new(),
        })
    }

    /// Takes a new configuration.
    pub(crate) fn reload(&mut self, corefile: &str) -> Result<(), String> {
        self.resolver = resolver(&self.shared, corefile, Some(&self.resolver))?;
        for worker in &mut self.workers {
            worker.replace(Arc::clone(&self.resolver));
        }
        Ok(())
    }

    /// A client's message.
    pub(crate) fn question(
        &mut self,
        address: IpAddr,
        transport: Transport,
        asking: Asking,
    ) -> Result<(), String> {
        let servers = self.resolver.servers();
        let server = match asking.port {
            None => 0,
            Some(port) => servers
                .iter()
                .position(|server| server.address.port() == port)
                .ok_or("nobody listens there")?,
        };
        let local = servers.get(server).ok_or("nobody listens")?.address;
        let client = Client {
            transport,
            peer: SocketAddr::new(address, 40_000),
            local,
            ticket: u64::try_from(self.questions.len()).unwrap_or(u64::MAX),
            worker: u16::try_from(asking.worker).unwrap_or(u16::MAX),
            server: u16::try_from(server).unwrap_or(u16::MAX),
        };
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let worker = self
            .workers
            .get_mut(asking.worker)
            .ok_or("there are two workers")?;
        let mut out = Vec::new();
        let step = worker.on_query(self.now, &client, &asking.message, self.random, &mut out);
        let mut asked = Asked {
            client,
            message: asking.message,
            since: self.now,
            replies: 0,
            dropped: None,
        };
        if let Step::Drop(reason) = step {
            asked.dropped = Some(reason.name());
        }
        self.questions.push(asked);
        if let Step::Reply(facts) = step {
            self.replied(&client, out, facts)?;
        }
        self.collect()
    }

    /// Why the last question was dropped, if it was.
    pub(crate) fn last_drop(&self) -> Option<&'static str> {
        self.questions.last()?.dropped
    }

    /// An upstream's message about the open ask at `index`; whether it was taken.
    pub(crate) fn answer(&mut self, index: usize, message: &[u8]) -> Result<bool, String> {
        let Sent { worker, ask } = &self.open[index];
        let taken = self.workers[*worker].on_answer(self.now, ask.id, message);
        if taken {
            self.open.remove(index);
        }
        self.collect()?;
        Ok(taken)
    }

    /// The open ask at `index` failed.
    pub(crate) fn fail(&mut self, index: usize, failure: Failure) -> Result<(), String> {
        let Sent { worker, ask } = self.open.remove(index);
        self.workers[worker].on_failure(self.now, ask.id, failure);
        self.collect()
    }

    /// Everything that is due until then is done at its time.
    pub(crate) fn pass(&mut self, time: Duration) -> Result<(), String> {
        let end = self.now + time;
        let mut spins = 0;
        loop {
            let next = self.workers.iter().enumerate();
            let next = next.filter_map(|(index, worker)| Some((worker.poll_timeout()?, index)));
            let Some((due, index)) = next.min().filter(|(due, _)| *due <= end) else {
                break;
            };
            spins = if due > self.now { 0 } else { spins + 1 };
            if spins > 100 {
                return Err("on_timeout leaves what is due: a busy loop".into());
            }
            self.now = self.now.max(due);
            self.workers[index].on_timeout(self.now);
            self.collect()?;
        }
        self.now = end;
        // A driver forgets datagrams that nobody waits for; of a connection it says how it ended.
        let now = self.now;
        self.open
            .retain(|sent| sent.ask.protocol != Protocol::Udp || sent.ask.give_up > now);
        Ok(())
    }

    /// Clients that wait, as the workers count them.
    pub(crate) fn waiting(&self) -> usize {
        self.workers.iter().map(Worker::in_flight).sum()
    }

    /// The number of an upstream, from 1.
    pub(crate) fn number(&self, upstream: &Arc<Upstream>) -> usize {
        let upstreams = self.resolver.upstreams();
        let place = upstreams
            .iter()
            .position(|other| Arc::ptr_eq(other, upstream));
        place.map_or(0, |place| place + 1)
    }

    /// How often an upstream was asked for clients.
    pub(crate) fn count(&self, number: usize) -> usize {
        let upstreams = self.resolver.upstreams();
        let upstream = number.checked_sub(1).and_then(|place| upstreams.get(place));
        upstream.map_or(0, |upstream| {
            self.counts.get(&upstream.address()).copied().unwrap_or(0)
        })
    }

    /// A message to an upstream in words: `upstream 1 asked: …`.
    pub(crate) fn in_words(&self, ask: &Ask) -> String {
        let verb = match ask.source {
            AskSource::Question => "asked",
            AskSource::HealthProbe => "probed",
            AskSource::TcpProbe => "tried",
        };
        let number = self.number(&ask.upstream);
        format!("upstream {number} {verb}: {}", what_in_words(ask))
    }

    /// Whether every question has had its one reply.
    pub(crate) fn check_replies(&self) -> Result<(), String> {
        for asked in &self.questions {
            let wanted = usize::from(asked.dropped.is_none());
            if asked.replies != wanted {
                let peer = asked.client.peer.ip();
                return Err(format!(
                    "client {peer} got {} replies, not {wanted}",
                    asked.replies
                ));
            }
        }
        match self.waiting() {
            0 => Ok(()),
            count => Err(format!("{count} questions are still under way")),
        }
    }

    /// Whether no client has waited for longer than this.
    pub(crate) fn check_patience(&self, patience: Duration) -> Result<(), String> {
        for asked in self.questions.iter().rev() {
            let waits = self.now.since(asked.since);
            if waits > Duration::from_secs(10) {
                break;
            }
            if asked.replies == 0 && asked.dropped.is_none() && waits > patience {
                return Err(format!(
                    "client {} waits for {waits:?}",
                    asked.client.peer.ip()
                ));
            }
        }
        Ok(())
    }

    fn collect(&mut self) -> Result<(), String> {
        let mut dues: Vec<Due> = Vec::new();
        for index in 0..self.workers.len() {
            let worker = &mut self.workers[index];
            let asks: Vec<Ask> = worker.asks().collect();
            let events: Vec<Event> = worker.events().collect();
            dues.extend(worker.dues());
            for event in events {
                let text = self.event_in_words(&event);
                self.events.push(text);
            }
            for ask in asks {
                let sent = Sent { worker: index, ask };
                if sent.ask.source == AskSource::HealthProbe {
                    self.probes.push(sent);
                    continue;
                }
                if sent.ask.source == AskSource::Question {
                    *self.counts.entry(sent.ask.upstream.address()).or_insert(0) += 1;
                }
                self.asks.push(sent);
            }
        }
        for due in dues {
            self.replied(&due.client, due.message, due.facts)?;
        }
        Ok(())
    }

    fn replied(&mut self, client: &Client, message: Vec<u8>, facts: Facts) -> Result<(), String> {
        let index = usize::try_from(client.ticket).unwrap_or(usize::MAX);
        let asked = self.questions.get_mut(index).ok_or("a reply to nobody")?;
        asked.replies += 1;
        if asked.replies > 1 {
            return Err(format!("client {} got a second reply", client.peer.ip()));
        }
        belongs(&message, &asked.message)?;
        let limit = match nodens_dns::Query::parse(&asked.message) {
            Ok(query) if client.transport == Transport::Udp => usize::from(query.udp_size()),
            _ => usize::from(u16::MAX),
        };
        if message.len() > limit {
            return Err(format!(
                "a reply of {} bytes to a client that takes {limit}",
                message.len()
            ));
        }
        let rcode = nodens_dns::Message::parse(&message).map(|view| view.rcode().0);
        if rcode != Ok(facts.rcode) {
            return Err(format!(
                "the facts say response code {}, the reply {rcode:?}",
                facts.rcode
            ));
        }
        let peer = client.peer.ip();
        self.replies.push_back(Reply {
            peer,
            message,
            facts,
        });
        Ok(())
    }

    fn event_in_words(&self, event: &Event) -> String {
        let number = |upstream| self.number(upstream);
        match event {
            Event::UpstreamAnswered {
                upstream,
                rcode,
                duration,
            } => {
                let rcode = nodens_dns::Rcode(*rcode);
                format!(
                    "upstream {} answered {rcode} after {duration:?}",
                    number(upstream)
                )
            }
            Event::UpstreamFailed {
                upstream,
                failure,
                question,
                ..
            } => format!(
                "upstream {} failed: {failure} for {question}",
                number(upstream)
            ),
            Event::HealthCheckFailed { upstream } => {
                format!("upstream {} failed a health check", number(upstream))
            }
            Event::UpstreamHealth { upstream, healthy } => {
                let health = if *healthy { "well" } else { "down" };
                format!("upstream {} is {health}", number(upstream))
            }
            Event::UpstreamTcp {
                upstream,
                usable,
                reason,
            } => {
                let can = if *usable { "can" } else { "cannot" };
                format!("upstream {} {can} do TCP: {reason}", number(upstream))
            }
            Event::AllUpstreamsDown { .. } => "all upstreams are down".into(),
            Event::TooManyConcurrent { limit, .. } => format!("more than {limit} at once"),
            Event::MismatchedReply { upstream, .. } => {
                format!(
                    "upstream {} sent a reply that does not fit",
                    number(upstream)
                )
            }
            Event::QuestionFailed {
                question,
                error,
                stale,
                ..
            } => {
                let stale = if *stale { " (stale)" } else { "" };
                format!("question failed: {question}: {error}{stale}")
            }
            Event::Prefetch { .. } => "prefetch".into(),
            Event::Template {
                template, outcome, ..
            } => format!("template {template} {outcome:?}"),
        }
    }
}

/// What is asked over what.
pub(crate) fn what_in_words(ask: &Ask) -> String {
    let protocol = match ask.protocol {
        Protocol::Udp => "udp",
        Protocol::Tcp => "tcp",
        Protocol::Tls => "tls",
    };
    ask_in_words(&ask.message, protocol)
}

fn resolver(
    shared: &Arc<Shared>,
    corefile: &str,
    before: Option<&Resolver>,
) -> Result<Arc<Resolver>, String> {
    let config = parse(
        "Corefile",
        corefile,
        &MemoryFiles::default(),
        &Defaults::default(),
    );
    let config = config.map_err(|error| error.to_string())?;
    let block = || BlockSurroundings {
        addresses: vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
        ..BlockSurroundings::default()
    };
    let surroundings = Surroundings {
        servers_of: &|_| vec![],
        blocks: config.blocks.iter().map(|_| block()).collect(),
    };
    let resolver = Resolver::new(shared, &config, &surroundings, before);
    Ok(Arc::new(resolver.map_err(|error| error.to_string())?))
}
