//! Corefiles as they are found in clusters: those of node-local caches are accepted, those of the
//! cluster's own DNS servers are refused by name.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nodens_corefile::{
    BindTarget, Config, Defaults, Error, MemoryFiles, Policy, StaleRefresh, ToTarget, load, parse,
};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corefiles")
}

fn corefiles(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the directory is part of the crate");
    let mut paths: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

/// Parses a Corefile with the variables of its environment.
fn parsed(path: &Path, text: &str) -> Result<Config, Error> {
    let files = MemoryFiles::new().with_variable("MY_HOST_IP", "192.0.2.77");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    parse(&name, text, &files, &Defaults::default())
}

#[track_caller]
fn accepted(name: &str) -> Config {
    let path = directory().join(format!("{name}.Corefile"));
    let text = fs::read_to_string(&path).expect("the file is part of the crate");
    parsed(&path, &text).unwrap_or_else(|error| panic!("{error}"))
}

fn address(to: &ToTarget) -> SocketAddr {
    match to {
        ToTarget::Address { address, .. } => *address,
        ToTarget::File(path) => panic!("{} is a file", path.display()),
    }
}

#[test]
fn every_corefile_of_a_node_local_cache_is_accepted() {
    for path in corefiles(&directory()) {
        let text = fs::read_to_string(&path)
            .unwrap()
            .replace("__PILLAR__CLUSTER__DNS__", "10.100.45.12")
            .replace("__PILLAR__UPSTREAM__SERVERS__", "/etc/resolv.conf");
        let config = parsed(&path, &text).unwrap_or_else(|error| panic!("{error}"));
        assert!(!config.blocks.is_empty());
        for block in &config.blocks {
            assert!(
                block.whoami || !block.forward.is_empty(),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn every_corefile_of_cluster_dns_servers_is_refused_by_name() {
    for path in corefiles(&directory().join("cluster-dns")) {
        let text = fs::read_to_string(&path).unwrap();
        let error = parsed(&path, &text).expect_err("not for a node-local cache");
        let problem = error.problem().unwrap();
        let unknown = path.ends_with("unknown-directive.Corefile");
        let name = if unknown { "bogusplugin" } else { "kubernetes" };
        assert_eq!(problem.token, name);
        let line = text
            .lines()
            .position(|line| line.trim_start().starts_with(name))
            .unwrap()
            + 1;
        assert_eq!(usize::try_from(problem.position.line).unwrap(), line);
        assert_eq!(problem.position.column, 5);
        let expected = if unknown {
            format!("Error during parsing: Unknown directive '{name}'")
        } else {
            format!("Error during parsing: the directive '{name}' is not supported")
        };
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

#[test]
fn the_stock_manifest_means_what_it_says() {
    let config = accepted("stock");
    assert!(config.notes.is_empty());
    assert_eq!(config.blocks.len(), 4);
    let cluster = &config.blocks[0];
    assert_eq!(cluster.keys[0].zone, "cluster.local.");
    assert_eq!(cluster.keys[0].port, 53);
    let bound: Vec<&BindTarget> = cluster.bind[0].to.iter().map(|to| &to.target).collect();
    assert_eq!(
        bound,
        [
            &BindTarget::Address("169.254.20.10".parse().unwrap()),
            &BindTarget::Address("10.96.0.10".parse().unwrap())
        ]
    );
    let cache = cluster.cache.as_ref().unwrap();
    assert_eq!(
        (cache.success.capacity, cache.denial.capacity),
        (9984, 9984)
    );
    assert_eq!(cache.success.max_ttl, Duration::from_secs(30));
    assert_eq!(cache.denial.max_ttl, Duration::from_secs(5));
    assert_eq!(cache.zones, ["cluster.local."]);
    let forward = &cluster.forward[0];
    assert!(forward.force_tcp);
    assert_eq!(
        address(&forward.to[0].target),
        "10.100.45.12:53".parse().unwrap()
    );
    assert_eq!(
        cluster.health.as_ref().unwrap().address.to_string(),
        "169.254.20.10:8080"
    );
    assert_eq!(
        cluster.prometheus.as_ref().unwrap().address.to_string(),
        ":9253"
    );
    assert!(cluster.errors.is_some() && cluster.reload.is_some() && cluster.loop_detection);
    let root = &config.blocks[3];
    assert!(!root.forward[0].force_tcp);
    assert_eq!(
        root.forward[0].to[0].target,
        ToTarget::File(PathBuf::from("/etc/resolv.conf"))
    );
    assert!(root.health.is_none());
}

#[test]
fn the_stock_manifest_before_start_has_a_variable_to_replace() {
    let path = directory().join("before-start.Corefile");
    let text = fs::read_to_string(&path).unwrap();
    let error = parsed(&path, &text).expect_err("a variable was not replaced");
    let problem = error.problem().unwrap();
    assert_eq!(problem.token, "__PILLAR__CLUSTER__DNS__");
    assert_eq!(
        problem.expected,
        "an address in place of the variable, which was not replaced"
    );
}

#[test]
fn ipv6_addresses_are_read_with_and_without_brackets() {
    let config = accepted("stock-ipv6");
    let health = config.blocks[0].health.as_ref().unwrap();
    assert_eq!(health.address.to_string(), "[fd00:90::10]:8080");
    let upstreams: Vec<SocketAddr> = config.blocks[3].forward[0]
        .to
        .iter()
        .map(|to| address(&to.target))
        .collect();
    assert_eq!(
        upstreams,
        [
            "[2001:db8::53]:53".parse().unwrap(),
            "[2001:db8::54]:53".parse().unwrap()
        ]
    );
}

#[test]
fn kubespray_uses_a_variable_and_blocks_with_two_zones() {
    let config = accepted("kubespray");
    let external = &config.blocks[0];
    let zones: Vec<&str> = external.zones().collect();
    assert_eq!(zones, ["internal.example.org.", "corp.example.org."]);
    assert_eq!(
        external.prometheus.as_ref().unwrap().address.to_string(),
        "192.0.2.77:9253"
    );
    let hosts = external.hosts.as_ref().unwrap();
    assert_eq!(hosts.path, PathBuf::from("/etc/coredns/hosts"));
    assert_eq!(hosts.fallthrough, ["."]);
    let secondary = accepted("kubespray-secondary");
    assert!(secondary.blocks[0].forward[0].prefer_udp);
    assert_eq!(
        secondary.blocks[0].health.as_ref().unwrap().lameduck,
        Duration::from_secs(20)
    );
}

#[test]
fn stale_answers_are_configured_in_several_forms() {
    let stale = accepted("serve-stale").blocks[0]
        .cache
        .clone()
        .unwrap()
        .serve_stale
        .unwrap();
    assert_eq!(stale.refresh, StaleRefresh::Immediate);
    let config = accepted("localdns");
    let cluster = config.blocks[2].cache.as_ref().unwrap();
    assert_eq!(
        cluster.serve_stale.unwrap().refresh,
        StaleRefresh::Verify { timeout: None }
    );
    assert_eq!(cluster.servfail, Duration::ZERO);
    assert_eq!(config.blocks[1].forward[0].policy, Policy::Sequential);
    assert_eq!(config.notes.len(), 3, "one for each 'nsid'");
}

#[test]
fn custom_files_are_imported_by_pattern() {
    let path = Path::new("/etc/coredns/Corefile");
    let text = fs::read_to_string(directory().join("custom-imports.Corefile")).unwrap();
    let files = MemoryFiles::new()
        .with_file(path, text)
        .with_file("/etc/coredns/custom/log.override", "debug\n")
        .with_file(
            "/etc/coredns/custom/corp.server",
            "corp.example.org {\n    bind 169.254.20.10\n    forward . 192.0.2.1\n}\n",
        );
    let config = load(path, &files, &Defaults::default()).unwrap();
    assert_eq!(config.blocks.len(), 2);
    assert!(config.blocks[0].debug);
    assert_eq!(config.sources.len(), 3);
    assert!(config.notes.is_empty());
}
