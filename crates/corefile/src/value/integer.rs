//! Integers as Go's `strconv` reads them.

/// `strconv.Atoi`: an optional sign and decimal digits.
pub(crate) fn signed(text: &str) -> Result<i64, String> {
    text.parse()
        .map_err(|_| invalid("Atoi", text, text.strip_prefix(['+', '-']).unwrap_or(text)))
}

/// `strconv.ParseUint(text, 10, 32)`: decimal digits only.
pub(crate) fn unsigned(text: &str) -> Result<u32, String> {
    if text.starts_with('+') {
        return Err(invalid("ParseUint", text, text));
    }
    text.parse().map_err(|_| invalid("ParseUint", text, text))
}

/// `strconv.ParseUint(text, 0, 16)`: decimal, or with one of the prefixes `0x`, `0o`, `0b`, `0`.
pub(crate) fn unsigned_any_base(text: &str) -> Result<u16, String> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = if let Some(digits) = lower.strip_prefix("0x") {
        (digits, 16)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (digits, 2)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (digits, 8)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (&lower[1..], 8)
    } else {
        (lower.as_str(), 10)
    };
    if digits.starts_with('+') {
        return Err(invalid("ParseUint", text, digits));
    }
    u16::from_str_radix(digits, radix).map_err(|_| invalid("ParseUint", text, digits))
}

fn invalid(function: &str, text: &str, digits: &str) -> String {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let reason = if all_digits {
        "value out of range"
    } else {
        "invalid syntax"
    };
    format!("strconv.{function}: parsing {text:?}: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_go() {
        assert_eq!(
            signed("x").unwrap_err(),
            "strconv.Atoi: parsing \"x\": invalid syntax"
        );
        assert_eq!(
            unsigned("4294967296").unwrap_err(),
            "strconv.ParseUint: parsing \"4294967296\": value out of range"
        );
        assert_eq!(signed("-5"), Ok(-5));
        assert!(unsigned("+5").is_err());
        assert!(unsigned("").is_err());
    }

    #[test]
    fn a_prefix_chooses_the_base() {
        assert_eq!(unsigned_any_base("0xFFee"), Ok(0xffee));
        assert_eq!(unsigned_any_base("24"), Ok(24));
        assert_eq!(unsigned_any_base("010"), Ok(8));
        assert_eq!(unsigned_any_base("0"), Ok(0));
        assert!(unsigned_any_base("0x").is_err());
        assert!(unsigned_any_base("70000").is_err());
    }
}
