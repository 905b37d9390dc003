//! Walking over names as they stand in a message: hostile bytes, of which a name or an error is made.

use super::{MAX_NAME_LENGTH, NameError};
use crate::header::HEADER_LENGTH;

/// The length of the uncompressed name at the front of `bytes`.
#[inline]
pub(crate) fn uncompressed_length(bytes: &[u8]) -> Result<usize, NameError> {
    let mut at = 0;
    loop {
        let length = *bytes.get(at).ok_or(NameError::Truncated)?;
        if length > 63 {
            return Err(NameError::ReservedLabel);
        }
        at += 1 + usize::from(length);
        if at > MAX_NAME_LENGTH {
            return Err(NameError::TooLong);
        }
        if length == 0 {
            return Ok(at);
        }
    }
}

/// Appends the name at `offset` in uncompressed form to `out`; returns where the bytes after it begin.
///
/// A pointer is to "a prior occurrence of the same name" (RFC 1035 section 4.1.4): one that ends before
/// the name that points to it begins, and that is not in the header, whose bytes change on the way. So
/// every walk ends, and a message that is cut behind a name leaves that name as it is.
pub(crate) fn expand(message: &[u8], offset: usize, out: &mut Vec<u8>) -> Result<usize, NameError> {
    let start = out.len();
    let mut piece = message;
    let mut piece_start = offset;
    let mut at = offset;
    let mut end = None;
    // A piece that was pointed to is too short for its labels when they run into what pointed there.
    let past_end = |end: Option<usize>| end.map_or(NameError::Truncated, |_| NameError::BadPointer);
    loop {
        let length = *piece.get(at).ok_or_else(|| past_end(end))?;
        match length {
            0 => {
                out.push(0);
                return Ok(end.unwrap_or(at + 1));
            }
            1..=63 => {
                let label = piece.get(at..=at + usize::from(length));
                out.extend_from_slice(label.ok_or_else(|| past_end(end))?);
                // Room for the root byte must remain.
                if out.len() - start >= MAX_NAME_LENGTH {
                    return Err(NameError::TooLong);
                }
                at += 1 + usize::from(length);
            }
            0xc0..=0xff => {
                let low = *piece.get(at + 1).ok_or_else(|| past_end(end))?;
                let target = usize::from(length & 0x3f) << 8 | usize::from(low);
                end.get_or_insert(at + 2);
                if target < HEADER_LENGTH || target >= piece_start {
                    return Err(NameError::BadPointer);
                }
                piece = &message[..piece_start];
                piece_start = target;
                at = target;
            }
            _ => return Err(NameError::ReservedLabel),
        }
    }
}

/// Where the bytes after the name at `offset` begin, without following pointers.
#[inline]
pub(crate) fn skip(message: &[u8], offset: usize) -> Result<usize, NameError> {
    let mut at = offset;
    loop {
        match *message.get(at).ok_or(NameError::Truncated)? {
            0 => return Ok(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            0xc0..=0xff => {
                return if at + 2 <= message.len() {
                    Ok(at + 2)
                } else {
                    Err(NameError::Truncated)
                };
            }
            _ => return Err(NameError::ReservedLabel),
        }
        if at - offset > MAX_NAME_LENGTH {
            return Err(NameError::TooLong);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::name::{Name, NameError};

    /// Bytes behind a header.
    fn in_message(bytes: &[u8]) -> Vec<u8> {
        [&[0; 12], bytes].concat()
    }

    #[test]
    fn pointers_must_go_backwards() {
        let message = in_message(b"\x01a\0\x01b\xc0\x0c\xc0\x0f");
        let (found, end) = Name::read(&message, 15).unwrap();
        assert_eq!((found.to_string().as_str(), end), ("b.a.", 19));
        assert_eq!(Name::read(&message, 19).unwrap().0.to_string(), "b.a.");
        for (bytes, offset) in [
            (&b"\x01a\xc0\x11\xc0\x0c"[..], 12),
            // To itself, directly and by way of a label.
            (b"\xc0\x0c", 12),
            (b"\x01a\xc0\x0c", 12),
        ] {
            let read = Name::read(&in_message(bytes), offset);
            assert_eq!(read, Err(NameError::BadPointer), "{bytes:?}");
        }
    }

    #[test]
    fn a_pointer_is_to_a_name_that_ends_before_it() {
        // A label and a pointer that run into the pointer that led to them.
        for bytes in [b"\x02a\xc0\x0c\0", b"\x01a\xc0\xc0\x0e"] {
            let offset = 12 + bytes.iter().rposition(|&byte| byte == 0xc0).unwrap();
            let read = Name::read(&in_message(bytes), offset);
            assert_eq!(read, Err(NameError::BadPointer), "{bytes:?}");
        }
    }

    #[test]
    fn the_header_holds_no_name() {
        assert_eq!(
            Name::read(&in_message(b"\xc0\x04"), 12),
            Err(NameError::BadPointer)
        );
    }
}
