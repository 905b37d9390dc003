//! What is seen, and what follows from it.

use super::*;

#[test]
fn interception_begins_with_an_answer_at_every_address() {
    let mut interception = Interception::new(at(0));
    assert_eq!(
        interception.observe(at(10), &seen(&[Some(5), None])),
        Stage::Trial
    );
    assert_eq!(interception.reason(), Some(&Reason::Starting));
    assert_eq!(
        interception.observe(at(20), &seen(&[Some(5), Some(15)])),
        Stage::Active
    );
    assert_eq!(interception.reason(), None);
}

#[test]
fn an_answer_from_before_a_trial_does_not_count() {
    let mut interception = Interception::new(at(100));
    assert_eq!(
        interception.observe(at(110), &seen(&[Some(90), Some(105)])),
        Stage::Trial
    );
    assert_eq!(
        interception.observe(at(3200), &seen(&[Some(90), Some(105)])),
        Stage::Withdrawn
    );
    assert_eq!(interception.reason(), Some(&Reason::Silent(LOCAL)));
}

#[test]
fn a_worker_that_does_not_move_is_noticed_within_three_seconds() {
    let mut interception = active();
    let mut observation = seen(&[Some(1000), Some(1000)]);
    observation.pulse = Some(Duration::from_millis(1900));
    assert_eq!(interception.observe(at(1000), &observation), Stage::Active);
    observation.pulse = Some(Duration::from_millis(2100));
    assert_eq!(
        interception.observe(at(1200), &observation),
        Stage::Withdrawn
    );
    assert_eq!(interception.reason().unwrap().label(), "stuck");
}

#[test]
fn silence_at_one_address_withdraws() {
    let mut interception = active();
    assert_eq!(
        interception.observe(at(2900), &seen(&[Some(2800), Some(1000)])),
        Stage::Active
    );
    assert_eq!(
        interception.observe(at(3100), &seen(&[Some(3000), Some(1000)])),
        Stage::Withdrawn
    );
    assert_eq!(interception.reason(), Some(&Reason::Silent(SERVICE)));
}

#[test]
fn a_cache_that_is_well_again_is_tried_after_a_while() {
    let mut interception = active();
    let mut observation = seen(&[Some(1000), Some(1000)]);
    observation.worse = true;
    assert_eq!(
        interception.observe(at(1000), &observation),
        Stage::Withdrawn
    );
    assert_eq!(
        interception.observe(at(9000), &{
            let mut o = seen(&[Some(9000), None]);
            o.worse = true;
            o
        }),
        Stage::Withdrawn
    );
    // What is answered at the service's address while withdrawn is not the cache's doing.
    assert_eq!(
        interception.observe(at(10_000), &seen(&[Some(9900), None])),
        Stage::Withdrawn
    );
    assert_eq!(
        interception.observe(at(15_900), &seen(&[Some(15_900), None])),
        Stage::Withdrawn
    );
    assert_eq!(
        interception.observe(at(16_100), &seen(&[Some(16_000), None])),
        Stage::Trial
    );
    assert_eq!(
        interception.observe(at(16_200), &seen(&[Some(16_150), Some(16_150)])),
        Stage::Active
    );
}

#[test]
fn repeated_withdrawals_wait_longer_and_longer_up_to_a_minute() {
    let mut interception = active();
    let mut now = 1000;
    let mut holds = Vec::new();
    for _ in 0..7 {
        let mut bad = seen(&[Some(now), Some(now)]);
        bad.worse = true;
        assert_eq!(interception.observe(at(now), &bad), Stage::Withdrawn);
        let begin = now;
        while interception.observe(at(now), &seen(&[Some(now), Some(now)])) != Stage::Active {
            now += 100;
        }
        holds.push((now - begin) / 1000);
    }
    assert_eq!(holds, [6, 12, 24, 48, 60, 60, 60]);
    let mut bad = seen(&[Some(now + 400_000), Some(now + 400_000)]);
    bad.worse = true;
    interception.observe(at(now + 400_000), &bad);
    assert_eq!(interception.hold, SHORTEST_HOLD);
}

#[test]
fn a_new_process_is_tried_at_once() {
    let mut interception = active();
    let gone = Observation {
        pulse: None,
        ..seen(&[None, None])
    };
    assert_eq!(interception.observe(at(500), &gone), Stage::Withdrawn);
    assert_eq!(
        interception.observe(at(520), &seen(&[None, None])),
        Stage::Trial
    );
    assert_eq!(
        interception.observe(at(540), &seen(&[Some(530), Some(530)])),
        Stage::Active
    );
}

#[test]
fn the_end_is_final() {
    let mut interception = active();
    assert_eq!(interception.end(at(100)), Stage::Withdrawn);
    assert_eq!(
        interception.observe(at(90_000), &seen(&[Some(90_000), Some(90_000)])),
        Stage::Withdrawn
    );
    assert_eq!(interception.reason(), Some(&Reason::Ending));
}

fn active() -> Interception {
    let mut interception = Interception::new(at(0));
    assert_eq!(
        interception.observe(at(1), &seen(&[Some(0), Some(0)])),
        Stage::Active
    );
    interception
}

fn seen(answered: &[Option<u64>; 2]) -> Observation {
    let times = answered.map(|milliseconds| milliseconds.map(at));
    Observation {
        pulse: Some(Duration::ZERO),
        answered: vec![(LOCAL, times[0]), (SERVICE, times[1])],
        worse: false,
    }
}

fn at(milliseconds: u64) -> Time {
    Time::EPOCH + Duration::from_millis(milliseconds)
}

const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 20, 10));
const SERVICE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 96, 0, 10));
