//! Where the configuration comes from, and reading it again and again while the program runs.

use std::borrow::Cow;
use std::path::PathBuf;

use nodens_corefile::{Config, Defaults, Files, SystemFiles};

use super::ProgramOptions;
use crate::log::Logger;
use crate::metrics::Metrics;
use crate::template::{TemplateOptions, TemplateSource};

/// Where the configuration comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A text that never changes, such as the one built into the program.
    Text {
        /// The name it has in messages.
        name: &'static str,
        /// The Corefile.
        text: Cow<'static, str>,
    },
    /// A template and what goes into it.
    Template(TemplateOptions),
}

impl Source {
    /// Reads the configuration, and writes nothing.
    ///
    /// # Errors
    /// The Corefile's own words: file, line, what is wrong, what was expected.
    pub fn load(&self, port: u16) -> Result<Config, String> {
        let defaults = Defaults { port };
        match self {
            Self::File(path) => nodens_corefile::load(path, &SystemFiles, &defaults),
            Self::Text { name, text } => {
                nodens_corefile::parse(name, text, &SystemFiles as &dyn Files, &defaults)
            }
            Self::Template(options) => return options.load(port),
        }
        .map_err(|error| error.to_string())
    }
}

/// Reads the configuration. Unlike [`Source::load`] it remembers, writes and complains.
pub(super) enum Loader {
    /// What is read needs no memory.
    Plain {
        source: Source,
        port: u16,
    },
    Template(TemplateSource),
}

impl Loader {
    pub(super) fn new(options: &ProgramOptions, logger: &Logger, metrics: &Metrics) -> Self {
        match &options.source {
            Source::Template(template) => Self::Template(TemplateSource::new(
                template.clone(),
                options.port,
                logger.clone(),
                options.quiet,
                metrics,
            )),
            source => Self::Plain {
                source: source.clone(),
                port: options.port,
            },
        }
    }

    pub(super) fn load(&mut self) -> Result<Config, String> {
        match self {
            Self::Plain { source, port } => source.load(*port),
            Self::Template(source) => source.load(),
        }
    }
}
