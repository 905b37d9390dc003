//! Formats of the query log: text with labels in braces, cut up once and filled in per question.
//!
//! The labels and the treatment of unknown ones are those of `CoreDNS`'s `pkg/replacer`: an
//! unknown label is text, an unknown `{/metadata}` label is `-`.

use std::io::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use nodens_dns::{Class, Flags, RecordType};
use nodens_resolve::Transport;

use super::name::append_name;
use super::query::LoggedQuery;
use crate::metrics::rcode_name;

/// A format cut into text and labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Type,
    Name,
    Class,
    Protocol,
    Size,
    Remote,
    Port,
    Local,
    Id,
    Opcode,
    DnssecOk,
    BufferSize,
    Rcode,
    ReplySize,
    Duration,
    ReplyFlags,
    LogClass,
    LogType,
    UnknownMetadata,
}

impl Format {
    /// Cuts up a format in which `{common}` and `{combined}` are replaced already.
    pub fn parse(text: &str) -> Self {
        let mut format = Format { parts: Vec::new() };
        let mut rest = text;
        // The closing brace is looked for first, and then the last opening one before it, so that
        // `{ {type} }` holds a label.
        while let Some(close) = rest.find('}') {
            let (head, tail) = rest.split_at(close + 1);
            match head
                .rfind('{')
                .and_then(|open| Some((open, Part::of(&head[open..])?)))
            {
                Some((open, label)) => {
                    format.push_text(&head[..open]);
                    format.parts.push(label);
                }
                None => format.push_text(head),
            }
            rest = tail;
        }
        format.push_text(rest);
        format
    }

    fn push_text(&mut self, text: &str) {
        if let Some(Part::Text(last)) = self.parts.last_mut() {
            last.extend_from_slice(text.as_bytes());
        } else if !text.is_empty() {
            self.parts.push(Part::Text(text.into()));
        }
    }

    /// Appends the text of a question.
    pub fn append(&self, line: &mut Vec<u8>, query: &LoggedQuery<'_>) {
        for part in &self.parts {
            part.append(line, query);
        }
    }
}

impl Part {
    fn of(label: &str) -> Option<Self> {
        Some(match label {
            "{type}" => Part::Type,
            "{name}" => Part::Name,
            "{class}" => Part::Class,
            "{proto}" => Part::Protocol,
            "{size}" => Part::Size,
            "{remote}" => Part::Remote,
            "{port}" => Part::Port,
            "{local}" => Part::Local,
            "{>id}" => Part::Id,
            "{>opcode}" => Part::Opcode,
            "{>do}" => Part::DnssecOk,
            "{>bufsize}" => Part::BufferSize,
            "{rcode}" => Part::Rcode,
            "{rsize}" => Part::ReplySize,
            "{duration}" => Part::Duration,
            "{>rflags}" => Part::ReplyFlags,
            "{/log/class}" => Part::LogClass,
            "{/log/type}" => Part::LogType,
            metadata if metadata.starts_with("{/") => Part::UnknownMetadata,
            _ => return None,
        })
    }

    fn append(&self, line: &mut Vec<u8>, query: &LoggedQuery<'_>) {
        let reply = query.reply.as_ref();
        // Writing to a vector does not fail.
        let _ = match self {
            Part::Text(text) => {
                line.extend_from_slice(text);
                Ok(())
            }
            Part::Type => write!(line, "{}", RecordType(query.qtype)),
            Part::Name => {
                append_name(line, query.name);
                Ok(())
            }
            Part::Class => write!(line, "{}", Class(query.class)),
            Part::Protocol => line.write_all(match query.transport {
                Transport::Udp => b"udp",
                Transport::Tcp => b"tcp",
            }),
            Part::Size => write!(line, "{}", query.size),
            Part::Remote => append_address(line, query.remote.ip()),
            Part::Port => write!(line, "{}", query.remote.port()),
            Part::Local => append_address(line, query.local.ip()),
            Part::Id => write!(line, "{}", query.id),
            Part::Opcode => write!(line, "{}", query.opcode),
            Part::DnssecOk => write!(line, "{}", query.dnssec_ok),
            Part::BufferSize => write!(line, "{}", query.buffer_size),
            Part::Rcode => match reply.map(|reply| (rcode_name(reply.rcode), reply.rcode)) {
                None => line.write_all(b"-"),
                Some((Some(name), _)) => line.write_all(name.as_bytes()),
                Some((None, number)) => write!(line, "{number}"),
            },
            Part::ReplySize => write!(line, "{}", reply.map_or(0, |reply| reply.size)),
            Part::Duration => append_seconds(line, query.duration),
            Part::ReplyFlags => match reply {
                None => line.write_all(b"-"),
                Some(reply) => {
                    append_flags(line, reply.flags);
                    Ok(())
                }
            },
            Part::LogClass => line.write_all(
                reply
                    .map_or("error", |reply| reply.kind.class().name())
                    .as_bytes(),
            ),
            Part::LogType => line.write_all(
                reply
                    .map_or("OTHERERROR", |reply| reply.kind.name())
                    .as_bytes(),
            ),
            Part::UnknownMetadata => line.write_all(b"-"),
        };
    }
}

