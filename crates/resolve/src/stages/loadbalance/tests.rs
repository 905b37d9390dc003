use std::collections::BTreeSet;

use nodens_corefile::Network;
use nodens_dns::{
    Class, Flags, Message, MessageBuilder, Rcode, Record, RecordType, Section, records_from_text,
};

use super::LoadBalance;

fn message(qtype: RecordType, rcode: Rcode, answers: &str, additionals: &str) -> Vec<u8> {
    let mut builder = MessageBuilder::new(1, Flags(Flags::QR | Flags::RA).with_rcode(rcode));
    builder.question(&"region2.example.org".parse().unwrap(), qtype, Class::IN);
    for (section, text) in [
        (Section::Answer, answers),
        (Section::Additional, additionals),
    ] {
        for record in records_from_text(text, 60).unwrap() {
            builder.record(section, &record).unwrap();
        }
    }
    builder.edns(1232, false, Rcode::NOERROR, &[]);
    builder.finish()
}

/// The records of the answer section as owner, type, last byte of an address or all data of other
/// records, and time to live.
fn answers(message: &[u8]) -> Vec<String> {
    let view = Message::parse(message).unwrap();
    let records: Vec<_> = view.records().map(|record| record.unwrap()).collect();
    records
        .iter()
        .filter(|record| record.section == Section::Answer)
        .map(|view| {
            let record = Record::from_view(view).unwrap();
            let data = match record.rtype {
                RecordType::A | RecordType::AAAA => record.rdata.last().unwrap().to_string(),
                _ => String::from_utf8_lossy(&record.rdata).into_owned(),
            };
            format!("{}{} {data} {}", record.owner, record.rtype, record.ttl)
        })
        .collect()
}

fn balanced(message: &[u8], balance: &LoadBalance, random: u64) -> Vec<u8> {
    let mut message = message.to_vec();
    balance.apply(&mut message, random);
    message
}

const CHAIN: &str = "region2.example.org. CNAME cname2.region2.example.org.\n\
    cname2.region2.example.org. CNAME endpoint.region2.example.org.\n\
    endpoint.region2.example.org. 10 A 192.0.2.1\n\
    endpoint.region2.example.org. 20 A 192.0.2.2\n\
    endpoint.region2.example.org. 30 A 192.0.2.3\n";

#[test]
fn addresses_change_places_with_their_times_to_live_and_aliases_do_not() {
    let whole = message(RecordType::A, Rcode::NOERROR, CHAIN, "");
    let mut orders = BTreeSet::new();
    for random in 0..200 {
        let shuffled = balanced(&whole, &LoadBalance::default(), random);
        assert_eq!(shuffled.len(), whole.len());
        let records = answers(&shuffled);
        assert_eq!(records[..2], answers(&whole)[..2]);
        let mut sorted = records.clone();
        sorted.sort();
        let mut expected = answers(&whole);
        expected.sort();
        assert_eq!(sorted, expected);
        orders.insert(records);
    }
    assert_eq!(orders.len(), 6);
}

#[test]
fn aliases_behind_addresses_come_to_the_front() {
    let answer = "region2.example.org. MX 1 mx1.example.org.\n\
        endpoint.example.org. A 192.0.2.1\n\
        cname.region2.example.org. CNAME endpoint.example.org.\n\
        endpoint.example.org. A 192.0.2.2\n\
        endpoint.example.org. TXT x\n\
        region2.example.org. MX 2 mx2.example.org.\n\
        region2.example.org. MX 3 mx3.example.org.\n";
    let whole = message(
        RecordType::A,
        Rcode::NOERROR,
        answer,
        "ns.example.org. A 192.0.2.53",
    );
    let mut orders = BTreeSet::new();
    for random in 0..200 {
        let shuffled = balanced(&whole, &LoadBalance::default(), random);
        let view = Message::parse(&shuffled).unwrap();
        assert!(view.edns().unwrap().is_some());
        assert_eq!(view.header().additionals, 2);
        let types: Vec<RecordType> = view.records().map(|record| record.unwrap().rtype).collect();
        let (cname, txt, a, mx) = (
            RecordType::CNAME,
            RecordType::TXT,
            RecordType::A,
            RecordType::MX,
        );
        assert_eq!(types[..7], [cname, txt, a, a, mx, mx, mx]);
        orders.insert(answers(&shuffled));
    }
    assert_eq!(orders.len(), 12);
}

#[test]
fn addresses_of_several_names_and_types_keep_their_owners() {
    let text = "region2.example.org. A 192.0.2.1\nregion2.example.org. AAAA 2001:db8::2\n\
                other.example.org. A 192.0.2.3";
    let whole = message(RecordType::ANY, Rcode::NOERROR, text, "");
    for random in 0..50 {
        let mut records = answers(&balanced(&whole, &LoadBalance::default(), random));
        records.sort();
        let mut expected = answers(&whole);
        expected.sort();
        assert_eq!(records, expected);
    }
}

#[test]
fn owners_that_are_written_differently_are_still_one_name() {
    let mut builder = MessageBuilder::new(1, Flags(Flags::QR));
    builder.question(&"a.org".parse().unwrap(), RecordType::A, Class::IN);
    let mut bytes = builder.finish();
    for last in 1..=2_u8 {
        let owner: &[u8] = if last == 1 {
            b"\x01A\x03org\0"
        } else {
            b"\xc0\x0c"
        };
        bytes.extend(owner);
        bytes.extend([0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, last]);
    }
    bytes[7] = 2;
    let orders: BTreeSet<_> = (0..20)
        .map(|random| answers(&balanced(&bytes, &LoadBalance::default(), random)))
        .collect();
    assert_eq!(orders.len(), 2);
}

#[test]
fn failures_and_transfers_are_left_alone() {
    for whole in [
        message(RecordType::A, Rcode::SERVFAIL, CHAIN, ""),
        message(RecordType::AXFR, Rcode::NOERROR, CHAIN, ""),
    ] {
        assert!((0..20).all(|random| balanced(&whole, &LoadBalance::default(), random) == whole));
    }
}

#[test]
fn addresses_of_preferred_networks_go_first() {
    let networks = ["192.0.2.3/32", "192.0.2.0/31"].map(|text| Network::parse(text).unwrap());
    let balance = LoadBalance {
        preferred: networks.to_vec(),
    };
    let whole = message(RecordType::A, Rcode::NOERROR, CHAIN, "");
    for random in 0..50 {
        let records = answers(&balanced(&whole, &balance, random));
        let expected =
            ["3 30", "1 10", "2 20"].map(|end| format!("endpoint.region2.example.org.A {end}"));
        assert_eq!(records[2..], expected);
    }
}

#[test]
fn a_message_cut_or_changed_anywhere_is_no_danger() {
    let whole = message(
        RecordType::A,
        Rcode::NOERROR,
        CHAIN,
        "ns.example.org. A 192.0.2.53",
    );
    let balance = LoadBalance {
        preferred: vec![Network::parse("192.0.2.0/31").unwrap()],
    };
    for length in 0..whole.len() {
        balanced(&whole[..length], &balance, 1);
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            balanced(&bytes, &balance, 1);
        }
    }
}
