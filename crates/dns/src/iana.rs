//! Numbers that IANA assigns to the DNS, as newtypes that keep unknown values and print the registered mnemonic.

use std::fmt;

/// Declares a 16-bit registry: the newtype, its constants, mnemonics and text forms.
macro_rules! registry {
    ($(#[$documentation:meta])* $name:ident, $prefix:literal, { $($constant:ident = $value:literal, $text:literal;)* }) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u16);

        impl $name {
            $(
                #[doc = concat!("`", $text, "`")]
                pub const $constant: Self = Self($value);
            )*

            /// The registered mnemonic, if there is one.
            pub const fn mnemonic(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }

            /// Reads a mnemonic in any case, or the generic form of RFC 3597 (`TYPE65280`).
            pub fn from_text(text: &str) -> Option<Self> {
                $(if text.eq_ignore_ascii_case($text) { return Some(Self::$constant); })*
                let prefix = text.get(..$prefix.len())?;
                if !prefix.eq_ignore_ascii_case($prefix) { return None; }
                text[$prefix.len()..].parse().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.mnemonic() {
                    Some(text) => formatter.pad(text),
                    None => write!(formatter, concat!($prefix, "{}"), self.0),
                }
            }
        }
    };
}

registry! {
    /// A record type (RFC 1035 section 3.2.2 and the IANA registry).
    RecordType, "TYPE", {
        A = 1, "A";
        NS = 2, "NS";
        CNAME = 5, "CNAME";
        SOA = 6, "SOA";
        PTR = 12, "PTR";
        HINFO = 13, "HINFO";
        MX = 15, "MX";
        TXT = 16, "TXT";
        RP = 17, "RP";
        AFSDB = 18, "AFSDB";
        SIG = 24, "SIG";
        KEY = 25, "KEY";
        AAAA = 28, "AAAA";
        LOC = 29, "LOC";
        SRV = 33, "SRV";
        NAPTR = 35, "NAPTR";
        KX = 36, "KX";
        CERT = 37, "CERT";
        DNAME = 39, "DNAME";
        OPT = 41, "OPT";
        APL = 42, "APL";
        DS = 43, "DS";
        SSHFP = 44, "SSHFP";
        IPSECKEY = 45, "IPSECKEY";
        RRSIG = 46, "RRSIG";
        NSEC = 47, "NSEC";
        DNSKEY = 48, "DNSKEY";
        DHCID = 49, "DHCID";
        NSEC3 = 50, "NSEC3";
        NSEC3PARAM = 51, "NSEC3PARAM";
        TLSA = 52, "TLSA";
        SMIMEA = 53, "SMIMEA";
        HIP = 55, "HIP";
        CDS = 59, "CDS";
        CDNSKEY = 60, "CDNSKEY";
        OPENPGPKEY = 61, "OPENPGPKEY";
        CSYNC = 62, "CSYNC";
        ZONEMD = 63, "ZONEMD";
        SVCB = 64, "SVCB";
        HTTPS = 65, "HTTPS";
        SPF = 99, "SPF";
        EUI48 = 108, "EUI48";
        EUI64 = 109, "EUI64";
        TKEY = 249, "TKEY";
        TSIG = 250, "TSIG";
        IXFR = 251, "IXFR";
        AXFR = 252, "AXFR";
        ANY = 255, "ANY";
        URI = 256, "URI";
        CAA = 257, "CAA";
        TA = 32768, "TA";
        DLV = 32769, "DLV";
    }
}

registry! {
    /// A class (RFC 1035 section 3.2.4).
    Class, "CLASS", {
        IN = 1, "IN";
        CH = 3, "CH";
        HS = 4, "HS";
        NONE = 254, "NONE";
        ANY = 255, "ANY";
    }
}

registry! {
    /// A response code, the extended part of EDNS included (RFC 1035, 2136, 6891).
    Rcode, "RCODE", {
        NOERROR = 0, "NOERROR";
        FORMERR = 1, "FORMERR";
        SERVFAIL = 2, "SERVFAIL";
        NXDOMAIN = 3, "NXDOMAIN";
        NOTIMP = 4, "NOTIMP";
        REFUSED = 5, "REFUSED";
        YXDOMAIN = 6, "YXDOMAIN";
        YXRRSET = 7, "YXRRSET";
        NXRRSET = 8, "NXRRSET";
        NOTAUTH = 9, "NOTAUTH";
        NOTZONE = 10, "NOTZONE";
        BADVERS = 16, "BADVERS";
        BADKEY = 17, "BADKEY";
        BADTIME = 18, "BADTIME";
        BADMODE = 19, "BADMODE";
        BADNAME = 20, "BADNAME";
        BADALG = 21, "BADALG";
        BADTRUNC = 22, "BADTRUNC";
        BADCOOKIE = 23, "BADCOOKIE";
    }
}

registry! {
    /// An operation code (RFC 1035 section 4.1.1).
    Opcode, "OPCODE", {
        QUERY = 0, "QUERY";
        IQUERY = 1, "IQUERY";
        STATUS = 2, "STATUS";
        NOTIFY = 4, "NOTIFY";
        UPDATE = 5, "UPDATE";
    }
}

#[cfg(test)]
mod tests {
    use super::{Rcode, RecordType};

    #[test]
    fn a_mnemonic_is_read_in_any_case() {
        assert_eq!(RecordType::from_text("aaaa"), Some(RecordType::AAAA));
        assert_eq!(Rcode::from_text("NxDomain"), Some(Rcode::NXDOMAIN));
        assert_eq!(RecordType::from_text("nonsense"), None);
    }

    #[test]
    fn an_unknown_number_keeps_its_value_in_text() {
        assert_eq!(RecordType(65280).to_string(), "TYPE65280");
        assert_eq!(RecordType::from_text("TYPE65280"), Some(RecordType(65280)));
        assert_eq!(RecordType::from_text("TYPE65536"), None);
    }
}
