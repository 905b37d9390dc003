//! A resolver with clients and upstreams around it, in which time only passes when an input says so.

mod corefiles;
mod reply;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use nodens_corefile::{Config, Defaults, MemoryFiles, parse};
use nodens_dns::{HEADER_LENGTH, Query};
use nodens_resolve::{
    Ask, AskSource, BlockSurroundings, Client, Facts, Failure, Resolver, Shared, Step,
    Surroundings, Time, Transport, Worker,
};

use crate::signature::Signature;

pub(crate) use corefiles::COREFILES;
pub(crate) use reply::check_reply;

/// One worker and everyone who talks to it.
pub(crate) struct World {
    worker: Worker,
    now: Time,
    /// What upstreams were asked and have not answered.
    pub(crate) asks: Vec<Ask>,
    questions: Vec<Asked>,
    pub(crate) signature: Signature,
}

/// A client's question.
struct Asked {
    message: Vec<u8>,
    transport: Transport,
    at: Time,
    /// How many replies it got.
    replies: u32,
    /// It is to get one.
    waits: bool,
}

impl World {
    /// A world under one of [`COREFILES`].
    pub(crate) fn new(corefile: usize) -> Self {
        let config = &CONFIGS[corefile % CONFIGS.len()];
        let around = BlockSurroundings {
            addresses: vec![Ipv4Addr::UNSPECIFIED.into()],
            hosts: Some("192.0.2.9 file.example.org\n".to_owned()),
            loop_watch: None,
        };
        let surroundings = Surroundings {
            servers_of: &|_| Vec::new(),
            blocks: vec![around; config.blocks.len()],
        };
        let resolver = Resolver::new(&Arc::new(Shared::new(1)), config, &surroundings, None);
        let resolver = resolver.expect("the Corefiles of this crate are valid");
        Self {
            worker: Worker::new(Arc::new(resolver), 0),
            now: Time::from_nanos(1),
            asks: Vec::new(),
            questions: Vec::new(),
            signature: Signature::new(),
        }
    }

