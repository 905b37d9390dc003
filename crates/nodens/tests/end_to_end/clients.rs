//! Real clients get right answers: dig, the resolvers of glibc, musl and Go, dnsperf, raw packets.

mod dig;
mod listening;
mod odd_questions;
mod resolvers;
mod streams;
mod traffic;
