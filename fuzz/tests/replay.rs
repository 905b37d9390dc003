//! Every input of the corpora, and a little growth from a fixed seed: no target panics or hangs.

use std::time::Duration;

use nodens_fuzz::{Budget, Corpus, Target, guarded, watched};

/// Replays what is committed, then tries new inputs.
fn holds(name: &str) {
    let target = Target::named(name).expect("a target has this name");
    let corpus = Corpus::load(target).expect("the corpus can be read");
    for (file, input) in corpus.inputs() {
        if let Err(panicked) = guarded(target.run, input) {
            panic!("{name}/{file}: {}: {}", panicked.place, panicked.message);
        }
    }
    let inputs = corpus
        .inputs()
        .iter()
        .map(|(_, input)| input.clone())
        .collect();
    let budget = Budget {
        runs: u64::MAX,
        time: Duration::from_secs(2),
    };
    let growth = watched(target, inputs, 1, budget)
        .unwrap_or_else(|hang| panic!("{hang}: {:?}", hang.input));
    if let Some(crash) = growth.crashes.first() {
        panic!(
            "{}: {} with {:?}",
            crash.panicked.place, crash.panicked.message, crash.input
        );
    }
}

#[test]
fn whatever_upstreams_say_every_client_gets_one_good_reply() {
    holds("answer_path");
}

#[test]
fn a_store_gives_what_was_stored_last_or_nothing() {
    holds("cache_model");
}

#[test]
fn any_text_is_a_configuration_or_an_error_with_its_place() {
    holds("corefile");
}

#[test]
fn any_bytes_are_a_message_or_an_error() {
    holds("message");
}

#[test]
fn whatever_a_client_sends_it_gets_a_good_reply_or_none() {
    holds("query_path");
}

#[test]
fn any_text_is_a_record_or_an_error() {
    holds("record_text");
}

#[test]
fn a_stream_gives_the_same_messages_however_it_is_cut() {
    holds("tcp_framing");
}
