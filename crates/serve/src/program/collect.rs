//! What the stores hold, read when metrics are asked for.

use std::sync::Arc;

use nodens_resolve::{Resolver, StoreCounts};

use super::generation::Generation;
use crate::metrics::{Collect, Collector, families};

/// Reads the stores of one configuration.
pub(super) struct StoreCollector {
    resolver: Arc<Resolver>,
    /// For each block its zones as one label, and the labels of the addresses it is asked at.
    blocks: Vec<(String, Vec<String>)>,
}

impl StoreCollector {
    pub(super) fn new(generation: &Generation) -> Self {
        let resolver = Arc::clone(&generation.resolver);
        let blocks = generation.config.blocks.iter().map(|block| {
            let mut zones: Vec<&str> = block.zones().collect();
            zones.dedup();
            let servers = resolver.servers().iter();
            let servers = servers.filter(|server| {
                block
                    .keys
                    .iter()
                    .any(|key| key.port == server.address.port())
            });
            (
                zones.join(","),
                servers.map(|server| server.label.clone()).collect(),
            )
        });
        Self {
            blocks: blocks.collect(),
            resolver: Arc::clone(&resolver),
        }
    }
}

impl Collect for StoreCollector {
    fn collect(&self, collector: &mut Collector<'_>) {
        for (counts, (zones, servers)) in self.resolver.cache_counts().iter().zip(&self.blocks) {
            let Some(counts) = counts else { continue };
            let halves = [
                ("success", counts.success, counts.success_limit),
                ("denial", counts.denial, counts.denial_limit),
            ];
            for (
                half,
                StoreCounts {
                    entries,
                    bytes,
                    evictions,
                    id,
                },
                limit,
            ) in halves
            {
                collector.gauge(&families::CACHE_BYTES, &[half, zones, ""], float(bytes));
                collector.gauge(
                    &families::CACHE_LIMIT_BYTES,
                    &[half, zones, ""],
                    float(limit),
                );
                for server in servers {
                    let labels = [server.as_str(), half, zones, ""];
                    collector.gauge(&families::CACHE_ENTRIES, &labels, float(entries));
                    collector.counter(&families::CACHE_EVICTIONS, &labels, id, evictions);
                }
            }
        }
    }
}

fn float(number: usize) -> f64 {
    // Exact up to 2^53, far above any cache.
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
