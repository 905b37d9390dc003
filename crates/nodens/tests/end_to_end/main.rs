//! The program as its users meet it: the real binary, a real kernel, real clients and servers.
//!
//! Each test has network namespaces of its own (see [`support`]): a node that runs the cache, a
//! client and an upstream, joined by cables. It needs root, and some tests need a tool; a test
//! that lacks either says `skipped:` and why, or fails when `LAB=required` is set.
//!
//! One binary for all, so that tests that load the machine can run alone.

#![expect(
    clippy::unwrap_used,
    reason = "the lint takes helpers of tests for other code"
)]

mod agreement;
mod clients;
mod failures;
mod support;
