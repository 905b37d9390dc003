//! `nodens cache` in the place of node-cache: its flags, its files, its manifest.
//!
//! Where addresses are needed, a test has a node of its own: a network namespace, and a mount namespace in which the paths of the stock
//! manifest are empty. That needs root; a test without it says `skipped:` and why, or fails when `LAB=required` is set.

#![expect(
    clippy::unwrap_used,
    reason = "the lint takes helpers of tests for other code"
)]

mod config_maps;
mod flags;
mod manifest;
mod node;
mod rendered;
mod stock;
mod yaml;
