//! Messages in a stream: two bytes of length before each (RFC 1035, section 4.2.2).
//!
//! Public because whoever writes a client or a test of streams needs the same two halves: [`Frames`]
//! for what comes in, [`Outbox`] for what goes out.

use std::io::{self, Write};
use std::ops::ControlFlow;

/// Incoming bytes, cut into messages. Holds memory only while a message is incomplete.
#[derive(Debug, Default)]
pub struct Frames {
    partial: Vec<u8>,
}

/// A message without a single byte: its sender does not speak DNS.
#[derive(Debug, PartialEq, Eq)]
pub struct EmptyFrame;

impl Frames {
    /// Takes `bytes` as the continuation of the stream and calls `take` for each message that is
    /// complete, until it says to stop. What is left is kept.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        take: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), EmptyFrame> {
        if self.partial.is_empty() {
            let used = cut(bytes, take)?;
            if used < bytes.len() {
                self.partial = bytes[used..].to_vec();
            }
            return Ok(());
        }
        self.partial.extend_from_slice(bytes);
        let used = cut(&self.partial, take)?;
        if used == self.partial.len() {
            self.partial = Vec::new();
        } else {
            self.partial.drain(..used);
        }
        Ok(())
    }
}

/// Calls `take` for each complete message in `bytes`; gives how many bytes these were.
fn cut(bytes: &[u8], mut take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<usize, EmptyFrame> {
    let mut used = 0;
    while let Some((length, rest)) = bytes[used..].split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 {
            return Err(EmptyFrame);
        }
        let Some(message) = rest.get(..length) else {
            break;
        };
        used += 2 + length;
        if take(message).is_break() {
            break;
        }
    }
    Ok(used)
}

/// Outgoing messages with their lengths, as far as they are not written yet. Holds memory only
/// while there are any.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    written: usize,
}

impl Outbox {
    /// Adds a message. One longer than the length field can say is not added: false.
    pub fn push(&mut self, message: &[u8]) -> bool {
        let Ok(length) = u16::try_from(message.len()) else {
            return false;
        };
        self.bytes.reserve(2 + message.len());
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(message);
        true
    }

    /// Writes what the other side takes; gives how many bytes that were.
    pub fn write_to(&mut self, mut writer: impl Write) -> io::Result<usize> {
        let before = self.written;
        while self.written < self.bytes.len() {
            match writer.write(&self.bytes[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(self.written - before);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let count = self.written - before;
        *self = Self::default();
        Ok(count)
    }

    /// How many bytes wait to be written.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Whether all is written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(frames: &mut Frames, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        let outcome = frames.feed(bytes, |message| {
            messages.push(message.to_vec());
            ControlFlow::Continue(())
        });
        outcome.unwrap();
        messages
    }

    #[test]
    fn messages_are_found_however_the_stream_is_cut() {
        let stream = b"\0\x03abc\0\x01d\0\x05efghi";
        let expected: [&[u8]; 3] = [b"abc", b"d", b"efghi"];
        for cut in 0..stream.len() {
            let mut frames = Frames::default();
            let mut messages = collect(&mut frames, &stream[..cut]);
            messages.extend(collect(&mut frames, &stream[cut..]));
            assert_eq!(messages, expected, "cut at {cut}");
            assert!(frames.partial.is_empty());
            assert_eq!(frames.partial.capacity(), 0);
        }
        let mut frames = Frames::default();
        let messages: Vec<_> = stream
            .iter()
            .flat_map(|&byte| collect(&mut frames, &[byte]))
            .collect();
        assert_eq!(messages, expected);
    }

    #[test]
    fn messages_after_a_stop_are_kept_for_the_next_time() {
        let mut frames = Frames::default();
        let mut first = Vec::new();
        let outcome = frames.feed(b"\0\x01a\0\x01b\0\x01c", |message| {
            first.push(message.to_vec());
            ControlFlow::Break(())
        });
        assert_eq!(outcome, Ok(()));
        assert_eq!(first, [b"a"]);
        assert!(!frames.partial.is_empty());
        assert_eq!(collect(&mut frames, b""), [b"b", b"c"]);
    }

    #[test]
    fn an_empty_message_is_an_error() {
        let mut frames = Frames::default();
        assert_eq!(
            frames.feed(b"\0\0", |_| ControlFlow::Continue(())),
            Err(EmptyFrame)
        );
    }

    #[test]
    fn what_a_slow_reader_does_not_take_is_kept() {
        struct Slow(Vec<u8>, usize);
        impl Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let count = bytes.len().min(self.1);
                if count == 0 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                self.1 -= count;
                self.0.extend_from_slice(&bytes[..count]);
                Ok(count)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut outbox = Outbox::default();
        assert!(outbox.push(b"abc"));
        assert!(outbox.push(b"de"));
        assert!(!outbox.push(&vec![0; 65_536]));
        let mut slow = Slow(Vec::new(), 4);
        assert_eq!(outbox.write_to(&mut slow).unwrap(), 4);
        assert_eq!(outbox.len(), 5);
        slow.1 = 100;
        assert_eq!(outbox.write_to(&mut slow).unwrap(), 5);
        assert_eq!(slow.0, b"\0\x03abc\0\x02de");
        assert!(outbox.is_empty());
        assert_eq!(outbox.bytes.capacity(), 0);
    }
}
