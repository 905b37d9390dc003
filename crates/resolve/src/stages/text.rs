//! Names as text, in the form the Go DNS library of CoreDNS prints.
//!
//! The patterns of `rewrite` and `template` are written for that form, so it must be the same byte
//! for byte: the escaped characters are `. ' @ ; ( ) " \` and space, other bytes outside printable
//! ASCII are `\DDD`.

use std::fmt::Write as _;

use nodens_dns::Name;

/// The name as text with its final dot, in the case it has.
pub(crate) fn exact(name: &Name) -> String {
    let mut out = String::with_capacity(name.as_wire().len());
    for label in name.labels() {
        for &byte in label {
            match byte {
                b'.' | b' ' | b'\'' | b'@' | b';' | b'(' | b')' | b'"' | b'\\' => {
                    out.push('\\');
                    out.push(char::from(byte));
                }
                0x21..=0x7e => out.push(char::from(byte)),
                _ => {
                    let _ = write!(out, "\\{byte:03}");
                }
            }
        }
        out.push('.');
    }
    if out.is_empty() {
        out.push('.');
    }
    out
}

/// The name as text with its final dot, in lower case.
pub(crate) fn lower(name: &Name) -> String {
    let mut text = exact(name);
    text.make_ascii_lowercase();
    text
}

#[cfg(test)]
mod tests {
    use nodens_dns::Name;

    use super::{exact, lower};

    #[test]
    fn special_bytes_are_escaped_as_in_go() {
        let name = Name::from_wire(b"\x09A.b '@;\"\xe9\x03Org\0").unwrap();
        assert_eq!(exact(&name), "A\\.b\\ \\'\\@\\;\\\"\\233.Org.");
        assert_eq!(lower(&name), "a\\.b\\ \\'\\@\\;\\\"\\233.org.");
        assert_eq!(exact(&Name::root()), ".");
    }

    #[test]
    fn the_text_reads_back_as_the_name() {
        let name = Name::from_wire(b"\x06$a\0\x7f\\(\x01-\0").unwrap();
        assert_eq!(exact(&name).parse::<Name>().unwrap(), name);
    }
}
