//! An upstream that does as it is told: answers, is silent, or misbehaves, and counts questions.

mod reply;
mod streams;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::namespace::Namespace;
use reply::{made_reply, name_of};

/// What it does with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// Answers: an address for any name, NXDOMAIN below `nx`, large TXT records below `large`.
    Answer,
    /// Answers after a while.
    AnswerAfter(Duration),
    /// Reads and says nothing.
    Silent,
    /// Sends bytes that are no message.
    Garbage,
    /// Answers with another id.
    WrongId,
    /// Answers another question.
    WrongQuestion,
    /// Answers SERVFAIL.
    ServerFailure,
    /// Sends a header with TC and nothing else.
    Truncated,
    /// Sends the first half of a frame and closes (TCP).
    CutFrame,
    /// Closes without an answer (TCP).
    Close,
    /// Answers so many questions of a connection and closes (TCP).
    CloseAfter(usize),
}

/// A running upstream; it closes its sockets when dropped.
#[derive(Debug)]
pub(crate) struct Upstream {
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    udp: Mutex<Behavior>,
    tcp: Mutex<Behavior>,
    ttl: AtomicU32,
    udp_questions: AtomicUsize,
    tcp_questions: AtomicUsize,
    by_name: Mutex<HashMap<Vec<u8>, usize>>,
    connections: AtomicUsize,
    ended: AtomicBool,
}

impl Upstream {
    /// Starts one that answers, by UDP and TCP.
    pub(crate) fn start(namespace: &Namespace, address: SocketAddr) -> Self {
        Self::start_with(namespace, address, true)
    }

    /// Starts one whose TCP port is closed.
    pub(crate) fn start_without_tcp(namespace: &Namespace, address: SocketAddr) -> Self {
        Self::start_with(namespace, address, false)
    }

    fn start_with(namespace: &Namespace, address: SocketAddr, tcp: bool) -> Self {
        let state = Arc::new(State {
            udp: Mutex::new(Behavior::Answer),
            tcp: Mutex::new(Behavior::Answer),
            ttl: AtomicU32::new(300),
            udp_questions: AtomicUsize::new(0),
            tcp_questions: AtomicUsize::new(0),
            by_name: Mutex::default(),
            connections: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let (udp, listener) = namespace.enter(|| {
            let udp = UdpSocket::bind(address).unwrap();
            (udp, tcp.then(|| TcpListener::bind(address).unwrap()))
        });
        let theirs = Arc::clone(&state);
        let mut threads = vec![std::thread::spawn(move || theirs.serve_datagrams(&udp))];
        if let Some(listener) = listener {
            let theirs = Arc::clone(&state);
            threads.push(std::thread::spawn(move || theirs.serve_streams(&listener)));
        }
        Self { state, threads }
    }

    /// Says what becomes of questions from now on, whatever carries them.
    pub(crate) fn behave(&self, behavior: Behavior) {
        self.behave_by(behavior, behavior);
    }

    /// Says what becomes of questions by UDP and by TCP from now on.
    pub(crate) fn behave_by(&self, udp: Behavior, tcp: Behavior) {
        *self.state.udp.lock().unwrap() = udp;
        *self.state.tcp.lock().unwrap() = tcp;
    }

    /// Sets the TTL of records, in seconds.
    pub(crate) fn set_ttl(&self, seconds: u32) {
        self.state.ttl.store(seconds, SeqCst);
    }

    /// Questions by UDP so far.
    pub(crate) fn udp_questions(&self) -> usize {
        self.state.udp_questions.load(SeqCst)
    }

    /// Questions by TCP so far.
    pub(crate) fn tcp_questions(&self) -> usize {
        self.state.tcp_questions.load(SeqCst)
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(SeqCst)
    }

    /// Questions so far for a name, of whatever type.
    pub(crate) fn questions_for(&self, name: &str) -> usize {
        let by_name = self.state.by_name.lock().unwrap();
        let name = super::message::name_to_wire(name);
        by_name.get(&name).copied().unwrap_or_default()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.state.ended.store(true, SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl State {
    fn serve_datagrams(self: Arc<Self>, socket: &UdpSocket) {
        socket.set_read_timeout(Some(TICK)).unwrap();
        let mut bytes = [0; 4096];
        while !self.ended.load(SeqCst) {
            let Ok((length, client)) = socket.recv_from(&mut bytes) else {
                continue;
            };
            let question = &bytes[..length];
            self.udp_questions.fetch_add(1, SeqCst);
            self.note(question);
            let behavior = *self.udp.lock().unwrap();
            let reply = made_reply(question, behavior, self.ttl.load(SeqCst), Some(512));
            if let Behavior::AnswerAfter(time) = behavior {
                let socket = socket.try_clone().unwrap();
                std::thread::spawn(move || {
                    std::thread::sleep(time);
                    let _ = socket.send_to(&reply.unwrap_or_default(), client);
                });
            } else if let Some(reply) = reply {
                let _ = socket.send_to(&reply, client);
            }
        }
    }

    fn note(&self, question: &[u8]) {
        let Some(name) = name_of(question) else {
            return;
        };
        let mut by_name = self.by_name.lock().unwrap();
        // A flood's names are counted and not kept.
        if by_name.len() < NAMES || by_name.contains_key(&name) {
            *by_name.entry(name).or_default() += 1;
        }
    }
}

/// How often threads look whether they are to end.
const TICK: Duration = Duration::from_millis(20);
/// Names that are counted one by one.
const NAMES: usize = 10_000;
