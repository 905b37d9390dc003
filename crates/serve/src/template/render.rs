//! Template in, Corefile out.
//!
//! | variable | becomes |
//! |---|---|
//! | `__PILLAR__LOCAL__DNS__` | the addresses to listen on, with blanks between; the first of them where it is part of a word |
//! | `__PILLAR__DNS__SERVER__` | nothing: the addresses above include it |
//! | `__PILLAR__DNS__DOMAIN__` | the domain of the cluster |
//! | `__PILLAR__CLUSTER__DNS__` | the address of the cluster DNS servers' Service |
//! | `__PILLAR__UPSTREAM__SERVERS__` | the servers of the kube-dns `ConfigMap`, or `/etc/resolv.conf` |
//! | `__PROMETHEUS__ENDPOINT__` | where metrics are served |
//!
//! node-cache puts all addresses into `health __PILLAR__LOCAL__DNS__:8080` too, which makes two words of one and a Corefile that is
//! refused. A word can hold one address, so here it holds the first, and an IPv6 one has the brackets it needs before a port.

use std::fmt::Write as _;
use std::net::IpAddr;

use nodens_corefile::{Word, words};

use super::kube_dns::KubeDns;
use super::upstream_service::MissingService;

/// What goes into the template.
#[derive(Clone, Debug)]
pub struct Values {
    /// The addresses to listen on.
    pub local_addresses: Vec<IpAddr>,
    /// The cluster DNS servers' Service.
    pub cluster_dns: Result<IpAddr, MissingService>,
    /// The domain of the cluster.
    pub cluster_domain: String,
    /// Where metrics are served.
    pub prometheus: String,
    /// The port of the blocks of stub domains.
    pub port: u16,
}

/// Why a template does not become a Corefile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// Nobody said where to listen.
    #[error("line {line} of the template: {LOCAL} needs -localip, such as -localip 169.254.20.10")]
    NoLocalAddress {
        /// Where the variable is.
        line: u32,
    },
    /// The cluster DNS servers are not known.
    #[error("line {line} of the template: {CLUSTER}")]
    NoClusterDns {
        /// Where the variable is.
        line: u32,
        /// Why.
        source: MissingService,
    },
    /// A variable that there is not.
    #[error(
        "line {line} of the template: {word:?} holds a variable that is not known; expected one of {VARIABLES:?}"
    )]
    UnknownVariable {
        /// Where it is.
        line: u32,
        /// The word it is in.
        word: String,
    },
}

/// Fills in a template and adds a block for each stub domain.
///
/// Lines stay where they are, so that a complaint about the result has the line of the template.
///
/// # Errors
/// When a variable has no value.
pub fn render(template: &str, values: &Values, kube_dns: &KubeDns) -> Result<String, RenderError> {
    let mut text = template.to_owned();
    if !kube_dns.upstream_nameservers.is_empty() {
        allow_udp(&mut text);
    }
    let found = words(&text);
    for word in &found {
        if word.text.contains(LOCAL) && values.local_addresses.is_empty() {
            return Err(RenderError::NoLocalAddress { line: word.line });
        }
        if let (true, Err(source)) = (word.text.contains(CLUSTER), &values.cluster_dns) {
            let (line, source) = (word.line, source.clone());
            return Err(RenderError::NoClusterDns { line, source });
        }
    }
    let cluster_dns = values
        .cluster_dns
        .as_ref()
        .map_or(&[][..], std::slice::from_ref);
    text = with_addresses(&text, LOCAL, &values.local_addresses);
    text = with_addresses(&text, CLUSTER, cluster_dns);
    text = text.replace(SERVER, "");
    text = text.replace(DOMAIN, &values.cluster_domain);
    text = text.replace(UPSTREAMS, &upstreams(kube_dns));
    text = text.replace(PROMETHEUS, &values.prometheus);
    let found = words(&text);
    if let Some(word) = found.iter().find(|word| word.text.contains("__PILLAR__")) {
        let (line, word) = (word.line, word.text.clone());
        return Err(RenderError::UnknownVariable { line, word });
    }
    let blocks = stub_domains(&found, values, kube_dns);
    Ok(text + &blocks)
}

/// The line of the first use of the cluster's domain.
pub(super) fn line_of_domain(template: &str) -> Option<u32> {
    let found = words(template);
    let word = found.iter().find(|word| word.text.contains(DOMAIN))?;
    Some(word.line)
}

