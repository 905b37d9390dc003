//! The values of options. Each becomes part of YAML or of a Corefile, so nothing in them may mean something there.

use std::net::IpAddr;

/// An address.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    let usable = |address: &IpAddr| !address.is_unspecified() && !address.is_multicast();
    let address = text.parse().ok().filter(usable);
    address.ok_or_else(|| "expected an IPv4 or IPv6 address".to_owned())
}

/// The reference of an image.
pub(super) fn image(text: &str) -> Result<String, String> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
    let is_reference = text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !text.ends_with(':')
        && text.bytes().all(is_part);
    keep(
        text,
        is_reference,
        "the name of an image, such as registry.example.org/nodens:1.0",
    )
}

/// The name of a namespace or Service (RFC 1123 label).
pub(super) fn label(text: &str) -> Result<String, String> {
    keep(
        text,
        is_label(text),
        "up to 63 small letters, digits and '-'",
    )
}

/// A domain, without the final dot.
pub(super) fn domain_name(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_name = name.len() <= 253 && name.split('.').all(is_label);
    keep(
        name,
        is_name,
        "a domain name in small letters, such as cluster.local",
    )
}

/// An amount of memory as Kubernetes writes it.
pub(super) fn quantity(text: &str) -> Result<String, String> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_quantity = is_number && ["", "k", "M", "G", "Ki", "Mi", "Gi"].contains(&unit);
    keep(text, is_quantity, "an amount of memory, such as 64Mi")
}

fn is_label(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(is_part)
}

fn keep(text: &str, is_right: bool, expected: &str) -> Result<String, String> {
    is_right
        .then(|| text.to_owned())
        .ok_or_else(|| format!("expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_would_mean_something_in_yaml_or_a_corefile_are_refused() {
        for text in ["a b", "a\nb", "{a}", "a: b", "a#", "", "\"a\"", "-a"] {
            assert!(image(text).is_err(), "{text:?}");
            assert!(label(text).is_err(), "{text:?}");
            assert!(domain_name(text).is_err(), "{text:?}");
            assert!(quantity(text).is_err(), "{text:?}");
            assert!(address(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn usual_values_are_taken() {
        let digest = "registry.example.org:5000/dns/nodens@sha256:0123456789abcdef";
        assert_eq!(image(digest).as_deref(), Ok(digest));
        assert_eq!(domain_name("corp.example.").as_deref(), Ok("corp.example"));
        for text in ["64Mi", "1Gi", "67108864", "64M"] {
            assert_eq!(quantity(text).as_deref(), Ok(text));
        }
        assert!(address("0.0.0.0").is_err());
    }
}
