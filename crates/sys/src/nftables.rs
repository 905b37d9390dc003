//! Packet rules in a table of our own, by `nf_tables` netlink messages (`include/uapi/linux/netfilter/nf_tables.h`).
//!
//! The table has the *owner* flag (Linux 5.12, commit 6001a930ce03): nobody else may change it, `flush ruleset` passes it
//! over, and the kernel deletes it when the netlink socket that made it is closed, so also when the process is killed.
//! Kernels without the flag get an ordinary table, which stays; whoever uses it must know and say so.

mod foreign;
mod rule;

use std::io;
use std::os::fd::AsFd as _;

use crate::netlink::{Attributes, Message, Netlink};

pub use foreign::{ForeignChain, ForeignRule, ForeignRules};
pub use rule::{Action, Hook, Match, Rule, RuleChain};

/// Why there are no packet rules of ours.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The socket to netfilter cannot be had: a kernel without it.
    #[error("open a netfilter socket")]
    Socket(#[source] io::Error),
    /// The kernel has no `nf_tables`, or not for this family.
    #[error("this kernel has no nf_tables")]
    Missing(#[source] io::Error),
    /// The process may not change packet rules: it lacks `CAP_NET_ADMIN`.
    #[error("changing packet rules needs CAP_NET_ADMIN")]
    NotPermitted(#[source] io::Error),
    /// The kernel refused these rules.
    #[error("write nftables table inet {table}")]
    Refused {
        /// The table.
        table: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A table of family `inet` and the socket it belongs to.
#[derive(Debug)]
pub struct RuleTable {
    netlink: Netlink,
    name: String,
    /// Whether the kernel deletes the table with the socket.
    owned: bool,
    /// How many rules were written.
    rules: usize,
}

impl RuleTable {
    /// Opens the socket. The table, whose name begins with `prefix` and is unique, exists from the first
    /// [`replace`](Self::replace).
    ///
    /// # Errors
    /// [`RulesError::Socket`].
    pub fn open(prefix: &str) -> Result<Self, RulesError> {
        let netlink = Netlink::netfilter().map_err(RulesError::Socket)?;
        Ok(Self {
            name: format!("{prefix}-{}", netlink.port()),
            netlink,
            owned: true,
            rules: 0,
        })
    }

    /// Gives the socket the lowest free descriptor number from `number` on, where the limit of open files allows.
    ///
    /// At the end of a process descriptors are closed from the highest number down (they are queued as task work, which runs
    /// last in, first out): what must go first needs the highest number.
    pub fn keep_above(&mut self, number: i32) {
        if let Ok(socket) = rustix::io::fcntl_dupfd_cloexec(self.netlink.as_fd(), number) {
            self.netlink.move_to(socket);
        }
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the table dies with the process.
    pub fn is_owned(&self) -> bool {
        self.owned
    }

    /// Writes these chains in the place of all the table held, in one step: no packet sees half of it.
    ///
    /// # Errors
    /// See [`RulesError`]; the table is then as it was.
    pub fn replace(&mut self, chains: &[RuleChain]) -> Result<(), RulesError> {
        let outcome = match self.write(chains, self.owned) {
            Err(error) if self.owned && is_unknown_flag(&error) => {
                let outcome = self.write(chains, false);
                self.owned = outcome.is_err();
                outcome
            }
            outcome => outcome,
        };
        outcome.map_err(|error| self.explain(error))?;
        self.rules = chains.iter().map(|chain| chain.rules.len()).sum();
        Ok(())
    }

    /// Deletes the table.
    ///
    /// # Errors
    /// See [`RulesError`].
    pub fn remove(&mut self) -> Result<(), RulesError> {
        let message =
            Message::new(DELETE_TABLE, 0, &header(INET)).with_text(NFTA_TABLE_NAME, &self.name);
        match self
            .netlink
            .batch(batch_begin(), vec![message], batch_end())
        {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.explain(error)),
            _ => Ok(()),
        }
    }

    /// Whether the kernel holds the table as it was written: it is there and no rule is missing.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn is_intact(&self) -> io::Result<bool> {
        let message =
            Message::new(GET_TABLE, 0, &header(INET)).with_text(NFTA_TABLE_NAME, &self.name);
        match self.netlink.ask(message) {
            Ok(replies) if replies.is_empty() => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            outcome => outcome?,
        };
        let message =
            Message::new(GET_RULE, DUMP, &header(INET)).with_text(NFTA_RULE_TABLE, &self.name);
        let replies = self.netlink.ask(message)?;
        let ours = replies.iter().filter(|reply| {
            Attributes::after(&reply.payload, HEADER).text(NFTA_RULE_TABLE) == Some(&self.name)
        });
        Ok(ours.count() == self.rules)
    }

    /// A number that is another one after every change that anybody makes to nftables rules in this namespace.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn generation(&self) -> io::Result<u32> {
        let replies = self
            .netlink
            .ask(Message::new(GET_GENERATION, 0, &header(UNSPECIFIED)))?;
        let id = |reply: &crate::netlink::Reply| {
            Attributes::after(&reply.payload, HEADER).u32(NFTA_GEN_ID)
        };
        replies
            .iter()
            .find_map(id)
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn write(&self, chains: &[RuleChain], owned: bool) -> io::Result<()> {
        let flags = if owned { TABLE_OWNER } else { 0 };
        let new_table = || {
            Message::new(NEW_TABLE, CREATE, &header(INET))
                .with_text(NFTA_TABLE_NAME, &self.name)
                .with_u32(NFTA_TABLE_FLAGS, flags)
        };
        // Made first, so that there is something to delete.
        let mut messages = vec![
            new_table(),
            Message::new(DELETE_TABLE, 0, &header(INET)).with_text(NFTA_TABLE_NAME, &self.name),
            new_table(),
        ];
        messages.extend(chains.iter().map(|chain| chain.message(&self.name)));
        for chain in chains {
            messages.extend(
                chain
                    .rules
                    .iter()
                    .map(|rule| rule.message(&self.name, &chain.name)),
            );
        }
        self.netlink.batch(batch_begin(), messages, batch_end())
    }

    fn explain(&self, source: io::Error) -> RulesError {
        match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => RulesError::NotPermitted(source),
            Some(libc::EOPNOTSUPP | libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT) => {
                RulesError::Missing(source)
            }
            _ => RulesError::Refused {
                table: self.name.clone(),
                source,
            },
        }
    }
}

/// Kernels that do not know the owner flag say "invalid" (before 5.12) or "not supported".
fn is_unknown_flag(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
}

fn batch_begin() -> Message {
    Message::new(BATCH_BEGIN, 0, &BATCH_HEADER)
}

fn batch_end() -> Message {
    Message::new(BATCH_END, 0, &BATCH_HEADER)
}

/// `struct nfgenmsg`: the family, the version, no resource.
fn header(family: u8) -> [u8; HEADER] {
    [family, 0, 0, 0]
}

/// `sizeof(struct nfgenmsg)`
const HEADER: usize = 4;
/// A batch is for one subsystem, named in network order.
const BATCH_HEADER: [u8; HEADER] = [0, 0, 0, SUBSYSTEM];
const SUBSYSTEM: u8 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const fn kind(message: u16) -> u16 {
    (SUBSYSTEM as u16) << 8 | message
}
const NEW_TABLE: u16 = kind(0);
const GET_TABLE: u16 = kind(1);
const DELETE_TABLE: u16 = kind(2);
const NEW_CHAIN: u16 = kind(3);
const GET_CHAIN: u16 = kind(4);
const NEW_RULE: u16 = kind(6);
const GET_RULE: u16 = kind(7);
const DELETE_RULE: u16 = kind(8);
const GET_GENERATION: u16 = kind(16);
/// `NFPROTO_INET`: both IP families in one table.
const INET: u8 = 1;
const UNSPECIFIED: u8 = 0;
/// `NLM_F_CREATE`
const CREATE: u16 = 0x400;
/// `NLM_F_APPEND`
const APPEND: u16 = 0x800;
/// `NLM_F_DUMP`
const DUMP: u16 = 0x300;
/// `NFT_TABLE_F_OWNER`
const TABLE_OWNER: u32 = 2;
const NFTA_TABLE_NAME: u16 = 1;
const NFTA_TABLE_FLAGS: u16 = 2;
const NFTA_RULE_TABLE: u16 = 1;
const NFTA_RULE_CHAIN: u16 = 2;
const NFTA_RULE_HANDLE: u16 = 3;
const NFTA_RULE_EXPRESSIONS: u16 = 4;
const NFTA_GEN_ID: u16 = 1;
