//! `dns64`: IPv6 addresses for names that have only IPv4 ones (RFC 6147), through a NAT64 prefix
//! (RFC 6052).

use std::net::IpAddr;

use nodens_corefile as config;
use nodens_dns::{Class, Flags, Message, Rcode, Record, RecordType, Section};

use super::reply::Sections;

/// The stage, made ready.
#[derive(Clone, Debug)]
pub(crate) struct Dns64 {
    prefix: [u8; 16],
    /// 32, 40, 48, 56, 64 or 96 bits.
    length: u8,
    translate_all: bool,
    allow_ipv4: bool,
}

impl Dns64 {
    /// The stage that the directive describes.
    pub(crate) fn new(directive: &config::Dns64) -> Self {
        let prefix = match directive.prefix.address() {
            IpAddr::V6(address) => address.octets(),
            // The directive only takes IPv6 networks.
            IpAddr::V4(_) => [0; 16],
        };
        let length = directive.prefix.prefix();
        let (translate_all, allow_ipv4) = (directive.translate_all, directive.allow_ipv4);
        Self {
            prefix,
            length,
            translate_all,
            allow_ipv4,
        }
    }

    /// Whether a question is one whose answer may be made up: AAAA in class IN, from a client that
    /// uses IPv6 or where clients of IPv4 are served too.
    pub(crate) fn intercepts(&self, peer: IpAddr, qtype: RecordType, qclass: Class) -> bool {
        (self.allow_ipv4 || peer.to_canonical().is_ipv6())
            && qtype == RecordType::AAAA
            && qclass == Class::IN
    }

    /// Whether the reply to an AAAA question calls for the A records: the name exists and has no
    /// usable IPv6 address. An error other than "no such name" counts as no address (RFC 6147
    /// section 5.1.2), and so do addresses of `::ffff:0:0/96` (section 5.1.4).
    pub(crate) fn needs(&self, reply: &[u8]) -> bool {
        let Ok(view) = Message::parse(reply) else {
            return false;
        };
        if view.rcode() == Rcode::NXDOMAIN && view.header().answers == 0 {
            return false;
        }
        let usable = |address: &[u8]| !address.starts_with(MAPPED);
        self.translate_all
            || !view.records().map_while(Result::ok).any(|record| {
                record.section == Section::Answer
                    && record.rtype == RecordType::AAAA
                    && usable(record.rdata())
            })
    }

    /// The reply to the AAAA question, made from the replies to it and to the A question of the
    /// same name. Nothing when one of them cannot be read or the result does not fit in a message:
    /// then the first reply stands.
    ///
    /// The time to live is that of the A record, at most that of the start of authority in the
    /// first reply, or 600 s where there is none (RFC 6147 section 5.1.7).
    pub(crate) fn synthesize(&self, aaaa: &[u8], a: &[u8]) -> Option<Vec<u8>> {
        let first = Message::parse(aaaa).ok()?;
        let second = Message::parse(a).ok()?;
        let question = first.question().ok()??;
        let mut limit = DEFAULT_LIMIT;
        for record in first.records().map_while(Result::ok) {
            if record.section == Section::Authority && record.rtype == RecordType::SOA {
                limit = record.ttl;
            }
        }
        let mut sections = Sections::read(&second)?;
        for record in &mut sections.answers {
            if record.rtype == RecordType::A
                && let Ok(address) = <[u8; 4]>::try_from(record.rdata.as_slice())
            {
                let ttl = record.ttl.min(limit);
                let owner = record.owner.clone();
                let address = self.embed(address);
                let class = record.class;
                *record = Record {
                    class,
                    ..Record::new(owner, RecordType::AAAA, ttl, &address)
                };
            }
        }
        // What was validated upstream is not what is sent now, hence no AD; the failure of the A
        // question is the failure of this one.
        let kept = first.flags().0 & (Flags::QR | OPCODE | Flags::RD | Flags::CD);
        let flags = Flags(kept)
            .with(Flags::RA, second.flags().has(Flags::RA))
            .with(Flags::TC, second.flags().has(Flags::TC))
            .with_rcode(second.flags().rcode());
        sections.write(first.header().id, flags, Some(&question))
    }

