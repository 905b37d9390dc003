//! `whoami`: tells clients how their question looked from here: address, port and protocol.

use std::net::{IpAddr, SocketAddr};

use nodens_dns::{Name, Question, Rcode, Record, RecordType};

use super::Reply;
use crate::client::Transport;

/// The reply to any question from `peer`.
pub(crate) fn whoami(question: &Question, peer: SocketAddr, transport: Transport) -> Reply {
    let mut reply = Reply {
        authoritative: true,
        ..Reply::new(Rcode::NOERROR)
    };
    let owner = question.qname.clone();
    let address = match peer.ip().to_canonical() {
        IpAddr::V4(address) => Record::new(owner, RecordType::A, 0, &address.octets()),
        IpAddr::V6(address) => Record::new(owner, RecordType::AAAA, 0, &address.octets()),
    };
    reply.additionals.push(Record {
        class: question.qclass,
        ..address
    });
    let label: &[u8] = match transport {
        Transport::Udp => b"\x04_udp",
        Transport::Tcp => b"\x04_tcp",
    };
    let wire = [label, question.qname.as_wire()].concat();
    // A question of the greatest length leaves no room for one more label: then the address alone
    // must do.
    if let Ok(owner) = Name::from_wire(&wire) {
        let mut rdata = vec![0; 4];
        rdata.extend_from_slice(&peer.port().to_be_bytes());
        rdata.push(0);
        let service = Record::new(owner, RecordType::SRV, 0, &rdata);
        reply.additionals.push(Record {
            class: question.qclass,
            ..service
        });
    }
    reply
}

#[cfg(test)]
mod tests {
    use nodens_dns::{Class, Name, Question, RecordType};

    use super::{Transport, whoami};

    fn question(qname: Name) -> Question {
        Question {
            qname,
            qtype: RecordType::A,
            qclass: Class::IN,
        }
    }

    #[test]
    fn the_address_and_port_come_in_the_additional_section() {
        let question = question("example.org".parse().unwrap());
        let reply = whoami(
            &question,
            "192.0.2.1:40212".parse().unwrap(),
            Transport::Udp,
        );
        assert!(reply.authoritative && reply.answers.is_empty());
        assert_eq!(reply.additionals[0].rdata, [192, 0, 2, 1]);
        assert_eq!(reply.additionals[1].owner.to_string(), "_udp.example.org.");
        assert_eq!(reply.additionals[1].rdata, [0, 0, 0, 0, 157, 20, 0]);
    }

    #[test]
    fn an_ipv6_client_gets_aaaa_unless_its_address_is_a_mapped_one() {
        let question = question(Name::root());
        let reply = whoami(
            &question,
            "[2001:db8::1]:53".parse().unwrap(),
            Transport::Tcp,
        );
        assert_eq!(reply.additionals[0].rtype, RecordType::AAAA);
        assert_eq!(reply.additionals[1].owner.to_string(), "_tcp.");
        let reply = whoami(
            &question,
            "[::ffff:192.0.2.1]:53".parse().unwrap(),
            Transport::Tcp,
        );
        assert_eq!(reply.additionals[0].rtype, RecordType::A);
    }

    #[test]
    fn the_longest_name_still_gets_an_answer() {
        let mut wire = Vec::new();
        for length in [63_u8, 63, 63, 61] {
            wire.push(length);
            wire.extend(std::iter::repeat_n(b'x', length.into()));
        }
        wire.push(0);
        let question = question(Name::from_wire(&wire).unwrap());
        let reply = whoami(&question, "192.0.2.1:1".parse().unwrap(), Transport::Udp);
        assert_eq!(reply.additionals.len(), 1);
    }
}
