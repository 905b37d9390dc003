//! A stream of messages, cut anywhere: however it arrives, the same messages come out; and what is
//! written arrives whole however slowly it is taken.
//!
//! The input: a seed for the cuts, then the stream.

use std::io::{self, Write};
use std::ops::ControlFlow;

use nodens_serve::framing::{Frames, Outbox};

use crate::input::Input;
use crate::random::Random;
use crate::signature::Signature;
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "tcp_framing",
    run: target,
    seeds,
    words: crate::dictionary::dns,
};

/// Runs one input.
pub fn target(data: &[u8]) -> Signature {
    let mut input = Input::new(data);
    let mut random = Random::new(u64::from(input.pair()));
    let stream = input.rest();
    let whole = read(&[stream], usize::MAX);
    let cuts = cuts(&mut random, stream);
    assert_eq!(
        read(&cuts, usize::MAX),
        whole,
        "cut into {} pieces",
        cuts.len()
    );
    let most = 1 + random.below(3);
    assert_eq!(
        read(&cuts, most),
        whole,
        "at most {most} messages at a time"
    );

    let mut outbox = Outbox::default();
    let mut expected = Vec::new();
    for message in &whole.messages {
        assert!(outbox.push(message));
        expected.extend_from_slice(&u16::try_from(message.len()).unwrap_or(0).to_be_bytes());
        expected.extend_from_slice(message);
    }
    assert!(
        stream.starts_with(&expected),
        "what was read is what was sent"
    );
    let mut slow = Slow {
        taken: Vec::new(),
        random: &mut random,
    };
    while !outbox.is_empty() {
        let before = outbox.len();
        let written = outbox
            .write_to(&mut slow)
            .expect("a slow reader is no error");
        assert_eq!(before - written, outbox.len());
    }
    assert_eq!(slow.taken, expected);

    let mut signature = Signature::new();
    signature.note("empty", whole.empty);
    signature.magnitude("messages", whole.messages.len());
    for message in &whole.messages {
        signature.magnitude("length", message.len());
    }
    signature.magnitude("left", stream.len() - expected.len());
    signature.magnitude("cuts", cuts.len());
    signature
}

/// What came out of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    messages: Vec<Vec<u8>>,
    /// It ended in a message without a single byte.
    empty: bool,
}

/// Feeds the pieces one by one, taking at most `most` messages before it says to stop for now.
fn read(pieces: &[&[u8]], most: usize) -> Read {
    let mut frames = Frames::default();
    let mut messages = Vec::new();
    for piece in pieces {
        let mut feed = *piece;
        loop {
            let before = messages.len();
            let outcome = frames.feed(feed, |message: &[u8]| {
                messages.push(message.to_vec());
                if messages.len() - before < most {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            if outcome.is_err() {
                return Read {
                    messages,
                    empty: true,
                };
            }
            feed = &[];
            // After a stop there may be more in what is kept.
            if messages.len() == before || most == usize::MAX {
                break;
            }
        }
    }
    Read {
        messages,
        empty: false,
    }
}

/// The stream in pieces of random lengths, some of them empty.
fn cuts<'a>(random: &mut Random, stream: &'a [u8]) -> Vec<&'a [u8]> {
    let mut rest = stream;
    let mut cuts = Vec::new();
    while !rest.is_empty() {
        let longest = if random.once_in(3) { rest.len() + 1 } else { 4 };
        let (piece, after) = rest.split_at(random.below(longest).min(rest.len()));
        cuts.push(piece);
        rest = after;
    }
    cuts
}

/// Takes what it likes, or nothing.
struct Slow<'a> {
    taken: Vec<u8>,
    random: &'a mut Random,
}

impl Write for Slow<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.random.below(4) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            1 => Err(io::ErrorKind::Interrupted.into()),
            _ => {
                let count = 1 + self.random.below(bytes.len());
                self.taken.extend_from_slice(&bytes[..count]);
                Ok(count)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let framed = |messages: &[&[u8]]| {
        let mut stream = vec![0, 7];
        for message in messages {
            stream.extend_from_slice(&u16::try_from(message.len()).unwrap_or(0).to_be_bytes());
            stream.extend_from_slice(message);
        }
        stream
    };
    vec![
        ("two", framed(&[b"first message", b"second"])),
        ("empty", framed(&[b"a", b"", b"b"])),
        ("long", framed(&[&[7; 600], b"x", &[8; 300]])),
        (
            "unfinished",
            [&framed(&[b"whole"])[..], b"\x01\0half"].concat(),
        ),
    ]
}
