//! Networks to reverse zones (RFC 1035 section 3.5, RFC 3596 section 2.5).
//!
//! A zone cut in `in-addr.arpa` is at a multiple of 8 bits and one in `ip6.arpa` at a multiple of
//! 4. A network whose prefix lies between is as many zones as it takes to cover it exactly.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::value::network::Network;

/// The reverse zones that together cover the network, lowest first.
pub(crate) fn zones(network: Network) -> Vec<String> {
    let (bits_per_label, bits) = match network.address() {
        IpAddr::V4(_) => (8, 32_u8),
        IpAddr::V6(_) => (4, 128),
    };
    let labels = network.prefix().div_ceil(bits_per_label);
    let missing_bits = labels * bits_per_label - network.prefix();
    let host_bits = u32::from(bits - labels * bits_per_label);
    (0..1_u128 << missing_bits)
        .map(|index| match network.address() {
            IpAddr::V4(address) => {
                let offset = index.checked_shl(host_bits).unwrap_or(0);
                let offset = u32::try_from(offset).unwrap_or(0);
                v4_zone(
                    Ipv4Addr::from_bits(address.to_bits() | offset),
                    labels.into(),
                )
            }
            IpAddr::V6(address) => {
                let offset = index.checked_shl(host_bits).unwrap_or(0);
                v6_zone(
                    Ipv6Addr::from_bits(address.to_bits() | offset),
                    labels.into(),
                )
            }
        })
        .collect()
}

fn v4_zone(address: Ipv4Addr, labels: usize) -> String {
    let mut zone = String::new();
    for octet in address.octets()[..labels].iter().rev() {
        let _ = write!(zone, "{octet}.");
    }
    zone + "in-addr.arpa."
}

fn v6_zone(address: Ipv6Addr, labels: usize) -> String {
    let nibbles: Vec<u8> = address
        .octets()
        .iter()
        .flat_map(|octet| [octet >> 4, octet & 0x0f])
        .collect();
    let mut zone = String::new();
    for nibble in nibbles[..labels].iter().rev() {
        let _ = write!(zone, "{nibble:x}.");
    }
    zone + "ip6.arpa."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(network: &str) -> Vec<String> {
        zones(Network::parse(network).unwrap())
    }

    #[test]
    fn a_network_on_a_label_boundary_is_one_zone() {
        assert_eq!(of("192.0.2.0/24"), ["2.0.192.in-addr.arpa."]);
        assert_eq!(of("10.0.0.0/8"), ["10.in-addr.arpa."]);
        assert_eq!(of("192.0.2.1/32"), ["1.2.0.192.in-addr.arpa."]);
        assert_eq!(of("0.0.0.0/0"), ["in-addr.arpa."]);
        assert_eq!(of("2001:db8::/32"), ["8.b.d.0.1.0.0.2.ip6.arpa."]);
    }

    #[test]
    fn a_network_between_labels_is_several_zones() {
        assert_eq!(
            of("10.0.0.0/15"),
            ["0.10.in-addr.arpa.", "1.10.in-addr.arpa."]
        );
        assert_eq!(
            of("10.129.60.0/22"),
            [
                "60.129.10.in-addr.arpa.",
                "61.129.10.in-addr.arpa.",
                "62.129.10.in-addr.arpa.",
                "63.129.10.in-addr.arpa."
            ]
        );
        assert_eq!(
            of("2001:db8::/31"),
            ["8.b.d.0.1.0.0.2.ip6.arpa.", "9.b.d.0.1.0.0.2.ip6.arpa."]
        );
        assert_eq!(of("192.0.2.128/25").len(), 128);
        assert_eq!(of("0.0.0.0/1").len(), 128);
    }
}
