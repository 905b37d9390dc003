//! A Corefile: parsing ends, an error points into the file, and what is accepted can be made ready or
//! is refused with its place.

use std::error::Error;
use std::sync::Arc;

use nodens_corefile::{Config, Defaults, MemoryFiles, Position, ServerBlock, directives, parse};
use nodens_dns::Name;
use nodens_resolve::{BlockSurroundings, Resolver, Shared, Surroundings};

use crate::signature::Signature;
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "corefile",
    run: target,
    seeds,
    words: crate::dictionary::corefile,
};

/// Runs one input.
pub fn target(data: &[u8]) -> Signature {
    let text = String::from_utf8_lossy(data);
    let files = MemoryFiles::new()
        .with_file("more", "log\nimport more\n")
        .with_file("part", "errors\n")
        .with_file("/etc/resolv.conf", "nameserver 192.0.2.53\n")
        .with_variable("VARIABLE", "{$VARIABLE} 192.0.2.1");
    let mut signature = Signature::new();
    match parse("Corefile", &text, &files, &Defaults::default()) {
        Ok(config) => {
            signature.magnitude("blocks", config.blocks.len());
            signature.magnitude("notes", config.notes.len());
            for note in &config.notes {
                points_into(&note.position, &text);
                signature.note(note.directive, 0_u8);
            }
            make_ready(&config, &mut signature);
        }
        Err(error) => {
            let problem = error.problem().expect("the text itself need not be read");
            points_into(&problem.position, &text);
            assert!(!error.to_string().is_empty());
            signature.note(problem.directive.unwrap_or("no directive"), 1_u8);
            // The first words say which check failed; the others may be the file's own.
            let first = problem
                .message
                .split(' ')
                .take_while(|word| is_ours(word) && !problem.token.contains(word))
                .take(3);
            signature.error("problem", &first.collect::<Vec<_>>().join(" "));
        }
    }
    signature
}

/// Whether a word of a message may be one of the program's.
fn is_ours(word: &str) -> bool {
    word.len() < 12 && word.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Whether there is such a place.
fn points_into(position: &Position, text: &str) {
    if &*position.file != "Corefile" {
        return;
    }
    assert!(position.line >= 1 && position.column >= 1, "{position}");
    let index = usize::try_from(position.line - 1).unwrap_or(usize::MAX);
    let line = text.split('\n').nth(index);
    let Some(line) = line else {
        panic!("{position} is behind the end")
    };
    let columns = line.chars().count();
    let column = usize::try_from(position.column).unwrap_or(usize::MAX);
    assert!(
        column <= columns.max(1),
        "{position} is behind the end of a line of {columns}"
    );
}

/// Builds the resolver, unless its caches would take all memory of the machine that tests.
fn make_ready(config: &Config, signature: &mut Signature) {
    for zone in config.blocks.iter().flat_map(ServerBlock::zones) {
        let name: Result<Name, _> = zone.parse();
        assert!(name.is_ok(), "{zone:?} is a zone and no name: {name:?}");
    }
    let caches = config
        .blocks
        .iter()
        .filter_map(|block| block.cache.as_ref());
    let sides = caches.flat_map(|cache| [&cache.success, &cache.denial]);
    let most = sides.map(|side| side.capacity).fold(0, u64::saturating_add);
    if most > MOST_ANSWERS || config.blocks.len() > MOST_BLOCKS {
        return;
    }
    let around = BlockSurroundings {
        addresses: vec![[0; 4].into()],
        ..Default::default()
    };
    let surroundings = Surroundings {
        servers_of: &|_| vec![([192, 0, 2, 53], 53).into()],
        blocks: vec![around; config.blocks.len()],
    };
    let shared = Arc::new(Shared::new(1));
    match Resolver::new(&shared, config, &surroundings, None) {
        Ok(resolver) => signature.magnitude("upstreams", resolver.upstreams().len()),
        Err(error) => {
            let place = error.to_string();
            assert!(
                place.starts_with("Corefile:") || place.contains(NO_PLACE),
                "{place}"
            );
            signature.note("not ready", error.source().is_some());
        }
    }
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = vec![
        ("stock", STOCK.as_bytes().to_vec()),
        ("snippets", SNIPPETS.as_bytes().to_vec()),
        ("quotes", QUOTES.as_bytes().to_vec()),
        ("templates", TEMPLATES.as_bytes().to_vec()),
    ];
    for directive in directives() {
        let examples: String = directive
            .examples
            .iter()
            .map(|example| example.corefile)
            .collect();
        seeds.push((directive.name, examples.into_bytes()));
    }
    seeds
}

/// The one limit that belongs to no line.
const NO_PLACE: &str = "more than 65,535";
const MOST_ANSWERS: u64 = 50_000;
const MOST_BLOCKS: usize = 20;

const STOCK: &str = "cluster.local:53 {\n    errors\n    cache {\n        success 9984 30\n        \
    denial 9984 5\n    }\n    reload\n    loop\n    bind 169.254.20.10 10.96.0.10\n    \
    forward . 10.96.0.11 {\n        force_tcp\n    }\n    prometheus :9253\n    \
    health 169.254.20.10:8080\n}\n.:53 {\n    errors\n    cache 30\n    reload\n    loop\n    \
    bind 169.254.20.10 10.96.0.10\n    forward . /etc/resolv.conf\n    prometheus :9253\n}\n";
const SNIPPETS: &str = "(common) {\n    errors\n    cache 30\n}\nexample.org {\n    import common\n    \
    import part\n    forward . {$VARIABLE}\n}\n10.0.0.0/8 2001:db8::/32 {\n    import more\n    whoami\n}\n";
const QUOTES: &str = "\u{feff}. {\n    log . \"{remote} \\\"{name}\\\"\n{type}\" {\n        class denial error\n    \
    }\r\n    # a comment\n    whoami # another\n}\n";
const TEMPLATES: &str = "example.org {\n    template IN A {\n        match ^(?P<a>[0-9]+)[.] \n        \
    answer \"{{ .Name }} 60 IN A 192.0.2.{{ .Group.a }}\"\n        authority \"{{ range $i, $m := .Match }}{{ $m }}\
    {{ else }}none{{ end }}\"\n        fallthrough\n    }\n    template ANY ANY {\n        rcode NXDOMAIN\n        \
    ederror 15 \"{{\"\n    }\n    forward . 192.0.2.1\n}\n";
