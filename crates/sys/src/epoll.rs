//! Waiting for many descriptors at once (epoll(7)), level-triggered.
//!
//! Level-triggered, because a worker may then leave a socket half read to serve others and will be
//! told of it again; nothing depends on having seen "would block".

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{Timespec, epoll};

/// A set of descriptors that are waited for.
#[derive(Debug)]
pub struct Epoll {
    descriptor: OwnedFd,
}

/// What to be told of. Errors and hang-ups are always told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Nothing but errors.
    Nothing,
    /// When there is something to read, or the peer has closed its direction.
    Readable,
    /// When there is room to write.
    Writable,
    /// Both.
    Both,
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The number it was registered with.
    pub token: u64,
    /// Reading will not block (it may give an end or an error).
    pub readable: bool,
    /// Writing will not block (it may give an error).
    pub writable: bool,
    /// An error is pending, or both directions are closed.
    pub failed: bool,
}

/// Room for what one [`Epoll::wait`] reports.
pub struct Events {
    list: Vec<epoll::Event>,
}

impl Epoll {
    /// An empty set.
    ///
    /// # Errors
    ///
    /// When the process or the system has no descriptors left.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            descriptor: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        })
    }

    /// Adds `source`, to be reported with `token`. Closing it removes it.
    ///
    /// # Errors
    ///
    /// The error of the kernel, for example when the limit of watches is reached.
    pub fn add(&self, source: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token);
        Ok(epoll::add(
            &self.descriptor,
            source,
            data,
            interest.flags(),
        )?)
    }

    /// Changes what to be told of `source`.
    ///
    /// # Errors
    ///
    /// When `source` is not in the set.
    pub fn modify(&self, source: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token);
        Ok(epoll::modify(
            &self.descriptor,
            source,
            data,
            interest.flags(),
        )?)
    }

    /// Removes `source`.
    ///
    /// # Errors
    ///
    /// When `source` is not in the set.
    pub fn remove(&self, source: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.descriptor, source)?)
    }

    /// Waits until a descriptor is ready or `timeout` is over, and fills `events`. The timeout is
    /// rounded up to milliseconds, so that a wait for a deadline never ends just before it.
    ///
    /// # Errors
    ///
    /// The error of the kernel; being interrupted by a signal is none.
    pub fn wait(&self, events: &mut Events, timeout: Duration) -> io::Result<()> {
        events.list.clear();
        let millis = u64::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let timeout = Timespec::try_from(Duration::from_millis(millis.min(LONGEST_WAIT)))
            .map_err(io::Error::other)?;
        let room = rustix::buffer::spare_capacity(&mut events.list);
        match epoll::wait(&self.descriptor, room, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Interest {
    /// The interest in reading, writing or both.
    pub fn of(read: bool, write: bool) -> Self {
        match (read, write) {
            (false, false) => Self::Nothing,
            (true, false) => Self::Readable,
            (false, true) => Self::Writable,
            (true, true) => Self::Both,
        }
    }

    fn flags(self) -> epoll::EventFlags {
        match self {
            Self::Nothing => epoll::EventFlags::empty(),
            Self::Readable => epoll::EventFlags::IN,
            Self::Writable => epoll::EventFlags::OUT,
            Self::Both => epoll::EventFlags::IN | epoll::EventFlags::OUT,
        }
    }
}

impl Events {
    /// Room for up to `count` events per wait (at least one); more are reported by the next.
    pub fn new(count: usize) -> Self {
        Self {
            list: Vec::with_capacity(count.max(1)),
        }
    }

    /// How many events the last wait brought.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether the last wait ended by its timeout.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The event at `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<Readiness> {
        let event = self.list.get(index)?;
        let (flags, data) = (event.flags, event.data);
        let failed = flags.intersects(epoll::EventFlags::ERR | epoll::EventFlags::HUP);
        Some(Readiness {
            token: data.u64(),
            readable: failed || flags.intersects(epoll::EventFlags::IN),
            writable: failed || flags.intersects(epoll::EventFlags::OUT),
            failed,
        })
    }
}

/// An hour. Longer waits gain nothing, and the kernel's limit for milliseconds is near.
const LONGEST_WAIT: u64 = 3_600_000;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::Wake;

    #[test]
    fn a_wake_up_is_reported_until_it_is_cleared() {
        let (epoll, wake) = (Epoll::new().unwrap(), Wake::new().unwrap());
        epoll.add(&wake, 7, Interest::Readable).unwrap();
        let mut events = Events::new(4);
        epoll.wait(&mut events, Duration::ZERO).unwrap();
        assert!(events.is_empty());
        wake.wake();
        wake.wake();
        for _ in 0..2 {
            epoll.wait(&mut events, Duration::from_secs(2)).unwrap();
            let event = events.get(0).unwrap();
            assert!(event.readable && !event.writable && !event.failed);
            assert_eq!((event.token, events.len()), (7, 1));
        }
        wake.clear();
        epoll.wait(&mut events, Duration::ZERO).unwrap();
        assert!(events.is_empty());
    }

    #[test]
    fn a_wait_never_ends_before_its_timeout() {
        let epoll = Epoll::new().unwrap();
        let mut events = Events::new(1);
        let start = Instant::now();
        let timeout = Duration::from_micros(2_300);
        epoll.wait(&mut events, timeout).unwrap();
        assert!(start.elapsed() >= timeout);
    }

    #[test]
    fn interest_can_be_changed_and_withdrawn() {
        let (epoll, wake) = (Epoll::new().unwrap(), Wake::new().unwrap());
        wake.wake();
        epoll.add(&wake, 1, Interest::Nothing).unwrap();
        let mut events = Events::new(4);
        epoll.wait(&mut events, Duration::ZERO).unwrap();
        assert!(events.is_empty());
        epoll.modify(&wake, 2, Interest::Both).unwrap();
        epoll.wait(&mut events, Duration::ZERO).unwrap();
        let event = events.get(0).unwrap();
        assert!(event.readable && event.writable && event.token == 2);
        epoll.remove(&wake).unwrap();
        epoll.wait(&mut events, Duration::ZERO).unwrap();
        assert!(events.is_empty());
    }
}
