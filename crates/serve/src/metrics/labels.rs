//! Label values that come from numbers of the DNS protocol.

use std::borrow::Cow;

/// Record types with a label of their own; every other one is counted as `other`, so that a
/// client cannot make up series (`metrics/vars/monitor.go`).
pub(super) const TYPES: [&str; 20] = [
    "other", "A", "NS", "CNAME", "SOA", "PTR", "MX", "TXT", "AAAA", "SRV", "DS", "RRSIG", "NSEC",
    "DNSKEY", "NSEC3", "SVCB", "HTTPS", "IXFR", "AXFR", "ANY",
];

/// The place of a record type in the request counters, for callers that keep it with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeIndex(pub(super) u8);

impl TypeIndex {
    /// Finds the place of a record type.
    #[inline]
    pub const fn of(qtype: u16) -> Self {
        if qtype < 256 {
            TypeIndex(INDEX[qtype as usize])
        } else {
            TypeIndex(0)
        }
    }

    /// The value of the `type` label.
    pub fn label(self) -> &'static str {
        TYPES[usize::from(self.0)]
    }
}

/// Response codes with a cell of their own in the hot path: 0 to 5.
pub(super) const COMMON_RCODES: usize = 6;

/// The name of a response code as the Go DNS library prints it; 16 is `BADSIG` there, although in
/// an OPT record it means BADVERS (RFC 6891, section 9).
pub(crate) fn rcode_name(rcode: u16) -> Option<&'static str> {
    Some(match rcode {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        11 => "DSOTYPENI",
        16 => "BADSIG",
        17 => "BADKEY",
        18 => "BADTIME",
        19 => "BADMODE",
        20 => "BADNAME",
        21 => "BADALG",
        22 => "BADTRUNC",
        23 => "BADCOOKIE",
        _ => return None,
    })
}

/// The `rcode` label of `coredns_dns_responses_total`: unknown codes as `RCODE4095`.
pub(super) fn reply_rcode(rcode: u16) -> Cow<'static, str> {
    rcode_name(rcode).map_or_else(|| format!("RCODE{rcode}").into(), Cow::Borrowed)
}

/// The `rcode` label of the upstream families: unknown codes as plain numbers.
pub(super) fn upstream_rcode(rcode: u16) -> Cow<'static, str> {
    rcode_name(rcode).map_or_else(|| rcode.to_string().into(), Cow::Borrowed)
}

const INDEX: [u8; 256] = {
    let mut index = [0; 256];
    let numbers = [
        1_u8, 2, 5, 6, 12, 15, 16, 28, 33, 43, 46, 47, 48, 50, 64, 65, 251, 252, 255,
    ];
    let mut place = 0;
    while place < numbers.len() {
        #[expect(clippy::cast_possible_truncation, reason = "there are 19 numbers")]
        {
            index[numbers[place] as usize] = place as u8 + 1;
        }
        place += 1;
    }
    index
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monitored_type_has_its_own_label_and_the_rest_share_one() {
        for (qtype, label) in [
            (1, "A"),
            (28, "AAAA"),
            (12, "PTR"),
            (65, "HTTPS"),
            (50, "NSEC3"),
            (255, "ANY"),
        ] {
            assert_eq!(TypeIndex::of(qtype).label(), label);
        }
        for qtype in [0, 13, 99, 256, 65535] {
            assert_eq!(TypeIndex::of(qtype).label(), "other");
        }
    }

    #[test]
    fn an_unknown_response_code_is_written_as_each_family_does() {
        assert_eq!(reply_rcode(3), "NXDOMAIN");
        assert_eq!(reply_rcode(4000), "RCODE4000");
        assert_eq!(upstream_rcode(4000), "4000");
    }
}
