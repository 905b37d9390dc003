//! From a configuration to its labels and log rules.

use std::sync::Arc;

use nodens_corefile::{Config, ServerBlock};
use nodens_dns::{Class, RecordType};

use super::generation::{BlockReporting, Reporting, TemplateLabels};
use crate::log::{ErrorLog, QueryLog};

impl Reporting {
    /// Takes the log directives and zone names of a configuration; `servers` and `zones` are the
    /// labels by the indices that the resolver's facts carry.
    ///
    /// # Errors
    /// When an expression does not compile, which the Corefile's reader has checked before.
    pub fn from_config(
        servers: Vec<String>,
        zones: Vec<String>,
        config: &Config,
    ) -> Result<Arc<Self>, regex::Error> {
        let blocks = config.blocks.iter().map(BlockReporting::from_config);
        Ok(Reporting::new(
            servers,
            zones,
            blocks.collect::<Result<_, _>>()?,
        ))
    }
}

impl BlockReporting {
    fn from_config(block: &ServerBlock) -> Result<Self, regex::Error> {
        let mut zones: Vec<&str> = Vec::new();
        for zone in block.zones() {
            if !zones.contains(&zone) {
                zones.push(zone);
            }
        }
        let templates = block.template.iter().map(|template| TemplateLabels {
            zone: template.zones.first().cloned().unwrap_or_default(),
            class: Class(template.class).to_string(),
            rtype: RecordType(template.record_type).to_string(),
        });
        Ok(BlockReporting {
            zones: zones.join(","),
            query_log: QueryLog::from_config(&block.log),
            errors: block
                .errors
                .as_ref()
                .map(ErrorLog::from_config)
                .transpose()?
                .map(Arc::new),
            templates: templates.collect(),
        })
    }
}

/// The directives of a block that `coredns_plugin_enabled` names: those that handle questions, as
/// in `CoreDNS`.
pub fn plugins_enabled(block: &ServerBlock) -> Vec<&'static str> {
    [
        ("acl", !block.acl.is_empty()),
        ("any", block.any),
        ("bufsize", block.bufsize.is_some()),
        ("cache", block.cache.is_some()),
        ("dns64", block.dns64.is_some()),
        ("errors", block.errors.is_some()),
        ("forward", !block.forward.is_empty()),
        ("hosts", block.hosts.is_some()),
        ("loadbalance", block.loadbalance.is_some()),
        ("local", block.local.is_some()),
        ("log", !block.log.is_empty()),
        ("loop", block.loop_detection),
        ("minimal", block.minimal),
        ("prometheus", block.prometheus.is_some()),
        ("rewrite", !block.rewrite.is_empty()),
        ("template", !block.template.is_empty()),
        ("whoami", block.whoami),
    ]
    .into_iter()
    .filter_map(|(name, enabled)| enabled.then_some(name))
    .collect()
}

#[cfg(test)]
mod tests {
    use nodens_corefile::{Defaults, MemoryFiles, parse};

    use super::*;

    #[test]
    fn a_block_brings_its_zones_directives_and_log_rules() {
        let text = "cluster.local example.org {\n  errors {\n    consolidate 5m \".* i/o timeout$\" \
                    warning\n  }\n  cache\n  log\n  loop\n  reload\n  bind 127.0.0.1\n  forward . \
                    192.0.2.53\n}\n.:53 {\n  whoami\n}\n";
        let config = parse("Corefile", text, &MemoryFiles::new(), &Defaults::default()).unwrap();
        let reporting = Reporting::from_config(Vec::new(), Vec::new(), &config).unwrap();
        assert_eq!(reporting.blocks[0].zones, "cluster.local.,example.org.");
        assert!(!reporting.blocks[0].query_log.is_empty() && reporting.logs_queries);
        assert!(reporting.blocks[0].errors.is_some());
        assert_eq!(reporting.blocks[1].zones, ".");
        assert!(reporting.blocks[1].query_log.is_empty() && reporting.blocks[1].errors.is_none());
        let enabled = plugins_enabled(&config.blocks[0]);
        assert_eq!(enabled, ["cache", "errors", "forward", "log", "loop"]);
    }
}
