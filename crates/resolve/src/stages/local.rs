//! `local`: names that mean this machine are answered here and never asked upstream.
//!
//! These are `localhost` and the reverse zones of 0/8, 127/8 and 255/8 (RFC 6303), everything below
//! `localhost` (RFC 6761 section 6.3) and, unless switched off, `localhost.` with a search domain
//! behind it, which stub resolvers ask for by mistake.

use nodens_corefile as config;
use nodens_dns::{Name, NameKey, Question, Rcode, Record, RecordType};

use super::reply::{Reply, start_of_authority};

/// The stage, made ready.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    localhost: Name,
    mailbox: Name,
    localhost_prefix: bool,
}

/// A reply, and whether it counts as one of those that search domains cause
/// (`coredns_local_localhost_requests_total`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalReply {
    /// The reply.
    pub(crate) reply: Reply,
    /// The name is longer than `localhost` itself.
    pub(crate) localhost: bool,
}

impl Local {
    /// The stage that the directive describes.
    pub(crate) fn new(directive: &config::Local) -> Self {
        Self::with_prefix(directive.localhost_prefix)
    }

    /// A stage that answers `localhost.<anything>` only if `localhost_prefix` says so.
    fn with_prefix(localhost_prefix: bool) -> Self {
        let localhost = name(b"\x09localhost\0");
        Self {
            localhost,
            mailbox: name(b"\x04root\x09localhost\0"),
            localhost_prefix,
        }
    }

    /// Whether the stage answers a name: what to ask before [`Self::answer`] on the fast path.
    #[inline]
    pub(crate) fn applies(&self, name: &NameKey) -> bool {
        let wire = name.as_wire();
        ZONES.iter().any(|zone| name.is_within(zone))
            || (self.localhost_prefix && wire.starts_with(LOCALHOST_LABEL))
    }

    /// The reply to a question for a local name; nothing for other names.
    pub(crate) fn answer(&self, question: &Question) -> Option<LocalReply> {
        let key = NameKey::from(&question.qname);
        let wire = key.as_wire();
        if !self.applies(&key) {
            return None;
        }
        let localhost = wire != ZONES[0]
            && (key.is_within(ZONES[0])
                || (self.localhost_prefix && wire.starts_with(LOCALHOST_LABEL)));
        let reply = if localhost {
            self.address(question)
        } else {
            self.zone(question, wire)
        };
        Some(LocalReply { reply, localhost })
    }

    /// Loopback addresses, and no other data.
    fn address(&self, question: &Question) -> Reply {
        let mut reply = Reply::new(Rcode::NOERROR);
        let owner = question.qname.clone();
        match question.qtype {
            RecordType::A => {
                reply
                    .answers
                    .push(Record::new(owner, RecordType::A, TTL, &[127, 0, 0, 1]));
            }
            RecordType::AAAA => {
                let mut loopback = [0; 16];
                loopback[15] = 1;
                reply
                    .answers
                    .push(Record::new(owner, RecordType::AAAA, TTL, &loopback));
            }
            _ => reply.authorities.push(self.start(owner)),
        }
        reply
    }

    fn zone(&self, question: &Question, wire: &[u8]) -> Reply {
        let owner = question.qname.clone();
        let mut reply = Reply::new(Rcode::NOERROR);
        if ZONES.contains(&wire) {
            match question.qtype {
                RecordType::SOA => reply.answers.push(self.start(owner)),
                RecordType::NS => reply.answers.push(Record::new(
                    owner,
                    RecordType::NS,
                    TTL,
                    self.localhost.as_wire(),
                )),
                RecordType::A | RecordType::AAAA if wire == ZONES[0] => {
                    return self.address(question);
                }
                _ => reply.authorities.push(self.start(owner)),
            }
            return reply;
        }
        if wire == LOOPBACK_REVERSE {
            if question.qtype == RecordType::PTR {
                let target = self.localhost.as_wire();
                reply
                    .answers
                    .push(Record::new(owner, RecordType::PTR, TTL, target));
            } else {
                reply.authorities.push(self.start(apex(&owner, wire)));
            }
            return reply;
        }
        reply.rcode = Rcode::NXDOMAIN.0;
        reply.authorities.push(self.start(apex(&owner, wire)));
        reply
    }

    fn start(&self, owner: Name) -> Record {
        start_of_authority(
            owner,
            &self.localhost,
            &self.mailbox,
            [1, 0, 0, 0, TTL],
            TTL,
        )
    }
}

/// The zone that holds `name`, in the case it was asked.
fn apex(name: &Name, wire: &[u8]) -> Name {
    let zone = ZONES.iter().find(|zone| wire.ends_with(zone));
    let length = zone.map_or(wire.len(), |zone| zone.len());
    Name::from_wire(&name.as_wire()[wire.len() - length..]).unwrap_or_else(|_| name.clone())
}

fn name(wire: &[u8]) -> Name {
    Name::from_wire(wire).expect("the wire form is a literal of this file")
}

