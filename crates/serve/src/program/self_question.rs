//! A question of our own each second: does the way from a client's packet to a reply work?
//!
//! The question is a STATUS operation, which every worker answers NOTIMP without asking anyone, so what it shows is this
//! process and its sockets, not the upstreams. Which worker gets it is the kernel's choice; the heartbeats speak for the others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nodens_dns::{Class, Flags, Header, MessageBuilder, Name, Opcode, RecordType};
use nodens_resolve::Time;
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::heartbeat::Heartbeats;
use crate::http::Verdict;
use crate::own_address::reachable;

/// What the last questions showed.
#[derive(Clone)]
pub(super) struct SelfQuestion {
    heartbeats: Heartbeats,
    clock: Clock,
    answered: Arc<Mutex<Option<Time>>>,
}

impl SelfQuestion {
    pub(super) fn new(heartbeats: Heartbeats, clock: Clock) -> Self {
        Self {
            heartbeats,
            clock,
            answered: Arc::new(Mutex::new(None)),
        }
    }

    /// Whether the cache can serve, for `/health` and `/ready`.
    pub(super) fn verdict(&self) -> Verdict {
        let question = self.clone();
        Box::new(move || question.judge())
    }

    /// Asks until it is ended.
    pub(super) async fn ask(self, addresses: Vec<SocketAddr>) {
        let Some(&address) = addresses.first() else {
            return;
        };
        loop {
            if ask_once(reachable(address)).await {
                *self.answered.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(self.clock.now());
            }
            sleep(INTERVAL).await;
        }
    }

    fn judge(&self) -> Result<(), String> {
        let now = self.clock.now();
        let pause = self.heartbeats.oldest(now);
        if pause > LONGEST_PAUSE {
            return Err(format!(
                "a worker has not moved for {:.1} s",
                pause.as_secs_f64()
            ));
        }
        let answered = *self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        match answered.map(|at| now.since(at)) {
            None => Err("no question has been answered yet".into()),
            Some(since) if since > LONGEST_SILENCE => Err(format!(
                "the cache has not answered a question of its own for {:.1} s",
                since.as_secs_f64()
            )),
            Some(_) => Ok(()),
        }
    }
}

async fn ask_once(address: SocketAddr) -> bool {
    let exchange = async {
        let own: IpAddr = match address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((own, 0)).await?;
        socket.connect(address).await?;
        let mut builder = MessageBuilder::new(ID, Flags(0).with_opcode(Opcode::STATUS));
        builder.question(&Name::root(), RecordType::NS, Class::IN);
        socket.send(&builder.finish()).await?;
        let mut reply = [0; 512];
        let length = socket.recv(&mut reply).await?;
        let header = Header::read(&reply[..length]);
        Ok::<_, std::io::Error>(header.is_some_and(|header| header.id == ID))
    };
    matches!(timeout(PATIENCE, exchange).await, Ok(Ok(true)))
}

const ID: u16 = 0x6e73;
const INTERVAL: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(1);
/// Two questions lost in a row may be chance on a busy node; three are not.
const LONGEST_SILENCE: Duration = Duration::from_millis(3500);
/// Workers beat at least once a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
