//! Domain names as they appear in a Corefile: checked, made absolute, lower-cased; networks turned
//! into reverse zones.

use crate::reverse;
use crate::value::network::Network;

/// The name in lower case and with its final dot.
pub(crate) fn normalized(name: &str) -> String {
    let mut normalized = name.to_ascii_lowercase();
    if !is_absolute(name) {
        normalized.push('.');
    }
    normalized
}

/// The zones that a word of a Corefile stands for, without scheme and port: one, or several for a
/// network whose prefix is between two labels. None if it is not a domain name.
pub(crate) fn normalized_zones(text: &str) -> Vec<String> {
    let (_, rest) = split_scheme(text);
    split_host_port(rest)
        .map(|(hosts, _)| hosts.iter().map(|host| normalized(host)).collect())
        .unwrap_or_default()
}

/// A scheme that `CoreDNS` knows, and the rest; `dns` if there is none.
pub(crate) fn split_scheme(text: &str) -> (&str, &str) {
    for scheme in SCHEMES {
        if let Some(rest) = text
            .strip_prefix(scheme)
            .and_then(|rest| rest.strip_prefix("://"))
        {
            return (scheme, rest);
        }
    }
    ("dns", text)
}

/// `zone:port` to the names it stands for and the digits of the port; the error is `CoreDNS`'s.
pub(crate) fn split_host_port(text: &str) -> Result<(Vec<String>, Option<&str>), String> {
    let mut host = text;
    let mut port = None;
    if let Some((before, after)) = text.rsplit_once(':') {
        if after.is_empty() {
            return Err(format!("expecting data after last colon: {text:?}"));
        }
        let digits = after.strip_prefix(['+', '-']).unwrap_or(after);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            (host, port) = (before, Some(after));
        }
    }
    if host.len() > 255 {
        return Err(format!("specified zone is too long: {} > 255", host.len()));
    }
    if !is_domain_name(host) {
        return Err(format!("zone is not a valid domain name: {host}"));
    }
    let Some(network) = Network::parse(host) else {
        return Ok((vec![host.to_owned()], port));
    };
    if host.starts_with(':') || (host.starts_with('0') && host.contains(':')) {
        return Err(format!("invalid CIDR {host}"));
    }
    Ok((reverse::zones(network), port))
}

/// Whether the text fits in 255 octets as a name, with labels of at most 63 (RFC 1035 section
/// 2.3.4). Which characters a label has is not looked at.
pub(crate) fn is_domain_name(text: &str) -> bool {
    if text.is_empty() || text == "." {
        return text == ".";
    }
    let mut octets = 1_usize;
    let mut label = 0_usize;
    let mut bytes = text.as_bytes().iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'.' => {
                if label == 0 {
                    return false;
                }
                octets += label + 1;
                label = 0;
                continue;
            }
            b'\\' => {
                let rest = bytes.as_slice();
                let is_decimal = rest.len() >= 3 && rest[..3].iter().all(u8::is_ascii_digit);
                match bytes.next() {
                    None => return false,
                    // RFC 1035 section 5.1: `\X` is for characters other than digits.
                    Some(byte) if byte.is_ascii_digit() && !is_decimal => return false,
                    Some(_) if is_decimal => {
                        if !(b"000"..=b"255").contains(&&[rest[0], rest[1], rest[2]]) {
                            return false;
                        }
                        bytes.nth(1);
                    }
                    Some(_) => {}
                }
            }
            _ => {}
        }
        label += 1;
        if label > 63 {
            return false;
        }
    }
    if label > 0 {
        octets += label + 1;
    }
    octets <= 255
}

/// Whether the name ends with a dot that is not escaped.
fn is_absolute(name: &str) -> bool {
    let Some(rest) = name.strip_suffix('.') else {
        return false;
    };
    let backslashes = rest.bytes().rev().take_while(|&byte| byte == b'\\').count();
    backslashes % 2 == 0
}

/// `https3` before `https`, which it starts with.
const SCHEMES: [&str; 7] = ["tls", "dns", "quic", "grpc", "https3", "https", "unix"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_absolute_and_lower_case() {
        assert_eq!(normalized("Example.ORG"), "example.org.");
        assert_eq!(normalized("."), ".");
        assert_eq!(normalized(r"a\."), r"a\..");
    }

    #[test]
    fn lengths_are_checked_as_on_the_wire() {
        let label = "a".repeat(63);
        assert!(is_domain_name(&label));
        assert!(!is_domain_name(&"a".repeat(64)));
        assert!(is_domain_name(&format!(
            "{label}.{label}.{label}.{}",
            "a".repeat(61)
        )));
        assert!(!is_domain_name(&format!(
            "{label}.{label}.{label}.{}",
            "a".repeat(62)
        )));
        assert!(is_domain_name(&r"\065".repeat(63)));
        assert!(is_domain_name("."));
        for name in ["", "a..b", ".a", r"a\", r"\256", r"\0.a", r"a\12"] {
            assert!(!is_domain_name(name), "{name}");
        }
    }

    #[test]
    fn ports_and_schemes_are_taken_off() {
        assert_eq!(
            split_host_port("example.org:53"),
            Ok((vec!["example.org".into()], Some("53")))
        );
        assert_eq!(split_scheme("https3://."), ("https3", "."));
        assert_eq!(split_scheme("example.org"), ("dns", "example.org"));
        assert_eq!(normalized_zones("dns://Example.org:53"), ["example.org."]);
        assert_eq!(normalized_zones("a..b"), Vec::<String>::new());
        for (text, message) in [
            (
                "example.org:",
                "expecting data after last colon: \"example.org:\"",
            ),
            (":53", "zone is not a valid domain name: "),
            ("::/0", "invalid CIDR ::/0"),
        ] {
            assert_eq!(split_host_port(text).unwrap_err(), message);
        }
    }

    #[test]
    fn a_network_becomes_its_reverse_zones() {
        assert_eq!(normalized_zones("192.0.2.0/24"), ["2.0.192.in-addr.arpa."]);
        assert_eq!(normalized_zones("198.51.100.0/23").len(), 2);
        assert_eq!(
            normalized_zones("2001:db8::/32:5353"),
            ["8.b.d.0.1.0.0.2.ip6.arpa."]
        );
    }
}
