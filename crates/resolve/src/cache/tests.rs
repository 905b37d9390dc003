use std::time::Duration;

use nodens_corefile::{Defaults, MemoryFiles, parse};
use nodens_dns::{Class, Flags, MessageBuilder, Name, NameKey, Rcode, Record, RecordType, Section};

use super::{Answer, AnswerKind, Cache, LookUp};
use crate::store::StoreKey;
use crate::time::Time;

const NAME: &str = "a.example.org";

fn cache(directive: &str) -> Cache {
    let text = format!(".:53 {{\n{directive}\n}}\n");
    let config = parse(
        "Corefile",
        &text,
        &MemoryFiles::default(),
        &Defaults::default(),
    )
    .unwrap();
    Cache::new(config.blocks[0].cache.as_ref().unwrap(), None)
}

fn name() -> NameKey {
    NameKey::from(&NAME.parse::<Name>().unwrap())
}

fn key(name: &NameKey) -> StoreKey<'_> {
    StoreKey {
        name: name.as_wire(),
        qtype: 1,
        qclass: 1,
        flags: 0,
        hash: 42,
    }
}

fn question() -> Vec<u8> {
    [name().as_wire(), &[0, 1, 0, 1]].concat()
}

fn soa(ttl: u32, minimum: u32) -> Record {
    let mut rdata = vec![0; 2 + 16];
    rdata.extend_from_slice(&minimum.to_be_bytes());
    Record::new("example.org".parse().unwrap(), RecordType::SOA, ttl, &rdata)
}

fn address(ttl: u32) -> Record {
    Record::new(NAME.parse().unwrap(), RecordType::A, ttl, &[192, 0, 2, 1])
}

fn answer(flags: u16, rcode: Rcode, records: &[(Section, Record)]) -> Answer {
    let mut builder = MessageBuilder::new(9, Flags(Flags::QR | flags).with_rcode(rcode));
    builder.question(&NAME.parse().unwrap(), RecordType::A, Class::IN);
    for (section, record) in records {
        builder.record(*section, record).unwrap();
    }
    builder.edns(1232, false, rcode, &[]);
    Answer::read(&builder.finish(), &question()).unwrap()
}

fn store(cache: &Cache, at: u64, mut answer: Answer) {
    cache.store(seconds(at), &key(&name()), &name(), &mut answer);
}

fn seconds(at: u64) -> Time {
    Time::EPOCH + Duration::from_secs(1000 + at)
}

/// What a client is told at `at`: `fresh 30`, `denial 5`, `stale`, `failing`, `nothing`.
fn look_up(cache: &Cache, at: u64) -> String {
    let mut out = Vec::new();
    match cache.look_up(seconds(at), &key(&name()), &mut out) {
        LookUp::Fresh { found, denial } => {
            let kind = if denial { "denial" } else { "fresh" };
            format!("{kind} {}", cache.ttl_left(seconds(at), &found))
        }
        LookUp::Stale { .. } => "stale".into(),
        LookUp::Failing { .. } => "failing".into(),
        LookUp::Failed { found } => format!("failed {}", cache.ttl_left(seconds(at), &found)),
        LookUp::Nothing => "nothing".into(),
    }
}

#[test]
fn kinds_follow_rfc_2308() {
    let kind = |flags, rcode, records: &[_]| answer(flags, rcode, records).kind;
    let soa = || (Section::Authority, soa(60, 60));
    let record = || (Section::Answer, address(60));
    assert_eq!(kind(0, Rcode::NOERROR, &[record()]), AnswerKind::Success);
    assert_eq!(kind(0, Rcode::NOERROR, &[soa()]), AnswerKind::Denial);
    assert_eq!(kind(0, Rcode::NXDOMAIN, &[soa()]), AnswerKind::Denial);
    assert_eq!(kind(0, Rcode::NXDOMAIN, &[]), AnswerKind::Uncacheable);
    assert_eq!(kind(0, Rcode::SERVFAIL, &[]), AnswerKind::Failure);
    assert_eq!(kind(0, Rcode::REFUSED, &[]), AnswerKind::Uncacheable);
    assert_eq!(
        kind(Flags::TC, Rcode::NOERROR, &[record()]),
        AnswerKind::Uncacheable
    );
}

#[test]
fn a_time_to_live_counts_down_and_ends() {
    let cache = cache("cache");
    store(
        &cache,
        0,
        answer(0, Rcode::NOERROR, &[(Section::Answer, address(30))]),
    );
    assert_eq!(look_up(&cache, 0), "fresh 30");
    assert_eq!(look_up(&cache, 29), "fresh 1");
    assert_eq!(look_up(&cache, 30), "stale");
    assert_eq!(look_up(&cache, 30 + 3599), "stale");
    assert_eq!(look_up(&cache, 30 + 3600), "nothing");
}

