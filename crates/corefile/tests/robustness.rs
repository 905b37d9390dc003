//! Whatever the text, parsing ends, and with an error that points into it.

use std::fs;
use std::path::Path;

use nodens_corefile::{
    Defaults, MemoryFiles, directives, hosts_entries, parse, resolv_conf_servers,
};
use proptest::prelude::*;

/// Parses, and checks what an error says about where it is.
fn check(text: &str) {
    let files = MemoryFiles::new()
        .with_file("more", "log\nimport more\n")
        .with_file("part", "errors\n")
        .with_variable("A", "{$A} x");
    match parse("Corefile", text, &files, &Defaults::default()) {
        Ok(config) => {
            for block in &config.blocks {
                assert!(!block.keys.is_empty());
                for zone in block.zones() {
                    assert!(zone.ends_with('.'));
                }
            }
        }
        Err(error) => {
            let position = error.position().expect("nothing is read but imports");
            assert!(position.line >= 1 && position.column >= 1, "{error}");
            let lines = text.matches('\n').count() + 1;
            if &*position.file == "Corefile" {
                assert!(position.line as usize <= lines, "{error}");
            }
            assert!(!error.to_string().is_empty());
        }
    }
}

/// Words that mean something in a Corefile, and some that do not.
fn word() -> impl Strategy<Value = String> {
    let mut words: Vec<String> = directives()
        .iter()
        .map(|entry| entry.name.to_owned())
        .collect();
    for directive in directives() {
        words.extend(directive.syntax.split_whitespace().map(str::to_owned));
        for example in directive.examples {
            words.extend(example.corefile.split_whitespace().map(str::to_owned));
        }
    }
    let punctuation = [
        "{", "}", "\n", "\n", "\n", "\"", "#", ",", "(a)", "import", "a", "more",
    ];
    words.extend(punctuation.map(str::to_owned));
    words.extend(
        [
            "part",
            "{$A}",
            "0",
            "-1",
            "99999999999999999999",
            "0s",
            "-5s",
            "%",
        ]
        .map(str::to_owned),
    );
    prop_oneof![9 => proptest::sample::select(words), 1 => any::<String>()]
}

/// The Corefiles of the tests and examples, to be damaged.
fn corefile() -> impl Strategy<Value = String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corefiles");
    let entries = fs::read_dir(directory).expect("the directory is part of the crate");
    let mut texts: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .collect();
    texts.sort();
    for directive in directives() {
        texts.extend(
            directive
                .examples
                .iter()
                .map(|example| example.corefile.to_owned()),
        );
    }
    proptest::sample::select(texts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn arbitrary_words_never_panic(words in proptest::collection::vec(word(), 0..60)) {
        check(&words.join(" "));
        check(&format!(". {{\n{}\n}}\n", words.join(" ")));
    }

    #[test]
    fn arbitrary_arguments_of_every_directive_never_panic(
        index in 0..directives().len(),
        words in proptest::collection::vec(word(), 0..12),
    ) {
        let name = directives()[index].name;
        check(&format!(". {{\n{name} {}\n}}\n", words.join(" ")));
        check(&format!(". {{\n{name} . 192.0.2.1 {{\n{}\n}}\n}}\n", words.join(" ")));
    }

    #[test]
    fn damaged_corefiles_never_panic(
        text in corefile(),
        place in any::<prop::sample::Index>(),
        length in 0..40_usize,
        instead in prop_oneof![Just(String::new()), word()],
    ) {
        let characters: Vec<char> = text.chars().collect();
        let start = place.index(characters.len());
        let end = (start + length).min(characters.len());
        let mut damaged: String = characters[..start].iter().collect();
        damaged.push_str(&instead);
        damaged.extend(&characters[end..]);
        check(&damaged);
    }

    #[test]
    fn arbitrary_files_of_addresses_never_panic(text in any::<String>()) {
        resolv_conf_servers(&text);
        hosts_entries(&text);
    }
}

#[test]
fn deep_nesting_and_long_lines_end() {
    check(&"{".repeat(100_000));
    check(&"{ ".repeat(100_000));
    check(&format!(". {{ errors {} ", "{ ".repeat(100_000)));
    check(&format!("{} {{\n}}", "a, ".repeat(50_000)));
    check(&format!(
        ". {{\nforward . {}\n}}",
        "192.0.2.1 ".repeat(50_000)
    ));
    check(&format!(
        ". {{\nrewrite name regex {} x\n}}",
        "(a".repeat(4_000)
    ));
    check(&format!(
        ". {{\nrewrite name regex {} x\n}}",
        "(".repeat(4_000) + &")".repeat(4_000)
    ));
    check(&format!(". {{\nlog \"{}\n}}", "x\n".repeat(100_000)));
}
