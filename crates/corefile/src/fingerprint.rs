//! A fingerprint of what a Corefile says, not of how it is laid out.
//!
//! Comments, blank lines, indentation and how the text is split into imported files do not change
//! it; words, their order and where lines end do, and so do the values of variables.

use std::fmt;

use sha2::{Digest, Sha512};

use crate::blocks::RawBlock;
use crate::lexer::Token;

/// SHA-512 over the parsed tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 64]);

impl Fingerprint {
    pub(crate) fn of(blocks: &[RawBlock]) -> Self {
        let mut digest = Sha512::new();
        for block in blocks {
            digest.update(b"block\0");
            for key in &block.keys {
                word(&mut digest, b"key\0", key);
            }
            for statement in &block.statements {
                digest.update(b"directive\0");
                let mut previous: Option<&Token> = None;
                for token in statement {
                    let continues = previous.is_some_and(|last| !token.starts_line_after(last));
                    word(
                        &mut digest,
                        if continues { b"word\0" } else { b"line\0" },
                        token,
                    );
                    previous = Some(token);
                }
            }
        }
        Self(digest.finalize().into())
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

fn word(digest: &mut Sha512, kind: &[u8], token: &Token) {
    digest.update(kind);
    digest.update(
        u64::try_from(token.text.len())
            .unwrap_or(u64::MAX)
            .to_be_bytes(),
    );
    digest.update(token.text.as_bytes());
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}
