//! Flags as Go programs take them: one dash or two, `-name value` or `-name=value`, booleans as `-name` or `-name=false`.
//!
//! `nodens cache` stands in for `node-cache` and CoreDNS, whose manifests say `-conf` and `-setupiptables=false`. Started under the
//! name `node-cache` it is `nodens cache` without the word.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The arguments in the form that the parser takes: with the subcommand, and every `-name` of more than one letter as `--name`.
pub(crate) fn spelled_out(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let program = arguments.first().map(Path::new).and_then(Path::file_name);
    if program == Some(OsStr::new("node-cache")) {
        arguments.splice(..1, ["nodens".into(), "cache".into()]);
    }
    if arguments.get(1).map(OsString::as_os_str) != Some(OsStr::new("cache")) {
        return arguments;
    }
    let mut is_flag = true;
    for argument in &mut arguments[2..] {
        // Nothing after this is a flag.
        is_flag &= argument != "--";
        let text = argument.to_str().filter(|_| is_flag);
        if let Some(text) = text.filter(|text| is_long_with_one_dash(text)) {
            *argument = format!("-{text}").into();
        }
    }
    arguments
}

fn is_long_with_one_dash(text: &str) -> bool {
    let Some(name) = text.strip_prefix('-') else {
        return false;
    };
    let name = name.split('=').next().unwrap_or_default();
    name.len() > 1 && name.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// A boolean as Go's `strconv.ParseBool` takes it.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{boolean, spelled_out};

    fn spelled<const N: usize>(given: [&str; N]) -> Vec<OsString> {
        spelled_out(given.into_iter().map(OsString::from))
    }

    #[test]
    fn one_dash_becomes_two_and_short_flags_and_values_stay() {
        let given = [
            "nodens",
            "cache",
            "-conf=/x",
            "-dns.port",
            "53",
            "-p",
            "--quiet",
            "-",
            "-5s",
            "--",
            "-conf",
        ];
        let expected = [
            "nodens",
            "cache",
            "--conf=/x",
            "--dns.port",
            "53",
            "-p",
            "--quiet",
            "-",
            "-5s",
            "--",
            "-conf",
        ];
        assert_eq!(spelled(given), expected.map(OsString::from));
    }

    #[test]
    fn under_the_name_of_node_cache_the_subcommand_goes_without_saying() {
        let expected = ["nodens", "cache", "--localip", "192.0.2.1"];
        let given = ["/bin/node-cache", "-localip", "192.0.2.1"];
        assert_eq!(spelled(given), expected.map(OsString::from));
    }

    #[test]
    fn other_subcommands_are_left_alone() {
        let given = ["nodens", "manifest", "-mode"];
        assert_eq!(spelled(given), given.map(OsString::from));
    }

    #[test]
    fn booleans_are_those_of_go() {
        assert_eq!(boolean("T"), Ok(true));
        assert_eq!(boolean("0"), Ok(false));
        assert!(boolean("yes").is_err());
    }
}
