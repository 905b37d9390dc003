//! `rewrite edns0`: options of the question that goes to an upstream.

use std::net::{IpAddr, SocketAddr};

use nodens_corefile as config;
use nodens_corefile::{Edns0Action, Edns0Variable};
use nodens_dns::{EdnsOption, Question};

use crate::client::Transport;
use crate::stages::text;

/// A rule about one option.
#[derive(Clone, Debug)]
pub(super) struct OptionRule {
    pub(super) code: u16,
    pub(super) action: Edns0Action,
    pub(super) value: Value,
}

/// What the option holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Something that depends on the question.
    Variable(Edns0Variable),
    /// The client's address cut to so many bits (RFC 7871).
    Subnet { v4: u8, v6: u8 },
}

/// Who asked and where, for the rules that put it into an option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The client's address.
    pub(crate) peer: SocketAddr,
    /// The address that was asked.
    pub(crate) local: SocketAddr,
    /// How the question came.
    pub(crate) transport: Transport,
}

impl OptionRule {
    /// The rule that the configuration describes. Its `revert` needs nothing: options of an
    /// upstream's reply never reach a client.
    pub(super) fn new(rule: &config::Edns0Rule) -> Self {
        let (code, value) = match &rule.change {
            config::Edns0Change::Local { code, data } => (*code, Value::Bytes(data.clone())),
            config::Edns0Change::Variable { code, variable } => (*code, Value::Variable(*variable)),
            config::Edns0Change::Nsid => (NSID, Value::Bytes(Vec::new())),
            config::Edns0Change::Subnet { v4_bits, v6_bits } => (
                CLIENT_SUBNET,
                Value::Subnet {
                    v4: *v4_bits,
                    v6: *v6_bits,
                },
            ),
        };
        Self {
            code,
            action: rule.action,
            value,
        }
    }

    /// Changes the options; false when the rule has no effect, and so does not end the rules
    /// either.
    pub(super) fn apply(
        &self,
        question: &Question,
        origin: &Origin,
        options: &mut Vec<EdnsOption>,
    ) -> bool {
        if self.action == Edns0Action::Unset {
            options.retain(|option| option.code != self.code);
            return true;
        }
        let data = self.value.data(question, origin);
        let present = options.iter_mut().find(|option| option.code == self.code);
        match (self.action, present) {
            (Edns0Action::Set | Edns0Action::Replace, Some(option)) => option.data = data,
            // A second option of a fixed form would be malformed; of a free form it is what was
            // asked for.
            (Edns0Action::Append, Some(_)) if !self.repeats() => return false,
            (Edns0Action::Replace, None) => return false,
            (_, _) => options.push(EdnsOption {
                code: self.code,
                data,
            }),
        }
        true
    }

    fn repeats(&self) -> bool {
        matches!(self.value, Value::Bytes(_))
    }
}

impl Value {
    fn data(&self, question: &Question, origin: &Origin) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Variable(variable) => data(*variable, question, origin),
            Self::Subnet { v4, v6 } => subnet(origin.peer.ip(), *v4, *v6),
        }
    }
}

/// What a variable stands for.
fn data(variable: Edns0Variable, question: &Question, origin: &Origin) -> Vec<u8> {
    let address = |address: SocketAddr| match address.ip().to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    match variable {
        Edns0Variable::QueryName => text::exact(&question.qname).into_bytes(),
        Edns0Variable::QueryType => question.qtype.0.to_be_bytes().to_vec(),
        Edns0Variable::ClientIp => address(origin.peer),
        Edns0Variable::ClientPort => origin.peer.port().to_be_bytes().to_vec(),
        Edns0Variable::Protocol => match origin.transport {
            Transport::Udp => b"udp".to_vec(),
            Transport::Tcp => b"tcp".to_vec(),
        },
        Edns0Variable::ServerIp => address(origin.local),
        Edns0Variable::ServerPort => origin.local.port().to_be_bytes().to_vec(),
    }
}

/// Family, prefix length, scope zero, and as many bytes of the address as the prefix needs
/// (RFC 7871 section 6).
fn subnet(address: IpAddr, v4: u8, v6: u8) -> Vec<u8> {
    let (family, length, octets) = match address.to_canonical() {
        IpAddr::V4(address) => (1_u16, v4.min(32), address.octets().to_vec()),
        IpAddr::V6(address) => (2_u16, v6.min(128), address.octets().to_vec()),
    };
    let mut data = family.to_be_bytes().to_vec();
    data.extend([length, 0]);
    let whole = usize::from(length / 8);
    data.extend_from_slice(&octets[..whole]);
    if !length.is_multiple_of(8) {
        data.push(octets[whole] & (0xff << (8 - length % 8)));
    }
    data
}

