//! Domain names in wire form: owned, uncompressed, compared without regard to ASCII case (RFC 1035, RFC 4343).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

mod wire;

pub(crate) use wire::{expand, skip, uncompressed_length};

/// Bytes in the longest name, the root's zero byte included (RFC 1035 section 2.3.4).
pub const MAX_NAME_LENGTH: usize = 255;

/// An uncompressed name in wire form. Keeps the case it was given; equality and hash ignore it.
#[derive(Clone)]
pub struct Name {
    bytes: Box<[u8]>,
}

/// Why something is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The bytes end before the name does.
    #[error("the name runs past the end of the message")]
    Truncated,
    /// A label type other than ordinary or compressed.
    #[error("the name has a label of a reserved type")]
    ReservedLabel,
    /// More than 63 bytes in one label.
    #[error("a label is longer than 63 bytes")]
    LabelTooLong,
    /// More than 255 bytes in all.
    #[error("the name is longer than 255 bytes")]
    TooLong,
    /// A compression pointer that does not point backwards.
    #[error("a compression pointer does not point backwards")]
    BadPointer,
    /// Two dots side by side, or a leading dot.
    #[error("a label is empty")]
    EmptyLabel,
    /// `\` not followed by a character or three digits up to 255.
    #[error("an escape is not \\DDD or \\X")]
    BadEscape,
}

impl Name {
    /// The root.
    pub fn root() -> Self {
        Self {
            bytes: Box::new([0]),
        }
    }

    /// Takes an uncompressed wire-form name.
    ///
    /// # Errors
    /// When the bytes are not exactly one valid name.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, NameError> {
        if uncompressed_length(bytes)? == bytes.len() {
            Ok(Self {
                bytes: bytes.into(),
            })
        } else {
            Err(NameError::Truncated)
        }
    }

    /// Reads the name at `offset` of `message`, following compression pointers, and where the bytes after it begin.
    ///
    /// # Errors
    /// When the bytes there are not a name.
    pub fn read(message: &[u8], offset: usize) -> Result<(Self, usize), NameError> {
        let mut bytes = Vec::with_capacity(64);
        let end = expand(message, offset, &mut bytes)?;
        Ok((
            Self {
                bytes: bytes.into(),
            },
            end,
        ))
    }

    /// The wire form, root byte included.
    pub fn as_wire(&self) -> &[u8] {
        &self.bytes
    }

    /// The labels from the leftmost on, without the root.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            let (&length, tail) = rest.split_first()?;
            if length == 0 {
                return None;
            }
            let (label, tail) = tail.split_at(usize::from(length));
            rest = tail;
            Some(label)
        })
    }

    /// Labels without the root.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.bytes.len() == 1
    }

    /// Whether this name equals `zone` or lies below it.
    pub fn is_within(&self, zone: &Self) -> bool {
        wire_is_within(&self.bytes, &zone.bytes)
    }

    /// This name in lower case.
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        Self {
            bytes: self.bytes.to_ascii_lowercase().into(),
        }
    }

    /// The name without its leftmost label; nothing for the root.
    pub fn parent(&self) -> Option<Self> {
        let first = usize::from(*self.bytes.first()?);
        if first == 0 {
            return None;
        }
        Some(Self {
            bytes: self.bytes[first + 1..].into(),
        })
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.bytes.eq_ignore_ascii_case(&other.bytes)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in &self.bytes {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl fmt::Display for Name {
    /// Presentation form with the final dot; special bytes as `\X` or `\DDD` (RFC 1035 section 5.1).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_presentation(&self.bytes, formatter)
    }
}

impl FromStr for Name {
    type Err = NameError;

    /// Reads presentation form; the final dot may be left out.
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text == "." {
            return Ok(Self::root());
        }
        let mut bytes = Vec::with_capacity(text.len() + 2);
        let mut label = Vec::new();
        let mut input = text.bytes();
        while let Some(byte) = input.next() {
            match byte {
                b'.' => finish_label(&mut bytes, &mut label)?,
                b'\\' => label.push(read_escape(&mut input)?),
                _ => label.push(byte),
            }
        }
        if !label.is_empty() {
            finish_label(&mut bytes, &mut label)?;
        }
        bytes.push(0);
        if bytes.len() > MAX_NAME_LENGTH {
            return Err(NameError::TooLong);
        }
        Ok(Self {
            bytes: bytes.into(),
        })
    }
}

/// A name's lower-cased wire form in place, without an allocation: what a cache looks up.
#[derive(Clone, Copy)]
pub struct NameKey {
    bytes: [u8; MAX_NAME_LENGTH + 1],
    length: u8,
}

impl NameKey {
    /// Reads the uncompressed name at `offset` of `message`.
    ///
    /// # Errors
    /// When the bytes there are not a name; a compressed one is refused, a question never holds one.
    #[inline]
    pub fn read(message: &[u8], offset: usize) -> Result<Self, NameError> {
        let name = message.get(offset..).ok_or(NameError::Truncated)?;
        let length = uncompressed_length(name)?;
        let mut key = Self {
            bytes: [0; MAX_NAME_LENGTH + 1],
            length: 0,
        };
        let place = &mut key.bytes[..length];
        place.copy_from_slice(&name[..length]);
        // A length byte is at most 63, below 'A', so lower-casing the whole name is safe.
        place.make_ascii_lowercase();
        key.length = u8::try_from(length).map_err(|_| NameError::TooLong)?;
        Ok(key)
    }

