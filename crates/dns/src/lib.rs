//! DNS messages as views over bytes: names, questions, records, EDNS, and building replies.
//!
//! Nothing here owns a socket or a clock. Reading never allocates unless a name is asked for as an
//! owned [`Name`]; every reader takes hostile bytes and answers with a value or an error.
//! Sources: RFC 1035 (messages), RFC 2181 (clarifications), RFC 3597 (unknown types), RFC 6891 (EDNS).

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod builder;
mod edns;
mod header;
mod iana;
mod message;
mod name;
mod query;
mod record_text;
mod truncate;

pub use builder::{BuildError, MessageBuilder, Record};
pub use edns::{Edns, EdnsOption};
pub use header::{Flags, HEADER_LENGTH, Header};
pub use iana::{Class, Opcode, Rcode, RecordType};
pub use message::{Message, MessageError, Question, RecordView, Section};
pub use name::{MAX_NAME_LENGTH, Name, NameError, NameKey};
pub use query::{Query, QueryError};
pub use record_text::{RecordTextError, records_from_text};
pub use truncate::truncate;
