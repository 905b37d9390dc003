//! From the `log` and `errors` directives to what is logged.

use nodens_corefile::{Errors, Log, LogLevel};
use regex::Regex;

use super::errors::{Consolidation, ErrorLog};
use super::format::Format;
use super::logger::Level;
use super::query::{LogRule, QueryLog};

impl QueryLog {
    /// Takes the `log` directives of a server block.
    pub fn from_config(directives: &[Log]) -> Self {
        let rules = directives.iter().flat_map(|directive| {
            let format = Format::parse(&directive.format);
            // What is no name holds no question.
            let scopes = directive.zones.iter().filter_map(|zone| zone.parse().ok());
            scopes.map(move |scope| LogRule {
                scope,
                classes: directive.classes,
                format: format.clone(),
            })
        });
        QueryLog::new(rules.collect())
    }
}

impl ErrorLog {
    /// Takes the `errors` directive of a server block.
    ///
    /// # Errors
    /// When an expression does not compile, which the Corefile's reader has checked before.
    pub fn from_config(directive: &Errors) -> Result<Self, regex::Error> {
        let patterns = directive.consolidate.iter().map(|consolidate| {
            Ok(Consolidation {
                period: consolidate.period,
                expression: consolidate.pattern.as_str().to_owned(),
                pattern: Regex::new(consolidate.pattern.regex())?,
                level: match consolidate.level {
                    LogLevel::Error => Level::Error,
                    LogLevel::Warning => Level::Warning,
                    LogLevel::Info => Level::Info,
                    LogLevel::Debug => Level::Debug,
                },
                show_first: consolidate.show_first,
            })
        });
        Ok(ErrorLog::new(patterns.collect::<Result<_, _>>()?))
    }
}
