//! Service parameters of SVCB and HTTPS records (RFC 9460 sections 2.1, 2.2 and 7).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::RecordTextError;
use super::fields::{Fields, unescape};

/// Appends the parameters that the rest of the record lists, in the order of their numbers.
pub(super) fn parameters(
    fields: &mut Fields<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RecordTextError> {
    let mut parameters: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
    while let Some(token) = fields.peek() {
        fields.skip();
        let (key, mut value) = match token.text.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (token.text, None),
        };
        // `key="value"` is two tokens without white space between them.
        if value == Some("")
            && let Some(next) = fields.peek().filter(|next| next.quoted && next.joined)
        {
            fields.skip();
            value = Some(next.text);
        }
        let error = |problem: &str| token.place.error(&format!("parameter {key:?}: {problem}"));
        let number = key_number(key).ok_or_else(|| error("not a service parameter"))?;
        let data = parameter(number, value).ok_or_else(|| error("not a value of it"))?;
        if u16::try_from(data.len()).is_err() {
            return Err(error("longer than 65,535 bytes"));
        }
        if parameters.insert(number, data).is_some() {
            return Err(error("given twice"));
        }
    }
    for (number, data) in parameters {
        out.extend(number.to_be_bytes());
        out.extend(u16::try_from(data.len()).unwrap_or(0).to_be_bytes());
        out.extend(data);
    }
    Ok(())
}

/// The wire form of one value.
fn parameter(number: u16, value: Option<&str>) -> Option<Vec<u8>> {
    match number {
        MANDATORY => {
            let mut numbers = items(value?)?
                .iter()
                .map(|item| key_number(std::str::from_utf8(item).ok()?))
                .collect::<Option<Vec<u16>>>()?;
            numbers.sort_unstable();
            Some(numbers.into_iter().flat_map(u16::to_be_bytes).collect())
        }
        ALPN => {
            let mut out = Vec::new();
            for item in items(value?)? {
                out.push(u8::try_from(item.len()).ok()?);
                out.extend(item);
            }
            Some(out)
        }
        NO_DEFAULT_ALPN => value.is_none_or(str::is_empty).then(Vec::new),
        PORT => Some(value?.parse::<u16>().ok()?.to_be_bytes().to_vec()),
        IPV4HINT => addresses(value?, |text| Some(text.parse::<Ipv4Addr>().ok()?.octets())),
        IPV6HINT => addresses(value?, |text| Some(text.parse::<Ipv6Addr>().ok()?.octets())),
        _ => unescape(value.unwrap_or("").as_bytes()),
    }
}

fn addresses<const LENGTH: usize>(
    text: &str,
    read: impl Fn(&str) -> Option<[u8; LENGTH]>,
) -> Option<Vec<u8>> {
    let addresses = text.split(',').map(read).collect::<Option<Vec<_>>>()?;
    Some(addresses.concat())
}

/// A comma-separated list; `\,` is a comma within an item, none is empty.
fn items(text: &str) -> Option<Vec<Vec<u8>>> {
    let mut items = Vec::new();
    let mut item = Vec::new();
    let mut bytes = unescape_but_commas(text)?.into_iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b',' => items.push(std::mem::take(&mut item)),
            b'\\' => item.push(bytes.next()?),
            other => item.push(other),
        }
    }
    items.push(item);
    items.iter().all(|item| !item.is_empty()).then_some(items)
}

/// The list is escaped once for the zone file and once for itself; people write `\,` all the same,
/// so that form keeps its backslash.
fn unescape_but_commas(text: &str) -> Option<Vec<u8>> {
    unescape(
        text.replace("\\,", "\\\\,")
            .replace("\\\\\\,", "\\\\,")
            .as_bytes(),
    )
}

fn key_number(key: &str) -> Option<u16> {
    let named = KEYS
        .iter()
        .find(|(name, _)| *name == key)
        .map(|(_, number)| *number);
    named.or_else(|| {
        key.strip_prefix("key")?
            .parse()
            .ok()
            .filter(|number| *number != u16::MAX)
    })
}

const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4HINT: u16 = 4;
const IPV6HINT: u16 = 6;

/// The parameters of RFC 9460 and RFC 9461; `ech` and others can be given as `keyNNNN`.
const KEYS: [(&str, u16); 7] = [
    ("mandatory", MANDATORY),
    ("alpn", ALPN),
    ("no-default-alpn", NO_DEFAULT_ALPN),
    ("port", PORT),
    ("ipv4hint", IPV4HINT),
    ("ipv6hint", IPV6HINT),
    ("dohpath", 7),
];
