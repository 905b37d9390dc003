//! Sizes in bytes: `16MiB`, `500k`, `1048576`.

/// The size in bytes; the error says what is wrong.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let invalid = || format!("invalid size {text:?}");
    let length = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(length);
    let number: u64 = number.parse().map_err(|_| invalid())?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "ki" | "kib" => 1 << 10,
        "m" | "mi" | "mib" => 1 << 20,
        "g" | "gi" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(format!("unknown unit {unit:?} in size {text:?}")),
    };
    number.checked_mul(factor).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_binary_unless_they_say_otherwise() {
        assert_eq!(parse("16MiB"), Ok(16 << 20));
        assert_eq!(parse("16m"), Ok(16 << 20));
        assert_eq!(parse("16MB"), Ok(16_000_000));
        assert_eq!(parse("512"), Ok(512));
        assert!(parse("MiB").is_err());
        assert!(parse("1.5MiB").is_err());
        assert!(parse("99999999999GiB").is_err());
    }
}