    /// A client asks. The bits of `who` choose its transport and address. Gives the reply if it comes
    /// at once.
    pub(crate) fn ask(&mut self, who: u8, message: &[u8]) -> Option<(Vec<u8>, Facts)> {
        let transport = if who & 1 == 0 {
            Transport::Udp
        } else {
            Transport::Tcp
        };
        let address: IpAddr = match who >> 1 & 3 {
            0 | 1 => Ipv4Addr::new(192, 0, 2, 77).into(),
            2 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7).into(),
            _ => Ipv4Addr::new(10, 0, 0, 1).into(),
        };
        let client = Client {
            transport,
            peer: SocketAddr::new(address, 40_000),
            local: SocketAddr::new(Ipv4Addr::new(192, 0, 2, 1).into(), 53),
            ticket: u64::try_from(self.questions.len()).unwrap_or(u64::MAX),
            worker: 0,
            server: 0,
        };
        let mut out = b"left from before".to_vec();
        let step =
            self.worker
                .on_query(self.now, &client, message, 0x1234_5678_9abc_def0, &mut out);
        self.questions.push(Asked {
            message: message.to_vec(),
            transport,
            at: self.now,
            replies: u32::from(matches!(step, Step::Reply(_))),
            waits: step == Step::Waiting,
        });
        let reply = match step {
            Step::Reply(facts) => {
                check_reply(message, transport, &out, &facts, &mut self.signature);
                Some((out, facts))
            }
            Step::Waiting => None,
            Step::Drop(reason) => {
                self.signature.note(reason.name(), 0_u8);
                None
            }
        };
        self.collect();
        reply
    }

    /// The upstream answers ask `index`. False when that was no answer.
    pub(crate) fn answer(&mut self, index: usize, message: &[u8]) -> bool {
        let Some(ask) = self.asks.get(index) else {
            return false;
        };
        let taken = self.worker.on_answer(self.now, ask.id, message);
        if taken {
            self.asks.remove(index);
        }
        self.signature.note("taken", taken);
        self.collect();
        taken
    }

    /// Ask `index` fails.
    pub(crate) fn fail(&mut self, index: usize, failure: Failure) {
        if index < self.asks.len() {
            let ask = self.asks.remove(index);
            self.worker.on_failure(self.now, ask.id, failure);
            self.collect();
        }
    }

    /// Time passes; deadlines are met when they come.
    pub(crate) fn wait(&mut self, pause: Duration) {
        let end = self.now + pause;
        let waits = self
            .questions
            .iter()
            .any(|asked| asked.waits && asked.replies == 0);
        if !waits && pause > LONGEST_WAIT {
            // Nothing but health checks would happen, thousands of them.
            self.now = end;
        }
        loop {
            let next = self.worker.poll_timeout().unwrap_or(Time::NEVER);
            self.now = self.now.max(next.min(end));
            self.worker.on_timeout(self.now);
            let left = self.worker.poll_timeout();
            assert!(
                left.is_none_or(|left| left > self.now),
                "what is due is done"
            );
            let now = self.now;
            self.asks.retain(|ask| ask.give_up > now);
            self.collect();
            if self.now >= end {
                return;
            }
        }
    }

    /// Time passes in silence until everyone who waits must have been answered.
    pub(crate) fn end(&mut self) {
        if self
            .questions
            .iter()
            .any(|asked| asked.waits && asked.replies == 0)
        {
            self.wait(LONGEST_WAIT);
        }
        let forgotten = self
            .questions
            .iter()
            .filter(|asked| asked.waits && asked.replies == 0);
        assert_eq!(forgotten.count(), 0, "clients wait for ever");
        assert_eq!(
            self.worker.in_flight(),
            0,
            "nobody waits and a question is under way"
        );
    }

    /// Takes what the worker has to say.
    fn collect(&mut self) {
        for ask in self.worker.asks() {
            let query = Query::parse(&ask.message).expect("what upstreams are asked is a question");
            assert_eq!(query.header.id, 0);
            assert!(query.edns.is_none_or(|edns| edns.udp_size >= 512));
            self.signature.note("ask", query.qtype.0.min(300));
            self.signature
                .note("by", u64::try_from(ask.protocol as isize).unwrap_or(9));
            self.signature
                .note("for", u64::from(ask.source == AskSource::Question));
            assert!(ask.give_up > self.now, "nobody waits for what is asked");
            self.asks.push(ask);
        }
        for due in self.worker.dues() {
            let index = usize::try_from(due.client.ticket).unwrap_or(usize::MAX);
            let asked = &mut self.questions[index];
            asked.replies += 1;
            assert!(
                asked.waits && asked.replies == 1,
                "one reply for a client that waits"
            );
            assert!(
                self.now.since(asked.at) <= LONGEST_WAIT,
                "a client waited too long"
            );
            let (message, transport) = (&asked.message, asked.transport);
            check_reply(
                message,
                transport,
                &due.message,
                &due.facts,
                &mut self.signature,
            );
            self.signature.magnitude(
                "waited",
                usize::try_from(self.now.since(asked.at).as_millis() / 100).unwrap_or(0),
            );
        }
        for event in self.worker.events() {
            // The name of the variant; the rest is told elsewhere.
            let text = format!("{event:?}");
            self.signature
                .note(text.split([' ', '{']).next().unwrap_or_default(), 0_u8);
        }
    }
}

/// `rest` behind a header made of `flags` and `counts`, as an answer to the question of `ask`.
pub(crate) fn as_answer(ask: &Ask, flags: u16, counts: [u16; 3], rest: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER_LENGTH + 64 + rest.len());
    for number in [0, flags | 0x8000, 1, counts[0], counts[1], counts[2]] {
        message.extend_from_slice(&number.to_be_bytes());
    }
    if let Ok(query) = Query::parse(&ask.message) {
        message.extend_from_slice(query.question());
    }
    message.extend_from_slice(rest);
    message
}

static CONFIGS: LazyLock<Vec<Config>> = LazyLock::new(|| {
    let files = MemoryFiles::new();
    let parsed = COREFILES.iter().map(|text| {
        parse("Corefile", text, &files, &Defaults::default())
            .unwrap_or_else(|error| panic!("{error}"))
    });
    parsed.collect()
});

/// Every client is answered before its own timer of two seconds expires.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
