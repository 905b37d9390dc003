//! Messages from words and to words.

use nodens_dns::{
    Class, Flags, HEADER_LENGTH, Header, Message, MessageBuilder, Name, Opcode, Rcode, Record,
    RecordType, Section, records_from_text,
};

use crate::script::Words;

/// A client's question in words.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) message: Vec<u8>,
    pub(crate) port: Option<u16>,
    pub(crate) worker: usize,
}

/// Reads `NAME TYPE [WORDS]`.
pub(crate) fn question(words: &mut Words<'_>, id: u16) -> Result<Asking, String> {
    let (name, qtype) = name_and_type(words)?;
    let mut flags = Flags(Flags::RD);
    let (mut class, mut edns, mut dnssec_ok) = (Class::IN, None, false);
    let (mut port, mut worker) = (None, 0);
    while let Some(word) = words.next() {
        match word {
            "norec" => flags = flags.with(Flags::RD, false),
            "cd" => flags = flags.with(Flags::CD, true),
            "ad" => flags = flags.with(Flags::AD, true),
            "do" => dnssec_ok = true,
            "edns" => edns = Some(words.parse("a size")?),
            "class" => {
                let word = words.need("a class")?;
                class = Class::from_text(word).ok_or_else(|| format!("no class {word}"))?;
            }
            "notify" => flags = flags.with_opcode(Opcode::NOTIFY),
            "port" => port = Some(words.parse("a port")?),
            "on" if words.take("worker") => worker = words.parse::<usize>("a worker")? - 1,
            _ => return Err(format!("a question has no {word}")),
        }
    }
    let mut builder = MessageBuilder::new(id, flags);
    builder.question(&name, qtype, class);
    if dnssec_ok || edns.is_some() {
        builder.edns(edns.unwrap_or(1232), dnssec_ok, Rcode::NOERROR, &[]);
    }
    Ok(Asking {
        message: builder.finish(),
        port,
        worker,
    })
}

/// What upstreams are asked, in the words of a dialogue.
pub(crate) fn ask_in_words(message: &[u8], protocol: &str) -> String {
    let Ok(view) = Message::parse(message) else {
        return "something malformed".into();
    };
    let Ok(Some(question)) = view.question() else {
        return "no question".into();
    };
    let wire = question.qname.as_wire();
    let mixed = wire.iter().any(u8::is_ascii_uppercase);
    let name = question.qname.to_lowercase();
    let mut text = format!("{name} {} over {protocol}", question.qtype);
    let mut say = |yes: bool, words: &str| {
        if yes {
            text.push(' ');
            text.push_str(words);
        }
    };
    let flags = view.flags();
    say(!flags.has(Flags::RD), "norec");
    say(flags.has(Flags::CD), "cd");
    say(flags.has(Flags::AD), "ad");
    say(flags.opcode() == Opcode::NOTIFY, "notify");
    match view.edns() {
        Ok(Some(edns)) => {
            say(edns.udp_size != 1232, &format!("edns {}", edns.udp_size));
            say(edns.dnssec_ok, "do");
            for (code, data) in edns.options() {
                say(true, &format!("option {code} {}", hex(data)));
            }
        }
        _ => say(true, "plain"),
    }
    say(
        question.qclass != Class::IN,
        &format!("class {}", question.qclass),
    );
    say(mixed, "mixed");
    text
}

/// An upstream's answer to `asked` in words, and whether it must be ignored.
pub(crate) fn answer(
    words: &mut Words<'_>,
    below: &[String],
    asked: &[u8],
) -> Result<(Vec<u8>, bool), String> {
    let word = words.need("a response code")?;
    let rcode = Rcode::from_text(word).ok_or_else(|| format!("no response code {word}"))?;
    let request = Message::parse(asked).map_err(|error| error.to_string())?;
    let question = request.question().map_err(|error| error.to_string())?;
    let mut question = question.ok_or("the ask has no question")?;
    let kept = request.flags().0 & (0x7800 | Flags::RD | Flags::CD);
    let mut flags = Flags(kept | Flags::QR | Flags::RA).with_rcode(rcode);
    let mut edns = matches!(request.edns(), Ok(Some(_)));
    let (mut has_question, mut ignored, mut size) = (true, false, usize::MAX);
    while let Some(word) = words.next() {
        match word {
            "aa" => flags = flags.with(Flags::AA, true),
            "tc" => flags = flags.with(Flags::TC, true),
            "ad" => flags = flags.with(Flags::AD, true),
            "cd" => flags = flags.with(Flags::CD, true),
            "nora" => flags = flags.with(Flags::RA, false),
            "query" => flags = flags.with(Flags::QR, false),
            "noedns" => edns = false,
            "edns" => edns = true,
            "lower" => question.qname = question.qname.to_lowercase(),
            "asking" => (question.qname, question.qtype) = name_and_type(words)?,
            "no" if words.take("question") => has_question = false,
            "ignored" => ignored = true,
            "size" => size = words.parse("a size")?,
            _ => return Err(format!("an answer has no {word}")),
        }
    }
    let mut builder = MessageBuilder::new(0, flags);
    if has_question {
        builder.question(&question.qname, question.qtype, question.qclass);
    }
    for (section, record) in records(below)? {
        builder
            .record(section, &record)
            .map_err(|error| error.to_string())?;
    }
    if edns {
        builder.edns(1232, false, rcode, &[]);
    }
    let mut message = builder.finish();
    message.truncate(size);
    Ok((message, ignored))
}

