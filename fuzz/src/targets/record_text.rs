//! A record as in a zone file, which is what templates produce: any text is read or refused, and what is
//! read can be sent and comes back the same.

use nodens_dns::{Flags, Message, MessageBuilder, Name, Record, Section, records_from_text};

use crate::signature::Signature;
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "record_text",
    run: target,
    seeds,
    words: crate::dictionary::zone_file,
};

/// Runs one input.
pub fn target(data: &[u8]) -> Signature {
    let text = String::from_utf8_lossy(data);
    let mut signature = Signature::new();
    match text.parse::<Name>() {
        Ok(name) => {
            let printed = name.to_string();
            let again: Name = printed.parse().expect("a printed name reads back");
            assert_eq!(again.as_wire(), name.as_wire(), "{printed}");
            signature.magnitude("labels", name.label_count());
        }
        Err(error) => signature.error("name", &error),
    }
    match records_from_text(&text, 3600) {
        Ok(records) => {
            signature.magnitude("records", records.len());
            for record in &records {
                signature.note("type", record.rtype.0.min(300));
                signature.note("class", record.class.0.min(5));
            }
            there_and_back(&records);
        }
        Err(error) => signature.error("record", &error.problem),
    }
    signature
}

/// Writes the records into a message and reads them from it.
fn there_and_back(records: &[Record]) {
    let mut builder = MessageBuilder::new(1, Flags(Flags::QR));
    let mut sent = Vec::new();
    for record in records {
        if builder.record(Section::Answer, record).is_ok() {
            sent.push(record);
        }
    }
    let bytes = builder.finish();
    let message = Message::parse(&bytes).expect("a message that was built reads");
    let mut received = 0;
    for (view, sent) in message.records().zip(&sent) {
        let view = view.expect("a record that was built reads");
        let back = Record::from_view(&view).expect("its names read");
        assert_eq!(
            (&back.owner, back.rtype, back.class, back.ttl),
            (&sent.owner, sent.rtype, sent.class, sent.ttl)
        );
        assert!(
            back.rdata.eq_ignore_ascii_case(&sent.rdata),
            "{:?} and {:?}",
            back.rdata,
            sent.rdata
        );
        received += 1;
    }
    assert_eq!(received, sent.len());
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let texts = [
        ("a", "www.example.org. 60 IN A 192.0.2.1"),
        ("aaaa", "www.example.org. AAAA 2001:db8::1"),
        (
            "soa",
            "example.org. 60 IN SOA ns.example.org. hostmaster.example.org. (1 60 60 60 60)",
        ),
        ("mx", "example.org. 5 MX 10 mail.example.org."),
        (
            "srv",
            "_dns._udp.example.org. 5 IN SRV 0 1 53 ns.example.org.",
        ),
        (
            "txt",
            "example.org. TXT \"two words\" \"\\\"quoted\\\" \\255\" bare",
        ),
        ("caa", "example.org. CAA 0 issue \"ca.example.net\""),
        (
            "naptr",
            "example.org. NAPTR 100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:x@example.org!\" .",
        ),
        (
            "svcb",
            "example.org. 60 IN HTTPS 1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1",
        ),
        ("generic-name", "example.org. NS \\# 2 c00c"),
        ("generic", "example.org. TYPE65280 \\# 4 c0000201"),
        (
            "ds",
            "example.org. DS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
        ),
        ("escaped", "a\\.b.\\000\\255.example.org. 1 CH TXT x"),
        (
            "several",
            "a.example.org. 1 A 192.0.2.1\nb.example.org. 2 A 192.0.2.2 ; more\n",
        ),
    ];
    texts
        .map(|(name, text)| (name, text.as_bytes().to_vec()))
        .to_vec()
}
