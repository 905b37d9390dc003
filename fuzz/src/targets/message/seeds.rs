//! Messages as they are seen on the wire.

use nodens_dns::{
    Class, EdnsOption, Flags, MessageBuilder, Name, Opcode, Rcode, Record, RecordType, Section,
};

/// Questions and answers of many kinds.
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = questions();
    seeds.extend(answers());
    seeds
}

/// What clients send.
pub(crate) fn questions() -> Vec<(&'static str, Vec<u8>)> {
    let plain = |qname: &str, qtype| question(qname, qtype).finish();
    let mut with_edns = question("www.example.org", RecordType::AAAA);
    with_edns.edns(1232, true, Rcode::NOERROR, &[]);
    let mut with_cookie = question("www.example.org", RecordType::A);
    let cookie = EdnsOption {
        code: 10,
        data: b"cookie!!".to_vec(),
    };
    with_cookie.edns(4096, false, Rcode::NOERROR, &[cookie]);
    let mut bad_version = question("www.example.org", RecordType::A);
    bad_version.edns(1232, false, Rcode::NOERROR, &[]);
    let mut bad_version = bad_version.finish();
    let version_at = bad_version.len() - 5;
    bad_version[version_at] = 1;
    let mut notify = MessageBuilder::new(7, Flags(0).with_opcode(Opcode::NOTIFY));
    notify.question(&name("example.org"), RecordType::SOA, Class::IN);
    let mut chaos = MessageBuilder::new(7, Flags(Flags::RD));
    chaos.question(&name("version.bind"), RecordType::TXT, Class::CH);
    vec![
        ("q-a", plain("WWW.Example.org", RecordType::A)),
        ("q-localhost", plain("localhost", RecordType::AAAA)),
        (
            "q-search",
            plain("localhost.default.svc.cluster.local", RecordType::A),
        ),
        (
            "q-cluster",
            plain("kubernetes.default.svc.cluster.local", RecordType::A),
        ),
        ("q-ptr", plain("1.2.0.192.in-addr.arpa", RecordType::PTR)),
        ("q-any", plain("www.example.org", RecordType::ANY)),
        ("q-ds", plain("sub.example.org", RecordType::DS)),
        ("q-https", plain("www.example.org", RecordType::HTTPS)),
        ("q-root", plain(".", RecordType::NS)),
        ("q-template", plain("ip-2-7.ip.example.org", RecordType::A)),
        ("q-alias", plain("alias.example.org", RecordType::A)),
        ("q-suffix", plain("shop.apps.example.org", RecordType::AAAA)),
        ("q-pointer", plain("www.pointer.example.org", RecordType::A)),
        ("q-none", plain("x.none.example.org", RecordType::MX)),
        ("q-hosts", plain("www.hosts.example.org", RecordType::AAAA)),
        ("q-whoami", plain("example.org", RecordType::SRV)),
        (
            "q-longest",
            plain(
                &[
                    "a".repeat(63),
                    "b".repeat(63),
                    "c".repeat(63),
                    "d".repeat(61),
                ]
                .join("."),
                RecordType::A,
            ),
        ),
        ("q-edns", with_edns.finish()),
        ("q-cookie", with_cookie.finish()),
        ("q-version", bad_version),
        ("q-notify", notify.finish()),
        ("q-chaos", chaos.finish()),
    ]
}