#[test]
fn times_to_live_are_kept_within_the_limits() {
    let cache = cache("cache {\n success 100 20 7\n denial 100 10 5\n}");
    store(
        &cache,
        0,
        answer(0, Rcode::NOERROR, &[(Section::Answer, address(2))]),
    );
    assert_eq!(look_up(&cache, 0), "fresh 7");
    store(
        &cache,
        0,
        answer(0, Rcode::NOERROR, &[(Section::Answer, address(300))]),
    );
    assert_eq!(look_up(&cache, 0), "fresh 20");
    store(
        &cache,
        0,
        answer(0, Rcode::NXDOMAIN, &[(Section::Authority, soa(300, 300))]),
    );
    assert_eq!(look_up(&cache, 0), "denial 10");
    store(
        &cache,
        0,
        answer(0, Rcode::NXDOMAIN, &[(Section::Authority, soa(300, 1))]),
    );
    assert_eq!(look_up(&cache, 0), "denial 5");
}

#[test]
fn the_newest_answer_wins_over_the_other_kind() {
    let cache = cache("cache");
    store(
        &cache,
        0,
        answer(0, Rcode::NOERROR, &[(Section::Answer, address(300))]),
    );
    store(
        &cache,
        1,
        answer(0, Rcode::NXDOMAIN, &[(Section::Authority, soa(60, 60))]),
    );
    assert_eq!(look_up(&cache, 1), "denial 60");
    store(
        &cache,
        2,
        answer(0, Rcode::NOERROR, &[(Section::Answer, address(300))]),
    );
    assert_eq!(look_up(&cache, 2), "fresh 300");
}

#[test]
fn a_failure_does_not_hide_an_answer() {
    let cache = cache("cache");
    store(
        &cache,
        0,
        answer(0, Rcode::NOERROR, &[(Section::Answer, address(30))]),
    );
    store(&cache, 1, answer(0, Rcode::SERVFAIL, &[]));
    assert_eq!(look_up(&cache, 2), "fresh 28");
    store(&cache, 40, answer(0, Rcode::SERVFAIL, &[]));
    assert_eq!(look_up(&cache, 41), "failing");
    assert_eq!(look_up(&cache, 46), "stale");
}

#[test]
fn an_upstream_failure_is_kept_for_servfail_and_a_silent_one_for_a_second() {
    let five = cache("cache");
    store(&five, 0, answer(0, Rcode::SERVFAIL, &[]));
    assert_eq!(look_up(&five, 4), "failed 1");
    assert_eq!(look_up(&five, 5), "nothing");
    let never = cache("cache {\n servfail 0\n}");
    store(&never, 0, answer(0, Rcode::SERVFAIL, &[]));
    assert_eq!(look_up(&never, 0), "nothing");
    five.store_failure(seconds(10), &key(&name()), &question(), false);
    assert_eq!(look_up(&five, 10), "failed 1");
    assert_eq!(look_up(&five, 11), "nothing");
}

#[test]
fn expired_answers_can_be_switched_off() {
    let cache = cache("cache {\n stale_on_failure off\n}");
    store(
        &cache,
        0,
        answer(0, Rcode::NOERROR, &[(Section::Answer, address(30))]),
    );
    assert_eq!(look_up(&cache, 30), "nothing");
}

#[test]
fn a_disabled_side_and_a_foreign_zone_keep_nothing() {
    let cache = cache("cache {\n disable denial example.org\n}");
    store(
        &cache,
        0,
        answer(0, Rcode::NXDOMAIN, &[(Section::Authority, soa(60, 60))]),
    );
    assert_eq!(look_up(&cache, 0), "nothing");
    let other = self::cache("cache 30 example.com");
    assert!(!other.covers(&name()));
}

#[test]
fn what_is_asked_often_and_ends_soon_is_fetched_again() {
    let cache = cache("cache {\n prefetch 2 1m 10%\n}");
    store(
        &cache,
        0,
        answer(0, Rcode::NOERROR, &[(Section::Answer, address(100))]),
    );
    let wants = |at| {
        let found = cache.success.read(&key(&name()), &mut Vec::new()).unwrap();
        cache.wants_prefetch(seconds(at), &key(&name()), &found, false)
    };
    assert!(!wants(1));
    assert!(!wants(50));
    assert!(wants(91));
}

#[test]
fn a_reload_with_other_limits_keeps_the_answers() {
    let before = cache("cache");
    store(
        &before,
        0,
        answer(0, Rcode::NOERROR, &[(Section::Answer, address(300))]),
    );
    let after = Cache::new(
        &cache("cache 30 {\n success 500\n}").settings,
        Some(&before),
    );
    assert_eq!(look_up(&after, 10), "fresh 290");
}

#[test]
fn an_opt_record_before_others_is_taken_out() {
    let mut builder = MessageBuilder::new(9, Flags(Flags::QR));
    builder.question(&NAME.parse().unwrap(), RecordType::A, Class::IN);
    builder.record(Section::Answer, &address(60)).unwrap();
    builder.edns(1232, false, Rcode::NOERROR, &[]);
    let extra = Record::new(
        "long.name.example.net".parse().unwrap(),
        RecordType::A,
        60,
        &[1, 2, 3, 4],
    );
    builder.record(Section::Additional, &extra).unwrap();
    builder.record(Section::Additional, &extra).unwrap();
    let answer = Answer::read(&builder.finish(), &question()).unwrap();
    let message = nodens_dns::Message::parse(&answer.message).unwrap();
    let owners: Vec<_> = message
        .records()
        .map(|record| record.unwrap().owner().unwrap().to_string())
        .collect();
    assert_eq!(
        owners,
        [
            "a.example.org.",
            "long.name.example.net.",
            "long.name.example.net."
        ]
    );
}