/// Option codes of RFC 5001 and RFC 7871.
const NSID: u16 = 3;
const CLIENT_SUBNET: u16 = 8;

#[cfg(test)]
mod tests {
    use nodens_dns::{EdnsOption, RecordType};

    use super::{Edns0Action, Edns0Variable, OptionRule, Origin, Transport, Value, subnet};
    use crate::stages::fixtures::question;

    fn origin() -> Origin {
        Origin {
            peer: "192.0.2.77:40212".parse().unwrap(),
            local: "[2001:db8::53]:53".parse().unwrap(),
            transport: Transport::Tcp,
        }
    }

    /// The options after a rule that sees one option with code 1.
    fn after(code: u16, action: Edns0Action, value: Value) -> (bool, Vec<(u16, Vec<u8>)>) {
        let mut options = vec![EdnsOption {
            code: 1,
            data: b"old".to_vec(),
        }];
        let rule = OptionRule {
            code,
            action,
            value,
        };
        let done = rule.apply(
            &question("A.example.org", RecordType::AAAA),
            &origin(),
            &mut options,
        );
        (
            done,
            options
                .into_iter()
                .map(|option| (option.code, option.data))
                .collect(),
        )
    }

    #[test]
    fn options_are_set_replaced_appended_and_removed() {
        let bytes = || Value::Bytes(b"new".to_vec());
        let (old, new) = (b"old".to_vec(), b"new".to_vec());
        let both = vec![(1, old.clone()), (2, new.clone())];
        assert_eq!(
            after(1, Edns0Action::Set, bytes()),
            (true, vec![(1, new.clone())])
        );
        assert_eq!(after(2, Edns0Action::Set, bytes()), (true, both.clone()));
        assert_eq!(
            after(1, Edns0Action::Replace, bytes()),
            (true, vec![(1, new.clone())])
        );
        assert_eq!(
            after(2, Edns0Action::Replace, bytes()),
            (false, vec![(1, old.clone())])
        );
        assert_eq!(after(2, Edns0Action::Append, bytes()), (true, both));
        let twice = vec![(1, old.clone()), (1, new)];
        assert_eq!(after(1, Edns0Action::Append, bytes()), (true, twice));
        assert_eq!(after(1, Edns0Action::Unset, bytes()), (true, vec![]));
        assert_eq!(
            after(2, Edns0Action::Unset, bytes()),
            (true, vec![(1, old.clone())])
        );
        let variable = Value::Variable(Edns0Variable::QueryType);
        assert_eq!(
            after(1, Edns0Action::Append, variable),
            (false, vec![(1, old)])
        );
    }

    #[test]
    fn variables_tell_of_the_question() {
        for (variable, expected) in [
            (Edns0Variable::QueryName, b"A.example.org.".to_vec()),
            (Edns0Variable::QueryType, vec![0, 28]),
            (Edns0Variable::ClientIp, vec![192, 0, 2, 77]),
            (Edns0Variable::ClientPort, vec![157, 20]),
            (Edns0Variable::Protocol, b"tcp".to_vec()),
            (
                Edns0Variable::ServerIp,
                vec![0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53],
            ),
            (Edns0Variable::ServerPort, vec![0, 53]),
        ] {
            let (_, options) = after(2, Edns0Action::Set, Value::Variable(variable));
            assert_eq!(options[1].1, expected, "{variable:?}");
        }
    }

    #[test]
    fn a_subnet_holds_no_more_of_the_address_than_it_says() {
        let v4 = "192.0.2.77".parse().unwrap();
        let v6 = "2001:db8:ff::1".parse().unwrap();
        assert_eq!(subnet(v4, 24, 56), [0, 1, 24, 0, 192, 0, 2]);
        assert_eq!(subnet(v4, 26, 56), [0, 1, 26, 0, 192, 0, 2, 64]);
        assert_eq!(subnet(v4, 0, 56), [0, 1, 0, 0]);
        assert_eq!(subnet(v4, 32, 56), [0, 1, 32, 0, 192, 0, 2, 77]);
        assert_eq!(
            subnet(v6, 24, 42),
            [0, 2, 42, 0, 0x20, 1, 0x0d, 0xb8, 0, 0xc0]
        );
    }
}
