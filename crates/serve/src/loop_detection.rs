//! The `loop` directive: does a question that leaves this server come back to it?
//!
//! At the start a question for a name nobody else knows is sent to the server's own first
//! address. The stage that sees questions counts how often it comes by; more than twice means
//! that an upstream sends it back, and each client question would go round until the sockets run
//! out. Any answer ends the probing, and two seconds later the counting.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use nodens_dns::{Class, Flags, HEADER_LENGTH, Header, MessageBuilder, Name, RecordType};
use tokio::net::UdpSocket;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::own_address::reachable;

/// The probe of one server block. The stage that sees questions holds [`seen`](Self::seen) and
/// [`active`](Self::active) and nothing else of it.
#[derive(Debug, Clone)]
pub struct LoopProbe {
    /// The name asked for, of type HINFO.
    pub name: Name,
    /// The zone it was made for, as the Corefile names it.
    pub zone: Name,
    /// How often the question has come by; counted by the stage.
    pub seen: Arc<AtomicU32>,
    /// Whether the question is still looked for.
    pub active: Arc<AtomicBool>,
}

/// What the probing has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoopVerdict {
    /// The question did not come back.
    Clear,
    /// There is a loop: the text of the line with which the process ends.
    Loop(String),
    /// Nothing answered within the time for it, so it is not known.
    Unanswered,
}

