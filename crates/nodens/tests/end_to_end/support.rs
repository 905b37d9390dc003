//! What the tests are made of: namespaces, the program, upstreams, clients, waiting.

mod directory;
mod lab;
mod log;
mod message;
mod namespace;
mod needs;
mod nodens;
mod process;
mod program;
mod stub;
mod stub_stream;
mod upstream;
mod wait;

pub(crate) use lab::{
    CLIENT_OTHER, Lab, NODE, NODE_OTHER, NODE_THIRD, NODE_V6, UPSTREAM, UPSTREAM_V6, socket,
};
pub(crate) use log::LogLine;
pub(crate) use message::{A, AAAA, TXT, name_to_wire, question, rcode};
pub(crate) use needs::has;
pub(crate) use nodens::Nodens;
pub(crate) use process::{Process, output};
pub(crate) use program::compiled;
pub(crate) use stub::Stub;
pub(crate) use stub_stream::StubStream;
pub(crate) use upstream::{Behavior, Upstream};
pub(crate) use wait::until;
