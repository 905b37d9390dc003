//! Names in the query log: lower case, closing dot, and the escapes of the Go DNS library.

/// Appends the presentation form of an uncompressed wire-form name; what is no name ends early.
pub(super) fn append_name(text: &mut Vec<u8>, wire: &[u8]) {
    let mut rest = wire;
    let start = text.len();
    while let Some((&length, tail)) = rest.split_first() {
        let length = usize::from(length);
        if length == 0 || length > tail.len() {
            break;
        }
        let (label, after) = tail.split_at(length);
        for &byte in label {
            append_byte(text, byte.to_ascii_lowercase());
        }
        text.push(b'.');
        rest = after;
    }
    if text.len() == start {
        text.push(b'.');
    }
}

fn append_byte(text: &mut Vec<u8>, byte: u8) {
    match byte {
        b'.' | b' ' | b'\'' | b'@' | b';' | b'(' | b')' | b'"' | b'\\' => {
            text.extend([b'\\', byte]);
        }
        b'!'..=b'~' => text.push(byte),
        _ => text.extend([
            b'\\',
            b'0' + byte / 100,
            b'0' + byte / 10 % 10,
            b'0' + byte % 10,
        ]),
    }
}

/// Whether a wire-form name is a zone's or below it.
pub(super) fn is_within(mut name: &[u8], zone: &[u8]) -> bool {
    while name.len() > zone.len() {
        let length = usize::from(name[0]) + 1;
        match name.get(length..) {
            Some(rest) => name = rest,
            None => return false,
        }
    }
    name.eq_ignore_ascii_case(zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_in_lower_case_with_escapes() {
        for (wire, text) in [
            (&b"\0"[..], "."),
            (b"\x03WwW\x07Example\x03org\0", "www.example.org."),
            (b"\x05a.b\"c\x02\x07\xff\0", "a\\.b\\\"c.\\007\\255."),
            (b"\x09short", "."),
        ] {
            let mut written = Vec::new();
            append_name(&mut written, wire);
            assert_eq!(String::from_utf8(written).unwrap(), text);
        }
    }

    #[test]
    fn a_zone_holds_its_name_and_what_is_below_whole_labels() {
        let zone = b"\x07example\x03org\0";
        assert!(is_within(b"\x07EXAMPLE\x03org\0", zone));
        assert!(is_within(b"\x01a\x07example\x03org\0", zone));
        assert!(is_within(b"\x01a\0", b"\0"));
        assert!(!is_within(b"\x08aexample\x03org\0", zone));
        assert!(!is_within(b"\x03org\0", zone));
        assert!(!is_within(b"\x3fbad", b"\0"));
    }
}
