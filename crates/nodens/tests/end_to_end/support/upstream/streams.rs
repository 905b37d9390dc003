//! The TCP side of a scripted upstream.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use super::reply::made_reply;
use super::{Behavior, State, TICK};

impl State {
    pub(super) fn serve_streams(self: Arc<Self>, listener: &TcpListener) {
        listener.set_nonblocking(true).unwrap();
        let mut clients = Vec::new();
        while !self.ended.load(SeqCst) {
            match listener.accept() {
                Ok((socket, _)) => {
                    self.connections.fetch_add(1, SeqCst);
                    let theirs = Arc::clone(&self);
                    clients.push(thread::spawn(move || theirs.serve_stream(socket)));
                }
                Err(_) => thread::sleep(TICK / 8),
            }
        }
        for client in clients {
            let _ = client.join();
        }
    }

    fn serve_stream(&self, mut socket: TcpStream) {
        socket.set_nonblocking(false).unwrap();
        socket.set_read_timeout(Some(TICK)).unwrap();
        let mut answered = 0;
        while let Some(question) = self.read_frame(&mut socket) {
            self.tcp_questions.fetch_add(1, SeqCst);
            self.note(&question);
            let behavior = *self.tcp.lock().unwrap();
            let reply = made_reply(&question, behavior, self.ttl.load(SeqCst), None);
            if let Behavior::AnswerAfter(time) = behavior {
                thread::sleep(time);
            }
            let mut frame = Vec::new();
            if let Some(reply) = reply {
                frame.extend(u16::try_from(reply.len()).unwrap().to_be_bytes());
                frame.extend(reply);
            }
            if behavior == Behavior::CutFrame {
                frame.truncate(frame.len() / 2);
            }
            answered += 1;
            let last = match behavior {
                Behavior::CutFrame | Behavior::Close => true,
                Behavior::CloseAfter(count) => answered >= count,
                _ => false,
            };
            if socket.write_all(&frame).is_err() || last {
                break;
            }
        }
        let _ = socket.shutdown(Shutdown::Both);
    }

    /// The next question; nothing at the end.
    fn read_frame(&self, socket: &mut TcpStream) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        self.read(socket, &mut length)?;
        let mut frame = vec![0; usize::from(u16::from_be_bytes(length))];
        self.read(socket, &mut frame)?;
        Some(frame)
    }

    fn read(&self, socket: &mut TcpStream, mut bytes: &mut [u8]) -> Option<()> {
        while !bytes.is_empty() {
            if self.ended.load(SeqCst) {
                return None;
            }
            match socket.read(bytes) {
                Ok(0) => return None,
                Ok(count) => bytes = &mut bytes[count..],
                Err(error)
                    if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {}
                Err(_) => return None,
            }
        }
        Some(())
    }
}
