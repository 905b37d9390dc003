//! The pages in `docs/corefile` are those that the directives make.
//!
//! `UPDATE_PAGES=1 cargo test -p nodens-corefile --test pages` writes them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_checked_in_pages_are_current() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/corefile");
    let pages = nodens_corefile::pages();
    if std::env::var_os("UPDATE_PAGES").is_some() {
        fs::create_dir_all(&directory).unwrap();
        for (name, text) in &pages {
            fs::write(directory.join(name), text).unwrap();
        }
    }
    for (name, text) in &pages {
        let written = fs::read_to_string(directory.join(name)).unwrap_or_default();
        assert!(
            written == *text,
            "docs/corefile/{name} is not current: run with UPDATE_PAGES=1"
        );
    }
    let expected: BTreeSet<String> = pages.into_iter().map(|(name, _)| name).collect();
    let present: BTreeSet<String> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(present, expected, "nothing else is in docs/corefile");
}