impl LoopProbe {
    /// Makes a probe for a zone, with a name of two random numbers below it.
    pub fn new(zone: &Name) -> Self {
        let text = format!("{}.{}.", random() >> 2, random() >> 2);
        let label: Name = text.parse().expect("two numbers are a name");
        let wire = [
            &label.as_wire()[..label.as_wire().len() - 1],
            zone.as_wire(),
        ]
        .concat();
        // A zone too long for two more labels cannot be asked below; its own name can be.
        let name = Name::from_wire(&wire).unwrap_or_else(|_| zone.clone());
        LoopProbe {
            name,
            zone: zone.clone(),
            seen: Arc::new(AtomicU32::new(0)),
            active: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Sends the question to `server`, which listens already, and watches for its return. Ends
    /// with a verdict two seconds after an answer, or after half a minute without one; from then
    /// on the question is no longer looked for.
    pub async fn run(&self, server: SocketAddr) -> LoopVerdict {
        let verdict = tokio::select! {
            biased;
            verdict = self.watch(server) => verdict,
            answered = self.ask(reachable(server)) => {
                if answered { LoopVerdict::Clear } else { LoopVerdict::Unanswered }
            }
        };
        self.active.store(false, Relaxed);
        verdict
    }

    /// Waits for the count to pass the limit.
    async fn watch(&self, server: SocketAddr) -> LoopVerdict {
        let mut ticks = interval(WATCH);
        loop {
            ticks.tick().await;
            if self.seen.load(Relaxed) > MOST_SEEN {
                return LoopVerdict::Loop(self.fatal(server));
            }
        }
    }

    /// Asks until there is an answer, and waits for what may come by after it; false when there
    /// was none.
    async fn ask(&self, server: SocketAddr) -> bool {
        let end = Instant::now() + PROBING;
        while Instant::now() < end {
            if self.exchange(server).await.unwrap_or(false) {
                sleep(AFTER_ANSWER).await;
                return true;
            }
            self.seen.store(0, Relaxed);
            sleep(RETRY).await;
        }
        false
    }

    async fn exchange(&self, server: SocketAddr) -> io::Result<bool> {
        let own: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((own, 0)).await?;
        socket.connect(server).await?;
        let [high, low, ..] = random().to_be_bytes();
        let id = u16::from_be_bytes([high, low]);
        socket.send(&self.question(id)).await?;
        let answered = async {
            let mut answer = [0; HEADER_LENGTH];
            loop {
                let length = socket.recv(&mut answer).await?;
                let header = Header::read(&answer[..length]);
                if header.is_some_and(|header| header.id == id && header.flags.has(Flags::QR)) {
                    return Ok(true);
                }
            }
        };
        timeout(ANSWER, answered).await.unwrap_or(Ok(false))
    }

    fn question(&self, id: u16) -> Vec<u8> {
        let mut builder = MessageBuilder::new(id, Flags(Flags::RD));
        builder.question(&self.name, RecordType::HINFO, Class::IN);
        builder.finish()
    }

    /// `CoreDNS`'s words, which runbooks quote. Where the question came back from is not kept by
    /// the stage; the address it was first sent to stands on both sides.
    fn fatal(&self, server: SocketAddr) -> String {
        format!(
            "Loop ({server} -> {server}) detected for zone \"{}\", see \
             https://coredns.io/plugins/loop#troubleshooting. Query: \"HINFO {}\"",
            absolute(&self.zone),
            absolute(&self.name)
        )
    }
}

/// A name with its closing dot.
fn absolute(name: &Name) -> String {
    let text = name.to_string();
    if text.ends_with('.') {
        text
    } else {
        text + "."
    }
}

/// A number that cannot be guessed: the standard library seeds its hasher from the kernel.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// How often the question may come by: once when it is asked, once more when it is sent again.
const MOST_SEEN: u32 = 2;

/// How long an answer is waited for, before the question is sent again.
const ANSWER: Duration = Duration::from_secs(2);

/// The pause before the question is sent again.
const RETRY: Duration = Duration::from_secs(1);

/// How long answers are hoped for in all: upstreams may start after the cache.
const PROBING: Duration = Duration::from_secs(30);

/// How long the question is looked for after the answer: a loop through slow upstreams.
const AFTER_ANSWER: Duration = Duration::from_secs(2);

/// How often the count is looked at.
const WATCH: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use nodens_dns::Query;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_question_that_comes_back_is_a_loop() {
        let probe = LoopProbe::new(&Name::root());
        let server = server(&probe, 3, true).await;
        let LoopVerdict::Loop(text) = probe.run(server).await else {
            panic!("no loop was seen");
        };
        let expected = format!(
            "Loop ({server} -> {server}) detected for zone \".\", see \
             https://coredns.io/plugins/loop#troubleshooting. Query: \"HINFO {}\"",
            absolute(&probe.name)
        );
        assert_eq!(text, expected);
        assert!(!probe.active.load(Relaxed));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_answer_without_a_return_is_clear_after_two_seconds() {
        let probe = LoopProbe::new(&"cluster.local.".parse().unwrap());
        let server = server(&probe, 1, true).await;
        let start = Instant::now();
        assert_eq!(probe.run(server).await, LoopVerdict::Clear);
        assert!(start.elapsed() >= AFTER_ANSWER && start.elapsed() < AFTER_ANSWER * 2);
        assert!(!probe.active.load(Relaxed));
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn silence_is_no_verdict() {
        let probe = LoopProbe::new(&Name::root());
        let server = server(&probe, 1, false).await;
        assert_eq!(probe.run(server).await, LoopVerdict::Unanswered);
    }

    #[test]
    fn the_name_is_two_numbers_below_the_zone() {
        let zone: Name = "cluster.local.".parse().unwrap();
        let probe = LoopProbe::new(&zone);
        let text = absolute(&probe.name);
        let labels: Vec<&str> = text.splitn(3, '.').collect();
        assert!(
            labels[0].parse::<u64>().is_ok() && labels[1].parse::<u64>().is_ok(),
            "{text}"
        );
        assert_eq!(labels[2], "cluster.local.");
        assert_ne!(probe.name, LoopProbe::new(&zone).name);
    }

    /// A server that takes each question for one seen `times` times.
    async fn server(probe: &LoopProbe, times: u32, answers: bool) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let probe = probe.clone();
        tokio::spawn(async move {
            let mut message = [0; 512];
            loop {
                let (length, client) = socket.recv_from(&mut message).await.unwrap();
                let query = Query::parse(&message[..length]).unwrap();
                assert_eq!(query.qtype, RecordType::HINFO);
                assert_eq!(query.qname(), probe.name.as_wire());
                probe.seen.fetch_add(times, Relaxed);
                if answers {
                    message[2] |= 0x80;
                    socket.send_to(&message[..length], client).await.unwrap();
                }
            }
        });
        address
    }
}
