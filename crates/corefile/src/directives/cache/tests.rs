//! Tests of `cache`.

use super::super::tests::{block, problem};
use super::*;

#[track_caller]
fn cache(directives: &str) -> Cache {
    block(directives).cache.unwrap()
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn everything_has_a_default() {
    let cache = cache("cache");
    assert_eq!(cache.zones, ["example.org."]);
    assert_eq!(cache.success.capacity, 9984);
    assert_eq!(
        (cache.success.max_ttl, cache.success.min_ttl),
        (seconds(3600), seconds(5))
    );
    assert_eq!(
        (cache.denial.max_ttl, cache.denial.min_ttl),
        (seconds(1800), seconds(5))
    );
    assert_eq!(cache.success.memory, 9984 * 512);
    assert_eq!(cache.prefetch, None);
    assert_eq!(cache.serve_stale, None);
    assert_eq!(cache.servfail, seconds(5));
    assert_eq!(cache.stale_on_failure, Some(seconds(3600)));
    assert!(!cache.keep_ttl);
}

#[test]
fn a_number_first_is_the_ttl_of_both_halves() {
    let cache = cache("cache 30 example.net 192.0.2.0/24");
    assert_eq!(
        (cache.success.max_ttl, cache.denial.max_ttl),
        (seconds(30), seconds(30))
    );
    assert_eq!(cache.zones, ["example.net.", "2.0.192.in-addr.arpa."]);
    assert_eq!(
        block("cache example.net").cache.unwrap().zones,
        ["example.net."]
    );
}

#[test]
fn each_half_has_its_own_limits() {
    let cache = cache("cache {\nsuccess 20000 30 0\ndenial 0 5\ndisable denial a b\nkeepttl\n}");
    assert_eq!(cache.success.capacity, 20_000);
    assert_eq!(
        (cache.success.max_ttl, cache.success.min_ttl),
        (seconds(30), seconds(0))
    );
    assert_eq!(cache.success.memory, 20_000 * 512);
    assert_eq!(cache.denial.capacity, 1024);
    assert_eq!(cache.denial.disabled_zones, ["a.", "b."]);
    assert_eq!(cache.success.disabled_zones, Vec::<String>::new());
    assert!(cache.keep_ttl);
}

#[test]
fn memory_is_for_each_half() {
    let cache = cache("cache {\nmemory 16MiB\nsuccess 100000\n}");
    assert_eq!(
        (cache.success.memory, cache.denial.memory),
        (16 << 20, 16 << 20)
    );
}

#[test]
fn prefetching_has_defaults_and_can_be_off() {
    let expected = Prefetch {
        amount: 10,
        duration: seconds(60),
        percentage: 10,
    };
    assert_eq!(cache("cache {\nprefetch 10\n}").prefetch, Some(expected));
    let expected = Prefetch {
        amount: 1,
        duration: seconds(3600),
        percentage: 90,
    };
    assert_eq!(
        cache("cache {\nprefetch 1 1h 90%\n}").prefetch,
        Some(expected)
    );
    assert_eq!(cache("cache {\nprefetch 0\n}").prefetch, None);
}

#[test]
fn stale_answers_have_every_form_of_every_version() {
    let stale = |text: &str| cache(&format!("cache {{\nserve_stale {text}\n}}")).serve_stale;
    let plain = ServeStale {
        up_to: seconds(3600),
        refresh: StaleRefresh::Immediate,
        ttl: Duration::ZERO,
        recheck: Duration::ZERO,
        prefer_positive: false,
    };
    assert_eq!(stale(""), Some(plain));
    assert_eq!(
        stale("20m"),
        Some(ServeStale {
            up_to: seconds(1200),
            ..plain
        })
    );
    assert_eq!(stale("0s"), None);
    assert_eq!(
        stale("1h IMMEDIATE 30s 1m"),
        Some(ServeStale {
            ttl: seconds(30),
            recheck: seconds(60),
            ..plain
        })
    );
    let verify = StaleRefresh::Verify { timeout: None };
    assert_eq!(
        stale("1h verify"),
        Some(ServeStale {
            refresh: verify,
            ..plain
        })
    );
    assert_eq!(
        stale("1h verify 0 30s 30s"),
        Some(ServeStale {
            refresh: verify,
            ttl: seconds(30),
            recheck: seconds(30),
            ..plain
        })
    );
    let timeout = Some(Duration::from_millis(100));
    assert_eq!(
        stale("1h verify 100ms"),
        Some(ServeStale {
            refresh: StaleRefresh::Verify { timeout },
            ..plain
        })
    );
    let preferring = cache("cache {\nserve_stale_policy prefer_positive\nserve_stale\n}");
    assert!(preferring.serve_stale.unwrap().prefer_positive);
}

#[test]
fn stale_on_failure_can_be_changed_and_turned_off() {
    let stale =
        |text: &str| cache(&format!("cache {{\nstale_on_failure {text}\n}}")).stale_on_failure;
    assert_eq!(stale(""), Some(DEFAULT_STALE_ON_FAILURE));
    assert_eq!(stale("24h"), Some(seconds(86_400)));
    assert_eq!(stale("off"), None);
    assert_eq!(stale("0s"), None);
}

#[track_caller]
fn check_refused(refused: &[(&str, &str)]) {
    for (text, message) in refused {
        let problem = problem(text);
        assert!(
            problem.message.starts_with(message),
            "{text}: {}",
            problem.message
        );
    }
}

#[test]
fn wrong_limits_are_refused() {
    check_refused(&[
        (
            "cache\ncache",
            "this plugin can only be used once per Server Block",
        ),
        ("cache 0", "cache TTL can not be zero or negative: 0"),
        ("cache -1", "cache TTL can not be zero or negative: -1"),
        ("cache {\nsuccess\n}", "Wrong argument count"),
        (
            "cache {\nsuccess a\n}",
            "strconv.Atoi: parsing \"a\": invalid syntax",
        ),
        (
            "cache {\nsuccess -1\n}",
            "cache capacity can not be negative: -1",
        ),
        (
            "cache {\nsuccess 5000000000\n}",
            "cache capacity 5000000000 is more than",
        ),
        (
            "cache {\ndenial 1 0\n}",
            "cache TTL can not be zero or negative: 0",
        ),
        (
            "cache {\ndenial 1 5 -1\n}",
            "cache min TTL can not be negative: -1",
        ),
        ("cache {\nprefetch\n}", "Wrong argument count"),
        (
            "cache {\nprefetch -1\n}",
            "prefetch amount should be positive: -1",
        ),
        (
            "cache {\nprefetch 1 2m 10\n}",
            "last character of percentage should be `%`, but is: '0'",
        ),
        (
            "cache {\nprefetch 1 2m %\n}",
            "strconv.Atoi: parsing \"\": invalid syntax",
        ),
        (
            "cache {\nprefetch 1 2m 9%\n}",
            "percentage should fall in range [10, 90]: 9",
        ),
    ]);
}

#[test]
fn wrong_values_for_stale_answers_are_refused() {
    check_refused(&[
        (
            "cache {\nserve_stale 20\n}",
            "time: missing unit in duration \"20\"",
        ),
        (
            "cache {\nserve_stale -1h\n}",
            "invalid negative duration for serve_stale",
        ),
        (
            "cache {\nserve_stale 1h later\n}",
            "invalid value for serve_stale refresh mode: later",
        ),
        (
            "cache {\nserve_stale 1h verify -1s\n}",
            "invalid negative timeout for serve_stale verify",
        ),
        (
            "cache {\nserve_stale 1h immediate 0.5s\n}",
            "serve_stale response TTL must be a whole",
        ),
        (
            "cache {\nserve_stale 1h immediate 1s 6m\n}",
            "serve_stale failure recheck cannot exceed",
        ),
        (
            "cache {\nserve_stale 1h immediate 1s 1s 1s\n}",
            "Wrong argument count",
        ),
        (
            "cache {\nserve_stale_policy prefer_positive\n}",
            "serve_stale_policy requires serve_stale",
        ),
    ]);
}

#[test]
fn other_wrong_values_are_refused() {
    check_refused(&[
        (
            "cache {\nservfail -1s\n}",
            "invalid negative ttl for servfail",
        ),
        (
            "cache {\nservfail 6m\n}",
            "caching SERVFAIL responses over 5 minutes is not permitted",
        ),
        ("cache {\nservfail\n}", "Wrong argument count"),
        ("cache {\ndisable\n}", "Wrong argument count"),
        (
            "cache {\ndisable all\n}",
            "cache type for disable must be \"success\" or \"denial\"",
        ),
        ("cache {\nkeepttl 1\n}", "Wrong argument count"),
        (
            "cache {\nmemory 1KiB\n}",
            "memory of 1KiB is too little for a cache",
        ),
        ("cache {\nmemory lots\n}", "invalid size \"lots\""),
        (
            "cache {\nstale_on_failure 200h\n}",
            "stale_on_failure cannot exceed 168 hours",
        ),
        (
            "cache {\nfoo\n}",
            "Wrong argument count or unexpected line ending after 'foo'",
        ),
    ]);
}
