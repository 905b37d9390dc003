use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use nodens_corefile::ServerBlock;

use super::*;
use crate::log::Sink;
use crate::metrics::Build;

/// A template and a kube-dns `ConfigMap` as the kubelet mounts them.
struct Mounted {
    root: PathBuf,
    sink: Sink,
    metrics: Arc<Metrics>,
    source: TemplateSource,
}

impl Mounted {
    fn new(test: &str, template: &str) -> Self {
        let root = std::env::temp_dir().join(format!("nodens-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("kube-dns")).unwrap();
        fs::write(root.join("Corefile.base"), template).unwrap();
        let options = TemplateOptions {
            template: root.join("Corefile.base"),
            generated: Some(root.join("Corefile")),
            kube_dns: Directory::Named(root.join("kube-dns")),
            local_addresses: vec!["169.254.20.10".parse().unwrap()],
            upstream_service: "kube-dns".to_owned(),
            cluster_domain: None,
            prometheus: ":9253".to_owned(),
        };
        let (logger, sink) = Sink::new();
        let metrics = Metrics::new(Build {
            version: "0",
            revision: "0",
            compiler: "0",
        });
        let source = TemplateSource::new(options, 53, logger, false, &metrics);
        Self {
            root,
            sink,
            metrics,
            source,
        }
    }

    /// Publishes a `ConfigMap` by swapping the link `..data`.
    fn publish(&self, version: &str, key: &str, value: &str) {
        let directory = self.root.join("kube-dns");
        fs::create_dir(directory.join(version)).unwrap();
        fs::write(directory.join(version).join(key), value).unwrap();
        symlink(version, directory.join("..data_tmp")).unwrap();
        fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
        let link = directory.join(key);
        if !link.is_symlink() {
            symlink(format!("..data/{key}"), link).unwrap();
        }
    }

    fn zones(&mut self) -> Vec<String> {
        let config = self.source.load().unwrap();
        let zones = config.blocks.iter().flat_map(ServerBlock::zones);
        zones.map(str::to_owned).collect()
    }

    fn errors(&self) -> String {
        let text = self.metrics.encode();
        let line = text.lines().find(|line| {
            line.starts_with(r#"coredns_nodecache_setup_errors_total{errortype="configmap"}"#)
        });
        line.unwrap().rsplit(' ').next().unwrap().to_owned()
    }

    /// What was logged since last asked.
    fn log(&self) -> String {
        self.sink.take()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn the_generated_file_holds_what_is_in_force() {
    let mut mounted = Mounted::new("generated", TEMPLATE);
    mounted.publish("..1", "stubDomains", r#"{"a.example": ["192.0.2.1"]}"#);
    assert_eq!(mounted.zones(), [".", "a.example."]);
    let text = fs::read_to_string(mounted.root.join("Corefile")).unwrap();
    assert!(text.starts_with(". {\n  bind 169.254.20.10\n"), "{text}");
    assert!(text.contains("a.example:53 {"), "{text}");
    let log = mounted.log();
    assert!(
        log.contains("[INFO] Updated Corefile with 1 custom stubdomains and upstream servers /etc/resolv.conf\n[INFO] Using config file:\n"),
        "{log}"
    );
    mounted.zones();
    assert_eq!(mounted.log(), "", "nothing has changed");
    assert_eq!(mounted.errors(), "0");
}

#[test]
fn a_config_map_that_is_wrong_leaves_the_last_good_one_in_force() {
    let mut mounted = Mounted::new("last-good", TEMPLATE);
    mounted.publish("..1", "stubDomains", "{");
    assert_eq!(mounted.zones(), ["."]);
    assert!(mounted.log().contains("going on without it"));
    mounted.publish("..2", "stubDomains", r#"{"a.example": ["192.0.2.1"]}"#);
    assert_eq!(mounted.zones(), [".", "a.example."]);
    mounted.publish("..3", "stubDomains", r#"{"b.example": ["ns.example.org"]}"#);
    assert_eq!(mounted.zones(), [".", "a.example."]);
    assert_eq!(mounted.zones(), [".", "a.example."]);
    let log = mounted.log();
    assert_eq!(log.matches("ns.example.org").count(), 1, "{log}");
    assert!(log.contains("going on with the last good one"), "{log}");
    assert_eq!(mounted.errors(), "2");
    mounted.publish("..4", "stubDomains", r#"{"b.example": ["192.0.2.2"]}"#);
    assert_eq!(mounted.zones(), [".", "b.example."]);
}

#[test]
fn a_stub_domain_that_the_template_serves_already_is_left_out() {
    let mut mounted = Mounted::new("served", "example.org {\n  whoami\n}\n");
    mounted.publish("..1", "stubDomains", r#"{"example.org": ["192.0.2.1"]}"#);
    assert_eq!(mounted.source.load().unwrap().blocks.len(), 1);
    let log = mounted.log();
    assert!(log.contains("going on without it"), "{log}");
}

#[test]
fn a_template_that_is_wrong_is_an_error_and_is_never_written() {
    let mut mounted = Mounted::new("template", TEMPLATE);
    mounted.zones();
    let good = fs::read_to_string(mounted.root.join("Corefile")).unwrap();
    fs::write(
        mounted.root.join("Corefile.base"),
        ". {\n  forwards . 192.0.2.1\n}\n",
    )
    .unwrap();
    let problem = mounted.source.load().unwrap_err();
    assert!(problem.contains("Corefile:2 - "), "{problem}");
    let after = fs::read_to_string(mounted.root.join("Corefile")).unwrap();
    assert_eq!(after, good);
    assert!(mounted.source.load().is_err());
    assert_eq!(mounted.errors(), "1");
    fs::remove_file(mounted.root.join("Corefile.base")).unwrap();
    let problem = mounted.source.load().unwrap_err();
    assert!(problem.contains("read the template Corefile"), "{problem}");
}

#[test]
fn a_place_that_cannot_be_written_to_is_said_and_no_reason_to_stop() {
    let mut mounted = Mounted::new("unwritable", TEMPLATE);
    mounted.source.options.generated = Some(mounted.root.join("missing/Corefile"));
    assert_eq!(mounted.zones(), ["."]);
    let log = mounted.log();
    assert!(log.contains("[WARNING] write "), "{log}");
    assert_eq!(mounted.errors(), "1");
}

#[test]
fn a_named_directory_must_be_there_and_the_usual_one_may_be_missing() {
    let mut mounted = Mounted::new("missing", TEMPLATE);
    let missing = mounted.root.join("missing");
    mounted.source.options.kube_dns = Directory::Usual(missing.clone());
    mounted.zones();
    assert_eq!(mounted.errors(), "0");
    mounted.source.options.kube_dns = Directory::Named(missing);
    mounted.zones();
    assert_eq!(mounted.errors(), "1");
}

#[test]
fn a_domain_that_had_to_be_assumed_is_said() {
    let template = "# comment\n__PILLAR__DNS__DOMAIN__ {\n  whoami\n}\n";
    let mut mounted = Mounted::new("domain", template);
    let config = mounted.source.load().unwrap();
    assert_eq!(config.blocks[0].keys[0].zone, "cluster.local.");
    assert_eq!(config.notes[0].position.line, 2);
    mounted.source.options.cluster_domain = Some("corp.example".to_owned());
    let config = mounted.source.load().unwrap();
    assert_eq!(config.blocks[0].keys[0].zone, "corp.example.");
    assert!(config.notes.is_empty());
}

const TEMPLATE: &str =
    ". {\n  bind __PILLAR__LOCAL__DNS__\n  forward . __PILLAR__UPSTREAM__SERVERS__\n}\n";
