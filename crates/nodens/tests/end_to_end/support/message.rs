//! Just enough of the wire format to ask and to look at replies, written apart from the program's
//! own so that both cannot be wrong in the same way.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// A reply as it came.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

/// A record of the answer section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) rtype: u16,
    pub(crate) ttl: u32,
    pub(crate) data: Vec<u8>,
}

/// Types of records.
pub(crate) mod types {
    pub(crate) const A: u16 = 1;
    pub(crate) const TXT: u16 = 16;
    pub(crate) const AAAA: u16 = 28;
}
pub(crate) use types::{A, AAAA, TXT};

/// Response codes.
pub(crate) mod rcode {
    pub(crate) const NOERROR: u8 = 0;
    pub(crate) const FORMERR: u8 = 1;
    pub(crate) const SERVFAIL: u8 = 2;
    pub(crate) const NXDOMAIN: u8 = 3;
    pub(crate) const NOTIMP: u8 = 4;
}

/// A question with RD and without EDNS.
pub(crate) fn question(id: u16, name: &str, qtype: u16) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    message.extend(name_to_wire(name));
    message.extend(qtype.to_be_bytes());
    message.extend(1_u16.to_be_bytes());
    message
}

/// A name in wire form; the final dot may be missing.
pub(crate) fn name_to_wire(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(u8::try_from(label.len()).unwrap());
        wire.extend(label.bytes());
    }
    wire.push(0);
    wire
}

impl Reply {
    pub(crate) fn id(&self) -> u16 {
        self.word(0)
    }

    pub(crate) fn rcode(&self) -> u8 {
        self.bytes[3] & 0x0f
    }

    pub(crate) fn is_truncated(&self) -> bool {
        self.bytes[2] & 0x02 != 0
    }

    /// The records of the answer section.
    pub(crate) fn answers(&self) -> Vec<Record> {
        let mut at = 12;
        for _ in 0..self.word(4) {
            at = self.after_name(at) + 4;
        }
        let mut records = Vec::new();
        for _ in 0..self.word(6) {
            let fixed = self.after_name(at);
            let length = usize::from(self.word(fixed + 8));
            let ttl = u32::from(self.word(fixed + 4)) << 16 | u32::from(self.word(fixed + 6));
            let data = self.bytes[fixed + 10..fixed + 10 + length].to_vec();
            let rtype = self.word(fixed);
            records.push(Record { rtype, ttl, data });
            at = fixed + 10 + length;
        }
        records
    }

    /// The first address of the answer.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.answers()
            .iter()
            .find_map(|record| match record.data.len() {
                4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(&record.data[..]).unwrap()).into()),
                16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(&record.data[..]).unwrap()).into()),
                _ => None,
            })
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    fn after_name(&self, mut at: usize) -> usize {
        loop {
            match self.bytes[at] {
                0 => return at + 1,
                pointer if pointer >= 0xc0 => return at + 2,
                length => at += 1 + usize::from(length),
            }
        }
    }
}
