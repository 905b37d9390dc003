//! The files of `hosts`, read again when they change.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::task::JoinHandle;

use super::generation::Generation;
use crate::log::{Level, Logger};
use crate::metrics::{Metrics, families};

/// Watches the file of each block that has `hosts`.
pub(super) fn watch(
    generation: &Generation,
    metrics: &Arc<Metrics>,
    logger: &Logger,
) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    for (index, block) in generation.config.blocks.iter().enumerate() {
        let Some(hosts) = &block.hosts else { continue };
        let entries = metrics.gauge(&families::HOSTS_ENTRIES, &[""]);
        let resolver = Arc::clone(&generation.resolver);
        let path = hosts.path.clone();
        let set = move |text: &str| {
            if let Some(count) = resolver.set_hosts(index, text) {
                entries.set(u32::try_from(count).map_or(f64::MAX, f64::from));
            }
        };
        set(&std::fs::read_to_string(&path).unwrap_or_default());
        let Some(interval) = hosts.reload else {
            continue;
        };
        let logger = logger.clone();
        tasks.push(tokio::task::spawn_local(async move {
            let mut seen = version(&path);
            loop {
                tokio::time::sleep(interval).await;
                let now = version(&path);
                if now == seen {
                    continue;
                }
                seen = now;
                match std::fs::read_to_string(&path) {
                    Ok(text) => set(&text),
                    Err(error) => logger.plugin(
                        Level::Warning,
                        "hosts",
                        format_args!("{}: {error}; the entries read last stay", path.display()),
                    ),
                }
            }
        }));
    }
    tasks
}

/// What tells one content of a file from the next.
fn version(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
