//! Asking the resolver, so that a panic in it costs one question and not the worker.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nodens_resolve::{Client, Step, Time};

use crate::engine::Engine;
use crate::observer::Observer;

/// Asks the resolver one question. Nothing when it panicked: `reply` is then SERVFAIL, as CoreDNS
/// answers, or empty when the message has no header to reply to.
#[inline]
pub(crate) fn ask<E: Engine>(
    engine: &mut E,
    observer: &mut impl Observer,
    now: Time,
    client: &Client,
    message: &[u8],
    random: u64,
    reply: &mut Vec<u8>,
) -> Option<Step> {
    observer.request(client, message);
    let asked = AssertUnwindSafe(|| engine.on_query(now, client, message, random, reply));
    let Ok(step) = catch_unwind(asked) else {
        observer.panicked();
        server_failure(message, reply);
        return None;
    };
    if !matches!(step, Step::Reply(_)) {
        reply.clear();
    }
    Some(step)
}

/// SERVFAIL with empty sections.
fn server_failure(message: &[u8], reply: &mut Vec<u8>) {
    reply.clear();
    let Some(&[id_high, id_low, flags, _]) = message.first_chunk::<4>() else {
        return;
    };
    if message.len() < HEADER || flags & RESPONSE != 0 {
        return;
    }
    let flags = RESPONSE | flags & (OPCODE | RECURSION_DESIRED);
    reply.extend_from_slice(&[id_high, id_low, flags, SERVFAIL]);
    reply.resize(HEADER, 0);
}

/// Bytes of a message's header.
const HEADER: usize = 12;
/// QR, opcode and RD, in the third byte of the header (RFC 1035, section 4.1.1).
const RESPONSE: u8 = 0x80;
const OPCODE: u8 = 0x78;
const RECURSION_DESIRED: u8 = 0x01;
/// The response code, in the fourth byte.
const SERVFAIL: u8 = 2;
