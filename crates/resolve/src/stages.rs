//! The stages of a query other than the cache and the upstreams.
//!
//! Each is made ready once per configuration from its directive, holds no lock and no counter, and
//! is a pure function from then on: what metrics need to know is part of what it returns.

mod acl;
mod any;
mod dns64;
#[cfg(test)]
mod fixtures;
mod hosts;
mod loadbalance;
mod local;
mod minimal;
mod reply;
mod rewrite;
mod template;
mod text;
mod whoami;
mod zones;

pub(crate) use acl::{Acl, AclVerdict};
pub(crate) use any::any;
pub(crate) use dns64::Dns64;
pub(crate) use hosts::{Hosts, HostsOutcome, HostsTable};
pub(crate) use loadbalance::LoadBalance;
pub(crate) use local::Local;
pub(crate) use minimal::minimal;
pub(crate) use reply::Reply;
pub(crate) use rewrite::{Origin, Reverter, Rewrite};
pub(crate) use template::{FailureCause, TemplateReply, TemplateRequest, TemplateStep, Templates};
pub use template::{TemplateError, TemplateParseError};
pub(crate) use whoami::whoami;
pub(crate) use zones::Zones;

#[cfg(test)]
mod tests {
    use nodens_dns::{Rcode, RecordType};

    use super::fixtures::{block, question, reply};
    use super::{
        Acl, Dns64, Hosts, HostsTable, LoadBalance, Local, Origin, Reply, Reverter, Rewrite,
        Templates, minimal,
    };
    use crate::client::Transport;

    #[test]
    fn every_stage_can_be_shared_by_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<(Acl, Dns64, Hosts, HostsTable, LoadBalance, Local)>();
        shared::<(Reply, Reverter, Rewrite, Templates)>();
    }

    #[test]
    fn replies_with_any_byte_changed_are_no_danger() {
        let asked = question("www.example.org", RecordType::A);
        let sections = [
            "www.example.org. CNAME a.example.org.\na.example.org. A 192.0.2.1\n\
             a.example.org. A 192.0.2.2\nwww.example.org. MX 1 a.example.org.\n\
             www.example.org. NAPTR 1 2 u s x t.example.org.",
            "example.org. SOA ns.example.org. admin.example.org. 1 2 3 4 5",
            "ns.example.org. A 192.0.2.53\nns.example.org. A 192.0.2.54",
        ];
        let whole = reply(&asked, Rcode::NOERROR, sections);
        let block = block(
            ".",
            "dns64\nloadbalance\nrewrite continue name suffix example.net example.org answer auto\n\
             rewrite continue cname prefix a. b.\nrewrite rcode regex .* NOERROR NXDOMAIN",
        );
        let dns64 = Dns64::new(&block.dns64.unwrap());
        let balance = LoadBalance::new(&block.loadbalance.unwrap());
        let origin = Origin {
            peer: "192.0.2.1:1".parse().unwrap(),
            local: "192.0.2.53:53".parse().unwrap(),
            transport: Transport::Udp,
        };
        let outer = question("www.example.net", RecordType::A);
        let rewritten = Rewrite::new(&block.rewrite)
            .rewrite(&outer, &[], &origin)
            .unwrap();
        assert_eq!(rewritten.question, asked);
        let reverter = rewritten.reverter.unwrap();
        for at in 0..whole.len() {
            for value in [0, 1, 3, 0x3f, 0x40, 0x7f, 0xc0, 0xc1, 0xff, whole[at] ^ 1] {
                let mut message = whole.clone();
                message[at] = value;
                let _ = dns64.needs(&message);
                let _ = dns64.synthesize(&message, &whole);
                let _ = dns64.synthesize(&whole, &message);
                let _ = reverter.alias_question(&message);
                let back = reverter.apply(&message, Some(&message));
                assert!(nodens_dns::Message::parse(&back).is_ok());
                balance.apply(&mut message.clone(), 1);
                minimal(&mut message);
            }
        }
    }
}
