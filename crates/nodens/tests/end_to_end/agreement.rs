//! The same questions to the cache, to Unbound and to dnsmasq, all of them asking the same NSD: a
//! client must not be able to tell which one it has, but for what is listed here with its reason.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use crate::support::{Lab, NODE, NODE_OTHER, NODE_THIRD, Nodens, Process, UPSTREAM, has, until};

#[test]
fn clients_are_told_the_same_as_by_unbound_and_dnsmasq() {
    if !has(&["nsd", "unbound", "dnsmasq", "dig"]) {
        return;
    }
    let lab = Lab::new();
    let _nsd = start_nsd(&lab);
    let _unbound = start_unbound(&lab);
    let _dnsmasq = start_dnsmasq(&lab);
    let _nodens = Nodens::start(
        &lab,
        &format!(".:53 {{\n bind {NODE}\n errors\n cache\n forward . {UPSTREAM}\n}}\n"),
    );
    for (server, name) in SERVERS {
        let answers = until(Duration::from_secs(10), || {
            dig(&lab, server, &["+time=1"], &QUESTIONS[..1])
                == [
                    "  NOERROR\n  www.example.org. in a 203.0.113.10\n  www.example.org. in a 203.0.113.11\n",
                ]
        });
        assert!(answers, "{name} does not answer");
    }
    let mut differences = BTreeSet::new();
    for flags in [
        &["+bufsize=1232"][..],
        &["+noedns"],
        &["+tcp"],
        &["+noedns", "+ignore"],
    ] {
        // The first time by way of NSD, the second time from the cache.
        for time in ["first", "second"] {
            let ours = dig(&lab, NODE, flags, QUESTIONS);
            for (server, name) in &SERVERS[1..] {
                let theirs = dig(&lab, server, flags, QUESTIONS);
                for ((question, ours), theirs) in QUESTIONS.iter().zip(&ours).zip(&theirs) {
                    if ours != theirs && !is_known(name, question, flags) {
                        differences.insert(format!(
                            "{question} {flags:?}, the {time} time\nnodens:\n{ours}{name}:\n{theirs}"
                        ));
                    }
                }
            }
        }
    }
    let differences: Vec<_> = differences.into_iter().collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A difference that is meant.
struct Known {
    server: &'static str,
    question: &'static str,
    /// Only with all of these.
    flags: &'static [&'static str],
    #[expect(dead_code, reason = "for the reader")]
    reason: &'static str,
}

/// What differs, and why.
const KNOWN: &[Known] = &[];

const QUESTIONS: &[&str] = &[
    "www.example.org A",
    "www.example.org AAAA",
    "WWW.Example.ORG A",
    "www.example.org MX",
    "example.org SOA",
    "example.org NS",
    "example.org MX",
    "example.org CAA",
    "v4.example.org AAAA",
    "alias.example.org A",
    "chain1.example.org A",
    "chain1.example.org AAAA",
    "chain1.example.org CNAME",
    "chain1.example.org TXT",
    "broken.example.org A",
    "text.example.org TXT",
    "large.example.org TXT",
    "many.example.org A",
    "_sip._tcp.example.org SRV",
    "missing.example.org A",
    "missing.deep.below.example.org AAAA",
    "anything.wild.example.org A",
    "other.wild.example.org TXT",
    "empty.example.org A",
    "below.empty.example.org A",
    "unknown.example.org TYPE65400",
    "svc.example.org HTTPS",
];

fn is_known(server: &str, question: &str, flags: &[&str]) -> bool {
    KNOWN.iter().any(|known| {
        let flags_fit = known.flags.iter().all(|flag| flags.contains(flag));
        (known.server, known.question) == (server, question) && flags_fit
    })
}

/// What a server says to each question: response code, and the records without TTL in order, or
/// that there are too many.
fn dig(lab: &Lab, server: &str, flags: &[&str], questions: &[&str]) -> Vec<String> {
    let mut command = lab.client.command("dig");
    command.arg(format!("@{server}"));
    command.args([
        "+tries=1",
        "+noquestion",
        "+nostats",
        "+nottlid",
        "+nocookie",
    ]);
    command.args(["+noauthority", "+noadditional"]).args(flags);
    command.args(questions.iter().flat_map(|question| question.split(' ')));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let told: Vec<String> = text.split(";; Got answer:").skip(1).map(in_brief).collect();
    if questions.len() > 1 {
        assert_eq!(told.len(), questions.len(), "{command:?}: {text}");
    }
    told
}