/// Appends an address, in brackets when it is IPv6 (RFC 3986).
fn append_address(line: &mut Vec<u8>, address: IpAddr) -> std::io::Result<()> {
    match address.to_canonical() {
        IpAddr::V4(address) => write!(line, "{address}"),
        IpAddr::V6(address) => write!(line, "[{address}]"),
    }
}

/// Appends seconds as a number without needless digits, and `s`: what Go's shortest form of the
/// same floating-point number is.
fn append_seconds(line: &mut Vec<u8>, duration: Duration) -> std::io::Result<()> {
    write!(line, "{}", duration.as_secs())?;
    let mut fraction = duration.subsec_nanos();
    if fraction > 0 {
        let mut digits = 9;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        write!(line, ".{fraction:0digits$}")?;
    }
    line.write_all(b"s")
}

fn append_flags(line: &mut Vec<u8>, flags: Flags) {
    let start = line.len();
    for (bit, name) in FLAGS {
        if flags.has(bit) {
            if line.len() > start {
                line.push(b',');
            }
            line.extend_from_slice(name.as_bytes());
        }
    }
}

const FLAGS: [(u16, &str); 8] = [
    (Flags::QR, "qr"),
    (Flags::AA, "aa"),
    (Flags::TC, "tc"),
    (Flags::RD, "rd"),
    (Flags::RA, "ra"),
    (Flags::Z, "z"),
    (Flags::AD, "ad"),
    (Flags::CD, "cd"),
];

#[cfg(test)]
pub(super) mod tests {
    use super::super::query::LoggedReply;
    use super::super::reply_kind::ReplyKind;
    use super::*;

    /// A question as recorded from a running node-cache.
    pub(in super::super) fn query() -> LoggedQuery<'static> {
        LoggedQuery {
            remote: "127.0.0.1:34431".parse().unwrap(),
            local: "127.0.0.1:53".parse().unwrap(),
            id: 33417,
            opcode: 0,
            qtype: 1,
            class: 1,
            name: b"\x0aKubernetes\x07default\x03svc\x07cluster\x05local\0",
            transport: Transport::Udp,
            size: 77,
            dnssec_ok: false,
            buffer_size: 1232,
            reply: Some(LoggedReply {
                rcode: 0,
                flags: Flags(Flags::QR | Flags::AA | Flags::RD | Flags::RA),
                size: 106,
                kind: ReplyKind::NoError,
            }),
            duration: Duration::from_nanos(3_750_556),
        }
    }

    fn written(format: &str, query: &LoggedQuery<'_>) -> String {
        let mut line = Vec::new();
        Format::parse(format).append(&mut line, query);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn every_label_is_filled_in() {
        let mut query = query();
        query.remote = "[2001:db8::1]:4711".parse().unwrap();
        query.transport = Transport::Tcp;
        query.qtype = 65280;
        query.class = 42;
        query.dnssec_ok = true;
        let labels = "{type} {name} {class} {proto} {size} {remote} {port} {local} {>id} {>opcode} \
                      {>do} {>bufsize} {rcode} {rsize} {duration} {>rflags} {/log/class} \
                      {/log/type} {/other}";
        assert_eq!(
            written(labels, &query),
            "TYPE65280 kubernetes.default.svc.cluster.local. CLASS42 tcp 77 [2001:db8::1] 4711 \
             127.0.0.1 33417 0 true 1232 NOERROR 106 0.003750556s qr,aa,rd,ra success NOERROR -"
        );
    }

    #[test]
    fn combined_adds_the_operation() {
        let line = written(nodens_corefile::COMBINED_LOG_FORMAT, &query());
        assert!(line.ends_with("106 0.003750556s \"0\""), "{line}");
    }

    #[test]
    fn a_question_without_a_reply_has_dashes() {
        let query = LoggedQuery {
            reply: None,
            ..query()
        };
        assert_eq!(written("{rcode} {>rflags} {rsize}", &query), "- - 0");
    }

    #[test]
    fn braces_that_hold_no_label_are_text() {
        let query = query();
        for (format, expected) in [
            ("{ {type} }", "{ A }"),
            ("A } {type}", "A } A"),
            ("{unknown} {type}", "{unknown} A"),
            ("{type", "{type"),
            ("", ""),
        ] {
            assert_eq!(written(format, &query), expected);
        }
    }

    #[test]
    fn a_duration_has_no_needless_digits() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (1, "0.000000001s"),
            (37_990_251, "0.037990251s"),
            (1_000_000_000, "1s"),
            (2_500_000_000, "2.5s"),
        ] {
            let query = LoggedQuery {
                duration: Duration::from_nanos(nanoseconds),
                ..query()
            };
            assert_eq!(written("{duration}", &query), text);
        }
    }
}
