//! Chains and rules in words, and as the kernel takes them.
//!
//! A rule is a list of expressions: load something into a register, compare it, act. The first comparison that fails ends the
//! rule, so what tells most packets apart comes first.

use std::net::IpAddr;

use super::{APPEND, CREATE, INET, NEW_CHAIN, NEW_RULE, header};
use super::{NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS, NFTA_RULE_TABLE};
use crate::netlink::Message;

/// A chain and its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleChain {
    /// Its name.
    pub name: String,
    /// Where packets enter it; nothing for a chain that is jumped to.
    pub hook: Option<Hook>,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

/// Where packets enter a chain. All of ours come before connection tracking, at iptables' priority `raw`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Packets that come from elsewhere.
    Prerouting,
    /// Packets that are sent here.
    Output,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What a packet must be like.
    pub matches: Vec<Match>,
    /// What happens to it.
    pub action: Action,
}

/// What a packet can be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// From this address.
    From(IpAddr),
    /// To this address.
    To(IpAddr),
    /// A datagram (UDP).
    Datagram,
    /// Part of a stream (TCP).
    Stream,
    /// From this port, after [`Datagram`](Self::Datagram) or [`Stream`](Self::Stream).
    FromPort(u16),
    /// To this port, likewise.
    ToPort(u16),
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Keeps the packet out of connection tracking, and so away from address translation.
    NoTrack,
    /// Looks no further in this table.
    Accept,
    /// Goes on in a chain, and comes back.
    Jump(String),
}

impl RuleChain {
    pub(super) fn message(&self, table: &str) -> Message {
        let message = Message::new(NEW_CHAIN, CREATE, &header(INET))
            .with_text(NFTA_CHAIN_TABLE, table)
            .with_text(NFTA_CHAIN_NAME, &self.name);
        let Some(hook) = self.hook else {
            return message;
        };
        let number = match hook {
            Hook::Prerouting => 0,
            Hook::Output => 3,
        };
        message
            .with_nested(NFTA_CHAIN_HOOK, |hook| {
                hook.with_u32(NFTA_HOOK_NUMBER, number)
                    .with(NFTA_HOOK_PRIORITY, &RAW_PRIORITY.to_be_bytes())
            })
            .with_text(NFTA_CHAIN_TYPE, "filter")
    }
}

impl Rule {
    pub(super) fn message(&self, table: &str, chain: &str) -> Message {
        Message::new(NEW_RULE, CREATE | APPEND, &header(INET))
            .with_text(NFTA_RULE_TABLE, table)
            .with_text(NFTA_RULE_CHAIN, chain)
            .with_nested(NFTA_RULE_EXPRESSIONS, |mut list| {
                for part in &self.matches {
                    list = part.expressions(list);
                }
                self.action.expressions(list)
            })
    }
}

impl Match {
    fn expressions(self, list: Message) -> Message {
        match self {
            Self::From(address) => address_expressions(list, address, 12, 8),
            Self::To(address) => address_expressions(list, address, 16, 24),
            Self::Datagram => compare(load_meta(list, META_L4PROTO), &[17]),
            Self::Stream => compare(load_meta(list, META_L4PROTO), &[6]),
            Self::FromPort(port) => {
                compare(load(list, TRANSPORT_HEADER, 0, 2), &port.to_be_bytes())
            }
            Self::ToPort(port) => compare(load(list, TRANSPORT_HEADER, 2, 2), &port.to_be_bytes()),
        }
    }
}

impl Action {
    fn expressions(&self, list: Message) -> Message {
        match self {
            Self::NoTrack => expression(list, "notrack", |data| data),
            Self::Accept => verdict(list, |verdict| {
                verdict.with_u32(NFTA_VERDICT_CODE, NF_ACCEPT)
            }),
            Self::Jump(chain) => verdict(list, |verdict| {
                verdict
                    .with(NFTA_VERDICT_CODE, &NFT_JUMP.to_be_bytes())
                    .with_text(NFTA_VERDICT_CHAIN, chain)
            }),
        }
    }
}

