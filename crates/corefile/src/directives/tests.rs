//! Tests that hold for every directive, and what the tests of each one share.

use super::*;
use crate::config::{Config, Defaults, ServerBlock};
use crate::directive::Support;
use crate::error::Problem;
use crate::files::MemoryFiles;
use crate::load::parse;

/// Parses directives inside a block for `example.org`.
pub(crate) fn config(directives: &str) -> Result<Config, Problem> {
    let text = format!("example.org {{\n{directives}\n}}\n");
    let files = MemoryFiles::new().with_file("resolv.conf", "nameserver 192.0.2.1\n");
    parse("Corefile", &text, &files, &Defaults::default())
        .map_err(|error| error.problem().expect("nothing is read").clone())
}

/// The block that the directives configure.
#[track_caller]
pub(crate) fn block(directives: &str) -> ServerBlock {
    match config(directives) {
        Ok(mut config) => config.blocks.remove(0),
        Err(problem) => panic!("{directives}: {problem}"),
    }
}

/// What is wrong with the directives.
#[track_caller]
pub(crate) fn problem(directives: &str) -> Problem {
    config(directives).expect_err(directives)
}

#[test]
fn every_example_of_every_directive_is_accepted() {
    for directive in all() {
        for example in directive.examples {
            let name = directive.name;
            let parsed = parse(
                name,
                example.corefile,
                &MemoryFiles::new(),
                &Defaults::default(),
            );
            let config = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
            let uses = example
                .corefile
                .lines()
                .any(|line| line.trim().starts_with(name));
            assert!(uses, "an example of {name} uses it");
            let without_effect = directive.support == Support::WithoutEffect;
            assert_eq!(
                !config.notes.is_empty(),
                without_effect,
                "{name}: {:?}",
                config.notes
            );
        }
    }
}

#[test]
fn every_directive_is_documented_and_has_an_example() {
    for directive in all() {
        let name = directive.name;
        assert!(
            !directive.summary.is_empty() && !directive.summary.ends_with('.'),
            "{name}"
        );
        assert!(directive.syntax.starts_with(name), "{name}");
        assert!(directive.description.ends_with('.'), "{name}");
        assert!(!directive.examples.is_empty(), "{name}");
        let extended = directive.support == Support::Extended;
        assert!(
            !extended || !directive.differences.is_empty(),
            "{name} says what it adds"
        );
        for setting in directive.settings {
            assert!(setting.meaning.ends_with('.'), "{name}: {}", setting.name);
            assert!(!setting.default.is_empty(), "{name}: {}", setting.name);
        }
    }
}

#[test]
fn the_list_is_sorted_and_complete() {
    assert!(all().is_sorted_by(|left, right| left.name < right.name));
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/directives");
    let mut files: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| name != "tests")
        .collect();
    files.sort();
    let listed: Vec<&str> = all().iter().map(|directive| directive.name).collect();
    assert_eq!(files, listed);
}
