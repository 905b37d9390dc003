//! What an epoll event is about: the number that a socket is registered with.

use crate::slab::Key;

/// Whose socket is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// Letters have come.
    Mailbox,
    /// Datagrams from clients, by the listener's number.
    Datagrams(u64),
    /// New connections, by the listener's number.
    Connections(u64),
    /// A client's connection.
    Client(Key),
    /// A datagram socket towards an upstream.
    UpstreamDatagrams(Key),
    /// A connection to an upstream.
    UpstreamConnection(Key),
}

impl Token {
    /// The number for the kernel: eight bits of kind, 56 of content.
    pub(crate) fn to_bits(self) -> u64 {
        let (kind, content) = match self {
            Self::Mailbox => (0, 0),
            Self::Datagrams(listener) => (1, listener),
            Self::Connections(listener) => (2, listener),
            Self::Client(key) => (3, key.to_bits()),
            Self::UpstreamDatagrams(key) => (4, key.to_bits()),
            Self::UpstreamConnection(key) => (5, key.to_bits()),
        };
        kind << KIND_SHIFT | content & CONTENT
    }

    /// What the kernel's number says.
    pub(crate) fn from_bits(bits: u64) -> Self {
        let content = bits & CONTENT;
        match bits >> KIND_SHIFT {
            1 => Self::Datagrams(content),
            2 => Self::Connections(content),
            3 => Self::Client(Key::from_bits(content)),
            4 => Self::UpstreamDatagrams(Key::from_bits(content)),
            5 => Self::UpstreamConnection(Key::from_bits(content)),
            _ => Self::Mailbox,
        }
    }
}

const KIND_SHIFT: u32 = 56;
const CONTENT: u64 = (1 << KIND_SHIFT) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_kernel() {
        let key = Key::from_bits(0x0012_3456_0000_0009);
        for token in [
            Token::Mailbox,
            Token::Datagrams(3),
            Token::Connections(4),
            Token::Client(key),
            Token::UpstreamDatagrams(key),
            Token::UpstreamConnection(key),
        ] {
            assert_eq!(Token::from_bits(token.to_bits()), token);
        }
    }
}