    /// The lower-case wire form, root byte included.
    #[inline]
    pub fn as_wire(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Whether this name equals `zone` or lies below it; `zone` is a lower-case wire-form name.
    #[inline]
    pub fn is_within(&self, zone: &[u8]) -> bool {
        let name = self.as_wire();
        let Some(start) = name.len().checked_sub(zone.len()) else {
            return false;
        };
        name[start..] == *zone && is_label_start(name, start)
    }

    /// This name as an owned one.
    pub fn to_name(&self) -> Name {
        Name {
            bytes: self.as_wire().into(),
        }
    }
}

impl From<&Name> for NameKey {
    fn from(name: &Name) -> Self {
        Self::read(name.as_wire(), 0).expect("a Name holds a valid uncompressed name")
    }
}

impl fmt::Debug for NameKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_presentation(self.as_wire(), formatter)
    }
}

/// Whether wire-form `name` equals `zone` or lies below it, in any case.
fn wire_is_within(name: &[u8], zone: &[u8]) -> bool {
    let Some(start) = name.len().checked_sub(zone.len()) else {
        return false;
    };
    name[start..].eq_ignore_ascii_case(zone) && is_label_start(name, start)
}

/// Whether a label of wire-form `name` begins at `start`.
#[inline]
fn is_label_start(name: &[u8], start: usize) -> bool {
    let mut at = 0;
    while at < start {
        at += 1 + usize::from(name[at]);
    }
    at == start
}

fn finish_label(bytes: &mut Vec<u8>, label: &mut Vec<u8>) -> Result<(), NameError> {
    let length = u8::try_from(label.len())
        .ok()
        .filter(|&length| length <= 63);
    let length = length.ok_or(NameError::LabelTooLong)?;
    if length == 0 {
        return Err(NameError::EmptyLabel);
    }
    bytes.push(length);
    bytes.append(label);
    Ok(())
}

fn read_escape(input: &mut std::str::Bytes<'_>) -> Result<u8, NameError> {
    let first = input.next().ok_or(NameError::BadEscape)?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let mut value = u16::from(first - b'0');
    for _ in 0..2 {
        let digit = input
            .next()
            .filter(u8::is_ascii_digit)
            .ok_or(NameError::BadEscape)?;
        value = value * 10 + u16::from(digit - b'0');
    }
    u8::try_from(value).map_err(|_| NameError::BadEscape)
}

fn write_presentation(wire: &[u8], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write as _;
    let mut at = 0;
    if wire[0] == 0 {
        return formatter.write_char('.');
    }
    while wire[at] != 0 {
        let length = usize::from(wire[at]);
        for &byte in &wire[at + 1..=at + length] {
            match byte {
                b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                    formatter.write_char('\\')?;
                    formatter.write_char(char::from(byte))?;
                }
                0x21..=0x7e => formatter.write_char(char::from(byte))?,
                _ => write!(formatter, "\\{byte:03}")?,
            }
        }
        formatter.write_char('.')?;
        at += 1 + length;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Name, NameError, NameKey};

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn text_and_wire_round_trip() {
        let sample = name("WWW.Example.org");
        assert_eq!(sample.as_wire(), b"\x03WWW\x07Example\x03org\0");
        assert_eq!(sample.to_string(), "WWW.Example.org.");
        assert_eq!(sample, name("www.example.ORG."));
        assert_eq!(name(".").to_string(), ".");
        assert_eq!(name("a\\.b.\\006.").to_string(), "a\\.b.\\006.");
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        assert_eq!("a..b".parse::<Name>(), Err(NameError::EmptyLabel));
        assert_eq!(".a".parse::<Name>(), Err(NameError::EmptyLabel));
        assert_eq!("x".repeat(64).parse::<Name>(), Err(NameError::LabelTooLong));
        assert_eq!("a.".repeat(128).parse::<Name>(), Err(NameError::TooLong));
        assert_eq!("a\\25".parse::<Name>(), Err(NameError::BadEscape));
        assert_eq!(Name::from_wire(b"\x01a\0x"), Err(NameError::Truncated));
    }

    #[test]
    fn a_zone_holds_names_on_label_boundaries_only() {
        assert!(name("a.Cluster.local").is_within(&name("cluster.LOCAL")));
        assert!(!name("acluster.local").is_within(&name("cluster.local")));
        assert!(name("x").is_within(&Name::root()));
        let key = NameKey::from(&name("A.Cluster.Local"));
        assert!(key.is_within(b"\x07cluster\x05local\0"));
        assert!(!key.is_within(b"\x05local"));
        // The bytes of a zone may appear inside a label: \x01a\0 is not a suffix on a boundary.
        let tricky = NameKey::from(&Name::from_wire(b"\x03x\x01a\0").unwrap());
        assert!(!tricky.is_within(b"\x01a\0"));
    }
}
