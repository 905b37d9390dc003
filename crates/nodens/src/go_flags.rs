//! Flags as Go programs take them: one dash or two, `-name value` or `-name=value`.
//!
//! `nodens cache` stands in for `node-cache` and CoreDNS, whose manifests say `-conf` and `-pidfile`.

use std::ffi::OsString;

/// The arguments with every `-name` of more than one letter written `--name`.
pub(crate) fn spelled_out(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    arguments
        .map(|argument| match argument.to_str() {
            Some(text) if is_long_with_one_dash(text) => format!("-{text}").into(),
            _ => argument,
        })
        .collect()
}

fn is_long_with_one_dash(text: &str) -> bool {
    let Some(name) = text.strip_prefix('-') else {
        return false;
    };
    let name = name.split('=').next().unwrap_or_default();
    name.len() > 1 && name.starts_with(|first: char| first.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::spelled_out;

    #[test]
    fn one_dash_becomes_two_and_short_flags_and_values_stay() {
        let given = [
            "nodens",
            "-conf=/x",
            "-dns.port",
            "53",
            "-p",
            "--quiet",
            "-",
            "-5s",
        ];
        let expected = [
            "nodens",
            "--conf=/x",
            "--dns.port",
            "53",
            "-p",
            "--quiet",
            "-",
            "-5s",
        ];
        let given = given.into_iter().map(OsString::from);
        assert_eq!(spelled_out(given), expected.map(OsString::from));
    }
}
