//! `loadbalance`: the order of the addresses in a reply, so that clients that take the first spread
//! over all.
//!
//! The usual reply, aliases and then addresses of one name, is reordered where it stands: only the
//! time to live and data of its address records are exchanged, so compression pointers stay true
//! and nothing is allocated. A reply that has aliases behind addresses, several mail exchangers or
//! addresses of several names in its answer is written anew.
//!
//! Aliases come before addresses, because some stub resolvers (glibc's) need it so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nodens_corefile as config;
use nodens_corefile::Network;
use nodens_dns::{Header, Message, Name, Rcode, Record, RecordType, RecordView, Section};

use super::reply::Sections;

mod random;

use random::Random;

/// The stage, made ready.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadBalance {
    /// Networks whose addresses go first, the best first.
    preferred: Vec<Network>,
}

impl LoadBalance {
    /// The stage that the directive describes.
    pub(crate) fn new(directive: &config::LoadBalance) -> Self {
        let config::LoadBalancePolicy::RoundRobin = directive.policy;
        Self {
            preferred: directive.prefer.clone(),
        }
    }

    /// Reorders the records of a reply. A message that cannot be read is left as it is.
    pub(crate) fn apply(&self, message: &mut Vec<u8>, random: u64) {
        let mut random = Random::new(random);
        let Some(header) = reorderable(message) else {
            return;
        };
        if header.answers > 1 {
            let Some(answers) = Addresses::of(message, Section::Answer) else {
                return;
            };
            if answers.mixed || answers.alias_behind || answers.exchangers > 1 {
                if let Some(written) = self.rewrite(message, &mut random) {
                    *message = written;
                }
            } else {
                self.exchange(message, &answers, &mut random);
            }
        }
        // The order of glue for several names means nothing to anyone.
        if header.additionals > 1
            && let Some(additionals) = Addresses::of(message, Section::Additional)
            && !additionals.mixed
        {
            self.exchange(message, &additionals, &mut random);
        }
    }

    /// Reorders the data of one section's address records where they stand.
    fn exchange(&self, message: &mut [u8], addresses: &Addresses, random: &mut Random) {
        let places = addresses.places();
        if places.len() < 2 {
            return;
        }
        random.shuffle(places.len(), |one, other| {
            swap(message, places[one], places[other]);
        });
        if !self.preferred.is_empty() {
            let mut data: Vec<(usize, Vec<u8>)> = places
                .iter()
                .map(|place| {
                    (
                        self.preference(place.address(message)),
                        message[place.range()].to_vec(),
                    )
                })
                .collect();
            data.sort_by_key(|(preference, _)| *preference);
            for (place, (_, data)) in places.iter().zip(data) {
                message[place.range()].copy_from_slice(&data);
            }
        }
    }

    /// Writes the reply anew: aliases, other records, addresses, mail exchangers.
    fn rewrite(&self, message: &[u8], random: &mut Random) -> Option<Vec<u8>> {
        let view = Message::parse(message).ok()?;
        let mut sections = Sections::read(&view)?;
        sections.answers = self.sort(std::mem::take(&mut sections.answers), random);
        sections.write(
            view.header().id,
            view.flags(),
            view.question().ok()?.as_ref(),
        )
    }

    fn sort(&self, records: Vec<Record>, random: &mut Random) -> Vec<Record> {
        let (mut aliases, mut rest, mut addresses, mut exchangers) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for record in records {
            match record.rtype {
                RecordType::CNAME => aliases.push(record),
                RecordType::A | RecordType::AAAA => addresses.push(record),
                RecordType::MX => exchangers.push(record),
                _ => rest.push(record),
            }
        }
        random.shuffle(addresses.len(), |one, other| addresses.swap(one, other));
        random.shuffle(exchangers.len(), |one, other| exchangers.swap(one, other));
        if self.preferred.is_empty() {
            aliases.extend(rest);
            aliases.extend(addresses);
            aliases.extend(exchangers);
        } else {
            addresses.sort_by_key(|record| self.preference(address(&record.rdata)));
            aliases.extend(addresses);
            aliases.extend(exchangers);
            aliases.extend(rest);
        }
        aliases
    }

    /// The index of the first preferred network that holds an address.
    fn preference(&self, address: Option<IpAddr>) -> usize {
        address
            .and_then(|address| {
                self.preferred
                    .iter()
                    .position(|network| network.contains(address))
            })
            .unwrap_or(usize::MAX)
    }
}

