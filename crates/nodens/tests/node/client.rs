//! A client that asks at a fixed rate from ever-changing ports, and remembers what became of every question.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::lab::Namespace;

/// A client at work.
pub(crate) struct Client {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Report>,
}

/// What became of the questions.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) asked: usize,
    pub(crate) lost: usize,
    /// The longest time in which every question was lost.
    pub(crate) dark: Duration,
}

impl Client {
    /// Begins to ask.
    pub(crate) fn start(pod: &Namespace, server: &str, rate: u32) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let server: SocketAddr = format!("{server}:53").parse().unwrap();
        let theirs = Arc::clone(&stop);
        let thread = pod.enter(move || ask(server, rate, &theirs));
        Self { stop, thread }
    }

    /// Ends after what is under way.
    pub(crate) fn finish(self) -> Report {
        self.stop.store(true, Relaxed);
        self.thread.join().unwrap()
    }
}

impl Report {
    fn new(sent: &[(Instant, bool)], period: Duration) -> Self {
        let missing = sent.iter().filter(|(_, answered)| !answered).count();
        let runs = sent.chunk_by(|(_, one), (_, next)| one == next);
        let dark = runs.filter_map(|run| match (run.first(), run.last()) {
            (Some((begin, false)), Some((end, _))) => Some(*end - *begin + period),
            _ => None,
        });
        Self {
            asked: sent.len(),
            lost: missing,
            dark: dark.max().unwrap_or_default(),
        }
    }
}

fn ask(server: SocketAddr, rate: u32, stop: &AtomicBool) -> Report {
    let sockets: Vec<UdpSocket> = (0..SOCKETS).map(|_| socket(server)).collect();
    let period = Duration::from_secs(1) / rate;
    let mut sent: Vec<(Instant, bool)> = Vec::new();
    let mut next = Instant::now();
    let mut end = None;
    loop {
        let now = Instant::now();
        if end.is_none() && stop.load(Relaxed) {
            end = Some(now + LINGER);
        }
        if end.is_none() && now >= next {
            // Questions that were due while this thread had no processor are not asked all at once.
            next = now.max(next) + period;
            let number = sent.len();
            let message = question(u16::try_from(number % 65536).unwrap());
            // A refusal of an earlier question is reported here; that one is lost, this one is asked.
            let socket = &sockets[number % SOCKETS];
            if socket.send(&message).is_err() {
                let _ = socket.send(&message);
            }
            sent.push((now, false));
        }
        for socket in &sockets {
            let mut reply = [0; 512];
            while let Ok(length) = socket.recv(&mut reply) {
                // No error, and an answer.
                if length > 12 && reply[3].trailing_zeros() >= 4 && reply[7] > 0 {
                    let id = usize::from(u16::from_be_bytes([reply[0], reply[1]]));
                    let number = sent.len() - 1 - (sent.len() - 1 - id) % 65536;
                    sent[number].1 = true;
                }
            }
        }
        if end.is_some_and(|end| now > end) {
            return Report::new(&sent, period);
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

fn socket(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// `hit.cluster.local`, type A.
fn question(id: u16) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    message.extend(b"\x03hit\x07cluster\x05local\0\0\x01\0\x01");
    message
}

const SOCKETS: usize = 16;
/// After this a question is lost: the first timeout of the most patient resolvers is five seconds, but within a node an answer
/// takes less than a millisecond.
const LINGER: Duration = Duration::from_millis(1200);
