//! `docs/metrics.md` lists every metric family as the program declares it.
//!
//! `UPDATE_PAGES=1 cargo test -p nodens-serve --test metrics_page` writes it.

use std::fmt::Write as _;
use std::path::Path;

use nodens_serve::metrics::{Family, Kind, families};

#[test]
fn the_checked_in_page_of_metrics_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let page = page();
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/metrics.md is not current: run with UPDATE_PAGES=1"
    );
}

fn page() -> String {
    let mut text = String::from(
        "# Metrics\n\nWhat `/metrics` says, family by family. The `coredns_` families have the names, labels and buckets of CoreDNS and node-cache, so dashboards \
         and alerts go on working: per upstream both today's `coredns_proxy_*` and the older `coredns_forward_*`. What those programs cannot say begins with `nodens_`.\n",
    );
    for (title, prefix) in [
        ("Of nodens", "nodens_"),
        ("Of CoreDNS and node-cache", "coredns_"),
        ("Of the process", ""),
    ] {
        let _ = write!(
            text,
            "\n## {title}\n\n| name | kind | labels | meaning |\n|---|---|---|---|\n"
        );
        for family in families::ALL
            .iter()
            .filter(|family| belongs(family, prefix))
        {
            let labels: Vec<String> = family
                .labels
                .iter()
                .map(|label| format!("`{label}`"))
                .collect();
            let kind = match family.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            let _ = writeln!(
                text,
                "| `{}` | {kind} | {} | {} |",
                family.name,
                labels.join(", "),
                family.help
            );
        }
    }
    text
}

fn belongs(family: &Family, prefix: &str) -> bool {
    if prefix.is_empty() {
        !family.name.starts_with("nodens_") && !family.name.starts_with("coredns_")
    } else {
        family.name.starts_with(prefix)
    }
}