/// Reads lines such as `answer www.example.org. 60 A 192.0.2.1`; `answer 20 times …` repeats a record, with `{n}` replaced.
pub(crate) fn records(lines: &[String]) -> Result<Vec<(Section, Record)>, String> {
    let mut records = Vec::new();
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        let (section, rest) = line.trim().split_once(' ').ok_or("a record is missing")?;
        let section = match section {
            "answer" => Section::Answer,
            "authority" => Section::Authority,
            "additional" => Section::Additional,
            other => return Err(format!("no section {other}")),
        };
        let (times, rest) = match rest.split_once(" times ") {
            Some((times, rest)) => (times.parse().map_err(|_| "no number of times")?, rest),
            None => (1, rest),
        };
        for number in 1..=times {
            let text = rest.replace("{n}", &number.to_string());
            let read = records_from_text(&text, 0).map_err(|error| format!("{text}: {error}"))?;
            records.extend(read.into_iter().map(|record| (section, record)));
        }
    }
    Ok(records)
}

/// A reply in words: the first line as in `client gets:`, then the records.
pub(crate) fn reply_in_words(message: &[u8]) -> (Vec<String>, Vec<String>) {
    let Ok(view) = Message::parse(message) else {
        return (vec!["something malformed".into()], Vec::new());
    };
    let mut head = vec![view.rcode().to_string()];
    let flags = view.flags();
    let named = [
        (Flags::AA, "aa"),
        (Flags::TC, "tc"),
        (Flags::RD, "rd"),
        (Flags::RA, "ra"),
        (Flags::AD, "ad"),
        (Flags::CD, "cd"),
        (Flags::Z, "z"),
    ];
    head.extend(
        named
            .iter()
            .filter(|(bit, _)| flags.has(*bit))
            .map(|(_, word)| (*word).into()),
    );
    if !flags.has(Flags::QR) {
        head.push("query".into());
    }
    let mut lines = Vec::new();
    for record in view.records() {
        let Ok(record) = record else {
            lines.push("a malformed record".into());
            break;
        };
        if record.rtype == RecordType::OPT {
            let edns = nodens_dns::Edns::from_record(&record);
            head.push("edns".into());
            if edns.dnssec_ok {
                head.push("do".into());
            }
            for (code, data) in edns.options() {
                match (code, data) {
                    (15, [high, low, ..]) => {
                        head.push(format!("ede {}", u16::from_be_bytes([*high, *low])));
                    }
                    _ => head.push(format!("option {code} {}", hex(data))),
                }
            }
            continue;
        }
        lines.push(match Record::from_view(&record) {
            Ok(owned) => record_in_words(record.section, &owned),
            Err(error) => format!("a record that cannot be read: {error}"),
        });
    }
    (head, lines)
}

/// A record as in the lines below a step.
pub(crate) fn record_in_words(section: Section, record: &Record) -> String {
    let section = match section {
        Section::Answer => "answer",
        Section::Authority => "authority",
        Section::Additional => "additional",
    };
    let class = if record.class == Class::IN {
        String::new()
    } else {
        format!("{} ", record.class)
    };
    let data = data_in_words(record.rtype, &record.rdata);
    format!(
        "{section} {} {} {class}{} {data}",
        record.owner, record.ttl, record.rtype
    )
}

fn data_in_words(rtype: RecordType, data: &[u8]) -> String {
    let name = |at: usize| {
        let (name, end) = Name::read(data, at).ok()?;
        Some((name.to_string(), end))
    };
    match (rtype, data) {
        (RecordType::A, [a, b, c, d]) => format!("{a}.{b}.{c}.{d}"),
        (RecordType::AAAA, bytes) if bytes.len() == 16 => {
            let bytes: [u8; 16] = bytes.try_into().unwrap_or_default();
            std::net::Ipv6Addr::from(bytes).to_string()
        }
        (RecordType::CNAME | RecordType::NS | RecordType::PTR, _)
            if let Some((name, _)) = name(0) =>
        {
            name
        }
        (RecordType::SOA, _)
            if let Some((server, end)) = name(0)
                && let Some((mailbox, end)) = name(end) =>
        {
            let numbers = data[end..].chunks_exact(4);
            let numbers =
                numbers.map(|four| u32::from_be_bytes(four.try_into().unwrap_or_default()));
            let numbers: Vec<_> = numbers.map(|number| number.to_string()).collect();
            format!("{server} {mailbox} {}", numbers.join(" "))
        }
        (RecordType::TXT, [length, text @ ..]) if usize::from(*length) == text.len() => {
            format!("\"{}\"", String::from_utf8_lossy(text))
        }
        _ => format!("\\# {} {}", data.len(), hex(data)),
    }
}

/// Whether `reply` belongs to `asked`: same id, opcode and question, byte for byte.
pub(crate) fn belongs(reply: &[u8], asked: &[u8]) -> Result<(), String> {
    let (Some(header), Some(wanted)) = (Header::read(reply), Header::read(asked)) else {
        return Err("the reply is shorter than a header".into());
    };
    if header.id != wanted.id || header.flags.opcode() != wanted.flags.opcode() {
        return Err("the reply's id or opcode is not the question's".into());
    }
    if header.questions == 0 {
        return Ok(());
    }
    let end = Message::parse(reply)
        .map_err(|error| error.to_string())?
        .records_start();
    if reply.get(HEADER_LENGTH..end) != asked.get(HEADER_LENGTH..end) {
        return Err("the reply's question is not the client's, byte for byte".into());
    }
    Ok(())
}

fn name_and_type(words: &mut Words<'_>) -> Result<(Name, RecordType), String> {
    let name = words.parse("a name")?;
    let word = words.need("a type")?;
    let qtype = RecordType::from_text(word).ok_or_else(|| format!("no type {word}"))?;
    Ok((name, qtype))
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.concat()
}
