//! How many CPUs this process may really use.
//!
//! The smaller of two numbers: the CPUs its threads may run on (`sched_getaffinity(2)`) and the CPU
//! time its control groups grant (see `cgroup`). A container limited to half a CPU on a
//! sixty-four-core node should run one worker, not sixty-four that are throttled together.

use std::num::NonZeroUsize;
use std::path::Path;

use rustix::thread::sched_getaffinity;

use crate::cgroup;

/// The number of CPUs this process may use: at least one, a fraction of a CPU counting as one.
pub fn usable_cpus() -> NonZeroUsize {
    let allowed = sched_getaffinity(None).map_or(1, |set| set.count());
    let allowed = usize::try_from(allowed).unwrap_or(1);
    let granted = cgroup::quota(Path::new("/")).unwrap_or(usize::MAX);
    NonZeroUsize::new(allowed.min(granted)).unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_as_many_cpus_as_the_standard_library_says_or_a_fraction_more() {
        let theirs = std::thread::available_parallelism().unwrap();
        let ours = usable_cpus();
        // The standard library rounds a quota down, this rounds it up.
        assert!(
            ours >= theirs && ours.get() <= theirs.get() + 1,
            "{ours} and {theirs}"
        );
    }
}
