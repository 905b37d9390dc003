//! What upstreams say to a question that is under way, in any order and at any time: every client gets
//! one reply, well-formed, with the right id and question, in time.
//!
//! The input: which Corefile, who asks what; then a story of answers, failures, silence and more clients.

use std::time::Duration;

use nodens_dns::{Class, Flags, MessageBuilder, Name, Rcode, RecordType};
use nodens_resolve::Failure;

use crate::input::Input;
use crate::signature::Signature;
use crate::targets::Target;
use crate::world::{World, as_answer};

pub(super) const TARGET: Target = Target {
    name: "answer_path",
    run: target,
    seeds,
    words: crate::dictionary::dns,
};

/// Runs one input.
pub fn target(data: &[u8]) -> Signature {
    let mut input = Input::new(data);
    let mut world = World::new(usize::from(input.byte()));
    let who = input.byte();
    let what = input.byte();
    let message = question(what);
    world.ask(who, &message);
    let mut events = 0;
    while !input.is_empty() && events < MOST_EVENTS {
        events += 1;
        let event = input.byte();
        let place = usize::from(event >> 4);
        let index = place % world.asks.len().max(1);
        match event & 0xf {
            0..=6 => {
                let flags = input.pair();
                let counts = [input.byte(), input.byte(), input.byte()].map(u16::from);
                let rest = input.chunk();
                if let Some(ask) = world.asks.get(index) {
                    let answer = as_answer(ask, flags, counts, rest);
                    world.answer(index, &answer);
                }
            }
            7 => {
                let raw = input.chunk();
                world.answer(index, raw);
            }
            8 => world.fail(index, failure(input.byte())),
            9..=11 => world.wait(Duration::from_millis(u64::from(input.byte()) * 8)),
            12 => world.wait(Duration::from_secs(u64::from(input.pair() % 5000))),
            13 => {
                world.ask(input.byte(), &message);
            }
            14 => {
                world.ask(who, &question(input.byte()));
            }
            _ => {
                // A repeated answer: the network may deliver twice.
                let raw = input.chunk().to_vec();
                world.answer(index, &raw);
                world.answer(index, &raw);
            }
        }
    }
    world.end();
    // What was learned serves the next client, whatever it was.
    world.ask(who, &message);
    world.end();
    world.signature
}

/// One of the questions that lead different ways.
fn question(what: u8) -> Vec<u8> {
    const NAMES: [&str; 8] = [
        "www.example.org",
        "Kubernetes.default.svc.cluster.local",
        "shop.apps.example.org",
        "alias.example.org",
        "www.pointer.example.org",
        "x.example.com",
        "www.example.net",
        "1.2.0.192.in-addr.arpa",
    ];
    let types = [
        RecordType::A,
        RecordType::AAAA,
        RecordType::TXT,
        RecordType::HINFO,
    ];
    let name: Name = NAMES[usize::from(what & 7)].parse().expect("a name");
    let mut builder = MessageBuilder::new(0x0b07, Flags(Flags::RD));
    builder.question(&name, types[usize::from(what >> 3 & 3)], Class::IN);
    match what >> 5 {
        0..=2 => {}
        3 | 4 => builder.edns(1232, false, Rcode::NOERROR, &[]),
        5 => builder.edns(4096, true, Rcode::NOERROR, &[]),
        6 => builder.edns(512, true, Rcode::NOERROR, &[]),
        _ => builder.edns(65_535, false, Rcode::NOERROR, &[]),
    }
    builder.finish()
}

fn failure(which: u8) -> Failure {
    match which % 6 {
        0 => Failure::Refused,
        1 => Failure::Unreachable,
        2 => Failure::Closed,
        3 => Failure::ConnectTimeout,
        4 => Failure::Tls("bad certificate".into()),
        _ => Failure::System("some error".into()),
    }
}

/// An event: ask `place` is answered.
fn answer(place: u8, flags: u16, counts: [u8; 3], records: &[u8]) -> Vec<u8> {
    let length = u16::try_from(records.len()).unwrap_or(0).to_be_bytes();
    [
        &[place << 4][..],
        &flags.to_be_bytes(),
        &counts,
        &length,
        records,
    ]
    .concat()
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    const A: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    const ALIAS: &[u8] = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x10\x03web\x07example\x03net\0";
    const BROKEN_ALIAS: &[u8] = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x03web";
    const SOA: &[u8] = b"\xc0\x0c\0\x06\0\x01\0\0\0\x3c\0\x18\xc0\x0c\xc0\x0c\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x05";
    const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
    let with_opt = [A, OPT].concat();
    let story = |corefile: u8, who: u8, what: u8, events: &[&[u8]]| {
        [&[corefile, who, what][..], &events.concat()].concat()
    };
    let taken = answer(0, 0x0180, [1, 0, 0], A);
    let taken_with_opt = answer(0, 0x0180, [1, 0, 1], &with_opt);
    let denied = answer(0, 0x0183, [0, 1, 0], SOA);
    let no_data = answer(0, 0x0180, [0, 1, 0], SOA);
    let failed = answer(0, 0x0182, [0, 0, 0], b"");
    let truncated = answer(0, 0x0380, [0, 0, 0], b"");
    let alias = answer(0, 0x0180, [1, 0, 0], ALIAS);
    let large = answer(0, 0x0180, [60, 0, 0], &A.repeat(60));
    let [silence, refusal, later] = [&[9, 100][..], &[8, 0], &[12, 0, 40]];
    vec![
        ("answer", story(0, 0, 0, &[&taken])),
        (
            "opcode",
            story(0, 0, 0, &[&answer(0, 0x2980, [1, 0, 0], A)]),
        ),
        (
            "names",
            story(
                0,
                0,
                0,
                &[&answer(0, 0x0180, [1, 0, 0], BROKEN_ALIAS), &taken],
            ),
        ),
        ("edns", story(1, 0, 0x60, &[&taken_with_opt])),
        ("denial", story(0, 1, 0x80, &[&denied, later, &taken])),
        (
            "failure",
            story(1, 0, 0, &[&failed, &failed, &failed, later]),
        ),
        ("large", story(0, 0, 0x60, &[&large])),
        ("truncated", story(0, 1, 0, &[&truncated, &taken])),
        (
            "refused",
            story(2, 0, 0, &[refusal, refusal, refusal, refusal]),
        ),
        (
            "silence",
            story(1, 0, 0, &[silence, silence, silence, silence, &taken]),
        ),
        ("dns64", story(2, 0, 0x0e, &[&no_data, &taken])),
        ("alias", story(1, 0, 3, &[&alias, &taken])),
        ("template", story(2, 0, 0, &[&taken, &taken])),
        ("pointer", story(1, 0, 4, &[&alias])),
        ("suffix", story(1, 0, 2, &[&taken])),
        (
            "stale",
            story(
                3,
                0,
                6,
                &[&taken, later, &[13, 0], silence, silence, &failed],
            ),
        ),
        (
            "second",
            story(
                2,
                0,
                0x0e,
                &[silence, &answer(1, 0x0180, [0, 1, 0], SOA), &taken],
            ),
        ),
        ("joined", story(4, 0, 6, &[&[13, 0], &[13, 1], &taken])),
        (
            "raw",
            story(0, 0, 0, &[&[7, 0, 12], b"\0\0\x80\x02\0\0\0\0\0\0\0\0"]),
        ),
    ]
}

/// Longer stories say nothing new.
const MOST_EVENTS: u32 = 64;
