//! The life of a query: zone, cache, stages, upstreams, reply. State machines with no socket and no clock.
//!
//! A driver hands over bytes and the time; it gets back replies, messages for upstreams, and deadlines.
//! An hour of times to live passes in a microsecond of test.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod ask;
mod block;
mod cache;
mod client;
mod exchange;
mod facts;
mod flights;
mod forward;
mod reply;
mod resolver;
mod router;
mod stages;
mod store;
mod time;
mod upstream;
mod worker;

pub use ask::{Ask, AskId, AskSource, Failure};
pub use block::{BlockError, BlockSurroundings, LoopWatch, Surroundings};
pub use cache::{Cache, CacheCounts};
pub use client::{Asked, AskedEdns, Client, Transport};
pub use facts::{CacheOutcome, DropReason, Event, Facts, FailureText, Plugin, TemplateOutcome};
pub use forward::ForwardError;
pub use resolver::{Resolver, ResolverError, Server, Shared};
pub use stages::{TemplateError, TemplateParseError};
pub use store::{Found, Limits, NewEntry, Store, StoreCounts, StoreKey};
pub use time::Time;
pub use upstream::{Protocol, TlsSettings, Upstream, UpstreamSettings};
pub use worker::{Due, Step, Worker};
