//! From the `reload` directive to how the files are watched.

use nodens_corefile::Config;

use super::{Loaded, Watch};

impl Watch {
    /// The first `reload` directive of a configuration: it holds for the process.
    pub fn from_config(config: &Config) -> Option<Self> {
        let directive = config
            .blocks
            .iter()
            .find_map(|block| block.reload.as_ref())?;
        Some(Watch {
            interval: directive.interval,
            jitter: directive.jitter,
        })
    }
}

impl Loaded<Config> {
    /// Takes what watching needs out of a configuration.
    pub fn from_config(config: Config) -> Self {
        Loaded {
            fingerprint: config.tokens_fingerprint.to_string(),
            watch: Watch::from_config(&config),
            configuration: config,
        }
    }
}
