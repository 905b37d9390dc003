//! Which server block is responsible for a name: the one with the longest matching zone (CoreDNS `dnsserver/server.go`).

use std::collections::HashMap;

use nodens_dns::{NameKey, RecordType};

/// Which block answers for a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) block: u16,
    /// Index of the zone's label in the resolver.
    pub(crate) zone: u16,
}

/// The zones of one listen address.
#[derive(Debug, Default)]
pub(crate) struct Router {
    /// Lower-case wire-form zones, the longest first.
    few: Vec<(Box<[u8]>, Route)>,
    /// All of them by name, when there are too many to compare one by one.
    many: HashMap<Box<[u8]>, Route, foldhash::quality::FixedState>,
}

impl Router {
    /// A router for these zones; `seed` keys its hash table.
    pub(crate) fn new(mut zones: Vec<(Box<[u8]>, Route)>, seed: u64) -> Self {
        zones.sort_by_key(|(zone, _)| std::cmp::Reverse(zone.len()));
        let hasher = foldhash::quality::FixedState::with_seed(seed);
        if zones.len() <= FEW {
            return Self {
                few: zones,
                many: HashMap::with_hasher(hasher),
            };
        }
        let mut many = HashMap::with_hasher(hasher);
        many.extend(zones);
        Self {
            few: Vec::new(),
            many,
        }
    }

    /// The block for a question. DS records live in the parent zone, so a question for them goes to the least specific
    /// zone but the root, as in CoreDNS.
    #[inline]
    pub(crate) fn route(&self, name: &NameKey, qtype: RecordType) -> Option<Route> {
        if qtype == RecordType::DS {
            return self.route_to_parent(name);
        }
        if self.many.is_empty() {
            let found = self.few.iter().find(|(zone, _)| name.is_within(zone));
            return found.map(|&(_, route)| route);
        }
        suffixes(name.as_wire())
            .find_map(|suffix| self.many.get(suffix))
            .copied()
    }

    fn route_to_parent(&self, name: &NameKey) -> Option<Route> {
        let find = |suffix: &[u8]| {
            let few = self
                .few
                .iter()
                .find(|(zone, _)| **zone == *suffix)
                .map(|&(_, route)| route);
            few.or_else(|| self.many.get(suffix).copied())
        };
        let below_root = suffixes(name.as_wire()).filter(|suffix| suffix.len() > 1);
        below_root.filter_map(find).last().or_else(|| find(&[0]))
    }
}

/// The name, its parent, … the root.
fn suffixes(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let start = at?;
        let length = usize::from(*wire.get(start)?);
        at = (length > 0).then_some(start + 1 + length);
        Some(&wire[start..])
    })
}

/// Comparing this many zones costs less than one hash look-up per label.
const FEW: usize = 8;

#[cfg(test)]
mod tests {
    use nodens_dns::{Name, NameKey, RecordType};

    use super::{Route, Router};

    fn router(zones: &[&str]) -> Router {
        let zone = |(index, zone): (usize, &&str)| {
            let wire: Box<[u8]> = zone.parse::<Name>().unwrap().as_wire().into();
            (
                wire,
                Route {
                    block: u16::try_from(index).unwrap(),
                    zone: 0,
                },
            )
        };
        Router::new(zones.iter().enumerate().map(zone).collect(), 1)
    }

    fn block(router: &Router, name: &str, qtype: RecordType) -> Option<u16> {
        let key = NameKey::from(&name.parse::<Name>().unwrap());
        router.route(&key, qtype).map(|route| route.block)
    }

    #[test]
    fn the_longest_zone_wins_whether_zones_are_few_or_many() {
        let names: Vec<String> = (0..20)
            .map(|index| format!("z{index}.example.com"))
            .collect();
        let mut zones = vec![".", "cluster.local", "svc.cluster.local"];
        let few = router(&zones);
        zones.extend(names.iter().map(String::as_str));
        for router in [few, router(&zones)] {
            assert_eq!(
                block(&router, "a.svc.cluster.local", RecordType::A),
                Some(2)
            );
            assert_eq!(block(&router, "cluster.local", RecordType::A), Some(1));
            assert_eq!(block(&router, "xcluster.local", RecordType::A), Some(0));
        }
        assert_eq!(
            block(&router(&["example.org"]), "example.com", RecordType::A),
            None
        );
    }

    #[test]
    fn ds_goes_to_the_parent() {
        let router = router(&[".", "example.org", "sub.example.org"]);
        assert_eq!(block(&router, "sub.example.org", RecordType::DS), Some(1));
        assert_eq!(block(&router, "other.test", RecordType::DS), Some(0));
    }
}