fn in_brief(text: &str) -> String {
    let after = |mark: &str| text.split(mark).nth(1).unwrap();
    let status = after("status: ").split(',').next().unwrap();
    let flags = after(";; flags: ").split(';').next().unwrap();
    let mut told = format!("  {status}\n");
    if flags.split(' ').any(|flag| flag == "tc") {
        // How much of an answer goes along with TC is everyone's own choice (RFC 2181, section 9).
        told.push_str("  truncated\n");
        return told;
    }
    let records = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(';'));
    let mut records: Vec<String> = records
        .map(|record| {
            record
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .to_lowercase()
        })
        .collect();
    records.sort_unstable();
    for record in records {
        writeln!(told, "  {record}").unwrap();
    }
    told
}

fn start_nsd(lab: &Lab) -> Process {
    let mut zone = String::from(ZONE);
    for number in 0..100 {
        writeln!(zone, "many A 203.0.113.{number}").unwrap();
    }
    for number in 0..10 {
        let text = char::from(b'a' + number).to_string().repeat(250);
        writeln!(zone, "large TXT \"{text}\"").unwrap();
    }
    lab.directory.write("zone", &zone);
    let folder = lab.directory.path().display();
    let config = lab.directory.write("nsd.conf", &format!(
        "server:\n ip-address: {UPSTREAM}\n username: \"\"\n chroot: \"\"\n zonesdir: \"{folder}\"\n \
         pidfile: \"\"\n database: \"\"\n xfrdfile: \"\"\n zonelistfile: \"{folder}/nsd.zones\"\n \
         xfrdir: \"{folder}\"\n server-count: 1\n\
         remote-control:\n control-enable: no\n\
         zone:\n name: \"example.org\"\n zonefile: \"zone\"\n"
    ));
    let mut command = lab.upstream.command("nsd");
    command.arg("-d").arg("-c").arg(config);
    Process::spawn_quietly(&mut command)
}

fn start_unbound(lab: &Lab) -> Process {
    let folder = lab.directory.path().display();
    let config = lab.directory.write("unbound.conf", &format!(
        "server:\n interface: {NODE_OTHER}\n access-control: 0.0.0.0/0 allow\n username: \"\"\n \
         chroot: \"\"\n directory: \"{folder}\"\n pidfile: \"\"\n use-syslog: no\n do-daemonize: no\n \
         module-config: \"iterator\"\n num-threads: 1\n rrset-roundrobin: no\n \
         minimal-responses: yes\n\
         remote-control:\n control-enable: no\n\
         forward-zone:\n name: \".\"\n forward-addr: {UPSTREAM}\n"
    ));
    let mut command = lab.node.command("unbound");
    command.arg("-d").arg("-c").arg(config);
    Process::spawn_quietly(&mut command)
}

fn start_dnsmasq(lab: &Lab) -> Process {
    let mut command = lab.node.command("dnsmasq");
    command.args([
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-hosts",
        "--no-resolv",
    ]);
    command.args([
        "--user=root",
        "--pid-file=",
        "--bind-interfaces",
        "--cache-size=1000",
    ]);
    command.arg(format!("--listen-address={NODE_THIRD}"));
    command.arg("--except-interface=lo");
    command.arg(format!("--server={UPSTREAM}"));
    Process::spawn_quietly(&mut command)
}

/// The servers compared, ours first.
const SERVERS: [(&str, &str); 3] = [
    (NODE, "nodens"),
    (NODE_OTHER, "unbound"),
    (NODE_THIRD, "dnsmasq"),
];

const ZONE: &str = "\
$ORIGIN example.org.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
@ MX 10 mail
@ MX 20 mail2
@ CAA 0 issue \"ca.example.net\"
ns A 198.51.100.53
mail A 203.0.113.25
mail2 A 203.0.113.26
www A 203.0.113.10
www A 203.0.113.11
www AAAA 2001:db8::10
v4 A 203.0.113.12
alias CNAME www
chain1 CNAME chain2
chain2 CNAME chain3
chain3 CNAME www
broken CNAME nowhere
text TXT \"one\" \"two\"
_sip._tcp SRV 0 5 5060 www
*.wild A 203.0.113.20
below.empty A 203.0.113.21
unknown TYPE65400 \\# 4 0a0b0c0d
svc HTTPS 1 . alpn=h2
";
