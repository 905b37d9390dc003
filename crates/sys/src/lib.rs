//! The kernel's edge: safe functions over the system calls the cache needs, one file per facility.
//!
//! This is the only crate of the workspace that may say `unsafe`; everything it exports is safe to
//! call with any argument. It decides nothing: no DNS, no policy, no threads.

#![allow(unsafe_code, reason = "the one crate that talks to the kernel")]

mod accept;
mod cgroup;
mod child;
mod cpu;
mod directory_watch;
mod epoll;
mod legacy_tables;
mod link;
mod memory;
mod mmsg;
mod netlink;
mod nftables;
mod packet_info;
mod random;
mod raw_address;
mod rlimit;
mod socket;
mod tun;
mod udp_batch;
mod udp_send;
mod wake;

pub use accept::accept;
pub use child::{ChildSignal, die_with_parent, signal_child};
pub use cpu::usable_cpus;
pub use directory_watch::DirectoryWatch;
pub use epoll::{Epoll, Events, Interest, Readiness};
pub use legacy_tables::LegacyTable;
pub use link::{Link, Links};
pub use memory::{limit_allocator_arenas, release_unused_memory};
pub use mmsg::Sent;
pub use nftables::{
    Action, ForeignChain, ForeignRule, ForeignRules, Hook, Match, Rule, RuleChain, RuleTable,
    RulesError,
};
pub use random::SecureRandom;
pub use raw_address::RawAddress;
pub use rlimit::raise_open_files;
pub use socket::{
    connect_tcp, connect_udp, listen_tcp, listen_udp, retire_udp_listener, take_socket_error,
};
pub use tun::{Tun, TunError};
pub use udp_batch::{Addressing, Received, UdpBatch};
pub use udp_send::SendBatch;
pub use wake::Wake;
