//! The kube-dns `ConfigMap`: upstreams of the cluster's own choosing.
//!
//! | key | value |
//! |---|---|
//! | `stubDomains` | JSON object: domain to a list of servers |
//! | `upstreamNameservers` | JSON list of at most three servers |
//!
//! Everything else in it is not for a node-local cache (`federations` was for kube-dns).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

/// What the `ConfigMap` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeDns {
    /// The servers of each domain, as they were written; sorted, so that the same `ConfigMap` makes the same Corefile.
    pub stub_domains: BTreeMap<String, Vec<String>>,
    /// The servers for names outside the cluster; empty for those of the node.
    pub upstream_nameservers: Vec<String>,
}

/// What is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("kube-dns ConfigMap, key {key}: {value}: expected {expected}")]
pub struct KubeDnsError {
    /// The key.
    pub key: &'static str,
    /// The offending part of its value.
    pub value: String,
    /// What would have been accepted.
    pub expected: String,
}

impl KubeDns {
    /// Reads the keys of a `ConfigMap`.
    ///
    /// # Errors
    /// For the first value that cannot be used.
    pub fn read(entries: &BTreeMap<String, String>) -> Result<Self, KubeDnsError> {
        let mut kube_dns = Self::default();
        if let Some(value) = json(entries, STUB_DOMAINS, STUB_DOMAINS_EXPECTED)? {
            let Value::Object(domains) = value else {
                return Err(wrong(STUB_DOMAINS, value, STUB_DOMAINS_EXPECTED));
            };
            for (domain, servers) in &domains {
                let normalized = domain_name(domain)?;
                let list = servers_of(servers, STUB_DOMAINS, STUB_DOMAINS_EXPECTED)?;
                if list.is_empty() {
                    let of = format!("{domain:?}: {servers}");
                    return Err(wrong(STUB_DOMAINS, of, "at least one server"));
                }
                let before = kube_dns.stub_domains.insert(normalized, list);
                if before.is_some() {
                    let domain = format!("{domain:?}");
                    return Err(wrong(STUB_DOMAINS, domain, "each domain once"));
                }
            }
        }
        if let Some(value) = json(entries, UPSTREAMS, UPSTREAMS_EXPECTED)? {
            let servers = servers_of(&value, UPSTREAMS, UPSTREAMS_EXPECTED)?;
            if servers.len() > MOST_UPSTREAMS {
                return Err(wrong(UPSTREAMS, value, "at most three servers"));
            }
            kube_dns.upstream_nameservers = servers;
        }
        Ok(kube_dns)
    }
}

/// The JSON value of a key; an empty one counts as missing.
fn json(
    entries: &BTreeMap<String, String>,
    key: &'static str,
    expected: &str,
) -> Result<Option<Value>, KubeDnsError> {
    let text = entries.get(key).map_or("", |text| text.trim());
    if text.is_empty() {
        return Ok(None);
    }
    match serde_json::from_str(text) {
        Ok(Value::Null) => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            let value = format!("{text:?} is not JSON ({error})");
            Err(wrong(key, value, expected))
        }
    }
}

fn servers_of(
    value: &Value,
    key: &'static str,
    expected: &str,
) -> Result<Vec<String>, KubeDnsError> {
    let Value::Array(values) = value else {
        return Err(wrong(key, value, expected));
    };
    let mut servers = Vec::new();
    for value in values {
        let Value::String(server) = value else {
            return Err(wrong(key, value, expected));
        };
        if !is_server(server) {
            let expected = "an IP address, or one with a port such as \"192.0.2.1:5353\" or \"[2001:db8::1]:5353\"; the names of \
                            servers cannot be resolved here";
            return Err(wrong(key, value, expected));
        }
        servers.push(server.clone());
    }
    Ok(servers)
}

fn is_server(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || text.parse::<SocketAddr>().is_ok_and(|to| to.port() != 0)
}

/// The domain in lower case and without a final dot. Strict, because it becomes part of a Corefile, where a blank or a brace would
/// mean something.
fn domain_name(text: &str) -> Result<String, KubeDnsError> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if name.len() <= 253 && name.split('.').all(is_label) {
        return Ok(name);
    }
    let expected = "a domain name of letters, digits, '-' and '_'";
    Err(wrong(STUB_DOMAINS, format!("{text:?}"), expected))
}

