//! `acl`: who may ask what.
//!
//! The lines are tried in order; in each whose zones hold the name, the first policy that fits the
//! type and the client decides. A line without a fitting policy leaves the question to the next,
//! and a question that no line decides is allowed. This stage stands before the cache, so that a
//! blocked client does not get what an allowed one has asked for.

use std::net::IpAddr;

use nodens_corefile as config;
use nodens_corefile::{AclAction, Network};
use nodens_dns::{NameKey, Rcode, RecordType};

use super::reply::{ExtendedError, Reply};
use super::zones::Zones;

/// The stage, made ready.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acl {
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    zones: Zones,
    policies: Vec<Policy>,
}

#[derive(Clone, Debug)]
struct Policy {
    action: AclAction,
    /// Sorted; empty for all types.
    types: Vec<u16>,
    /// Empty for all clients.
    networks: Vec<Network>,
}

/// What becomes of a question; with the zone that metrics name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AclVerdict<'a> {
    /// It is answered: `coredns_acl_allowed_requests_total`.
    Allow,
    /// REFUSED: `coredns_acl_blocked_requests_total`.
    Block {
        /// The zone of the deciding line.
        zone: &'a str,
    },
    /// NOERROR without records: `coredns_acl_filtered_requests_total`.
    Filter {
        /// The zone of the deciding line.
        zone: &'a str,
    },
    /// No reply: `coredns_acl_dropped_requests_total`.
    Drop {
        /// The zone of the deciding line.
        zone: &'a str,
    },
}

impl Acl {
    /// The stage that the directives describe, in their order.
    pub(crate) fn new(directives: &[config::Acl]) -> Self {
        let line = |directive: &config::Acl| Line {
            zones: Zones::new(&directive.zones),
            policies: directive.policies.iter().map(Policy::new).collect(),
        };
        Self {
            lines: directives.iter().map(line).collect(),
        }
    }

    /// Decides on a question.
    pub(crate) fn decide(
        &self,
        peer: IpAddr,
        qname: &NameKey,
        qtype: RecordType,
    ) -> AclVerdict<'_> {
        for line in &self.lines {
            let Some(zone) = line.zones.matching(qname) else {
                continue;
            };
            match line.policies.iter().find(|policy| policy.fits(peer, qtype)) {
                None => {}
                Some(policy) => {
                    return match policy.action {
                        AclAction::Allow => AclVerdict::Allow,
                        AclAction::Block => AclVerdict::Block { zone },
                        AclAction::Filter => AclVerdict::Filter { zone },
                        AclAction::Drop => AclVerdict::Drop { zone },
                    };
                }
            }
        }
        AclVerdict::Allow
    }
}

impl AclVerdict<'_> {
    /// The reply in place of an answer: none for a question that is allowed or dropped.
    pub(crate) fn reply(&self) -> Option<Reply> {
        let (rcode, code) = match self {
            Self::Allow | Self::Drop { .. } => return None,
            Self::Block { .. } => (Rcode::REFUSED, BLOCKED),
            Self::Filter { .. } => (Rcode::NOERROR, FILTERED),
        };
        let extended_error = Some(ExtendedError {
            code,
            text: String::new(),
        });
        Some(Reply {
            extended_error,
            ..Reply::new(rcode)
        })
    }
}

impl Policy {
    fn new(policy: &config::AclPolicy) -> Self {
        let mut types = policy.types.clone();
        types.sort_unstable();
        Self {
            action: policy.action,
            types,
            networks: policy.networks.clone(),
        }
    }

    fn fits(&self, peer: IpAddr, qtype: RecordType) -> bool {
        (self.types.is_empty() || self.types.binary_search(&qtype.0).is_ok())
            && (self.networks.is_empty()
                || self.networks.iter().any(|network| network.contains(peer)))
    }
}

/// Extended DNS Errors (RFC 8914 sections 4.16 and 4.18).
const BLOCKED: u16 = 15;
const FILTERED: u16 = 17;

