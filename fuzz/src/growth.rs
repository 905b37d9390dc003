//! The driver: mutate inputs, keep those that show something new.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use crate::guard::{Panicked, guarded};
use crate::mutate::mutate;
use crate::random::Random;
use crate::signature::Signature;
use crate::targets::Target;

/// When to stop: at whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Inputs tried at most.
    pub runs: u64,
    /// Time spent at most.
    pub time: Duration,
}

/// An input that made a target panic.
#[derive(Clone, Debug)]
pub struct Crash {
    /// The input.
    pub input: Vec<u8>,
    /// The panic.
    pub panicked: Panicked,
}

/// What growing found.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    /// Inputs tried.
    pub runs: u64,
    /// Inputs worth keeping, those given included, with what they showed.
    pub inputs: Vec<(Vec<u8>, Signature)>,
    /// One input for each place that panicked.
    pub crashes: Vec<Crash>,
    /// Different features seen.
    pub features: usize,
}

/// Mutates `inputs` and what comes of them. `note` is told every input before it runs, so that someone
/// else can tell which one hangs.
pub fn grow(
    target: &Target,
    inputs: &[Vec<u8>],
    seed: u64,
    budget: Budget,
    note: &dyn Fn(&[u8]),
) -> Growth {
    let end = Instant::now() + budget.time;
    let mut growth = Growth::default();
    let mut known = HashSet::new();
    let mut crashes = BTreeMap::new();
    let mut attempt = |input: Vec<u8>, given: bool, growth: &mut Growth| {
        growth.runs += 1;
        note(&input);
        match guarded(target.run, &input) {
            Ok(signature) => {
                let new = signature
                    .features()
                    .iter()
                    .filter(|&&each| known.insert(each))
                    .count();
                if new > 0 || given {
                    growth.inputs.push((input, signature));
                }
                growth.features = known.len();
            }
            Err(panicked) => {
                let place = panicked.place.clone();
                crashes.entry(place).or_insert(Crash { input, panicked });
            }
        }
    };
    for input in inputs {
        attempt(input.clone(), true, &mut growth);
    }
    let words = (target.words)();
    let mut random = Random::new(seed);
    while growth.runs < budget.runs && Instant::now() < end {
        let base = pick(&mut random, &growth);
        let other = pick(&mut random, &growth);
        let input = mutate(&mut random, base, other, &words);
        attempt(input, false, &mut growth);
    }
    growth.crashes = crashes.into_values().collect();
    growth
}

/// An input to go on from: any, or one of the newest, which were explored least.
fn pick<'a>(random: &mut Random, growth: &'a Growth) -> &'a [u8] {
    let count = growth.inputs.len();
    let newest = if random.once_in(2) {
        count.min(20)
    } else {
        count
    };
    let index = count - newest + random.below(newest);
    growth.inputs.get(index).map_or(&[], |(input, _)| input)
}
