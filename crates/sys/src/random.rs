//! Numbers that an attacker cannot guess, from the kernel (getrandom(2)), a buffer at a time.
//!
//! The ids of questions to upstreams are half of what keeps forged answers out (RFC 5452, section
//! 4), so they come from the generator of the kernel itself; a system call pays for 256 of them.

use std::fmt;
use std::io;

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// A source of unpredictable numbers.
pub struct SecureRandom {
    buffer: [u8; BUFFER],
    used: usize,
}

impl SecureRandom {
    /// A source with its first buffer filled.
    ///
    /// # Errors
    ///
    /// When the kernel has no random numbers to give (never after early boot).
    pub fn new() -> io::Result<Self> {
        let mut random = Self {
            buffer: [0; BUFFER],
            used: 0,
        };
        fill(&mut random.buffer)?;
        Ok(random)
    }

    /// The next sixteen bits.
    pub fn next_u16(&mut self) -> u16 {
        u16::from_ne_bytes(self.take())
    }

    /// The next sixty-four bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from_ne_bytes(self.take())
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > BUFFER {
            fill(&mut self.buffer).expect("getrandom does not fail after its first success");
            self.used = 0;
        }
        let mut out = [0; N];
        let taken = &mut self.buffer[self.used..self.used + N];
        out.copy_from_slice(taken);
        // What was given out must not be found in memory later.
        taken.fill(0);
        self.used += N;
        out
    }
}

impl fmt::Debug for SecureRandom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SecureRandom")
            .finish_non_exhaustive()
    }
}

fn fill(buffer: &mut [u8; BUFFER]) -> io::Result<()> {
    let mut filled = 0;
    while filled < BUFFER {
        match getrandom(&mut buffer[filled..], GetRandomFlags::empty()) {
            Ok(length) => filled += length,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

const BUFFER: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_use_all_bits_and_do_not_repeat_after_a_refill() {
        let mut random = SecureRandom::new().unwrap();
        let numbers: Vec<u64> = (0..1000).map(|_| random.next_u64()).collect();
        let (mut ones, mut zeros) = (0, 0);
        for number in &numbers {
            ones |= number;
            zeros |= !number;
        }
        assert_eq!((ones, zeros), (u64::MAX, u64::MAX));
        let mut unique = numbers.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), numbers.len());
    }

    #[test]
    fn odd_amounts_cross_the_end_of_the_buffer() {
        let mut random = SecureRandom::new().unwrap();
        random.next_u16();
        for _ in 0..200 {
            random.next_u64();
            random.next_u16();
        }
        assert!(random.used <= BUFFER);
    }
}
