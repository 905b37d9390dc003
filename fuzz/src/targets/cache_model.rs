//! A store against a model that anyone can check by reading: what is read is what was stored last for
//! that key, or nothing; limits hold.
//!
//! The input: the limits, then operations. Few keys and a hash with few bits on purpose: collisions and
//! evictions are what may go wrong.

use std::collections::BTreeMap;

use nodens_resolve::{Limits, NewEntry, Store, StoreKey, Time};

use crate::input::Input;
use crate::signature::Signature;
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "cache_model",
    run: target,
    seeds,
    words: Vec::new,
};

/// What the store may hold for each key. That is all of the model: a value may be forgotten at any
/// time, but never come back, change or belong to another key.
type Model = BTreeMap<u8, Value>;

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    message: Vec<u8>,
    ttl_offsets: Vec<u16>,
    expires: Time,
    ttl: u32,
}

/// Runs one input.
pub fn target(data: &[u8]) -> Signature {
    let mut input = Input::new(data);
    let mut signature = Signature::new();
    let entries = 1 + usize::from(input.byte());
    // The least that the limit can mean is four chunks and the tables: half a megabyte for so few.
    let bytes = (1 + usize::from(input.byte() % 8)) << 19;
    let mut store = Store::new(Limits { entries, bytes }, input.byte() & 1 == 1);
    let mut model = Model::new();
    let (mut hits, mut misses, mut copies, mut number) = (0, 0, 0, 0_u32);
    while !input.is_empty() && number < MOST_OPERATIONS {
        number += 1;
        let operation = input.byte();
        let index = input.byte();
        let name = name(index);
        let key = key(&name, index);
        match operation % 8 {
            0..=3 => {
                let value = value(&name, number, operation, &mut input);
                let stored = store.insert(&key, &value.entry());
                signature.note("stored", stored);
                if stored {
                    assert_eq!(
                        read(&store, &key).as_ref(),
                        Some(&value),
                        "stored and not there"
                    );
                    model.insert(index, value);
                }
                let counts = store.counts();
                assert!(
                    counts.entries <= entries,
                    "{counts:?} with a limit of {entries}"
                );
                assert!(counts.bytes <= bytes, "{counts:?} with a limit of {bytes}");
            }
            4 => {
                store.remove(&key);
                model.remove(&index);
                assert!(read(&store, &key).is_none(), "removed and still there");
            }
            5 if copies < 3 => {
                copies += 1;
                let larger = Limits {
                    entries: entries * 2,
                    bytes,
                };
                let copy = Store::new(larger, store.counts_hits());
                store.copy_into(&copy);
                signature.magnitude("copied", copy.counts().entries);
                store = Store::new(Limits { entries, bytes }, store.counts_hits());
                copy.copy_into(&store);
            }
            _ => match read(&store, &key) {
                Some(value) => {
                    assert_eq!(Some(&value), model.get(&index), "not what was stored last");
                    hits += 1;
                    let mut out = Vec::new();
                    if let Some(found) = store.read(&key, &mut out).filter(|_| operation & 8 != 0) {
                        store.touch(&key, &found);
                        signature.magnitude("in a row", count(&store, &key, &found, number));
                    }
                }
                None => misses += 1,
            },
        }
    }
    let counts = store.counts();
    for index in 0..=u8::MAX {
        let name = name(index);
        let found = read(&store, &key(&name, index));
        assert!(
            found.is_none() || found.as_ref() == model.get(&index),
            "not what was stored last"
        );
    }
    signature.magnitude("entries", counts.entries);
    signature.magnitude(
        "evictions",
        usize::try_from(counts.evictions).unwrap_or(usize::MAX),
    );
    signature.magnitude("bytes", counts.bytes >> 16);
    signature.magnitude("hits", hits);
    signature.magnitude("misses", misses);
    signature
}

fn count(store: &Store, key: &StoreKey<'_>, found: &nodens_resolve::Found, second: u32) -> usize {
    usize::try_from(store.count_hit(key, found, second, 5)).unwrap_or(usize::MAX)
}

fn read(store: &Store, key: &StoreKey<'_>) -> Option<Value> {
    let mut out = vec![0xaa; 3];
    let found = store.read(key, &mut out)?;
    let offsets = found.parts(&mut out).1;
    let ttl_offsets = offsets
        .filter_map(|offset| u16::try_from(offset).ok())
        .collect();
    out.truncate(found.length);
    Some(Value {
        message: out,
        ttl_offsets,
        expires: found.expires,
        ttl: found.ttl,
    })
}

/// A value as long as the input says, and different from every other.
fn value(name: &[u8], number: u32, operation: u8, input: &mut Input<'_>) -> Value {
    let length = usize::from(input.pair() >> (operation >> 4));
    let mut message = [&[0; 12][..], name, &[0, 1, 0, 1], &number.to_be_bytes()].concat();
    message.resize(message.len() + length, number.to_le_bytes()[0]);
    let ttl_offsets = (0..u16::from(operation) * 3).collect();
    Value {
        message,
        ttl_offsets,
        expires: Time::from_nanos(u64::from(number) * 7),
        ttl: number,
    }
}

/// Names of different lengths, each for four keys.
fn name(index: u8) -> Vec<u8> {
    let place = index >> 2;
    let label = vec![place | 1; 1 + usize::from(place % 63)];
    let length = u8::try_from(label.len()).unwrap_or(0);
    [&[length][..], &label, &[1, place, 0]].concat()
}

/// The four keys of a name differ in type, class or flags only, and have one hash.
fn key(name: &[u8], index: u8) -> StoreKey<'_> {
    let place = u64::from(index >> 2);
    StoreKey {
        name,
        qtype: 1 + u16::from(index & 3 == 1),
        qclass: 1 + u16::from(index & 3 == 2),
        flags: u8::from(index & 3 == 3),
        // Few buckets, and tags of one bit.
        hash: (place & 7) | (place & 3) << 32 | (place & 16) << 49 | (place >> 3) << 40,
    }
}

impl Value {
    fn entry(&self) -> NewEntry<'_> {
        NewEntry {
            message: &self.message,
            ttl_offsets: &self.ttl_offsets,
            expires: self.expires,
            ttl: self.ttl,
        }
    }
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let flood: Vec<u8> = (0..=250)
        .flat_map(|index| [0, index, 0, 40, 14, index / 2])
        .collect();
    let large: Vec<u8> = (0..60)
        .flat_map(|index| [1, index, 0xff, 0xd0, 6, index])
        .collect();
    let again: Vec<u8> = (0..60)
        .flat_map(|round| [0x11, 7, 0, round, 6, 7, 4, 8])
        .collect();
    let copy: Vec<u8> = (0..60)
        .flat_map(|index| [2, index, 1, 0, 5, 0, 14, index])
        .collect();
    vec![
        ("flood", [&[63, 0, 1][..], &flood].concat()),
        ("large", [&[255, 0, 0][..], &large].concat()),
        ("again", [&[15, 1, 1][..], &again].concat()),
        ("copy", [&[31, 1, 1][..], &copy].concat()),
    ]
}

/// More say nothing new and take long.
const MOST_OPERATIONS: u32 = 600;