fn wrong(key: &'static str, value: impl std::fmt::Display, expected: &str) -> KubeDnsError {
    KubeDnsError {
        key,
        value: value.to_string(),
        expected: expected.to_owned(),
    }
}

const STUB_DOMAINS: &str = "stubDomains";
const STUB_DOMAINS_EXPECTED: &str =
    r#"a JSON object of domains and lists of servers, such as {"example.org": ["192.0.2.1"]}"#;
const UPSTREAMS: &str = "upstreamNameservers";
const UPSTREAMS_EXPECTED: &str = r#"a JSON list of servers, such as ["192.0.2.1", "192.0.2.2"]"#;

/// kube-dns's own limit, which stems from resolv.conf(5).
const MOST_UPSTREAMS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, value: &str) -> Result<KubeDns, KubeDnsError> {
        KubeDns::read(&BTreeMap::from([(key.to_owned(), value.to_owned())]))
    }

    #[test]
    fn both_keys_are_read_and_others_are_left_alone() {
        let entries = [
            (
                "stubDomains",
                r#"{"Corp.example.org.": ["192.0.2.1", "[2001:db8::1]:5353"], "a.example": ["2001:db8::2"]}"#,
            ),
            ("upstreamNameservers", r#"["198.51.100.1:5353"]"#),
            ("federations", "not looked at"),
        ];
        let entries = entries.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let kube_dns = KubeDns::read(&BTreeMap::from(entries)).unwrap();
        let domains: Vec<_> = kube_dns.stub_domains.iter().collect();
        assert_eq!(domains[0].0, "a.example");
        assert_eq!(domains[1].0, "corp.example.org");
        assert_eq!(domains[1].1, &["192.0.2.1", "[2001:db8::1]:5353"]);
        assert_eq!(kube_dns.upstream_nameservers, ["198.51.100.1:5353"]);
    }

    #[test]
    fn nothing_is_said_by_no_key_an_empty_one_and_null() {
        assert_eq!(KubeDns::read(&BTreeMap::new()), Ok(KubeDns::default()));
        assert_eq!(read("stubDomains", " \n"), Ok(KubeDns::default()));
        assert_eq!(read("upstreamNameservers", "null"), Ok(KubeDns::default()));
        assert_eq!(read("upstreamNameservers", "[]"), Ok(KubeDns::default()));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key_and_what_was_expected() {
        for (key, value, named, expected) in [
            ("stubDomains", "{", "\"{\" is not JSON", "a JSON object"),
            ("stubDomains", "[]", "[]", "a JSON object"),
            (
                "stubDomains",
                r#"{"example.org": "192.0.2.1"}"#,
                "\"192.0.2.1\"",
                "lists of servers",
            ),
            (
                "stubDomains",
                r#"{"example.org": []}"#,
                "\"example.org\": []",
                "at least one",
            ),
            (
                "stubDomains",
                r#"{"example.org": ["ns.example.org"]}"#,
                "\"ns.example.org\"",
                "cannot be resolved",
            ),
            (
                "stubDomains",
                r#"{"a {": ["192.0.2.1"]}"#,
                "\"a {\"",
                "a domain name",
            ),
            (
                "stubDomains",
                r#"{"a": ["192.0.2.1"], "A.": ["192.0.2.1"]}"#,
                "\"a\"",
                "once",
            ),
            (
                "upstreamNameservers",
                r#"["192.0.2.1:0"]"#,
                "\"192.0.2.1:0\"",
                "an IP address",
            ),
            ("upstreamNameservers", "[1]", "1", "a JSON list"),
            (
                "upstreamNameservers",
                r#"["192.0.2.1","192.0.2.2","192.0.2.3","192.0.2.4"]"#,
                "192.0.2.4",
                "at most three",
            ),
        ] {
            let text = read(key, value).unwrap_err().to_string();
            assert!(text.contains(&format!("key {key}: ")), "{text}");
            assert!(text.contains(named), "{text}");
            assert!(text.contains(expected), "{text}");
        }
    }
}
