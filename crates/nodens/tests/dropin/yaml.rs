//! YAML as paths and values, so that two documents can be compared by what they say.

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};

/// Every scalar of a document under its path: `spec.template.spec.containers[node-cache].image`.
pub(crate) type Paths = BTreeMap<String, String>;

/// The documents of a stream.
pub(crate) fn documents(text: &str) -> Vec<Paths> {
    let documents = Yaml::load_from_str(text).unwrap();
    let paths = documents.iter().map(|document| {
        let mut paths = Paths::new();
        collect("", document, &mut paths);
        paths
    });
    paths.collect()
}

fn collect(path: &str, node: &Yaml<'_>, paths: &mut Paths) {
    match node {
        Yaml::Mapping(mapping) => {
            for (key, value) in mapping {
                let key = key.as_str().expect("keys are text");
                let dot = if path.is_empty() { "" } else { "." };
                collect(&format!("{path}{dot}{key}"), value, paths);
            }
        }
        Yaml::Sequence(elements) => {
            for (index, element) in elements.iter().enumerate() {
                let name = element
                    .as_mapping_get("name")
                    .and_then(Yaml::as_str)
                    .map_or_else(|| index.to_string(), str::to_owned);
                collect(&format!("{path}[{name}]"), element, paths);
            }
        }
        Yaml::Value(scalar) => {
            let text = match scalar {
                Scalar::String(text) => format!("{text:?}"),
                Scalar::Integer(number) => number.to_string(),
                Scalar::Boolean(truth) => truth.to_string(),
                other => panic!("{path}: {other:?} has no place in a manifest"),
            };
            let before = paths.insert(path.to_owned(), text);
            assert!(before.is_none(), "{path} is there twice");
        }
        other => panic!("{path}: {other:?} has no place in a manifest"),
    }
}
