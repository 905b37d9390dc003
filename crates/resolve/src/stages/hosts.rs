//! `hosts`: names and addresses from a file in the form of `/etc/hosts` and from lines in the
//! Corefile.
//!
//! The file's entries are a [`HostsTable`], a value that the driver makes again when the file has
//! changed; the stage itself never changes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nodens_corefile as config;
use nodens_corefile::{HostsEntry, hosts_entries};
use nodens_dns::{Name, NameKey, Question, Rcode, Record, RecordType};

use super::reply::Reply;
use super::zones::Zones;

/// The stage, made ready.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    zones: Zones,
    fallthrough: Zones,
    inline: HostsTable,
    reverse: bool,
    ttl: u32,
}

/// What becomes of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostsOutcome {
    /// This is the answer.
    Reply(Reply),
    /// The next stage is to answer.
    Next,
    /// The name is nowhere and nobody else is to be asked: SERVFAIL. It is not NXDOMAIN, because a
    /// hosts file has no start of authority to go with it.
    ServerFailure,
}

/// Names and addresses, looked up both ways.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostsTable {
    names: HashMap<Name, Addresses>,
    /// Addresses by what follows the first label of `*.<name>`.
    wildcards: HashMap<Name, Addresses>,
    addresses: HashMap<IpAddr, Vec<Name>>,
    length: usize,
}

#[derive(Clone, Debug, Default)]
struct Addresses {
    v4: Vec<Ipv4Addr>,
    v6: Vec<Ipv6Addr>,
}

impl Hosts {
    /// The stage that the directive describes, with the lines of the Corefile.
    pub(crate) fn new(directive: &config::Hosts) -> Self {
        let zones = Zones::new(&directive.zones);
        let inline = HostsTable::new(&directive.inline, &zones, directive.reverse);
        Self {
            fallthrough: Zones::new(&directive.fallthrough),
            inline,
            reverse: directive.reverse,
            ttl: directive.ttl,
            zones,
        }
    }

    /// The table of a file's text: what [`Self::answer`] takes.
    pub(crate) fn table(&self, text: &str) -> HostsTable {
        HostsTable::new(&hosts_entries(text), &self.zones, self.reverse)
    }

    /// Entries of the file and of the Corefile together: `coredns_hosts_entries`.
    pub(crate) fn entries(&self, file: &HostsTable) -> usize {
        self.inline.length + file.length
    }

    /// Answers a question from the file's table and the lines of the Corefile, in that order.
    pub(crate) fn answer(&self, file: &HostsTable, question: &Question) -> HostsOutcome {
        let key = NameKey::from(&question.qname);
        let qtype = question.qtype;
        if qtype != RecordType::PTR && !self.zones.contain(&key) {
            return HostsOutcome::Next;
        }
        let owner = &question.qname;
        let answers: Vec<Record> = match qtype {
            RecordType::PTR => {
                let names = reverse_address(owner).map_or_else(Vec::new, |address| {
                    let tables = [file, &self.inline].into_iter();
                    tables
                        .filter_map(|table| table.addresses.get(&address))
                        .flatten()
                        .collect()
                });
                // A reverse name that is not here may be anywhere.
                if names.is_empty() {
                    return HostsOutcome::Next;
                }
                let record = |name: &Name| {
                    Record::new(owner.clone(), RecordType::PTR, self.ttl, name.as_wire())
                };
                names.into_iter().map(record).collect()
            }
            RecordType::A => self
                .addresses(file, owner, |addresses| &addresses.v4)
                .map(|address| Record::new(owner.clone(), qtype, self.ttl, &address.octets()))
                .collect(),
            RecordType::AAAA => self
                .addresses(file, owner, |addresses| &addresses.v6)
                .map(|address| Record::new(owner.clone(), qtype, self.ttl, &address.octets()))
                .collect(),
            _ => Vec::new(),
        };
        if answers.is_empty() && !self.knows(file, owner) {
            return if self.fallthrough.contain(&key) {
                HostsOutcome::Next
            } else {
                HostsOutcome::ServerFailure
            };
        }
        let reply = Reply {
            authoritative: true,
            answers,
            ..Reply::new(Rcode::NOERROR)
        };
        HostsOutcome::Reply(reply)
    }

