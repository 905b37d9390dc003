//! The replies of a scripted upstream.

use super::Behavior;
use crate::support::message::{A, AAAA, TXT, name_to_wire, rcode};

/// The reply to a question, if there is one; `limit` is the size of a datagram without EDNS.
pub(super) fn made_reply(
    question: &[u8],
    behavior: Behavior,
    ttl: u32,
    limit: Option<usize>,
) -> Option<Vec<u8>> {
    let name = name_of(question)?;
    match behavior {
        Behavior::Silent | Behavior::Close => None,
        Behavior::Answer
        | Behavior::AnswerAfter(_)
        | Behavior::CutFrame
        | Behavior::CloseAfter(_) => {
            let reply = answer(question, &name, ttl);
            let room = limit.map_or(usize::MAX, |limit| limit.max(edns_size(question, &name)));
            if reply.len() > room {
                return Some(header_only(question, &name, rcode::NOERROR, true));
            }
            Some(reply)
        }
        Behavior::Garbage => {
            let mut bytes = question[..2].to_vec();
            bytes.extend([0x81, 0x80, 0xff, 0xff, 0xff, 0xff, 0xc0, 0xff, 0xee]);
            Some(bytes)
        }
        Behavior::WrongId => {
            let mut reply = answer(question, &name, ttl);
            reply[0] ^= 0x55;
            Some(reply)
        }
        Behavior::WrongQuestion => {
            let mut other = question[..12].to_vec();
            other.extend(name_to_wire("elsewhere.example.net"));
            other.extend([0, 1, 0, 1]);
            let name = name_of(&other)?;
            Some(answer(&other, &name, ttl))
        }
        Behavior::ServerFailure => Some(header_only(question, &name, rcode::SERVFAIL, false)),
        Behavior::Truncated => Some(header_only(question, &name, rcode::NOERROR, true)),
    }
}

/// The name asked for, in lower case.
pub(super) fn name_of(question: &[u8]) -> Option<Vec<u8>> {
    let mut at = 12;
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1 + length;
        if length == 0 {
            let mut name = question.get(12..at)?.to_vec();
            name.make_ascii_lowercase();
            return question.get(at..at + 4).map(|_| name);
        }
    }
}

fn answer(question: &[u8], name: &[u8], ttl: u32) -> Vec<u8> {
    let end = 12 + name.len() + 4;
    let qtype = u16::from_be_bytes([question[end - 4], question[end - 3]]);
    if name.starts_with(b"\x02nx") || has_label(name, b"\x02nx") {
        return with_soa(question, name, rcode::NXDOMAIN, ttl);
    }
    let mut records: Vec<Vec<u8>> = Vec::new();
    match qtype {
        A => records.push(vec![203, 0, 113, 1]),
        AAAA => {
            let mut address = vec![0; 16];
            address[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
            address[15] = 1;
            records.push(address);
        }
        TXT if name.starts_with(b"\x05large") => {
            for number in 0..12 {
                let mut text = vec![200];
                text.extend(std::iter::repeat_n(b'a' + number, 200));
                records.push(text);
            }
        }
        _ => return with_soa(question, name, rcode::NOERROR, ttl),
    }
    let mut reply = header_only(question, name, rcode::NOERROR, false);
    reply[7] = u8::try_from(records.len()).unwrap();
    for data in records {
        reply.extend([0xc0, 12]);
        reply.extend(qtype.to_be_bytes());
        reply.extend([0, 1]);
        reply.extend(ttl.to_be_bytes());
        reply.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        reply.extend(data);
    }
    reply
}

fn has_label(name: &[u8], label: &[u8]) -> bool {
    name.windows(label.len()).any(|part| part == label)
}

/// Header and question.
fn header_only(question: &[u8], name: &[u8], rcode: u8, truncated: bool) -> Vec<u8> {
    let end = 12 + name.len() + 4;
    let mut reply = question[..end].to_vec();
    reply[2] = 0x80 | (question[2] & 0x79) | if truncated { 2 } else { 0 };
    reply[3] = 0x80 | rcode;
    reply[4..12].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    reply
}

/// Nothing there, with the SOA that lets it be cached (RFC 2308).
fn with_soa(question: &[u8], name: &[u8], rcode: u8, ttl: u32) -> Vec<u8> {
    let mut reply = header_only(question, name, rcode, false);
    reply[9] = 1;
    // The root's: no longer name is above all names.
    reply.extend([0, 0, 6, 0, 1]);
    reply.extend(ttl.to_be_bytes());
    reply.extend([0, 22, 0, 0]);
    for number in [1, 3600, 600, 86400, ttl] {
        reply.extend(number.to_be_bytes());
    }
    reply
}

/// The size in the question's OPT record.
fn edns_size(question: &[u8], name: &[u8]) -> usize {
    let opt = 12 + name.len() + 4;
    match question.get(opt..opt + 5) {
        Some(&[0, 0, 41, high, low]) => usize::from(u16::from_be_bytes([high, low])),
        _ => 0,
    }
}
