//! Rules of other programs: found by a text in them, deleted by their handle.
//!
//! iptables in its nft form keeps its rules in tables that look like any other; a comment is in the rule's user data or in the
//! data of an xtables match, in both cases as plain bytes.

use std::io;

use super::{DELETE_RULE, DUMP, GET_CHAIN, GET_RULE, HEADER, UNSPECIFIED, header};
use super::{NFTA_RULE_CHAIN, NFTA_RULE_HANDLE, NFTA_RULE_TABLE, batch_begin, batch_end};
use crate::netlink::{Attributes, Message, Netlink};

/// The way to the rules of others.
#[derive(Debug)]
pub struct ForeignRules {
    netlink: Netlink,
}

/// A rule of another program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignRule {
    /// `2` for ip, `10` for ip6, `1` for inet.
    family: u8,
    /// Its table.
    pub table: String,
    /// Its chain.
    pub chain: String,
    handle: [u8; 8],
    /// Everything the kernel says of the rule.
    content: Vec<u8>,
}

/// A base chain of another program that packets for this host pass through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignChain {
    /// Its table, with the family: `ip filter`.
    pub table: String,
    /// Its name.
    pub name: String,
}

impl ForeignRules {
    /// Opens the way to the kernel.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            netlink: Netlink::netfilter()?,
        })
    }

    /// The rules in the tables `raw` and `filter`, which are iptables' names, that contain a text.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn find(&self, text: &str) -> io::Result<Vec<ForeignRule>> {
        let mut found = Vec::new();
        for family in [2, 10] {
            for table in ["raw", "filter"] {
                let message =
                    Message::new(GET_RULE, DUMP, &header(family)).with_text(NFTA_RULE_TABLE, table);
                let replies = match self.netlink.ask(message) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    outcome => outcome?,
                };
                found.extend(replies.into_iter().filter_map(|reply| parse(reply.payload)));
            }
        }
        found.retain(|rule| rule.contains(text.as_bytes()));
        Ok(found)
    }

    /// Deletes a rule.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn delete(&self, rule: &ForeignRule) -> io::Result<()> {
        let message = Message::new(DELETE_RULE, 0, &header(rule.family))
            .with_text(NFTA_RULE_TABLE, &rule.table)
            .with_text(NFTA_RULE_CHAIN, &rule.chain)
            .with(NFTA_RULE_HANDLE, &rule.handle);
        self.netlink
            .batch(batch_begin(), vec![message], batch_end())
    }

    /// The chains at the input hook that drop what no rule accepts.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn closed_inputs(&self) -> io::Result<Vec<ForeignChain>> {
        let replies = self
            .netlink
            .ask(Message::new(GET_CHAIN, DUMP, &header(UNSPECIFIED)))?;
        let chains = replies.iter().filter_map(|reply| {
            let family = match reply.payload.first()? {
                1 => "inet",
                2 => "ip",
                10 => "ip6",
                _ => return None,
            };
            let attributes = Attributes::after(&reply.payload, HEADER);
            let hook = attributes.nested(NFTA_CHAIN_HOOK);
            if hook.u32(NFTA_HOOK_NUMBER)? != LOCAL_INPUT
                || attributes.u32(NFTA_CHAIN_POLICY)? != NF_DROP
            {
                return None;
            }
            Some(ForeignChain {
                table: format!("{family} {}", attributes.text(NFTA_CHAIN_TABLE)?),
                name: attributes.text(NFTA_CHAIN_NAME)?.to_owned(),
            })
        });
        Ok(chains.collect())
    }
}

impl ForeignRule {
    /// Whether the bytes are somewhere in the rule: a comment, an address.
    pub fn contains(&self, bytes: &[u8]) -> bool {
        self.content
            .windows(bytes.len().max(1))
            .any(|window| window == bytes)
    }
}

fn parse(payload: Vec<u8>) -> Option<ForeignRule> {
    let attributes = Attributes::after(&payload, HEADER);
    Some(ForeignRule {
        family: *payload.first()?,
        table: attributes.text(NFTA_RULE_TABLE)?.to_owned(),
        chain: attributes.text(NFTA_RULE_CHAIN)?.to_owned(),
        handle: *attributes.find(NFTA_RULE_HANDLE)?.first_chunk()?,
        content: payload,
    })
}

const NFTA_CHAIN_TABLE: u16 = 1;
const NFTA_CHAIN_NAME: u16 = 3;
const NFTA_CHAIN_HOOK: u16 = 4;
const NFTA_CHAIN_POLICY: u16 = 5;
const NFTA_HOOK_NUMBER: u16 = 1;
const LOCAL_INPUT: u32 = 1;
const NF_DROP: u32 = 0;
