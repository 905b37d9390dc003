//! A crate depends only on layers below its own, so that deciding stays apart from doing: what
//! has no socket crate below it cannot open a socket.

use toml::{Table, Value};

use super::Complaint;
use super::tree::Tree;

/// Checks every manifest of the workspace.
pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.ending("Cargo.toml") {
        let Ok(manifest) = text.parse::<Table>() else {
            complaints.push(Complaint::about(path, "is not TOML"));
            continue;
        };
        let Some(package) = manifest.get("package") else {
            continue;
        };
        let name = package
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        complaints.extend(wrong_place(path, name).map(|wrong| Complaint::about(path, wrong)));
        if !has_workspace_lints(&manifest) && !path.starts_with("fuzz/") {
            complaints.push(Complaint::about(path, "lacks `[lints] workspace = true`"));
        }
        for dependency in dependencies(&manifest) {
            let wrong = wrong_dependency(name, dependency);
            complaints.extend(wrong.map(|wrong| Complaint::about(path, wrong)));
        }
    }
    complaints
}

fn has_workspace_lints(manifest: &Table) -> bool {
    let lints = manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"));
    lints.and_then(Value::as_bool) == Some(true)
}

/// The names under `dependencies` and `build-dependencies`, those of single targets included.
/// Tests may use whatever they like.
fn dependencies(manifest: &Table) -> Vec<&str> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets
        .into_iter()
        .flat_map(|targets| targets.values().filter_map(Value::as_table));
    tables
        .chain([manifest])
        .flat_map(|table| ["dependencies", "build-dependencies"].map(|section| table.get(section)))
        .filter_map(|section| section.and_then(Value::as_table))
        .flat_map(|section| section.keys().map(String::as_str))
        .collect()
}

fn wrong_place(path: &str, name: &str) -> Option<String> {
    let directory = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    let expected = if directory == "nodens" {
        directory.to_owned()
    } else {
        format!("nodens-{directory}")
    };
    (name != expected).then(|| format!("the package here is called `{expected}`, not `{name}`"))
}

fn wrong_dependency(name: &str, dependency: &str) -> Option<String> {
    let is_ours = dependency == "nodens" || dependency.starts_with("nodens-");
    if name == "xtask" {
        return is_ours.then(|| format!("`xtask` builds without the workspace: `{dependency}`"));
    }
    let Some(layer) = layer_of(name) else {
        let known = name.starts_with("nodens-fuzz");
        return (!known).then(|| format!("`{name}` has no layer (xtask/src/tidy/layers.rs)"));
    };
    if RUNTIMES.contains(&dependency) && layer < 3 {
        return Some(format!(
            "`{dependency}` is for layer 3 and up, `{name}` is in layer {layer}"
        ));
    }
    if !is_ours || SIDEWAYS.contains(&(short(name), short(dependency))) {
        return None;
    }
    match layer_of(dependency) {
        Some(below) if below < layer => None,
        Some(other) => Some(format!(
            "`{name}` (layer {layer}) may not depend on `{dependency}` (layer {other})"
        )),
        None => Some(format!(
            "`{dependency}` has no layer (xtask/src/tidy/layers.rs)"
        )),
    }
}

/// The layer of a package, given its full or its short name.
pub(crate) fn layer_of(name: &str) -> Option<u8> {
    LAYERS
        .iter()
        .find(|(crate_name, _)| *crate_name == short(name))
        .map(|(_, layer)| *layer)
}

fn short(name: &str) -> &str {
    name.strip_prefix("nodens-").unwrap_or(name)
}

/// 0 vocabulary, 1 decisions, 2 kernel edge, 3 drivers, 4 program.
const LAYERS: &[(&str, u8)] = &[
    ("dns", 0),
    ("packet", 0),
    ("corefile", 0),
    ("facts", 0),
    ("resolve", 1),
    ("traffic", 1),
    ("diagnose", 1),
    ("sys", 2),
    ("serve", 3),
    ("collect", 3),
    ("probe", 3),
    ("load", 3),
    ("lab", 3),
    ("nodens", 4),
];

/// Dependencies within a layer, each one decided on.
const SIDEWAYS: &[(&str, &str)] = &[("collect", "probe")];

/// Async runtimes: a state machine that needs one has taken over a driver's work.
const RUNTIMES: &[&str] = &["tokio", "async-std", "smol", "mio", "futures"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_may_not_depend_on_its_own_layer_or_one_above() {
        assert_eq!(wrong_dependency("nodens-resolve", "nodens-dns"), None);
        assert_eq!(wrong_dependency("nodens-collect", "nodens-probe"), None);
        for (name, dependency) in [
            ("nodens-dns", "nodens-corefile"),
            ("nodens-resolve", "nodens-sys"),
            ("nodens-probe", "nodens-collect"),
            ("nodens-resolve", "nodens-unheard-of"),
            ("xtask", "nodens-dns"),
        ] {
            assert!(
                wrong_dependency(name, dependency).is_some(),
                "{name} -> {dependency}"
            );
        }
    }

    #[test]
    fn an_async_runtime_stays_above_the_kernel_edge() {
        assert!(wrong_dependency("nodens-sys", "tokio").is_some());
        assert_eq!(wrong_dependency("nodens-serve", "tokio"), None);
    }

    #[test]
    fn dependencies_of_one_target_count_and_those_of_tests_do_not() {
        let manifest = "[package]\nname = 'nodens-dns'\n[lints]\nworkspace = true\n\
             [dev-dependencies]\nnodens-lab = '1'\n[target.'cfg(unix)'.dependencies]\nnodens-sys = '1'";
        let complaints = check(&Tree::of(&[("crates/dns/Cargo.toml", manifest)]));
        assert_eq!(complaints.len(), 1, "{complaints:?}");
    }

    #[test]
    fn every_crate_takes_the_lints_of_the_workspace() {
        let complaints = check(&Tree::of(&[(
            "crates/dns/Cargo.toml",
            "[package]\nname = 'nodens-dns'",
        )]));
        assert_eq!(complaints.len(), 1, "{complaints:?}");
    }
}
