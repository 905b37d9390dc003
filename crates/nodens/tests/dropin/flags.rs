//! The command line of node-cache.

use std::process::{Command, Output};

fn cache(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nodens"));
    command.arg("cache").args(arguments).output().unwrap()
}

#[test]
fn every_flag_is_taken_with_one_dash_and_with_two() {
    let flags = [
        "localip=169.254.20.10,2001:db8::a,",
        "setupinterface",
        "interfacename=nodelocaldns",
        "setupiptables=false",
        "syncinterval=60ns",
        "syncinterval=60",
        "metrics-listen-address=0.0.0.0:9353",
        "prometheus-listen-address=:9253",
        "corefile=/etc/Corefile",
        "kubednscm=/etc/kube-dns",
        "upstreamsvc=kube-dns-upstream",
        "health-port=8080",
        "skipteardown=T",
        "reloadwithsignal=1",
        "pidfile=/tmp/node-cache.pid",
        "dns.port=53",
        "p=53",
        "quiet=false",
        "plugins=F",
        "version=0",
        "conf=stdin",
        "check",
    ];
    for dashes in ["-", "--"] {
        let arguments: Vec<String> = flags.iter().map(|flag| format!("{dashes}{flag}")).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = cache(&arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "stdin: can be used\n"
        );
    }
}

#[test]
fn a_flag_that_is_wrong_is_named_with_its_value_and_what_was_expected() {
    for (arguments, status, parts) in [
        (
            &["-syncinterval", "soon"][..],
            2,
            &["syncinterval", "'soon'", "such as 60"][..],
        ),
        (
            &["-setupiptables=maybe"],
            2,
            &["setupiptables", "'maybe'", "true or false"],
        ),
        (
            &["-health-port", "0"],
            2,
            &["health-port", "'0'", "between 1 and 65535"],
        ),
        (
            &["-metrics-listen-address", "9353"],
            2,
            &["metrics-listen-address", "'9353'", "ADDRESS:PORT"],
        ),
        (
            &["-interfacename", "a/b"],
            2,
            &["interfacename", "'a/b'", "15 characters"],
        ),
        (&["-no-such-flag"], 2, &["no-such-flag"]),
        (
            &["-localip", "169.254.20.10,localhost"],
            1,
            &["-localip", "\"localhost\"", "IPv4 and IPv6"],
        ),
        (
            &["-localip", "0.0.0.0"],
            1,
            &["-localip", "0.0.0.0", "-setupinterface=false"],
        ),
        (
            &["-basecorefile", "/nonexistent"],
            1,
            &["-basecorefile", "/nonexistent", "expected a template"],
        ),
        (
            &["-setupiptables", "false"],
            1,
            &[
                "extra command line arguments: [false]",
                "-setupiptables=false",
            ],
        ),
        (
            &["Corefile", "-quiet"],
            1,
            &["extra command line arguments: [Corefile"],
        ),
    ] {
        let output = cache(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
        for part in parts {
            assert!(
                text.contains(part),
                "{arguments:?}: {part:?} is not in: {text}"
            );
        }
    }
}

#[test]
fn what_is_only_printed_needs_no_configuration() {
    let text = |arguments: &[&str]| String::from_utf8(cache(arguments).stdout).unwrap();
    assert!(text(&["-version"]).starts_with("nodens-"));
    assert!(text(&["-plugins"]).contains("  forward "));
}

#[test]
fn the_document_has_a_row_for_every_flag() {
    let document = include_str!("../../../../docs/node-cache-flags.md");
    let help = String::from_utf8(cache(&["-help"]).stdout).unwrap();
    let flags = help.lines().filter_map(|line| {
        let (_, flag) = line.split_once("--")?;
        let is_entry = line.starts_with(' ') && line.trim_start().starts_with('-');
        is_entry.then(|| flag.split([' ', '[', '=']).next().unwrap_or_default())
    });
    let flags: Vec<&str> = flags.filter(|flag| *flag != "help").collect();
    assert!(flags.contains(&"localip"), "{help}");
    for flag in &flags {
        let is_there =
            document.contains(&format!("`-{flag}`")) || document.contains(&format!("`--{flag}`"));
        assert!(is_there, "{flag} is not in the document");
    }
    let rows = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `-"));
    for row in rows {
        let flag = row.split('`').next().unwrap_or_default();
        assert!(flags.contains(&flag), "{flag} is not in the help");
    }
}