/// Lower case, wire form; `localhost` first.
const ZONES: [&[u8]; 4] = [
    b"\x09localhost\0",
    b"\x010\x07in-addr\x04arpa\0",
    b"\x03127\x07in-addr\x04arpa\0",
    b"\x03255\x07in-addr\x04arpa\0",
];

const LOCALHOST_LABEL: &[u8] = b"\x09localhost";

const LOOPBACK_REVERSE: &[u8] = b"\x011\x010\x010\x03127\x07in-addr\x04arpa\0";

/// One week, in seconds: these answers never change.
const TTL: u32 = 604_800;

#[cfg(test)]
mod tests {
    use nodens_dns::{Class, Question, Rcode, RecordType};

    use super::{Local, LocalReply};

    fn ask(qname: &str, qtype: RecordType) -> Option<LocalReply> {
        let qname = qname.parse().unwrap();
        Local::with_prefix(true).answer(&Question {
            qname,
            qtype,
            qclass: Class::IN,
        })
    }

    fn reply(qname: &str, qtype: RecordType) -> super::Reply {
        ask(qname, qtype).unwrap().reply
    }

    #[test]
    fn other_names_go_on() {
        for name in [
            "mail.example.org",
            "notlocalhost",
            "localhostx.example.org",
            "1.in-addr.arpa",
        ] {
            assert_eq!(ask(name, RecordType::A), None, "{name}");
        }
    }

    #[test]
    fn localhost_is_the_loopback_address() {
        let a = reply("LocalHost", RecordType::A);
        assert_eq!(a.answers[0].rdata, [127, 0, 0, 1]);
        assert_eq!((a.answers[0].ttl, a.authoritative), (604_800, false));
        assert_eq!(reply("localhost", RecordType::AAAA).answers[0].rdata[15], 1);
        assert!(!ask("localhost", RecordType::A).unwrap().localhost);
        let mx = reply("localhost", RecordType::MX);
        assert!(mx.answers.is_empty());
        assert_eq!(mx.authorities[0].owner.to_string(), "localhost.");
    }

    #[test]
    fn zone_data_is_served() {
        for zone in [
            "localhost",
            "0.in-addr.arpa",
            "127.in-addr.arpa",
            "255.in-addr.arpa",
        ] {
            assert_eq!(
                reply(zone, RecordType::SOA).answers[0].rtype,
                RecordType::SOA,
                "{zone}"
            );
            assert_eq!(
                reply(zone, RecordType::NS).answers[0].rdata,
                b"\x09localhost\0",
                "{zone}"
            );
        }
        let nodata = reply("127.in-addr.arpa", RecordType::A);
        assert_eq!(
            (nodata.rcode, nodata.answers.len(), nodata.authorities.len()),
            (0, 0, 1)
        );
        let soa = &reply("0.in-addr.arpa", RecordType::SOA).answers[0];
        let mut rdata = b"\x09localhost\0\x04root\x09localhost\0\0\0\0\x01".to_vec();
        rdata.extend([0; 12]);
        rdata.extend(604_800_u32.to_be_bytes());
        assert_eq!(soa.rdata, rdata);
    }

    #[test]
    fn the_loopback_address_has_a_name() {
        let ptr = reply("1.0.0.127.in-addr.arpa", RecordType::PTR);
        assert_eq!(ptr.answers[0].rdata, b"\x09localhost\0");
        let nodata = reply("1.0.0.127.In-Addr.arpa", RecordType::MX);
        assert_eq!((nodata.rcode, nodata.answers.len()), (0, 0));
        assert_eq!(nodata.authorities[0].owner.to_string(), "127.In-Addr.arpa.");
    }

    #[test]
    fn other_addresses_do_not_exist() {
        let reply = reply("2.0.0.127.in-addr.arpa", RecordType::PTR);
        assert_eq!(reply.rcode, Rcode::NXDOMAIN.0);
        assert_eq!(reply.authorities[0].owner.to_string(), "127.in-addr.arpa.");
    }

    #[test]
    fn below_localhost_and_with_a_search_domain_is_loopback_too() {
        for name in ["app.localhost", "a.b.LOCALHOST", "localhost.example.org"] {
            let answer = ask(name, RecordType::A).unwrap();
            assert!(answer.localhost, "{name}");
            assert_eq!(answer.reply.answers[0].rdata, [127, 0, 0, 1], "{name}");
            let nodata = reply(name, RecordType::MX);
            assert_eq!((nodata.rcode, nodata.authorities.len()), (0, 1), "{name}");
        }
    }

    #[test]
    fn the_search_domain_form_can_be_switched_off() {
        let local = Local::with_prefix(false);
        let question = |qname: &str| Question {
            qname: qname.parse().unwrap(),
            qtype: RecordType::A,
            qclass: Class::IN,
        };
        assert_eq!(local.answer(&question("localhost.example.org")), None);
        assert!(local.answer(&question("app.localhost")).is_some());
        assert!(local.answer(&question("localhost")).is_some());
    }
}