/// In a table for both families, the family is looked at before the address.
fn address_expressions(list: Message, address: IpAddr, v4_offset: u32, v6_offset: u32) -> Message {
    let list = load_meta(list, META_NFPROTO);
    match address {
        IpAddr::V4(ip) => {
            let list = compare(list, &[2]);
            compare(load(list, NETWORK_HEADER, v4_offset, 4), &ip.octets())
        }
        IpAddr::V6(ip) => {
            let list = compare(list, &[10]);
            compare(load(list, NETWORK_HEADER, v6_offset, 16), &ip.octets())
        }
    }
}

fn load_meta(list: Message, key: u32) -> Message {
    expression(list, "meta", |data| {
        data.with_u32(NFTA_META_DREG, REGISTER)
            .with_u32(NFTA_META_KEY, key)
    })
}

fn load(list: Message, base: u32, offset: u32, length: u32) -> Message {
    expression(list, "payload", |data| {
        data.with_u32(NFTA_PAYLOAD_DREG, REGISTER)
            .with_u32(NFTA_PAYLOAD_BASE, base)
            .with_u32(NFTA_PAYLOAD_OFFSET, offset)
            .with_u32(NFTA_PAYLOAD_LEN, length)
    })
}

fn compare(list: Message, value: &[u8]) -> Message {
    expression(list, "cmp", |data| {
        data.with_u32(NFTA_CMP_SREG, REGISTER)
            .with_u32(NFTA_CMP_OP, EQUAL)
            .with_nested(NFTA_CMP_DATA, |data| data.with(NFTA_DATA_VALUE, value))
    })
}

fn verdict(list: Message, fill: impl FnOnce(Message) -> Message) -> Message {
    expression(list, "immediate", |data| {
        data.with_u32(NFTA_IMMEDIATE_DREG, VERDICT_REGISTER)
            .with_nested(NFTA_IMMEDIATE_DATA, |data| {
                data.with_nested(NFTA_DATA_VERDICT, fill)
            })
    })
}

fn expression(list: Message, name: &str, fill: impl FnOnce(Message) -> Message) -> Message {
    list.with_nested(NFTA_LIST_ELEM, |element| {
        element
            .with_text(NFTA_EXPR_NAME, name)
            .with_nested(NFTA_EXPR_DATA, fill)
    })
}

/// `NF_IP_PRI_RAW`
const RAW_PRIORITY: i32 = -300;
const NFTA_CHAIN_TABLE: u16 = 1;
const NFTA_CHAIN_NAME: u16 = 3;
const NFTA_CHAIN_HOOK: u16 = 4;
const NFTA_CHAIN_TYPE: u16 = 7;
const NFTA_HOOK_NUMBER: u16 = 1;
const NFTA_HOOK_PRIORITY: u16 = 2;
const NFTA_LIST_ELEM: u16 = 1;
const NFTA_EXPR_NAME: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;
const NFTA_META_DREG: u16 = 1;
const NFTA_META_KEY: u16 = 2;
const META_NFPROTO: u32 = 15;
const META_L4PROTO: u32 = 16;
const NFTA_PAYLOAD_DREG: u16 = 1;
const NFTA_PAYLOAD_BASE: u16 = 2;
const NFTA_PAYLOAD_OFFSET: u16 = 3;
const NFTA_PAYLOAD_LEN: u16 = 4;
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;
const NFTA_CMP_SREG: u16 = 1;
const NFTA_CMP_OP: u16 = 2;
const NFTA_CMP_DATA: u16 = 3;
const EQUAL: u32 = 0;
const NFTA_DATA_VALUE: u16 = 1;
const NFTA_DATA_VERDICT: u16 = 2;
const NFTA_IMMEDIATE_DREG: u16 = 1;
const NFTA_IMMEDIATE_DATA: u16 = 2;
const NFTA_VERDICT_CODE: u16 = 1;
const NFTA_VERDICT_CHAIN: u16 = 2;
/// `NFT_REG_VERDICT`
const VERDICT_REGISTER: u32 = 0;
/// `NFT_REG_1`
const REGISTER: u32 = 1;
const NF_ACCEPT: u32 = 1;
const NFT_JUMP: i32 = -3;
