//! The cache as a program: listeners, workers, upstream connections, and what its keepers see of
//! it: metrics, logs, health pages, reload, signals.

#![forbid(unsafe_code)]

mod clock;
mod dice;
mod engine;
pub mod framing;
mod heartbeat;
pub mod http;
mod listen;
pub mod log;
pub mod loop_detection;
mod mailbox;
pub mod metrics;
pub mod node;
mod observer;
mod own_address;
pub mod program;
pub mod reload;
pub mod reporting;
mod service;
pub mod signals;
mod slab;
pub mod template;
mod token;
mod upstream;
mod worker;

pub use clock::Clock;
pub use heartbeat::Heartbeats;
pub use listen::{ListenAddress, ListenError, Timeouts};
pub use observer::{Answered, Discard, Observer, Question};
pub use service::{Service, ServiceOptions, StartError};
pub use upstream::{TlsError, check_tls};