/// The header of a reply that may be reordered: a positive one that is no zone transfer.
fn reorderable(message: &[u8]) -> Option<Header> {
    let header = Header::read(message)?;
    let single = header.answers < 2 && header.additionals < 2;
    if header.flags.rcode() != Rcode::NOERROR || header.questions != 1 || single {
        return None;
    }
    let view = Message::parse(message).ok()?;
    let qtype = message.get(view.records_start() - 4..)?.first_chunk()?;
    let qtype = RecordType(u16::from_be_bytes(*qtype));
    (!matches!(qtype, RecordType::AXFR | RecordType::IXFR)).then_some(header)
}

/// The address records of a section.
struct Addresses {
    places: [Place; MOST],
    count: usize,
    rtype: RecordType,
    /// Addresses of several names or types.
    mixed: bool,
    /// An alias stands behind an address or mail exchanger.
    alias_behind: bool,
    exchangers: usize,
}

/// Where an address record stands; offsets fit in 16 bits as messages do.
#[derive(Clone, Copy, Default)]
struct Place {
    start: u16,
    /// From the time to live to the end of the data.
    ttl: u16,
    end: u16,
}

impl Default for Addresses {
    fn default() -> Self {
        Self {
            places: [Place::default(); MOST],
            count: 0,
            rtype: RecordType::A,
            mixed: false,
            alias_behind: false,
            exchangers: 0,
        }
    }
}

impl Addresses {
    /// The address records of a section; nothing when the message cannot be read.
    fn of(message: &[u8], section: Section) -> Option<Self> {
        let mut addresses = Self::default();
        for record in Message::parse(message).ok()?.records() {
            let record = record.ok()?;
            if record.section == section {
                addresses.see(message, &record);
            }
        }
        Some(addresses)
    }

    fn see(&mut self, message: &[u8], record: &RecordView<'_>) {
        match record.rtype {
            RecordType::CNAME => self.alias_behind |= self.count > 0 || self.exchangers > 0,
            RecordType::MX => self.exchangers += 1,
            RecordType::A | RecordType::AAAA => {
                let size = if record.rtype == RecordType::A { 4 } else { 16 };
                let offset = |offset: usize| u16::try_from(offset).unwrap_or(u16::MAX);
                let place = Place {
                    start: offset(record.start),
                    ttl: offset(record.ttl_offset),
                    end: offset(record.end),
                };
                self.mixed |= record.rdata().len() != size || record.end > usize::from(u16::MAX);
                if self.count == 0 {
                    self.rtype = record.rtype;
                } else if !self.mixed {
                    self.mixed =
                        record.rtype != self.rtype || !same_owner(message, self.places[0], place);
                }
                // Records past the last place keep it: shuffling the first of so many is enough.
                if let Some(slot) = self.places.get_mut(self.count) {
                    *slot = place;
                    self.count += 1;
                }
            }
            _ => {}
        }
    }

    fn places(&self) -> &[Place] {
        &self.places[..self.count]
    }
}

impl Place {
    fn range(self) -> std::ops::Range<usize> {
        usize::from(self.ttl)..usize::from(self.end)
    }

    fn address(self, message: &[u8]) -> Option<IpAddr> {
        // Four bytes of time to live and two of length come before the data.
        address(message.get(self.range())?.get(6..)?)
    }
}

fn same_owner(message: &[u8], one: Place, other: Place) -> bool {
    // Type and class, four bytes, stand between the name and the time to live.
    let raw = |place: Place| message.get(place.start.into()..usize::from(place.ttl) - 4);
    raw(one) == raw(other)
        || matches!(
            (Name::read(message, one.start.into()), Name::read(message, other.start.into())),
            (Ok((one, _)), Ok((other, _))) if one == other
        )
}

/// Exchanges the times to live and data of two records of one type.
fn swap(message: &mut [u8], one: Place, other: Place) {
    let (first, second) = if one.ttl < other.ttl {
        (one, other)
    } else {
        (other, one)
    };
    if first.end > second.ttl || first.range().len() != second.range().len() {
        return;
    }
    let (front, back) = message.split_at_mut(second.ttl.into());
    front[first.range()].swap_with_slice(&mut back[..second.range().len()]);
}

fn address(rdata: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(rdata) {
        return Some(Ipv4Addr::from(octets).into());
    }
    <[u8; 16]>::try_from(rdata)
        .ok()
        .map(|octets| Ipv6Addr::from(octets).into())
}

/// Most addresses of a section that take part: more do not fit in a datagram anyone sends.
const MOST: usize = 64;

#[cfg(test)]
mod tests;
