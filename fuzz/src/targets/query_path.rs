//! A client's message and what the server says to it: at once, from an upstream, from the cache, and when
//! the cached answer has expired.
//!
//! The input: which Corefile, who asks, what upstreams do; then the message.

use std::time::Duration;

use nodens_dns::{
    Class, Flags, MessageBuilder, Name, Query, Question, Rcode, Record, RecordType, Section,
};
use nodens_resolve::Failure;

use crate::input::Input;
use crate::signature::Signature;
use crate::targets::Target;
use crate::world::{COREFILES, World};

pub(super) const TARGET: Target = Target {
    name: "query_path",
    run: target,
    seeds,
    words: crate::dictionary::dns,
};

/// Runs one input.
pub fn target(data: &[u8]) -> Signature {
    let mut input = Input::new(data);
    let mut world = World::new(usize::from(input.byte()));
    let who = input.byte();
    let upstreams = input.byte();
    let message = input.rest();
    // Asked, asked again while it is cached, while it is old, when it has expired, long after.
    for pause in [0, 1, 20, 30, 4000] {
        world.wait(Duration::from_secs(pause));
        world.ask(who, message);
        world.ask(who ^ 1, message);
        for round in 0..MOST_ROUNDS {
            serve(&mut world, upstreams >> (2 * (round % 3)));
            if world.asks.is_empty() {
                break;
            }
        }
        world.end();
    }
    world.signature
}

/// Lets upstreams do what `kind` says: answer, say no, fail, or keep silent.
fn serve(world: &mut World, kind: u8) {
    let count = world.asks.len();
    for _ in 0..count {
        let Some(ask) = world.asks.first() else { break };
        let query = Query::parse(&ask.message).expect("what upstreams are asked is a question");
        let question = Question {
            qname: Name::from_wire(query.qname()).expect("a question's name reads"),
            qtype: query.qtype,
            qclass: query.qclass,
        };
        let opcode = query.header.flags.opcode();
        match kind % 4 {
            known @ (0 | 1) => {
                let rcode = if known == 0 {
                    Rcode::NOERROR
                } else {
                    Rcode::NXDOMAIN
                };
                let flags = Flags(Flags::QR | Flags::RA)
                    .with_opcode(opcode)
                    .with_rcode(rcode);
                let reply = reply(&question, flags);
                assert!(
                    world.answer(0, &reply),
                    "an answer to the question is taken"
                );
            }
            2 => world.fail(0, Failure::Refused),
            _ => world.wait(Duration::from_millis(700)),
        }
    }
}

/// An answer as a good server would give it.
fn reply(question: &Question, flags: Flags) -> Vec<u8> {
    let mut builder = MessageBuilder::new(0, flags);
    builder.question(&question.qname, question.qtype, question.qclass);
    let alias: Name = "target.example.net".parse().expect("a name");
    let mut answer = |owner: &Name, rtype, data: &[u8]| {
        let mut record = Record::new(owner.clone(), rtype, 25, data);
        record.class = question.qclass;
        builder
            .record(Section::Answer, &record)
            .expect("an answer is short");
    };
    let denied = flags.rcode() != Rcode::NOERROR;
    match question.qtype {
        RecordType::A if !denied => {
            answer(&question.qname, RecordType::CNAME, alias.as_wire());
            answer(&alias, RecordType::A, &[192, 0, 2, 1]);
            answer(&alias, RecordType::A, &[192, 0, 2, 200]);
        }
        RecordType::TXT if !denied => {
            for _ in 0..30 {
                answer(
                    &question.qname,
                    RecordType::TXT,
                    &[&[63][..], &[b'x'; 63]].concat(),
                );
            }
        }
        RecordType::PTR if !denied => answer(&question.qname, RecordType::PTR, alias.as_wire()),
        _ => {
            let data = [alias.as_wire(), alias.as_wire(), &[0, 0, 0, 9].repeat(5)].concat();
            let mut start = Record::new(alias, RecordType::SOA, 25, &data);
            start.class = if question.qclass == Class::ANY {
                Class::IN
            } else {
                question.qclass
            };
            builder
                .record(Section::Authority, &start)
                .expect("a denial is short");
        }
    }
    builder.edns(1232, false, flags.rcode(), &[]);
    builder.finish()
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let questions = super::message::questions();
    let mut seeds = Vec::new();
    for (place, (name, message)) in (0_u8..).zip(questions) {
        let corefile = if place % 2 == 0 {
            1
        } else {
            place % u8::try_from(COREFILES.len()).unwrap_or(1)
        };
        seeds.push((
            name,
            [&[corefile, place, place.wrapping_mul(37)][..], &message].concat(),
        ));
    }
    seeds
}

/// No question needs more messages to upstreams one after the other.
const MOST_ROUNDS: u32 = 60;
