//! `hosts`: answers from a file in the form of `/etc/hosts`, and from lines in the Corefile.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::ServerBlock;
use crate::directive::{Directive, Example, Repeat, Setting, Support};
use crate::error::Error;
use crate::lexer::Token;
use crate::position::Position;
use crate::statement::Statement;
use crate::zone;

/// `hosts`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// Where it was written.
    pub position: Position,
    /// The file to read; it may not exist.
    pub path: PathBuf,
    /// Only names in these zones count.
    pub zones: Vec<String>,
    /// The lines in the Corefile, which come after those of the file.
    pub inline: Vec<HostsEntry>,
    /// The TTL of the answers, in seconds.
    pub ttl: u32,
    /// Whether addresses are answered with their names.
    pub reverse: bool,
    /// How often to look whether the file has changed; `None` for never.
    pub reload: Option<Duration>,
    /// The zones in which a name that is not here is left to the next directive.
    pub fallthrough: Vec<String>,
}

/// One line: an address and its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostsEntry {
    /// The address.
    pub address: IpAddr,
    /// Its names, in lower case with a final dot. A first label `*` stands for any label.
    pub names: Vec<String>,
}

pub(crate) const DIRECTIVE: Directive = Directive {
    name: "hosts",
    summary: "Answers from a file in the form of /etc/hosts",
    support: Support::Same,
    repeat: Repeat::Once,
    syntax: "hosts [FILE [ZONES...]] {\n    ADDRESS NAME...\n    ttl SECONDS\n    no_reverse\n    \
        reload DURATION\n    fallthrough [ZONES...]\n}",
    settings: &[
        Setting {
            name: "FILE",
            default: "/etc/hosts",
            bounds: "a path",
            meaning: "The file to read.",
            source: "",
        },
        Setting {
            name: "ZONES...",
            default: "the zones of the server block",
            bounds: "zones or networks",
            meaning: "Only names in these zones count.",
            source: "",
        },
        Setting {
            name: "ADDRESS NAME...",
            default: "none",
            bounds: "before `fallthrough`",
            meaning: "An address and its names, as in the file; the lines of the file come first.",
            source: "",
        },
        Setting {
            name: "ttl SECONDS",
            default: "3600",
            bounds: "1 to 65535",
            meaning: "The TTL of the answers.",
            source: "",
        },
        Setting {
            name: "no_reverse",
            default: "off",
            bounds: "",
            meaning: "Do not answer for the addresses.",
            source: "",
        },
        Setting {
            name: "reload DURATION",
            default: "5s",
            bounds: "0s or more",
            meaning: "How often to look whether the file has changed; 0s for never.",
            source: "",
        },
        Setting {
            name: "fallthrough [ZONES...]",
            default: "off; without zones, every name",
            bounds: "zones or networks",
            meaning: "Leave names that are not here to the next directive.",
            source: "",
        },
    ],
    description: "Without `fallthrough`, a name of the zones that is not here is answered with \
        SERVFAIL, not NXDOMAIN, as CoreDNS does: add `fallthrough` unless the file is all there is.",
    differences: "",
    examples: &[
        Example {
            purpose: "Two names of one's own, everything else from upstream",
            corefile: ". {\n    hosts {\n        192.0.2.7 registry.example.org mirror.example.org\n        \
                fallthrough\n    }\n    forward . 198.51.100.1\n}\n",
        },
        Example {
            purpose: "A file for one zone, without reverse answers",
            corefile: ". {\n    hosts /etc/coredns/hosts example.org {\n        ttl 60\n        \
                no_reverse\n        fallthrough\n    }\n    forward . 198.51.100.1\n}\n",
        },
    ],
    parse,
};

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let arguments = statement.arguments();
    let (path, zones) = match arguments.as_slice() {
        [] => (DEFAULT_PATH, [].as_slice()),
        [path, zones @ ..] => (path.text.as_str(), zones),
    };
    let mut hosts = Hosts {
        position: statement.position(),
        path: PathBuf::from(path),
        zones: statement.zones_or_block(zones),
        inline: Vec::new(),
        ttl: DEFAULT_TTL,
        reverse: true,
        reload: Some(DEFAULT_RELOAD),
        fallthrough: Vec::new(),
    };
    while let Some(property) = statement.property() {
        match property.text.as_str() {
            "fallthrough" => hosts.fallthrough = statement.fallthrough_zones(),
            "fallthrough_unsupported" => {
                let message = "'fallthrough_unsupported' is not supported";
                return Err(statement.problem(property, message, "'fallthrough'"));
            }
            "no_reverse" => hosts.reverse = false,
            "ttl" => hosts.ttl = ttl(statement, property)?,
            "reload" => hosts.reload = reload(statement, property)?,
            _ if hosts.fallthrough.is_empty() => inline(statement, property, &mut hosts.inline),
            _ => {
                let known = ["fallthrough", "no_reverse", "reload", "ttl"];
                return Err(statement.unknown_property(property, &known));
            }
        }
    }
    block.hosts = Some(hosts);
    Ok(())
}

