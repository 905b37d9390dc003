//! Deleting rules from the tables of the older iptables (`include/uapi/linux/netfilter_ipv4/ip_tables.h`).
//!
//! The kernel gives a table as one block of entries and takes one block back: there is no deleting of a rule. Entries refer to
//! each other by their offsets, so what refers behind a deleted one is moved. The lock file of the iptables program is held
//! meanwhile; should somebody else ignore it, the kernel refuses the block, because the number of counters is not right.

mod entries;

use std::ffi::c_int;
use std::fmt;
use std::fs::File;
use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use entries::Table;

/// A table of the older iptables, for IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyTable {
    family: Family,
    name: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl LegacyTable {
    /// The tables that rules for DNS traffic are found in.
    pub const ALL: [Self; 4] = [
        Self::new(Family::V4, "raw"),
        Self::new(Family::V4, "filter"),
        Self::new(Family::V6, "raw"),
        Self::new(Family::V6, "filter"),
    ];

    const fn new(family: Family, name: &'static str) -> Self {
        Self { family, name }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The program that shows it.
    pub fn program(&self) -> &'static str {
        match self.family {
            Family::V4 => "iptables-legacy",
            Family::V6 => "ip6tables-legacy",
        }
    }

    /// Deletes the entries whose bytes `unwanted` finds something in; gives how many. A table that is not in use stays so:
    /// even looking at it would make the kernel set it up.
    ///
    /// # Errors
    /// The error of the kernel; the table is then as it was.
    pub fn remove_entries(&self, unwanted: impl Fn(&[u8]) -> bool) -> io::Result<usize> {
        if !self.is_in_use() {
            return Ok(0);
        }
        // Any socket of the family will do; a raw one, as iptables has, would need another capability.
        let socket = match self.family {
            Family::V4 => UdpSocket::bind("0.0.0.0:0")?,
            Family::V6 => UdpSocket::bind("[::]:0")?,
        };
        if !self.read(&socket)?.any(&unwanted) {
            return Ok(0);
        }
        let _lock = lock()?;
        let table = self.read(&socket)?;
        let (replacement, kept) = table.without(&unwanted);
        let removed = table.len() - kept.len();
        if removed == 0 {
            return Ok(0);
        }
        self.replace(&socket, &table, &replacement, &kept)?;
        Ok(removed)
    }

    fn is_in_use(&self) -> bool {
        let file = match self.family {
            Family::V4 => "/proc/thread-self/net/ip_tables_names",
            Family::V6 => "/proc/thread-self/net/ip6_tables_names",
        };
        let names = std::fs::read_to_string(file).unwrap_or_default();
        names.lines().any(|line| line == self.name)
    }

    fn read(&self, socket: &UdpSocket) -> io::Result<Table> {
        let mut info = vec![0; entries::INFO];
        self.put_name(&mut info);
        self.get(socket, GET_INFO, &mut info)?;
        let mut block = vec![0; entries::ENTRIES + entries::size(&info)];
        self.put_name(&mut block);
        block[entries::NAME..entries::NAME + 4].copy_from_slice(&info[entries::INFO - 4..]);
        self.get(socket, GET_ENTRIES, &mut block)?;
        Table::parse(self.family, &info, &block[entries::ENTRIES..])
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn replace(
        &self,
        socket: &UdpSocket,
        old: &Table,
        new: &Table,
        kept: &[usize],
    ) -> io::Result<()> {
        // The kernel writes the counters of the old entries here, after it has exchanged the tables.
        let mut counters = vec![[0_u64; 2]; old.len()];
        let mut block = new.replacement(old.len(), counters.as_mut_ptr() as usize);
        self.put_name(&mut block);
        self.set(socket, SET_REPLACE, &block)?;
        // What was counted so far is added to what counts on from zero, as iptables does.
        let mut block = vec![0; entries::ENTRIES];
        self.put_name(&mut block);
        let count = u32::try_from(kept.len()).unwrap_or(u32::MAX);
        block[entries::NAME..entries::NAME + 4].copy_from_slice(&count.to_ne_bytes());
        for &index in kept {
            for number in counters[index] {
                block.extend_from_slice(&number.to_ne_bytes());
            }
        }
        self.set(socket, ADD_COUNTERS, &block)
    }

    fn put_name(&self, block: &mut [u8]) {
        block[..self.name.len()].copy_from_slice(self.name.as_bytes());
    }

    fn level(&self) -> c_int {
        match self.family {
            Family::V4 => libc::IPPROTO_IP,
            Family::V6 => libc::IPPROTO_IPV6,
        }
    }

    fn get(&self, socket: &UdpSocket, option: c_int, block: &mut [u8]) -> io::Result<()> {
        let mut length = libc::socklen_t::try_from(block.len()).unwrap_or(0);
        // SAFETY: the descriptor is open, and the block is writable for `length` bytes, of which the kernel writes at most as
        // many as were said.
        let outcome = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                self.level(),
                option,
                block.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        if outcome == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Only for blocks made in this file: one that replaces a table holds a pointer for the kernel to write to.
    fn set(&self, socket: &UdpSocket, option: c_int, block: &[u8]) -> io::Result<()> {
        let length = libc::socklen_t::try_from(block.len()).unwrap_or(0);
        // SAFETY: the descriptor is open, the block is readable for `length` bytes, and the pointer within is to counters that
        // live until this returns, as many of them as the block says.
        let outcome = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                self.level(),
                option,
                block.as_ptr().cast(),
                length,
            )
        };
        if outcome == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

impl fmt::Display for LegacyTable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.family {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        };
        write!(out, "{family} {}", self.name)
    }
}

/// Takes iptables' lock, where its file is there.
fn lock() -> io::Result<Option<File>> {
    let Ok(file) = File::open("/run/xtables.lock") else {
        return Ok(None);
    };
    let end = Instant::now() + LOCK_PATIENCE;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < end => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// `IPT_SO_GET_INFO`, and the same number for IPv6
const GET_INFO: c_int = 64;
/// `IPT_SO_GET_ENTRIES`
const GET_ENTRIES: c_int = 65;
/// `IPT_SO_SET_REPLACE`
const SET_REPLACE: c_int = 64;
/// `IPT_SO_SET_ADD_COUNTERS`
const ADD_COUNTERS: c_int = 65;
/// A call of the iptables program takes a few milliseconds; with thousands of rules, a second.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
