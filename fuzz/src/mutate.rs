//! Changing an input a little, in the ways that break parsers.

use crate::random::Random;

/// A changed copy of `base`. `other` is another input, to take pieces from; `words` are tokens that
/// mean something to the target.
pub(crate) fn mutate(random: &mut Random, base: &[u8], other: &[u8], words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = base.to_vec();
    // Mostly one change, now and then many: both find things the other does not.
    let changes = 1 << random.below(5);
    for _ in 0..changes {
        change(random, &mut bytes, other, words);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8], words: &[&[u8]]) {
    let at = random.below(bytes.len() + 1);
    match random.below(12) {
        0 => {
            let bit = 1 << random.below(8);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= bit;
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.byte();
            }
        }
        2 => overwrite(bytes, at, &interesting(random)),
        3 => insert(bytes, at, &interesting(random)),
        4 => {
            let byte = random.byte();
            insert(bytes, at, &vec![byte; 1 + random.below(8)]);
        }
        5 | 6 => {
            let longest = if random.once_in(4) { 64 } else { 4 };
            let length = 1 + random.below(longest);
            bytes.drain(at..(at + length).min(bytes.len()));
        }
        // A piece of the input itself, again.
        7 => {
            let piece = piece(random, bytes).to_vec();
            insert(bytes, at, &piece);
        }
        8 => insert(bytes, at, piece(random, other)),
        9 => overwrite(bytes, at, piece(random, other)),
        // A number goes up or down by a little.
        10 => {
            if let Some(byte) = bytes.get_mut(at) {
                let step = 1 + random.byte() % 16;
                *byte = if random.once_in(2) {
                    byte.wrapping_add(step)
                } else {
                    byte.wrapping_sub(step)
                };
            }
        }
        _ => {
            if let Some(word) = random.choose(words) {
                if random.once_in(2) {
                    insert(bytes, at, word);
                } else {
                    overwrite(bytes, at, word);
                }
            }
        }
    }
}

/// Some bytes of `from`.
fn piece<'a>(random: &mut Random, from: &'a [u8]) -> &'a [u8] {
    let start = random.below(from.len());
    let longest = if random.once_in(4) { 256 } else { 16 };
    let length = 1 + random.below(longest);
    &from[start.min(from.len())..(start + length).min(from.len())]
}

/// A number at the edge of something, in network order.
fn interesting(random: &mut Random) -> Vec<u8> {
    const NUMBERS: [u32; 19] = [
        0,
        1,
        2,
        4,
        11,
        12,
        41,
        63,
        64,
        127,
        128,
        255,
        256,
        512,
        0xc00c,
        0x7fff,
        0xffff,
        0x7fff_ffff,
        u32::MAX,
    ];
    let number = random
        .choose(&NUMBERS)
        .copied()
        .unwrap_or_default()
        .to_be_bytes();
    let width = [1, 2, 4].get(random.below(3)).copied().unwrap_or(1);
    number[number.len() - width..].to_vec()
}

fn insert(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    let at = at.min(bytes.len());
    bytes.splice(at..at, new.iter().copied());
}

fn overwrite(bytes: &mut [u8], at: usize, new: &[u8]) {
    for (place, &byte) in bytes.iter_mut().skip(at).zip(new) {
        *place = byte;
    }
}

/// Longer inputs are slow and say nothing that a shorter one cannot.
const LONGEST: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::{LONGEST, mutate};
    use crate::random::Random;

    #[test]
    fn mutation_repeats_with_its_seed_and_stays_in_bounds() {
        let run = || {
            let mut random = Random::new(3);
            let mut bytes = Vec::new();
            for _ in 0..2000 {
                bytes = mutate(&mut random, &bytes, b"some other input", &[b"word"]);
                assert!(bytes.len() <= LONGEST);
            }
            bytes
        };
        assert_eq!(run(), run());
    }
}
