//! The data of each record type from its text; the field order is that of the RFC named at each type.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::RecordTextError;
use super::fields::{Fields, bytes_of};
use super::service;
use crate::iana::RecordType;
use crate::message::names_in_data;
use crate::name::uncompressed_length;

/// Reads the data of a record of type `rtype`, names in full.
pub(super) fn read(rtype: RecordType, fields: &mut Fields<'_>) -> Result<Vec<u8>, RecordTextError> {
    if fields
        .peek()
        .is_some_and(|token| !token.quoted && token.text == "\\#")
    {
        fields.skip();
        return generic(rtype, fields);
    }
    let mut out = Vec::new();
    match rtype {
        // RFC 1035
        RecordType::A => out.extend(fields.value::<Ipv4Addr>("an IPv4 address")?.octets()),
        RecordType::NS | RecordType::CNAME | RecordType::PTR | RecordType::DNAME => {
            name(fields, &mut out)?;
        }
        RecordType::SOA => {
            name(fields, &mut out)?;
            name(fields, &mut out)?;
            out.extend(fields.value::<u32>("a serial number")?.to_be_bytes());
            for time in [
                "the refresh time",
                "the retry time",
                "the expire time",
                "the minimum",
            ] {
                out.extend(fields.time(time)?.to_be_bytes());
            }
        }
        RecordType::MX | RecordType::AFSDB | RecordType::KX => {
            number(fields, &mut out, "a preference")?;
            name(fields, &mut out)?;
        }
        RecordType::TXT | RecordType::SPF => {
            out.extend(fields.character_string()?);
            while fields.peek().is_some() {
                out.extend(fields.character_string()?);
            }
        }
        RecordType::HINFO => {
            out.extend(fields.character_string()?);
            out.extend(fields.character_string()?);
        }
        // RFC 1183
        RecordType::RP => {
            name(fields, &mut out)?;
            name(fields, &mut out)?;
        }
        // RFC 3596
        RecordType::AAAA => out.extend(fields.value::<Ipv6Addr>("an IPv6 address")?.octets()),
        // RFC 2782
        RecordType::SRV => {
            for what in ["a priority", "a weight", "a port"] {
                number(fields, &mut out, what)?;
            }
            name(fields, &mut out)?;
        }
        // RFC 3403
        RecordType::NAPTR => {
            number(fields, &mut out, "an order")?;
            number(fields, &mut out, "a preference")?;
            for _ in 0..3 {
                out.extend(fields.character_string()?);
            }
            name(fields, &mut out)?;
        }
        // RFC 7553
        RecordType::URI => {
            number(fields, &mut out, "a priority")?;
            number(fields, &mut out, "a weight")?;
            let target = fields.token("a target")?;
            out.extend(bytes_of(target)?);
        }
        // RFC 8659
        RecordType::CAA => {
            bytes(fields, &mut out, ["flags"])?;
            let place = fields.peek();
            let tag = fields.character_string()?;
            if tag.len() < 2 || !tag[1..].iter().all(u8::is_ascii_alphanumeric) {
                let problem = "a tag is letters and digits";
                return Err(
                    place.map_or_else(|| fields.error(problem), |token| token.place.error(problem))
                );
            }
            out.extend(tag);
            let value = fields.token("a value")?;
            out.extend(bytes_of(value)?);
        }
        // RFC 9460
        RecordType::SVCB | RecordType::HTTPS => {
            number(fields, &mut out, "a priority")?;
            name(fields, &mut out)?;
            service::parameters(fields, &mut out)?;
        }
        other => return read_digest(other, fields),
    }
    Ok(out)
}

/// The types that hold keys and digests.
fn read_digest(rtype: RecordType, fields: &mut Fields<'_>) -> Result<Vec<u8>, RecordTextError> {
    let mut out = Vec::new();
    match rtype {
        // RFC 4034, RFC 7344
        RecordType::DS | RecordType::CDS => {
            number(fields, &mut out, "a key tag")?;
            bytes(fields, &mut out, ["an algorithm", "a digest type"])?;
            out.extend(fields.hex()?);
        }
        RecordType::DNSKEY | RecordType::CDNSKEY => {
            number(fields, &mut out, "flags")?;
            bytes(fields, &mut out, ["a protocol", "an algorithm"])?;
            out.extend(fields.base64()?);
        }
        // RFC 4255
        RecordType::SSHFP => {
            bytes(fields, &mut out, ["an algorithm", "a fingerprint type"])?;
            out.extend(fields.hex()?);
        }
        // RFC 6698, RFC 8162
        RecordType::TLSA | RecordType::SMIMEA => {
            bytes(
                fields,
                &mut out,
                ["a usage", "a selector", "a matching type"],
            )?;
            out.extend(fields.hex()?);
        }
        other => {
            let problem = format!("data of type {other} can only be given as \\# LENGTH HEX");
            return Err(fields.error(&problem));
        }
    }
    Ok(out)
}

/// `\# LENGTH HEX` (RFC 3597 section 5). Data of a known type must have the form of that type, since
/// others will read it.
fn generic(rtype: RecordType, fields: &mut Fields<'_>) -> Result<Vec<u8>, RecordTextError> {
    let length: u16 = fields.value("a length")?;
    let data = fields.hex()?;
    if data.len() != usize::from(length) {
        let problem = format!("{} bytes of data where {length} were announced", data.len());
        return Err(fields.error(&problem));
    }
    let wrong = match rtype {
        RecordType::A => length != 4,
        RecordType::AAAA => length != 16,
        _ => false,
    };
    if wrong {
        return Err(fields.error(&format!("{length} bytes are not an address")));
    }
    if let Some((before, names)) = names_in_data(rtype) {
        let mut rest = data.get(before..).unwrap_or_default();
        for _ in 0..names {
            let length = uncompressed_length(rest)
                .map_err(|error| fields.error(&format!("the data holds no name: {error}")))?;
            rest = &rest[length..];
        }
    }
    Ok(data)
}

fn name(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), RecordTextError> {
    out.extend_from_slice(fields.name()?.as_wire());
    Ok(())
}

fn number(
    fields: &mut Fields<'_>,
    out: &mut Vec<u8>,
    expected: &str,
) -> Result<(), RecordTextError> {
    out.extend(fields.value::<u16>(expected)?.to_be_bytes());
    Ok(())
}

fn bytes<const COUNT: usize>(
    fields: &mut Fields<'_>,
    out: &mut Vec<u8>,
    expected: [&str; COUNT],
) -> Result<(), RecordTextError> {
    for what in expected {
        out.push(fields.value::<u8>(what)?);
    }
    Ok(())
}
