//! Tests of the grammar: blocks, imports, snippets, variables.

use std::path::Path;

use crate::config::{Config, Defaults};
use crate::files::MemoryFiles;
use crate::load::{load, parse};

#[track_caller]
fn config_with(text: &str, files: &MemoryFiles) -> Config {
    parse("/etc/coredns/Corefile", text, files, &Defaults::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn config(text: &str) -> Config {
    config_with(text, &MemoryFiles::new())
}

#[track_caller]
fn error_with(text: &str, files: &MemoryFiles) -> String {
    parse("Corefile", text, files, &Defaults::default())
        .expect_err(text)
        .to_string()
}

#[track_caller]
fn error(text: &str) -> String {
    error_with(text, &MemoryFiles::new())
}

/// Zones and ports of each block.
fn keys(config: &Config) -> Vec<String> {
    let block_keys = |block: &crate::ServerBlock| {
        let keys: Vec<String> = block
            .keys
            .iter()
            .map(|key| format!("{}:{}", key.zone, key.port))
            .collect();
        keys.join(" ")
    };
    config.blocks.iter().map(block_keys).collect()
}

#[test]
fn an_empty_file_has_no_blocks() {
    assert!(config("").blocks.is_empty());
    assert!(config("# nothing\n").blocks.is_empty());
}

#[test]
fn blocks_have_several_keys_and_commas_continue_them() {
    let config = config("a.example b.example:1053,\n  C.example { \n whoami\n}\n. {\n}\n");
    assert_eq!(
        keys(&config),
        ["a.example.:53 b.example.:1053 c.example.:53", ".:53"]
    );
    assert!(config.blocks[0].whoami && !config.blocks[1].whoami);
    assert_eq!(config.blocks[0].keys[2].position.line, 2);
}

#[test]
fn a_single_block_needs_no_braces() {
    let config = config("example.org\nwhoami\nlog\n");
    assert!(config.blocks[0].whoami);
    assert_eq!(config.blocks[0].log.len(), 1);
    assert_eq!(keys(&self::config("example.org")), ["example.org.:53"]);
}

#[test]
fn the_brace_may_be_on_a_line_of_its_own() {
    assert!(config(".\n{\nwhoami\n}").blocks[0].whoami);
}

#[test]
fn the_last_brace_may_be_missing_after_the_brace_of_a_directive() {
    assert_eq!(config(". {\nhealth {\nlameduck 1s\n}\n").blocks.len(), 1);
}

#[test]
fn keys_have_schemes_ports_and_networks() {
    let defaults = Defaults { port: 1053 };
    let text = "dns://example.org 192.0.2.0/24:5353 198.51.100.0/23 2001:db8::/32 {\n}";
    let config = parse("Corefile", text, &MemoryFiles::new(), &defaults).unwrap();
    assert_eq!(
        keys(&config),
        [
            "example.org.:1053 2.0.192.in-addr.arpa.:5353 100.51.198.in-addr.arpa.:1053 \
          101.51.198.in-addr.arpa.:1053 8.b.d.0.1.0.0.2.ip6.arpa.:1053"
        ]
    );
}

#[test]
fn wrong_keys_are_refused() {
    for (text, message) in [
        (
            "example.org: {\n}",
            "expecting data after last colon: \"example.org:\"",
        ),
        (":53 {\n}", "zone is not a valid domain name: "),
        ("a..b {\n}", "zone is not a valid domain name: a..b"),
        ("example.org:99999 {\n}", "invalid port \"99999\""),
        (
            "tls://example.org {\n}",
            "cannot serve 'tls://example.org': only plain DNS is served",
        ),
        ("::/8 {\n}", "invalid CIDR ::/8"),
    ] {
        let error = error(text);
        let expected = format!("Corefile:1 - Error during parsing: {message} (column 1");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn a_zone_is_served_once_per_port_and_address() {
    for (text, message) in [
        (
            ". {\n}\n. {\n}",
            "Corefile:3 - Error during parsing: cannot serve dns://.:53 - it is already defined",
        ),
        (
            "a A {\n}",
            "Corefile:1 - Error during parsing: cannot serve dns://a.:53 - it is already defined",
        ),
        (
            "a {\nbind 192.0.2.1 192.0.2.2\n}\na {\nbind 192.0.2.2\n}",
            "Corefile:4 - Error during parsing: cannot serve dns://a.:53 on 192.0.2.2 - it is already defined",
        ),
        (
            "a {\nbind 192.0.2.1\n}\na {\n}",
            "Corefile:4 - Error during parsing: cannot serve dns://a.:53 - zone overlap listener \
             capacity with dns://a.:53 on 192.0.2.1",
        ),
        (
            "a {\n}\na {\nbind 192.0.2.1\n}",
            "Corefile:3 - Error during parsing: cannot serve dns://a.:53 on 192.0.2.1 - zone \
             overlap listener capacity with dns://a.:53",
        ),
    ] {
        let error = error(text);
        assert!(error.starts_with(message), "{error}");
    }
    config("a {\nbind 192.0.2.1\n}\na {\nbind 192.0.2.2\n}\na:54 {\n}\nb {\n}");
}

#[test]
fn unknown_directives_are_named_with_the_nearest_known() {
    assert_eq!(
        error(".:53 {\n    errors\n    foward . 192.0.2.1\n}"),
        "Corefile:3 - Error during parsing: Unknown directive 'foward' \
         (column 5, at 'foward': expected a directive; did you mean 'forward'?)"
    );
    assert!(error(". {\nbogusplugin\nkubernetes\n}").contains("Unknown directive 'bogusplugin'"));
}

#[test]
fn directives_of_coredns_that_are_not_here_are_refused_by_name() {
    let error = error(". {\n  errors\n  kubernetes cluster.local {\n  }\n}");
    assert!(
        error.starts_with(
            "Corefile:3 - Error during parsing: the directive 'kubernetes' is not supported: \
             this looks like the Corefile of the cluster's own DNS servers"
        ),
        "{error}"
    );
    assert!(error.contains("(column 3, at 'kubernetes'"), "{error}");
    for (name, _) in crate::unsupported::REFUSED {
        let error = self::error(&format!(". {{\n{name} a {{\nb\n}}\n}}"));
        assert!(
            error.contains(&format!("the directive '{name}' is not supported: ")),
            "{error}"
        );
    }
}

#[test]
fn misplaced_braces_and_ends_are_found() {
    for (text, message) in [
        (
            ". {\nwhoami }",
            "Corefile:2 - Error during parsing: Unexpected '}' because no matching",
        ),
        (
            ". {\nwhoami\n",
            "Corefile:2 - Syntax error: Unexpected token 'whoami', expecting '}'",
        ),
        (
            ". {\nhealth {\nlameduck 1s\n",
            "Corefile:3 - Error during parsing: Unexpected EOF",
        ),
        (".,", "Corefile:1 - Error during parsing: Unexpected EOF"),
        (
            "., {\n}",
            "Corefile:1 - Error during parsing: Expected another address but had '{' - check for",
        ),
        (
            ". {\n{\n}\n}",
            "Corefile:2 - Error during parsing: Unknown directive '{'",
        ),
        (
            ". {\nerrors\n{\nstacktrace\n}\n}",
            "plugin/errors: Corefile:3 - Error during parsing: unexpected",
        ),
        ("(a)\n", ""),
        (
            "(a)\nerrors",
            "Corefile:2 - Syntax error: Unexpected token 'errors', expecting '{'",
        ),
        (
            "(a) {\n",
            "Corefile:1 - Syntax error: Unexpected token '{', expecting '}'",
        ),
    ] {
        if message.is_empty() {
            continue;
        }
        let error = error(text);
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn an_error_in_an_argument_names_the_directive_and_points_at_the_token() {
    assert_eq!(
        error(". {\n    cache 0\n}"),
        "plugin/cache: Corefile:2 - Error during parsing: cache TTL can not be zero or negative: \
         0 (column 11, at '0': expected a number of seconds, 1 or more)"
    );
}

#[test]
fn snippets_are_imported_anywhere_after_them() {
    let config = config(
        "(common) {\n    errors\n    log {$ZONE}\n}\n(limits) {\n    success 5000\n}\n\
         a {\n    import common\n    cache {\n        import limits\n        denial 6000\n    }\n}\n\
         b {\n    whoami\n    import common\n}\n",
    );
    assert!(config.blocks[0].errors.is_some() && config.blocks[1].errors.is_some());
    let cache = config.blocks[0].cache.as_ref().unwrap();
    assert_eq!(
        (cache.success.capacity, cache.denial.capacity),
        (5000, 6000)
    );
    assert!(config.blocks[1].whoami);
}

#[test]
fn a_snippet_may_hold_whole_blocks() {
    let config = config("(blocks) {\na {\nwhoami\n}\nb {\n}\n}\n. {\n}\nimport blocks\n");
    assert_eq!(keys(&config), [".:53", "a.:53", "b.:53"]);
}

#[test]
fn files_are_imported_relative_to_the_importing_file() {
    let files = MemoryFiles::new()
        .with_file("/etc/coredns/custom/a.override", "log\nimport ../shared\n")
        .with_file("/etc/coredns/custom/b.override", "errors")
        .with_file("/etc/coredns/custom/c.server", "c {\n  whoami\n}\n")
        .with_file("/etc/coredns/shared", "forward . {$UPSTREAM}")
        .with_variable("UPSTREAM", "192.0.2.1");
    let config = config_with(
        ". {\n    import custom/*.override\n    whoami\n}\nimport custom/*.server\n",
        &files,
    );
    assert_eq!(keys(&config), [".:53", "c.:53"]);
    let block = &config.blocks[0];
    assert!(block.whoami && block.errors.is_some() && block.log.len() == 1);
    assert_eq!(&*block.forward[0].position.file, "/etc/coredns/shared");
    assert_eq!(
        config.sources,
        [
            "/etc/coredns/custom/a.override",
            "/etc/coredns/custom/b.override",
            "/etc/coredns/shared",
            "/etc/coredns/custom/c.server"
        ]
        .map(std::path::PathBuf::from)
    );
}

#[test]
fn loading_lists_the_corefile_itself_first() {
    let files = MemoryFiles::new()
        .with_file("dir/Corefile", ". {\nimport more\n}")
        .with_file("dir/more", "whoami");
    let config = load(Path::new("dir/Corefile"), &files, &Defaults::default()).unwrap();
    assert_eq!(
        config.sources,
        ["dir/Corefile", "dir/more"].map(std::path::PathBuf::from)
    );
    let missing = load(Path::new("none"), &files, &Defaults::default()).unwrap_err();
    assert_eq!(missing.to_string(), "read the Corefile none");
    assert!(missing.position().is_none());
}

#[test]
fn an_error_in_an_imported_file_is_located_in_it() {
    let files = MemoryFiles::new().with_file("/etc/x", "\n  cache 0");
    let error = error_with(". {\nimport /etc/x\n}", &files);
    assert!(
        error.starts_with("plugin/cache: /etc/x:2 - Error during parsing: cache TTL"),
        "{error}"
    );
}

#[test]
fn a_pattern_without_files_is_noted_and_a_missing_file_is_an_error() {
    let config = config(". {\nimport custom/*.override\n}");
    assert_eq!(
        config.notes[0].message,
        "No files matching import glob pattern: custom/*.override"
    );
    for (text, message) in [
        (
            ". {\nimport missing\n}",
            "File to import not found: missing",
        ),
        (
            ". {\nimport\n}",
            "Wrong argument count or unexpected line ending after 'import'",
        ),
        (
            ". {\nimport a b\n}",
            "Import takes only one argument (glob pattern or file)",
        ),
        (
            ". {\nimport \"\"\n}",
            "Import requires a non-empty filepath",
        ),
        (
            ". {\nimport {$UNSET}\n}",
            "Import requires a non-empty filepath",
        ),
        (
            ". {\nimport */*.x\n}",
            "Glob pattern may only contain one wildcard (*)",
        ),
        (
            ". {\nimport [a]\n}",
            "Glob pattern may only contain one wildcard (*)",
        ),
        (
            "(a) {\n}\n(a) {\n}",
            "redeclaration of previously declared snippet a",
        ),
    ] {
        let error = error(text);
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn imports_that_import_themselves_end() {
    let files = MemoryFiles::new()
        .with_file("/self", "import /self\n")
        .with_file("/one", "import /two\nimport /two\n")
        .with_file("/two", "import /one\nimport /one\n");
    for text in [
        "(a) {\nimport a\n}\n. {\nimport a\n}",
        "(a) {\nimport b\n}\n(b) {\nimport a\nimport a\n}\n. {\nimport a\n}",
        ". {\nimport /self\n}",
        "import /one",
    ] {
        let error = error_with(text, &files);
        assert!(
            error.contains("maximum import depth (100) exceeded"),
            "{error}"
        );
    }
}

#[test]
fn snippets_that_double_each_time_end() {
    let double = |level: u32| {
        let before = level - 1;
        format!("(s{level}) {{\nimport s{before}\nimport s{before}\n}}\n")
    };
    let snippets: String = (1..40).map(double).collect();
    let text = format!("(s0) {{\nlog\nlog\n}}\n{snippets}. {{\nimport s39\n}}\n");
    assert!(error(&text).contains("maximum snippet import depth (10000) exceeded"));
}

#[test]
fn variables_are_replaced_in_keys_names_and_arguments() {
    let files = MemoryFiles::new()
        .with_variable("PORT", "1053")
        .with_variable("WHO", "whoami")
        .with_variable("TO", "192.0.2.1");
    let config = config_with(".:{$PORT} {\n{$WHO}\nforward . {%TO%}\n}", &files);
    assert_eq!(keys(&config), [".:1053"]);
    assert!(config.blocks[0].whoami);
}

#[test]
fn a_block_without_a_zone_is_ignored_with_a_note() {
    let config = config("{$ZONE} {\nwhoami\n}\na {\n}\n");
    assert_eq!(keys(&config), ["a.:53"]);
    assert_eq!(
        config.notes[0].message,
        "a server block without a zone is ignored"
    );
}

#[test]
fn the_fingerprint_is_about_what_is_said_not_how() {
    let files = MemoryFiles::new()
        .with_file("/etc/coredns/part", "cache 30")
        .with_variable("TTL", "30");
    let fingerprint = |text: &str| config_with(text, &files).tokens_fingerprint;
    let original = fingerprint(". {\n    errors\n    cache 30\n}\n");
    for same in [
        "# comment\n. {\n\n  errors # all\n\tcache \"30\"\n}",
        ". {\n    errors\n    import part\n}\n",
        ". {\n    errors\n    cache {$TTL}\n}\n",
    ] {
        assert_eq!(fingerprint(same), original, "{same}");
    }
    for other in [
        ". {\n    errors\n    cache 31\n}\n",
        ". {\n    cache 30\n}\n",
        ".:54 {\n    errors\n    cache 30\n}\n",
        ". {\n    errors\n}\na {\n    cache 30\n}\n",
    ] {
        assert_ne!(fingerprint(other), original, "{other}");
    }
    assert_eq!(original.to_string().len(), 128);
}
