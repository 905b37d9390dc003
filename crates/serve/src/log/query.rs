//! The query log: which questions the `log` directive selects, and what is known of one.

use std::net::SocketAddr;
use std::time::Duration;

use nodens_corefile::LogClasses;
use nodens_dns::{Flags, Name};
use nodens_resolve::Transport;

use super::format::Format;
use super::logger::Level;
use super::name::is_within;
use super::reply_kind::{ReplyClass, ReplyKind};

/// What a line of the query log can say.
#[derive(Debug, Clone, Copy)]
pub struct LoggedQuery<'a> {
    /// The client.
    pub remote: SocketAddr,
    /// The address it asked.
    pub local: SocketAddr,
    /// The message id.
    pub id: u16,
    /// The operation.
    pub opcode: u8,
    /// The type asked for.
    pub qtype: u16,
    /// The class asked for.
    pub class: u16,
    /// The name asked for, in wire form.
    pub name: &'a [u8],
    /// How the question came.
    pub transport: Transport,
    /// The question's size in bytes.
    pub size: u16,
    /// DNSSEC records were wanted.
    pub dnssec_ok: bool,
    /// The largest reply the client takes; see [`buffer_size`].
    pub buffer_size: u16,
    /// What was sent back, if anything was.
    pub reply: Option<LoggedReply>,
    /// Time from question to reply.
    pub duration: Duration,
}

/// What is logged of a reply.
#[derive(Debug, Clone, Copy)]
pub struct LoggedReply {
    /// The response code, its extended part included.
    pub rcode: u16,
    /// The header's flags.
    pub flags: Flags,
    /// The size in bytes.
    pub size: u16,
    /// What kind of reply it is.
    pub kind: ReplyKind,
}

/// The `log` lines of one server block.
#[derive(Debug, Clone, Default)]
pub struct QueryLog {
    rules: Vec<LogRule>,
}

/// One name of one `log` line.
#[derive(Debug, Clone)]
pub struct LogRule {
    /// The name at and below which it applies.
    pub scope: Name,
    /// Which replies it logs.
    pub classes: LogClasses,
    /// How.
    pub format: Format,
}

impl QueryLog {
    /// Takes the rules in the order of the Corefile.
    pub fn new(rules: Vec<LogRule>) -> Self {
        QueryLog { rules }
    }

    /// Whether no question is ever logged, so that nobody need gather what is known of one.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Appends the line of a question, newline included; false when it is not to be logged.
    ///
    /// The first rule whose name holds the question's decides, even when its classes exclude the
    /// reply.
    pub fn append(&self, lines: &mut Vec<u8>, query: &LoggedQuery<'_>) -> bool {
        let Some(rule) = self
            .rules
            .iter()
            .find(|rule| is_within(query.name, rule.scope.as_wire()))
        else {
            return false;
        };
        let kind = query
            .reply
            .map_or(ReplyKind::OtherError, |reply| reply.kind);
        if !selects(rule.classes, kind.class()) {
            return false;
        }
        lines.extend_from_slice(Level::Info.prefix().as_bytes());
        rule.format.append(lines, query);
        lines.push(b'\n');
        true
    }
}

fn selects(classes: LogClasses, class: ReplyClass) -> bool {
    match class {
        ReplyClass::Success => classes.success,
        ReplyClass::Denial => classes.denial,
        ReplyClass::Error => classes.error,
    }
}

/// What `{>bufsize}` says: 65535 for TCP, the size in the OPT record but at least 512 for UDP.
pub fn buffer_size(transport: Transport, advertised: Option<u16>) -> u16 {
    match transport {
        Transport::Tcp => u16::MAX,
        Transport::Udp => advertised.unwrap_or_default().max(512),
    }
}

#[cfg(test)]
mod tests {
    use nodens_corefile::COMMON_LOG_FORMAT;

    use super::super::format::tests::query;
    use super::*;

    const ALL: LogClasses = LogClasses {
        success: true,
        denial: true,
        error: true,
    };

    fn line(log: &QueryLog, query: &LoggedQuery<'_>) -> Option<String> {
        let mut lines = Vec::new();
        let logged = log.append(&mut lines, query);
        assert_eq!(logged, !lines.is_empty());
        logged.then(|| String::from_utf8(lines).unwrap())
    }

    fn rule(scope: &str, classes: LogClasses, format: &str) -> LogRule {
        LogRule {
            scope: scope.parse().unwrap(),
            classes,
            format: Format::parse(format),
        }
    }

    #[test]
    fn the_default_line_is_that_of_coredns() {
        let log = QueryLog::new(vec![rule(".", ALL, COMMON_LOG_FORMAT)]);
        assert_eq!(
            line(&log, &query()).unwrap(),
            "[INFO] 127.0.0.1:34431 - 33417 \"A IN kubernetes.default.svc.cluster.local. udp 77 \
             false 1232\" NOERROR qr,aa,rd,ra 106 0.003750556s\n"
        );
    }

    #[test]
    fn the_first_rule_that_holds_the_name_decides() {
        let denial = LogClasses {
            success: false,
            denial: true,
            error: false,
        };
        let log = QueryLog::new(vec![
            rule("svc.cluster.local.", denial, "first"),
            rule("cluster.local.", ALL, "second"),
        ]);
        let mut query = query();
        assert_eq!(line(&log, &query), None);
        query.name = b"\x01a\x07cluster\x05local\0";
        assert_eq!(line(&log, &query).unwrap(), "[INFO] second\n");
        query.name = b"\x07example\x03org\0";
        assert_eq!(line(&log, &query), None);
    }

    #[test]
    fn a_class_selects_replies() {
        let log = QueryLog::new(vec![rule(
            ".",
            LogClasses {
                success: false,
                denial: true,
                error: true,
            },
            "{rcode}",
        )]);
        let mut query = query();
        assert_eq!(line(&log, &query), None);
        let reply = query.reply.unwrap();
        query.reply = Some(LoggedReply {
            rcode: 3,
            kind: ReplyKind::NameError,
            ..reply
        });
        assert_eq!(line(&log, &query).unwrap(), "[INFO] NXDOMAIN\n");
        query.reply = None;
        assert_eq!(line(&log, &query).unwrap(), "[INFO] -\n");
    }

    #[test]
    fn the_buffer_size_depends_on_the_transport() {
        assert_eq!(buffer_size(Transport::Tcp, Some(1232)), 65535);
        assert_eq!(buffer_size(Transport::Udp, Some(1232)), 1232);
        assert_eq!(buffer_size(Transport::Udp, Some(100)), 512);
        assert_eq!(buffer_size(Transport::Udp, None), 512);
    }
}
