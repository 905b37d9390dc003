//! What the program says: its own log, the query log of the `log` directive and the failed
//! questions of the `errors` directive, each in `CoreDNS`'s form, because people and pipelines
//! parse it.
//!
//! Every line goes through one [`Logger`], which never makes a worker wait for the standard output.

mod duration;
mod errors;
mod format;
mod from_config;
mod logger;
mod name;
mod query;
mod reply_kind;
#[cfg(test)]
mod sink;

pub use self::duration::go_duration;
pub use self::errors::{Consolidation, ErrorLog};
pub use self::format::Format;
pub use self::logger::{Level, Logger};
pub use self::query::{LogRule, LoggedQuery, LoggedReply, QueryLog, buffer_size};
pub use self::reply_kind::{ReplyClass, ReplyKind};
#[cfg(test)]
pub(crate) use self::sink::Sink;