    /// The IPv6 address that stands for an IPv4 one (RFC 6052 section 2.2): the address follows the
    /// prefix, and bits 64 to 71 stay zero.
    fn embed(&self, address: [u8; 4]) -> [u8; 16] {
        let start = usize::from(self.length / 8).min(12);
        let mut out = [0; 16];
        out[..start].copy_from_slice(&self.prefix[..start]);
        let places = (start..16).filter(|place| *place != RESERVED);
        for (place, byte) in places.zip(address) {
            out[place] = byte;
        }
        out
    }
}

/// `::ffff:0:0/96`
const MAPPED: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/// The byte that RFC 6052 keeps zero.
const RESERVED: usize = 8;

/// Longest time to live without a start of authority, in seconds (RFC 6147 section 5.1.7).
const DEFAULT_LIMIT: u32 = 600;

/// The opcode bits of a header's flags.
const OPCODE: u16 = 0x7800;

#[cfg(test)]
mod tests {
    use nodens_dns::{
        Class, Flags, Message, MessageBuilder, Rcode, Record, RecordType, Section,
        records_from_text,
    };

    use super::Dns64;

    fn stage() -> Dns64 {
        with_prefix("64:ff9b::", 96)
    }

    fn with_prefix(prefix: &str, length: u8) -> Dns64 {
        let prefix = prefix.parse::<std::net::Ipv6Addr>().unwrap().octets();
        Dns64 {
            prefix,
            length,
            translate_all: false,
            allow_ipv4: false,
        }
    }

    fn reply(id: u16, qtype: RecordType, rcode: Rcode, answers: &str, authority: &str) -> Vec<u8> {
        let flags = Flags(Flags::QR | Flags::RD | Flags::RA | Flags::AD).with_rcode(rcode);
        let mut builder = MessageBuilder::new(id, flags);
        builder.question(&"example.com".parse().unwrap(), qtype, Class::IN);
        for (section, text) in [(Section::Answer, answers), (Section::Authority, authority)] {
            for record in records_from_text(text, 60).unwrap() {
                builder.record(section, &record).unwrap();
            }
        }
        builder.finish()
    }

    fn aaaa(rcode: Rcode, answers: &str, authority: &str) -> Vec<u8> {
        reply(42, RecordType::AAAA, rcode, answers, authority)
    }

    fn synthesized(first: &[u8], answers: &str) -> (Vec<u8>, Vec<String>) {
        let second = reply(43, RecordType::A, Rcode::NOERROR, answers, "");
        let bytes = stage().synthesize(first, &second).unwrap();
        let view = Message::parse(&bytes).unwrap();
        let records = view
            .records()
            .map(|record| {
                let record = Record::from_view(&record.unwrap()).unwrap();
                let data = match <[u8; 16]>::try_from(record.rdata.as_slice()) {
                    Ok(octets) => std::net::Ipv6Addr::from(octets).to_string(),
                    Err(_) => format!("{:?}", record.rdata),
                };
                format!("{} {} {} {data}", record.owner, record.ttl, record.rtype)
            })
            .collect();
        (bytes, records)
    }

    const SOA: &str = "example.com. 70 IN SOA foo bar 1 1 1 1 1";
    const TWO: &str = "example.com. 60 IN A 192.0.2.42\nexample.com. 5000 IN A 192.0.2.43";

    #[test]
    fn only_questions_for_aaaa_from_ipv6_are_intercepted() {
        let ipv4 = "192.0.2.1".parse().unwrap();
        let ipv6 = "2001:db8::1".parse().unwrap();
        assert!(stage().intercepts(ipv6, RecordType::AAAA, Class::IN));
        assert!(!stage().intercepts(ipv4, RecordType::AAAA, Class::IN));
        assert!(!stage().intercepts(ipv6, RecordType::A, Class::IN));
        assert!(!stage().intercepts(ipv6, RecordType::AAAA, Class::CH));
        let both = Dns64 {
            allow_ipv4: true,
            ..stage()
        };
        assert!(both.intercepts(ipv4, RecordType::AAAA, Class::IN));
    }