/// What servers send.
fn answers() -> Vec<(&'static str, Vec<u8>)> {
    use Section::{Additional, Answer, Authority};
    let www = "www.example.org";
    let [web, ns] = ["web.example.org", "ns.example.org"].map(name);
    let mut address = reply(www, RecordType::A, Rcode::NOERROR);
    add(&mut address, Answer, www, RecordType::CNAME, web.as_wire());
    add(
        &mut address,
        Answer,
        "web.example.org",
        RecordType::A,
        &[192, 0, 2, 1],
    );
    add(
        &mut address,
        Authority,
        "example.org",
        RecordType::NS,
        ns.as_wire(),
    );
    add(
        &mut address,
        Additional,
        "ns.example.org",
        RecordType::A,
        &[192, 0, 2, 53],
    );
    address.edns(1232, false, Rcode::NOERROR, &[]);
    let mut missing = reply("no.example.org", RecordType::A, Rcode::NXDOMAIN);
    add(
        &mut missing,
        Authority,
        "example.org",
        RecordType::SOA,
        &soa(),
    );
    let mut many = reply("many.example.org", RecordType::A, Rcode::NOERROR);
    for index in 0..40 {
        add(
            &mut many,
            Answer,
            "many.example.org",
            RecordType::A,
            &[192, 0, 2, index],
        );
    }
    many.edns(1232, false, Rcode::NOERROR, &[]);
    let many = many.finish();
    let mut cut = MessageBuilder::new(7, Flags(Flags::QR | Flags::TC | Flags::RD | Flags::RA));
    cut.question(&name("big.example.org"), RecordType::TXT, Class::IN);
    vec![
        ("r-alias", address.finish()),
        ("r-nxdomain", missing.finish()),
        ("r-dnssec", signed()),
        ("r-half", many[..many.len() / 2].to_vec()),
        ("r-many", many),
        ("r-kinds", kinds()),
        ("r-truncated", cut.finish()),
        (
            "r-servfail",
            reply(www, RecordType::A, Rcode::SERVFAIL).finish(),
        ),
        ("r-pointer-loop", POINTER_LOOP.to_vec()),
        ("r-overlap", OVERLAP.to_vec()),
    ]
}

/// A signature, an extended response code and an extended error.
fn signed() -> Vec<u8> {
    let head = [0, 28, 13, 3, 0, 0, 0, 60, 1, 2, 3, 4, 1, 2, 3, 4, 0, 9];
    let signature = [&head[..], name("example.org").as_wire(), &[7; 64]].concat();
    let mut signed = reply("www.example.org", RecordType::AAAA, Rcode::NOERROR);
    add(
        &mut signed,
        Section::Answer,
        "www.example.org",
        RecordType::RRSIG,
        &signature,
    );
    let why = EdnsOption::extended_error(22, "no reachable authority");
    signed.edns(4096, true, Rcode::BADVERS, &[why]);
    signed.finish()
}

/// Records whose data holds names, and some whose data looks as if it did.
fn kinds() -> Vec<u8> {
    let target = name("a.long.target.example.org");
    let [mx, srv] =
        [&[0, 10][..], &[0, 1, 0, 2, 0, 53]].map(|head| [head, target.as_wire()].concat());
    let mut kinds = reply("example.org", RecordType::ANY, Rcode::NOERROR);
    for (rtype, data) in [
        (RecordType::MX, &mx[..]),
        (RecordType::SRV, &srv),
        (RecordType::TXT, b"\x05hello\x05world"),
        (RecordType::DNAME, target.as_wire()),
        (RecordType(65_280), b"\xc0\x0c"),
    ] {
        add(&mut kinds, Section::Answer, "example.org", rtype, data);
    }
    kinds.finish()
}

fn name(text: &str) -> Name {
    text.parse().expect("a seed's name is one")
}

fn question(qname: &str, qtype: RecordType) -> MessageBuilder {
    let mut builder = MessageBuilder::new(0x0b07, Flags(Flags::RD));
    builder.question(&name(qname), qtype, Class::IN);
    builder
}

fn reply(qname: &str, qtype: RecordType, rcode: Rcode) -> MessageBuilder {
    let flags = Flags(Flags::QR | Flags::RD | Flags::RA).with_rcode(rcode);
    let mut builder = MessageBuilder::new(0x0b07, flags);
    builder.question(&name(qname), qtype, Class::IN);
    builder
}

fn add(
    builder: &mut MessageBuilder,
    section: Section,
    owner: &str,
    rtype: RecordType,
    data: &[u8],
) {
    let record = Record::new(name(owner), rtype, 60, data);
    builder.record(section, &record).expect("a seed is short");
}

fn soa() -> Vec<u8> {
    [
        name("ns.example.org").as_wire(),
        name("hostmaster.example.org").as_wire(),
        &[0, 0, 0, 5].repeat(5),
    ]
    .concat()
}

/// An owner whose label runs into the record that it owns: it changes when the message is cut there.
const OVERLAP: &[u8] = b"\0\x07\x81\x80\0\0\0\x01\0\0\0\x01\
    \0\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x10\xc0\x1a\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01\0";

/// A name that points at itself, and an owner that points forward.
const POINTER_LOOP: &[u8] = b"\0\x07\x81\x80\0\x01\0\x01\0\0\0\0\xc0\x0c\0\x01\0\x01\
    \xc0\x1c\0\x01\0\x01\0\0\0\x05\0\x04\xc0\0\x02\x01";