#[cfg(test)]
mod tests {
    use nodens_dns::{Name, NameKey, RecordType};

    use super::super::fixtures::block;
    use super::{Acl, AclVerdict};

    /// What becomes of questions `TYPE NAME CLIENT` in a block of `example.org`.
    fn decide(directives: &str, questions: &[(&str, &str)]) {
        let acl = Acl::new(&block("example.org", directives).acl);
        for (question, expected) in questions {
            let words: Vec<&str> = question.split(' ').collect();
            let [qtype, name, peer] = words.as_slice() else {
                panic!("{question}")
            };
            let key = NameKey::from(&name.parse::<Name>().unwrap());
            let qtype = RecordType::from_text(qtype).unwrap();
            let verdict = match acl.decide(peer.parse().unwrap(), &key, qtype) {
                AclVerdict::Allow => "allow".to_owned(),
                AclVerdict::Block { zone } => format!("block {zone}"),
                AclVerdict::Filter { zone } => format!("filter {zone}"),
                AclVerdict::Drop { zone } => format!("drop {zone}"),
            };
            assert_eq!(verdict, *expected, "{question}");
        }
    }

    #[test]
    fn clients_of_a_network_are_blocked_filtered_or_dropped() {
        for action in ["block", "filter", "drop"] {
            let expected = format!("{action} example.org.");
            decide(
                &format!("acl example.org {{\n{action} type A net 192.168.0.0/16\n}}"),
                &[
                    ("A www.Example.org 192.168.0.2", &expected),
                    ("A www.example.org ::ffff:192.168.0.2", &expected),
                    ("AAAA www.example.org 192.168.0.2", "allow"),
                    ("A www.example.org 192.167.0.2", "allow"),
                    ("A www.example.net 192.168.0.2", "allow"),
                ],
            );
        }
    }

    #[test]
    fn the_first_fitting_policy_decides() {
        decide(
            "acl {\nallow net 192.168.0.0/16\nblock\n}",
            &[
                ("A www.example.org 192.168.0.2", "allow"),
                ("A www.example.org 10.1.0.2", "block example.org."),
                ("A www.example.org 2001:db8::1", "block example.org."),
            ],
        );
        decide(
            "acl {\nblock type A net 192.168.1.0/24\nallow type A net 192.168.0.0/16\n\
             drop type * net *\n}",
            &[
                ("A www.example.org 192.168.1.2", "block example.org."),
                ("A www.example.org 192.168.2.2", "allow"),
                ("AAAA www.example.org 192.168.2.2", "drop example.org."),
            ],
        );
    }

    #[test]
    fn a_line_that_does_not_decide_leaves_the_question_to_the_next() {
        decide(
            "acl example.org {\nblock type AAAA\n}\n\
             acl a.example.org example.org {\nfilter net 2001:db8::/32 192.0.2.7\n}",
            &[
                ("AAAA www.example.org 192.0.2.7", "block example.org."),
                ("A www.example.org 192.0.2.7", "filter example.org."),
                ("A x.a.example.org 2001:db8::1", "filter a.example.org."),
                ("A www.example.org 192.0.2.8", "allow"),
            ],
        );
        decide(
            "acl {\nallow type A\n}\nacl {\nblock\n}",
            &[
                ("A example.org 192.0.2.1", "allow"),
                ("MX example.org 192.0.2.1", "block example.org."),
            ],
        );
    }

    #[test]
    fn a_refusal_says_why() {
        let reply = AclVerdict::Block { zone: "." }.reply().unwrap();
        assert_eq!((reply.rcode, reply.extended_error.unwrap().code), (5, 15));
        let reply = AclVerdict::Filter { zone: "." }.reply().unwrap();
        assert_eq!((reply.rcode, reply.extended_error.unwrap().code), (0, 17));
        assert_eq!(AclVerdict::Drop { zone: "." }.reply(), None);
    }
}
