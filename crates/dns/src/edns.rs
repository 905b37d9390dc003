//! The OPT pseudo-record (RFC 6891) and Extended DNS Errors (RFC 8914).

use crate::message::RecordView;

/// What an OPT record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns<'a> {
    /// The largest UDP message its sender takes, in bytes.
    pub udp_size: u16,
    /// The upper eight bits of the response code.
    pub extended_rcode: u8,
    /// The EDNS version.
    pub version: u8,
    /// DNSSEC records are wanted (RFC 3225).
    pub dnssec_ok: bool,
    /// The options, as they stand in the message.
    pub options: &'a [u8],
}

/// One option of an OPT record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdnsOption {
    /// The option's code.
    pub code: u16,
    /// The option's data.
    pub data: Vec<u8>,
}

impl<'a> Edns<'a> {
    /// Reads the fields of an OPT record.
    pub fn from_record(record: &RecordView<'a>) -> Self {
        Self::from_parts(record.class.0, record.ttl, record.rdata())
    }

    /// Reads the class (`udp_size`), time-to-live and data fields of an OPT record.
    pub(crate) const fn from_parts(class: u16, ttl: u32, options: &'a [u8]) -> Self {
        let [extended_rcode, version, flags, _] = ttl.to_be_bytes();
        Self {
            udp_size: class,
            extended_rcode,
            version,
            dnssec_ok: flags & 0x80 != 0,
            options,
        }
    }

    /// The options one by one. Ends at the first that does not fit.
    pub fn options(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = self.options;
        std::iter::from_fn(move || {
            let (head, tail) = rest.split_at_checked(4)?;
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let (data, tail) = tail.split_at_checked(length)?;
            rest = tail;
            Some((u16::from_be_bytes([head[0], head[1]]), data))
        })
    }
}

impl EdnsOption {
    /// The option code of an Extended DNS Error.
    pub const EXTENDED_ERROR: u16 = 15;

    /// An Extended DNS Error with its information code and text (RFC 8914).
    pub fn extended_error(information: u16, text: &str) -> Self {
        let mut data = information.to_be_bytes().to_vec();
        data.extend_from_slice(text.as_bytes());
        Self {
            code: Self::EXTENDED_ERROR,
            data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Edns;

    #[test]
    fn a_broken_option_ends_the_list() {
        let options = [0, 10, 0, 2, 1, 2, 0, 12, 0, 9, 1];
        let edns = Edns::from_parts(1232, 0x8000, &options);
        assert!(edns.dnssec_ok);
        assert_eq!(edns.options().collect::<Vec<_>>(), [(10, &[1_u8, 2][..])]);
    }
}