/// The servers for names outside the cluster, as they are written in the Corefile.
pub(super) fn upstreams(kube_dns: &KubeDns) -> String {
    if kube_dns.upstream_nameservers.is_empty() {
        "/etc/resolv.conf".to_owned()
    } else {
        kube_dns.upstream_nameservers.join(" ")
    }
}

/// Takes `force_tcp` out of the `forward` lines to the upstream servers.
///
/// The template asks the node's own resolvers over TCP on purpose; servers that an administrator names are asked as clients ask.
/// The property is found by what it is part of: node-cache looks for one spelling with its white space, and misses all others.
fn allow_udp(text: &mut String) {
    let found = words(text);
    let mut unwanted = Vec::new();
    let mut rest = found.as_slice();
    while let Some(start) = rest.iter().position(|word| is_directive(word, "forward")) {
        let line = &rest[start + 1..];
        let length = line
            .iter()
            .position(|word| word.starts_line)
            .unwrap_or(line.len());
        let (arguments, after) = line.split_at(length);
        rest = after;
        let is_block = arguments.last().is_some_and(|word| word.text == "{");
        if is_block && arguments.iter().any(|word| word.text.contains(UPSTREAMS)) {
            let properties = after.iter().take_while(|word| word.text != "}");
            let force_tcp = properties.filter(|word| word.text == FORCE_TCP);
            unwanted.extend(force_tcp.map(|word| word.offset));
        }
    }
    for offset in unwanted.into_iter().rev() {
        let quote = usize::from(text[offset..].starts_with('"'));
        text.replace_range(offset..offset + FORCE_TCP.len() + 2 * quote, "");
    }
}

fn is_directive(word: &Word, name: &str) -> bool {
    word.starts_line && word.text == name
}

/// The text with a variable replaced by all addresses where it is a word, and by the first where it is part of one.
fn with_addresses(text: &str, variable: &str, addresses: &[IpAddr]) -> String {
    let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let all = all.join(" ");
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(variable) {
        result.push_str(before);
        let follows = after.chars().next();
        let is_end = |character: Option<char>| character.is_none_or(char::is_whitespace);
        match addresses.first() {
            Some(first) if !is_end(result.chars().next_back()) || !is_end(follows) => {
                let bracketed = result.ends_with('[');
                if first.is_ipv6() && follows == Some(':') && !bracketed {
                    let _ = write!(result, "[{first}]");
                } else {
                    let _ = write!(result, "{first}");
                }
            }
            _ => result.push_str(&all),
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

/// The blocks of stub domains. They listen and are measured where the blocks of the template are.
fn stub_domains(template: &[Word], values: &Values, kube_dns: &KubeDns) -> String {
    let bind = if values.local_addresses.is_empty() {
        line_of(template, "bind")
    } else {
        let addresses = values.local_addresses.iter();
        let addresses: Vec<String> = addresses.map(ToString::to_string).collect();
        Some(format!("bind {}", addresses.join(" ")))
    };
    let prometheus = line_of(template, "prometheus");
    let mut text = String::new();
    for (domain, servers) in &kube_dns.stub_domains {
        let _ = writeln!(text, "\n{domain}:{} {{", values.port);
        let forward = format!("forward . {}", servers.join(" "));
        let lines = [Some("errors".to_owned()), Some("cache 30".to_owned())];
        let lines = lines
            .into_iter()
            .chain([bind.clone(), Some(forward), prometheus.clone()]);
        for line in lines.flatten() {
            let _ = writeln!(text, "    {line}");
        }
        text.push_str("}\n");
    }
    text
}

/// The first line of a directive.
fn line_of(words: &[Word], name: &str) -> Option<String> {
    let start = words.iter().position(|word| is_directive(word, name))?;
    let arguments = words[start + 1..]
        .iter()
        .take_while(|word| !word.starts_line && word.text != "{");
    let mut line = name.to_owned();
    for argument in arguments {
        line.push(' ');
        line.push_str(&argument.text);
    }
    Some(line)
}

const LOCAL: &str = "__PILLAR__LOCAL__DNS__";
const SERVER: &str = "__PILLAR__DNS__SERVER__";
pub(super) const DOMAIN: &str = "__PILLAR__DNS__DOMAIN__";
const CLUSTER: &str = "__PILLAR__CLUSTER__DNS__";
const UPSTREAMS: &str = "__PILLAR__UPSTREAM__SERVERS__";
const PROMETHEUS: &str = "__PROMETHEUS__ENDPOINT__";
const VARIABLES: [&str; 5] = [LOCAL, SERVER, DOMAIN, CLUSTER, UPSTREAMS];
const FORCE_TCP: &str = "force_tcp";

#[cfg(test)]
mod tests;