fn ttl(statement: &mut Statement<'_>, property: &Token) -> Result<u32, Error> {
    const EXPECTED: &str = "a number of seconds from 1 to 65535";
    let arguments = statement.arguments();
    let Some(token) = arguments.first() else {
        return Err(statement.problem(property, "ttl needs a time in second", EXPECTED));
    };
    let Ok(seconds) = token.text.parse::<i64>() else {
        return Err(statement.problem(token, "ttl needs a number of second", EXPECTED));
    };
    u16::try_from(seconds)
        .ok()
        .filter(|&seconds| seconds > 0)
        .map(u32::from)
        .ok_or_else(|| statement.problem(token, "ttl provided is invalid", EXPECTED))
}

fn reload(statement: &mut Statement<'_>, property: &Token) -> Result<Option<Duration>, Error> {
    const EXPECTED: &str = "a duration, such as '5s'; '0s' to disable";
    let arguments = statement.arguments();
    let [token] = arguments.as_slice() else {
        let message = "reload needs a duration (zero seconds to disable)";
        return Err(statement.problem(property, message, EXPECTED));
    };
    let nanoseconds = crate::value::duration::parse(&token.text).map_err(|_| {
        let message = format!("invalid duration for reload '{}'", token.text);
        statement.problem(token, message, EXPECTED)
    })?;
    let nanoseconds = u64::try_from(nanoseconds).map_err(|_| {
        let message = format!("invalid negative duration for reload '{}'", token.text);
        statement.problem(token, message, EXPECTED)
    })?;
    Ok((nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds)))
}

/// A line of addresses and names. One that is not is accepted, as in a file, but not in silence:
/// in a Corefile it is more likely a misspelled property.
fn inline(statement: &mut Statement<'_>, first: &Token, entries: &mut Vec<HostsEntry>) {
    let names: Vec<&str> = statement
        .arguments()
        .into_iter()
        .map(|token| token.text.as_str())
        .collect();
    match entry(&format!("{} {}", first.text, names.join(" "))) {
        Some(entry) => entries.push(entry),
        None => statement.note(
            first,
            format!(
                "the line '{}' is not an address and its names and does nothing",
                first.text
            ),
        ),
    }
}

/// The entries of a file in the form of `/etc/hosts`; lines that are not entries are left out.
pub fn hosts_entries(text: &str) -> Vec<HostsEntry> {
    text.lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<HostsEntry> {
    let line = line.split_once('#').map_or(line, |(before, _)| before);
    let mut words = line.split_whitespace();
    let address = words.next()?;
    let address = address
        .split_once('%')
        .map_or(address, |(before, _)| before);
    let address = address.parse::<IpAddr>().ok()?.to_canonical();
    let names: Vec<String> = words.map(zone::normalized).collect();
    (!names.is_empty()).then_some(HostsEntry { address, names })
}

const DEFAULT_PATH: &str = "/etc/hosts";
const DEFAULT_TTL: u32 = 3600;
const DEFAULT_RELOAD: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