    #[test]
    fn a_reply_without_usable_addresses_calls_for_more() {
        assert!(stage().needs(&aaaa(Rcode::NOERROR, "", SOA)));
        assert!(stage().needs(&aaaa(Rcode::REFUSED, "", "")));
        assert!(stage().needs(&aaaa(Rcode::SERVFAIL, "", "")));
        assert!(!stage().needs(&aaaa(Rcode::NXDOMAIN, "", SOA)));
        assert!(!stage().needs(&aaaa(Rcode::NOERROR, "example.com. AAAA ::1", "")));
        assert!(stage().needs(&aaaa(
            Rcode::NOERROR,
            "example.com. AAAA ::ffff:1.2.3.4",
            ""
        )));
        assert!(stage().needs(&aaaa(Rcode::NOERROR, "example.com. CNAME x", "")));
        let all = Dns64 {
            translate_all: true,
            ..stage()
        };
        assert!(all.needs(&aaaa(Rcode::NOERROR, "example.com. AAAA ::1", "")));
        assert!(!all.needs(&aaaa(Rcode::NXDOMAIN, "", "")));
        assert!(!stage().needs(&[0; 5]));
    }

    #[test]
    fn addresses_are_embedded_with_the_lower_time_to_live() {
        let first = aaaa(Rcode::NOERROR, "", SOA);
        let (bytes, records) = synthesized(&first, TWO);
        assert_eq!(
            records,
            [
                "example.com. 60 AAAA 64:ff9b::c000:22a",
                "example.com. 70 AAAA 64:ff9b::c000:22b"
            ]
        );
        let view = Message::parse(&bytes).unwrap();
        assert_eq!(view.header().id, 42);
        assert_eq!(view.flags(), Flags(Flags::QR | Flags::RD | Flags::RA));
        assert_eq!(view.question().unwrap().unwrap().qtype, RecordType::AAAA);
    }

    #[test]
    fn without_a_start_of_authority_600_seconds_are_the_most() {
        let (_, records) = synthesized(&aaaa(Rcode::REFUSED, "", ""), TWO);
        assert_eq!(records[1], "example.com. 600 AAAA 64:ff9b::c000:22b");
    }

    #[test]
    fn other_records_pass_unchanged() {
        let answers = "example.com. 9 CNAME x.example.com.\nx.example.com. 9 A 192.0.2.42";
        let (_, records) = synthesized(&aaaa(Rcode::NOERROR, "", SOA), answers);
        assert_eq!(records[0].split(' ').nth(2), Some("CNAME"));
        assert_eq!(records[1], "x.example.com. 9 AAAA 64:ff9b::c000:22a");
    }

    #[test]
    fn no_address_at_all_and_failures_are_passed_on() {
        let first = aaaa(Rcode::NOERROR, "", SOA);
        let empty = reply(43, RecordType::A, Rcode::NOERROR, "", SOA);
        let bytes = stage().synthesize(&first, &empty).unwrap();
        let header = Message::parse(&bytes).unwrap().header();
        assert_eq!((header.answers, header.authorities), (0, 1));
        let mut failed = reply(43, RecordType::A, Rcode::SERVFAIL, "", "");
        failed[2] |= 0x02;
        let bytes = stage().synthesize(&first, &failed).unwrap();
        let flags = Message::parse(&bytes).unwrap().flags();
        assert_eq!(flags.rcode(), Rcode::SERVFAIL);
        assert!(flags.has(Flags::TC));
    }

    #[test]
    fn every_prefix_length_follows_rfc_6052() {
        for (prefix, length, expected) in [
            ("2001:db8::", 32, "2001:db8:c000:221::"),
            ("2001:db8:100::", 40, "2001:db8:1c0:2:21::"),
            ("2001:db8:122::", 48, "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33"),
        ] {
            let stage = with_prefix(prefix, length);
            let expected: std::net::Ipv6Addr = expected.parse().unwrap();
            assert_eq!(
                std::net::Ipv6Addr::from(stage.embed([192, 0, 2, 33])),
                expected
            );
        }
    }

    #[test]
    fn messages_cut_anywhere_are_no_danger() {
        let first = aaaa(Rcode::NOERROR, "", SOA);
        let second = reply(43, RecordType::A, Rcode::NOERROR, TWO, SOA);
        for length in 0..second.len() {
            let _ = stage().synthesize(&first, &second[..length]);
            let _ = stage().synthesize(&second[..length], &second);
            let _ = stage().needs(&second[..length]);
        }
    }
}
