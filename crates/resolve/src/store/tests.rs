use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{Limits, NewEntry, Store, StoreKey};
use crate::time::Time;

/// A message whose question is `name`, with `tail` behind it.
fn message(name: &[u8], tail: &[u8]) -> Vec<u8> {
    [&[0; 12][..], name, &[0, 1, 0, 1], tail].concat()
}

fn wire(label: &str) -> Vec<u8> {
    let length = u8::try_from(label.len()).unwrap();
    [&[length][..], label.as_bytes(), b"\x07example\x03org\0"].concat()
}

fn key(name: &[u8]) -> StoreKey<'_> {
    let mut hasher = foldhash::quality::FixedState::with_seed(7).build_hasher();
    hasher.write(name);
    StoreKey {
        name,
        qtype: 1,
        qclass: 1,
        flags: 0,
        hash: hasher.finish(),
    }
}

fn insert(store: &Store, label: &str, tail: &[u8]) -> bool {
    let name = wire(label);
    let entry = NewEntry {
        message: &message(&name, tail),
        ttl_offsets: &[40],
        expires: Time::from_nanos(1),
        ttl: 30,
    };
    store.insert(&key(&name), &entry)
}

fn read(store: &Store, label: &str) -> Option<Vec<u8>> {
    let name = wire(label);
    let mut out = Vec::new();
    let found = store.read(&key(&name), &mut out)?;
    store.touch(&key(&name), &found);
    assert_eq!(found.parts(&mut out).1.collect::<Vec<_>>(), [40]);
    out.truncate(found.length);
    Some(out.split_off(12 + name.len() + 4))
}

fn store(entries: usize, bytes: usize) -> Store {
    Store::new(Limits { entries, bytes }, true)
}

#[test]
fn what_was_stored_is_read_and_what_was_not_is_not() {
    let store = store(1000, 1 << 20);
    assert!(insert(&store, "a", b"first"));
    assert!(insert(&store, "b", b"second"));
    assert_eq!(read(&store, "a").unwrap(), b"first");
    assert_eq!(read(&store, "b").unwrap(), b"second");
    assert_eq!(read(&store, "c"), None);
    let name = wire("a");
    let other_type = StoreKey {
        qtype: 28,
        ..key(&name)
    };
    assert!(store.read(&other_type, &mut Vec::new()).is_none());
    let other_flags = StoreKey {
        flags: 1,
        ..key(&name)
    };
    assert!(store.read(&other_flags, &mut Vec::new()).is_none());
}

#[test]
fn a_new_answer_replaces_the_old_one_whether_it_is_longer_or_shorter() {
    let store = store(1000, 1 << 20);
    for tail in [
        &b"middle length"[..],
        b"short",
        b"a tail that is much longer than before",
    ] {
        assert!(insert(&store, "a", tail));
        assert_eq!(read(&store, "a").unwrap(), tail);
        assert_eq!(store.counts().entries, 1);
    }
    store.remove(&key(&wire("a")));
    assert_eq!(read(&store, "a"), None);
    assert_eq!(store.counts().entries, 0);
}

#[test]
fn the_limit_of_entries_holds() {
    let store = store(100, 1 << 20);
    for index in 0..1000 {
        assert!(insert(&store, &format!("n{index}"), b"x"));
    }
    assert!(store.counts().entries <= 100);
    assert!(store.counts().entries > 80, "{:?}", store.counts());
    assert!(store.counts().evictions >= 900);
}

#[test]
fn the_limit_of_bytes_holds() {
    let store = store(100_000, 4 << 20);
    for index in 0..20_000 {
        assert!(insert(&store, &format!("n{index}"), &[7; 1000]));
    }
    let counts = store.counts();
    assert!(counts.bytes <= 4 << 20, "{counts:?}");
    assert!(counts.entries > 1500, "{counts:?}");
}

#[test]
fn names_that_are_asked_for_survive_a_flood_of_names_that_are_not() {
    let store = store(2000, 8 << 20);
    for index in 0..500 {
        insert(&store, &format!("hot{index}"), b"x");
    }
    for index in 0..100_000 {
        insert(&store, &format!("cold{index}"), b"x");
        if index % 4 == 0 {
            let label = format!("hot{}", index / 4 % 500);
            if read(&store, &label).is_none() {
                insert(&store, &label, b"x");
            }
        }
    }
    let kept = (0..500)
        .filter(|index| read(&store, &format!("hot{index}")).is_some())
        .count();
    assert!(kept > 450, "only {kept} of 500 names in use were kept");
}

#[test]
fn the_largest_message_fits_and_a_larger_one_is_refused() {
    let store = store(100, 8 << 20);
    let room = 65_535 - 12 - wire("big").len() - 4;
    assert!(insert(&store, "big", &vec![1; room]));
    assert_eq!(read(&store, "big").unwrap().len(), room);
    assert!(!insert(&store, "big", &vec![1; room + 1]));
}

#[test]
fn hits_in_a_row_are_counted() {
    let store = store(100, 1 << 20);
    insert(&store, "a", b"x");
    let name = wire("a");
    let found = store.read(&key(&name), &mut Vec::new()).unwrap();
    assert_eq!(store.count_hit(&key(&name), &found, 100, 60), 1);
    assert_eq!(store.count_hit(&key(&name), &found, 130, 60), 2);
    assert_eq!(store.count_hit(&key(&name), &found, 300, 60), 1);
}

#[test]
fn a_copy_into_a_store_with_other_limits_keeps_what_fits() {
    let old = store(1000, 1 << 20);
    for index in 0..500 {
        insert(&old, &format!("n{index}"), b"x");
    }
    let larger = store(5000, 1 << 22);
    old.copy_into(&larger);
    assert_eq!(larger.counts().entries, 500);
    assert_eq!(read(&larger, "n7").unwrap(), b"x");
}

#[test]
fn readers_never_see_a_half_written_entry() {
    let store = store(64, 1 << 20);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut seen = 0_u32;
                while !done.load(Relaxed) || seen == 0 {
                    for index in 0..100 {
                        let Some(tail) = read(&store, &format!("n{index}")) else {
                            continue;
                        };
                        assert!(tail.iter().all(|&byte| byte == tail[0]), "torn: {tail:?}");
                        seen += 1;
                    }
                }
            });
        }
        for round in 0..3000_u32 {
            let byte = u8::try_from(round % 251).unwrap();
            let length = usize::try_from(round % 97 * 13 + 1).unwrap();
            for index in 0..100 {
                insert(&store, &format!("n{index}"), &vec![byte; length]);
            }
        }
        done.store(true, Relaxed);
    });
}
