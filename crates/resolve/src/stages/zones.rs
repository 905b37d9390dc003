//! Lists of zones, and which of them a name belongs to.

use nodens_dns::{Name, NameKey};

/// Zones of a stage; the most specific one that holds a name is the one that counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zones {
    zones: Vec<Zone>,
}

#[derive(Clone, Debug)]
struct Zone {
    /// Lower case, wire form.
    name: Name,
    /// What metrics call it.
    label: String,
}

impl Zones {
    /// Takes zones in presentation form. One that is not a name holds no name either, and is left
    /// out: the configuration was checked before.
    pub(crate) fn new<Text: AsRef<str>>(zones: impl IntoIterator<Item = Text>) -> Self {
        let zones = zones.into_iter().filter_map(|text| {
            let name = text.as_ref().parse::<Name>().ok()?.to_lowercase();
            let label = super::text::lower(&name);
            Some(Zone { name, label })
        });
        Self {
            zones: zones.collect(),
        }
    }

    /// The longest zone that holds `name`, as metrics call it.
    pub(crate) fn matching(&self, name: &NameKey) -> Option<&str> {
        let mut found: Option<&Zone> = None;
        for zone in &self.zones {
            let length = zone.name.as_wire().len();
            if name.is_within(zone.name.as_wire())
                && found.is_none_or(|found| length > found.name.as_wire().len())
            {
                found = Some(zone);
            }
        }
        found.map(|zone| zone.label.as_str())
    }

    /// Whether any zone holds `name`.
    pub(crate) fn contain(&self, name: &NameKey) -> bool {
        self.zones
            .iter()
            .any(|zone| name.is_within(zone.name.as_wire()))
    }

    /// Adds the zones of another list.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.zones.extend_from_slice(&other.zones);
    }
}

#[cfg(test)]
mod tests {
    use nodens_dns::{Name, NameKey};

    use super::Zones;

    fn key(text: &str) -> NameKey {
        NameKey::from(&text.parse::<Name>().unwrap())
    }

    #[test]
    fn the_longest_zone_wins_whatever_the_order() {
        let zones = Zones::new(["example.org.", "Sub.Example.org", "org."]);
        assert_eq!(
            zones.matching(&key("www.sub.example.ORG")),
            Some("sub.example.org.")
        );
        assert_eq!(
            zones.matching(&key("www.example.org")),
            Some("example.org.")
        );
        assert_eq!(zones.matching(&key("example.net")), None);
    }

    #[test]
    fn the_root_holds_every_name_and_no_zones_hold_none() {
        assert_eq!(Zones::new(["."]).matching(&key("example.org")), Some("."));
        assert!(!Zones::default().contain(&key("example.org")));
    }
}
