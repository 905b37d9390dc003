//! What the program says of itself when it starts: zones and addresses in CoreDNS's form, then what a reader should know.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

use nodens_corefile::Config;

use super::generation::Generation;
use crate::log::{Level, Logger};

/// Writes the start lines.
pub(super) fn say(
    logger: &Logger,
    generation: &Generation,
    addresses: &[SocketAddr],
    workers: NonZeroUsize,
) {
    let mut text = String::new();
    for block in &generation.config.blocks {
        for key in &block.keys {
            for (server, bound) in generation.resolver.servers().iter().zip(addresses) {
                if server.address.port() != key.port {
                    continue;
                }
                let on = if bound.ip().is_unspecified() {
                    String::new()
                } else {
                    format!(" on {}", bound.ip())
                };
                let _ = writeln!(text, "{}:{}{on}", key.zone, bound.port());
            }
        }
    }
    let _ = writeln!(
        text,
        "nodens-{}\n{}/{}, {workers} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        if workers.get() == 1 {
            "worker"
        } else {
            "workers"
        },
    );
    logger.write(text.as_bytes(), 1);
    notes(logger, &generation.config);
}

/// What was accepted and does nothing.
fn notes(logger: &Logger, config: &Config) {
    for note in &config.notes {
        let text = format_args!("{} - {}", note.position, note.message);
        if note.directive.is_empty() {
            logger.log(Level::Warning, text);
        } else {
            logger.plugin(Level::Warning, note.directive, text);
        }
    }
}
