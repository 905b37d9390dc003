//! Inputs nobody thought of, for everything that takes bytes from strangers.
//!
//! A target is a plain function from bytes to a [`Signature`]; it panics when something is wrong.
//! The targets:
//!
//! | name | what it is given | what must hold |
//! |---|---|---|
//! | [`message`](targets::message) | a DNS message | every reader ends; a cut message reads again and fits |
//! | [`query_path`](targets::query_path) | a client's message | the reply reads, has QR and the id, fits its client |
//! | [`answer_path`](targets::answer_path) | what upstreams say and when | every client gets one reply, well-formed and in time |
//! | [`corefile`](targets::corefile) | a Corefile | an error points into the file; what is accepted can be made ready |
//! | [`record_text`](targets::record_text) | a record as in a zone file | what is read can be sent and comes back the same |
//! | [`tcp_framing`](targets::tcp_framing) | a stream | however it is cut, the same messages come out |
//! | [`cache_model`](targets::cache_model) | what to store and to read | what is read was stored last; limits hold |
//!
//! # Why a driver of our own
//! libFuzzer and AFL see which branches an input takes; both need a nightly compiler or an
//! instrumented build, and this project builds with the stable one, everywhere. So each target says
//! itself what was remarkable about an input: the kind of an error, how many records of which type,
//! which stage answered. Those features are its [`Signature`], and an input that shows a new one is
//! kept and mutated further ([`grow`]). That sees less than branches do, but it sees what we care
//! about, it is deterministic (a seed repeats a run), and every contributor and the continuous
//! integration can run it.
//!
//! # Use
//! - `cargo test -p nodens-fuzz` replays every file in `fuzz/corpora` and grows each target a little
//!   from a fixed seed.
//! - `cargo run -p nodens-fuzz -- answer_path --seconds 600 --seed 7` grows a corpus; an input that
//!   panics or hangs is written to `fuzz/crashes`.
//! - `cargo run -p nodens-fuzz -- answer_path --replay FILE` runs one input and shows its panic. Once
//!   that is mended, the file moves to `fuzz/corpora/answer_path/bug-…`, where growing leaves it alone.
//! - `CARGO_PROFILE_DEV_OPT_LEVEL=1` makes long runs several times faster and keeps all assertions.
//!
//! Where a nightly compiler is at hand, `cargo fuzz init` in a scratch directory and a file
//! `fuzz_targets/message.rs` with
//! `libfuzzer_sys::fuzz_target!(|data: &[u8]| { nodens_fuzz::targets::message::target(data); });`
//! runs the same targets under libFuzzer; give it `fuzz/corpora/message` as corpus, and put what it
//! finds there.

#![forbid(unsafe_code)]

mod corpus;
mod dictionary;
mod growth;
mod guard;
mod input;
mod mutate;
mod random;
mod signature;
pub mod targets;
mod watch;
mod world;

pub use corpus::{Corpus, hash_name};
pub use growth::{Budget, Crash, Growth, grow};
pub use guard::{Panicked, guarded};
pub use random::Random;
pub use signature::Signature;
pub use targets::{ALL, Target};
pub use watch::{Hang, watched};
