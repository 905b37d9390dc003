//! Dialogues: what clients ask, what upstreams say, how time passes, and what must come of it. Time is virtual.
//!
//! Each file `dialogues/*.rpl` is one rule: its name is the rule in a sentence, its first comment says where the rule comes
//! from. `DIALOGUE=part-of-a-name cargo test -p nodens-resolve --test dialogues` runs some of them.
//!
//! # The format
//! `#` starts a comment line. A step is a line; indented lines below it belong to it.
//!
//! | step | meaning |
//! |---|---|
//! | `corefile:` with the text below | starts the resolver; upstreams are numbered in the order of the text, from 1 |
//! | `reload:` with the text below | a new configuration replaces the running one |
//! | `client ADDRESS udp: NAME TYPE [WORDS]` | a question; `udp` or `tcp` |
//! | `client ADDRESS udp sends: HEX` | bytes that need not be a question; spaces do not count |
//! | `COUNT clients udp: NAME TYPE [WORDS]` | the same question from so many addresses |
//! | `client gets: RCODE [WORDS]` | the first reply that was not looked at yet, with its records below |
//! | `client ADDRESS gets: …`, `COUNT clients get: …` | the first reply to that address; so many replies, all the same |
//! | `client gets nothing` | there is no reply; `client gets nothing: REASON` when the question was dropped |
//! | `upstream N asked: NAME TYPE over udp [WORDS]` | a message to upstream N; `tcp` or `tls` |
//! | `an upstream asked: …` | a message to whichever upstream; `it` is then that upstream |
//! | `upstream N probed: …`, `upstream N tried: …` | a health check; an attempt to see whether TCP works again |
//! | `upstream N says: RCODE [WORDS]` | answers the first open message to N, with the records below |
//! | `upstream N fails: refused` | … `closed`, `unreachable`, `connect timeout` |
//! | `upstream N#2 …` | … the second open message to N |
//! | `time passes 1.8s` | everything due until then is done at its time |
//! | `event: TEXT` | something to log or count that starts with the text has happened since the step before |
//! | `no event: TEXT` | … has not |
//! | `questions under way: COUNT` | that clients wait for |
//! | `upstream N was asked at least COUNT times`, `… at most …` | counted over the whole dialogue |
//! | `repeat COUNT:` with steps below | the steps, with `{round}` replaced by 1, 2, … |
//!
//! Every message to an upstream must be looked at before the next step that does something, and so must every reply: nothing
//! is asked or said that a dialogue does not mention. When the steps are over, half a minute passes; by then every question
//! must have had exactly one reply, unless it was dropped.
//!
//! Words of a question: `norec` (RD clear), `cd`, `ad`, `edns SIZE`, `do` (with EDNS of 1232 unless said otherwise), `class CH`,
//! `notify`, `port PORT` (the listen address), `on worker 2`. A client's port, id and the rest are made up and checked.
//! Words of a message to an upstream: as above; EDNS of 1232 goes without saying, `plain` is none, `mixed` a name in mixed case.
//! Words of an upstream's answer: `aa`, `tc`, `ad`, `cd`, `nora`, `noedns`, `edns`, `asking NAME TYPE` (another question),
//! `no question`, `lower` (the name in lower case), `size BYTES` (only the first so many bytes arrive), `ignored` (it must not be
//! taken). Records below start with `answer`, `authority` or `additional` and go on in zone-file syntax; `answer 5 times …`
//! is five of them, with `{n}` replaced by 1 to 5.
//! Words of a reply: `aa`, `tc`, `rd`, `ra`, `ad`, `cd`, `edns`, `do`, `ede CODE`, `any order`, and how the cache saw it: `(hit)`,
//! `(denial)`, `(stale)`, `(failing)`, `(miss)`, `(joined)`, `(unused)`.

#[path = "dialogues/harness/dialogue.rs"]
mod dialogue;
#[path = "dialogues/harness/messages.rs"]
mod messages;
#[path = "dialogues/harness/scene.rs"]
mod scene;
#[path = "dialogues/harness/script.rs"]
mod script;
#[path = "dialogues/harness/storm.rs"]
mod storm;

use std::path::Path;

#[test]
fn every_dialogue_is_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let wanted = std::env::var("DIALOGUE").unwrap_or_default();
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rpl"))
        .filter(|path| path.to_string_lossy().contains(&wanted))
        .collect();
    files.sort();
    assert!(
        !files.is_empty(),
        "no dialogue in {} is called {wanted}",
        folder.display()
    );
    let mut problems = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy();
        if let Err(problem) = dialogue::run(&text) {
            problems.push(format!("{name}.rpl:{problem}"));
        }
    }
    let held = files.len() - problems.len();
    assert!(
        problems.is_empty(),
        "{held} of {} dialogues are kept; these are not:\n\n{}",
        files.len(),
        problems.join("\n\n")
    );
}

#[test]
fn whatever_upstreams_do_every_client_gets_one_reply() {
    for seed in 1..=8 {
        if let Err(problem) = storm::run(seed) {
            panic!("seed {seed}: {problem}");
        }
    }
}

#[test]
fn every_dialogue_says_what_it_is_about() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rpl") {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("# "), "{} has no header", path.display());
        }
    }
}