    /// The addresses of one family that a name has.
    fn addresses<'a, Address: Copy + 'a>(
        &'a self,
        file: &'a HostsTable,
        name: &Name,
        family: impl Fn(&'a Addresses) -> &'a Vec<Address>,
    ) -> impl Iterator<Item = Address> {
        let mut found = Vec::new();
        for table in [file, &self.inline] {
            // A wildcard stands in where the name itself has no address of the family.
            let own = table
                .names
                .get(name)
                .map(&family)
                .filter(|list| !list.is_empty());
            let list = own.or_else(|| table.wildcard(name).map(&family));
            found.extend(list.into_iter().flatten().copied());
        }
        found.into_iter()
    }

    fn knows(&self, file: &HostsTable, name: &Name) -> bool {
        self.addresses(file, name, |addresses| &addresses.v4)
            .next()
            .is_some()
            || self
                .addresses(file, name, |addresses| &addresses.v6)
                .next()
                .is_some()
    }
}

impl HostsTable {
    fn new(entries: &[HostsEntry], zones: &Zones, reverse: bool) -> Self {
        let mut table = Self::default();
        for entry in entries {
            for text in &entry.names {
                if let Ok(name) = text.parse::<Name>()
                    && zones.contain(&NameKey::from(&name))
                {
                    table.insert(name.to_lowercase(), entry.address.to_canonical(), reverse);
                }
            }
        }
        table
    }

    /// The addresses of `*.<rest of the name>`; a name of one label is never stood in for.
    fn wildcard(&self, name: &Name) -> Option<&Addresses> {
        let parent = name.parent().filter(|parent| !parent.is_root())?;
        self.wildcards.get(&parent)
    }

    fn insert(&mut self, name: Name, address: IpAddr, reverse: bool) {
        // A wildcard needs a label to stand for and a name to be below.
        let wildcard = name.as_wire().starts_with(WILDCARD);
        let (map, key) = match name.parent() {
            Some(parent) if wildcard => (&mut self.wildcards, parent),
            _ => (&mut self.names, name.clone()),
        };
        let addresses = map.entry(key).or_default();
        match address {
            IpAddr::V4(address) => addresses.v4.push(address),
            IpAddr::V6(address) => addresses.v6.push(address),
        }
        self.length += 1;
        if reverse && !wildcard {
            self.addresses.entry(address).or_default().push(name);
            self.length += 1;
        }
    }
}

/// The address that a name below `in-addr.arpa` or `ip6.arpa` stands for.
fn reverse_address(name: &Name) -> Option<IpAddr> {
    let labels: Vec<&[u8]> = name.labels().collect();
    let (arpa, labels) = labels.split_last()?;
    let (family, labels) = labels.split_last()?;
    if !arpa.eq_ignore_ascii_case(b"arpa") {
        return None;
    }
    if family.eq_ignore_ascii_case(b"in-addr") {
        let octets: &[&[u8]; 4] = labels.try_into().ok()?;
        let text = octets
            .iter()
            .rev()
            .map(|octet| std::str::from_utf8(octet).ok());
        let text = text.collect::<Option<Vec<_>>>()?.join(".");
        return text.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    }
    if family.eq_ignore_ascii_case(b"ip6") && labels.len() == 32 {
        let mut bits = 0_u128;
        for label in labels.iter().rev() {
            let [digit] = label else { return None };
            bits = bits << 4 | u128::from(char::from(*digit).to_digit(16)?);
        }
        return Some(IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical());
    }
    None
}

/// The first label of a wildcard, in wire form.
const WILDCARD: &[u8] = b"\x01*";

#[cfg(test)]
mod tests;
