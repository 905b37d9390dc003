//! The pages a configuration wants.

use std::time::Duration;

use nodens_corefile::{Config, Monitor};

use super::Endpoint;
use super::pages::{Page, ReadyMonitor};

/// What a configuration says about the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPlan {
    /// Which page is wanted where.
    pub endpoints: Vec<Endpoint>,
    /// How `/ready` treats a cache that was ready once: `continuously` if any directive says so.
    pub monitor: ReadyMonitor,
    /// How long to stay alive after the signal to end: the longest of the `health` directives.
    pub lameduck: Duration,
}

impl HttpPlan {
    /// Gathers the `prometheus`, `health` and `ready` directives of all server blocks.
    pub fn from_config(config: &Config) -> Self {
        let mut plan = HttpPlan {
            endpoints: Vec::new(),
            monitor: ReadyMonitor::UntilReady,
            lameduck: Duration::ZERO,
        };
        for block in &config.blocks {
            if let Some(prometheus) = &block.prometheus {
                plan.want("prometheus", prometheus.address.to_string(), Page::Metrics);
            }
            if let Some(health) = &block.health {
                plan.want("health", health.address.to_string(), Page::Health);
                plan.lameduck = plan.lameduck.max(health.lameduck);
            }
            if let Some(ready) = &block.ready {
                plan.want("ready", ready.address.to_string(), Page::Ready);
                if ready.monitor == Monitor::Continuously {
                    plan.monitor = ReadyMonitor::Continuously;
                }
            }
        }
        plan
    }

    /// Adds the address of a flag such as `-metrics-listen-address`; that it cannot be had is
    /// logged and no reason to fail.
    pub fn add_optional(&mut self, flag: &str, address: &str, page: Page) {
        self.endpoints.push(Endpoint {
            directive: flag.into(),
            address: address.into(),
            page,
            required: false,
        });
    }

    fn want(&mut self, directive: &str, address: String, page: Page) {
        let endpoint = Endpoint {
            directive: directive.into(),
            address,
            page,
            required: true,
        };
        if !self.endpoints.contains(&endpoint) {
            self.endpoints.push(endpoint);
        }
    }
}

#[cfg(test)]
mod tests {
    use nodens_corefile::{Defaults, MemoryFiles, parse};

    use super::*;

    #[test]
    fn the_stock_blocks_want_one_metrics_page_and_one_health_page() {
        let text = "cluster.local:53 {\n  prometheus :9253\n  health 169.254.20.10:8080 {\n    \
                    lameduck 5s\n  }\n}\n.:53 {\n  prometheus :9253\n  ready {\n    monitor \
                    continuously\n  }\n}\n";
        let config = parse("Corefile", text, &MemoryFiles::new(), &Defaults::default()).unwrap();
        let mut plan = HttpPlan::from_config(&config);
        plan.add_optional("-metrics-listen-address", "0.0.0.0:9353", Page::Metrics);
        let found: Vec<_> = plan
            .endpoints
            .iter()
            .map(|endpoint| (&*endpoint.directive, &*endpoint.address, endpoint.required))
            .collect();
        assert_eq!(
            found,
            [
                ("prometheus", ":9253", true),
                ("health", "169.254.20.10:8080", true),
                ("ready", ":8181", true),
                ("-metrics-listen-address", "0.0.0.0:9353", false),
            ]
        );
        assert_eq!(plan.lameduck, Duration::from_secs(5));
        assert_eq!(plan.monitor, ReadyMonitor::Continuously);
    }
}
