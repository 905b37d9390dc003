use nodens_corefile::{COMMON_LOG_FORMAT, LogClasses};
use nodens_dns::{Class, Flags, MessageBuilder, Name, Record, RecordType, Section};
use nodens_resolve::{Client, DropReason, FailureText, TemplateOutcome, Time};
use nodens_resolve::{Upstream, UpstreamSettings};

use super::*;
use crate::log::Sink;
use crate::log::{Consolidation, ErrorLog, Format, LogRule, QueryLog};
use crate::metrics::Build;

#[test]
fn a_hit_is_counted_under_its_server_zone_and_cache() {
    let world = World::new();
    let mut reporter = world.reporter(0);
    reporter.reply(&world.answered(&facts(CacheOutcome::Hit), &question()));
    // Another worker's counts are added up.
    world
        .reporter(1)
        .reply(&world.answered(&facts(CacheOutcome::Hit), &question()));
    let text = world.metrics.encode();
    for line in [
        r#"coredns_dns_requests_total{family="1",proto="udp",server="dns://192.0.2.10:53",type="A",view="",zone="cluster.local."} 2"#,
        r#"coredns_dns_responses_total{plugin="cache",rcode="NOERROR",server="dns://192.0.2.10:53",view="",zone="cluster.local."} 2"#,
        r#"coredns_dns_request_duration_seconds_bucket{server="dns://192.0.2.10:53",view="",zone="cluster.local.",le="0.00025"} 2"#,
        r#"coredns_dns_request_duration_seconds_sum{server="dns://192.0.2.10:53",view="",zone="cluster.local."} 6e-05"#,
        r#"coredns_dns_request_size_bytes_bucket{proto="udp",server="dns://192.0.2.10:53",view="",zone="cluster.local.",le="0"} 0"#,
        r#"coredns_dns_request_size_bytes_bucket{proto="udp",server="dns://192.0.2.10:53",view="",zone="cluster.local.",le="100"} 2"#,
        r#"coredns_dns_response_size_bytes_count{proto="udp",server="dns://192.0.2.10:53",view="",zone="cluster.local."} 2"#,
        r#"coredns_cache_requests_total{server="dns://192.0.2.10:53",view="",zones="cluster.local.,example.org."} 2"#,
        r#"coredns_cache_hits_total{server="dns://192.0.2.10:53",type="success",view="",zones="cluster.local.,example.org."} 2"#,
        r#"coredns_cache_hits_total{server="dns://192.0.2.10:53",type="denial",view="",zones="cluster.local.,example.org."} 0"#,
        r#"coredns_cache_misses_total{server="dns://192.0.2.10:53",view="",zones="cluster.local.,example.org."} 0"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(
        !text.contains("coredns_dns_do_requests_total"),
        "nothing asked for DNSSEC records"
    );
}

#[test]
fn each_cache_outcome_counts_what_it_is() {
    let world = World::new();
    let mut reporter = world.reporter(0);
    for outcome in [
        CacheOutcome::Unused,
        CacheOutcome::DenialHit,
        CacheOutcome::Stale,
        CacheOutcome::StaleOnFailure,
        CacheOutcome::Miss,
        CacheOutcome::Joined,
    ] {
        reporter.reply(&world.answered(&facts(outcome), &question()));
    }
    let text = world.metrics.encode();
    for (start, count) in [
        ("coredns_cache_requests_total{", 5),
        ("coredns_cache_misses_total{", 3),
        ("coredns_cache_served_stale_total{", 2),
        ("nodens_stale_on_failure_total{", 1),
        ("nodens_joined_questions_total{", 1),
        ("coredns_dns_requests_total{", 6),
    ] {
        let line = text.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(line.ends_with(&format!(" {count}")), "{line}");
    }
}

#[test]
fn what_has_no_zone_is_counted_as_dropped() {
    let world = World::new();
    let mut reporter = world.reporter(0);
    let facts = Facts {
        block: Facts::NONE,
        zone: Facts::NONE,
        rcode: 5,
        plugin: Plugin::Server,
        ..facts(CacheOutcome::Unused)
    };
    reporter.reply(&world.answered(&facts, &question()));
    reporter.dropped(Discard::Resolver(DropReason::TooShort));
    let text = world.metrics.encode();
    for line in [
        r#"coredns_dns_responses_total{plugin="",rcode="REFUSED",server="dns://192.0.2.10:53",view="",zone="dropped"} 1"#,
        r#"nodens_dropped_packets_total{reason="too_short"} 1"#,
        r#"nodens_dropped_packets_total{reason="too_long"} 0"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_logged_question_is_a_line_after_the_turn() {
    let world = World::new();
    let mut reporter = world.reporter(0);
    let message = question();
    reporter.reply(&world.answered(&facts(CacheOutcome::Hit), &message));
    let asked = Asked::remember(&Query::parse(&message).unwrap(), Time::EPOCH);
    let miss = facts(CacheOutcome::Miss);
    let mut answered = world.answered(&miss, &message);
    answered.question = Question::Kept(&asked);
    reporter.reply(&answered);
    assert_eq!(world.log(), "");
    reporter.turn();
    let line = "[INFO] 198.51.100.7:4711 - 4242 \"A IN www.cluster.local. udp 46 true 1232\" \
                NOERROR qr,rd,ra 51 0.00003s\n";
    assert_eq!(world.log(), line.repeat(2));
}

#[test]
fn a_published_configuration_is_taken_over_and_old_counts_stay() {
    let world = World::new();
    let mut reporter = world.reporter(0);
    reporter.reply(&world.answered(&facts(CacheOutcome::Hit), &question()));
    let servers = vec!["dns://192.0.2.10:53".into()];
    let next = Reporting::new(servers, vec![".".into()], vec![BlockReporting::default()]);
    world.publisher.publish(next);
    reporter.turn();
    reporter.reply(&world.answered(&facts(CacheOutcome::Hit), &question()));
    // Facts of the old configuration that the new one has no name for.
    let late = Facts {
        zone: 1,
        server: 1,
        ..facts(CacheOutcome::Hit)
    };
    reporter.reply(&world.answered(&late, &question()));
    let text = world.metrics.encode();
    for zone in [".", "cluster.local."] {
        let line = format!(
            "coredns_dns_requests_total{{family=\"1\",proto=\"udp\",\
             server=\"dns://192.0.2.10:53\",type=\"A\",view=\"\",zone=\"{zone}\"}} 1"
        );
        assert!(text.contains(&line), "{line}\n{text}");
    }
}

#[test]
fn events_of_upstreams_are_counted_under_both_generations_of_names() {
    let world = World::new();
    let mut reporter = world.reporter(0);
    let upstream = upstream();
    world.metrics.set_upstreams_in_use(["192.0.2.53:53"]);
    let duration = Duration::from_millis(3);
    for event in [
        Event::UpstreamAnswered {
            upstream: Arc::clone(&upstream),
            rcode: 3,
            duration,
        },
        Event::UpstreamFailed {
            upstream: Arc::clone(&upstream),
            block: 0,
            failure: FailureText("read udp: i/o timeout".into()),
            question: "www.cluster.local. A".into(),
        },
        Event::HealthCheckFailed {
            upstream: Arc::clone(&upstream),
        },
        Event::UpstreamHealth {
            upstream: Arc::clone(&upstream),
            healthy: false,
        },
        Event::UpstreamTcp {
            upstream,
            usable: false,
            reason: FailureText("EOF".into()),
        },
        Event::AllUpstreamsDown { block: 0 },
        Event::TooManyConcurrent {
            block: 0,
            limit: 10,
        },
        Event::Prefetch {
            server: 0,
            block: 0,
        },
        Event::Template {
            server: 0,
            block: 0,
            template: 0,
            outcome: TemplateOutcome::Matched,
        },
    ] {
        reporter.event(&event);
    }
    let text = world.metrics.encode();
    for line in [
        r#"coredns_proxy_request_duration_seconds_bucket{proxy_name="forward",rcode="NXDOMAIN",to="192.0.2.53:53",le="0.004"} 1"#,
        r#"coredns_forward_request_duration_seconds_sum{rcode="NXDOMAIN",to="192.0.2.53:53"} 0.003"#,
        r#"coredns_forward_requests_total{to="192.0.2.53:53"} 1"#,
        r#"coredns_forward_responses_total{rcode="NXDOMAIN",to="192.0.2.53:53"} 1"#,
        r#"coredns_proxy_healthcheck_failures_total{proxy_name="forward",to="192.0.2.53:53"} 1"#,
        r#"coredns_forward_healthcheck_failures_total{to="192.0.2.53:53"} 1"#,
        r#"nodens_upstream_failures_total{failure="timeout",to="192.0.2.53:53"} 1"#,
        r#"nodens_upstream_healthy{to="192.0.2.53:53"} 0"#,
        r#"nodens_upstream_tcp_unusable{to="192.0.2.53:53"} 1"#,
        "coredns_forward_healthcheck_broken_total 1",
        "coredns_forward_max_concurrent_rejects_total 1",
        r#"coredns_cache_prefetch_total{server="dns://192.0.2.10:53",view="",zones="cluster.local.,example.org."} 1"#,
        r#"coredns_template_matches_total{class="IN",server="dns://192.0.2.10:53",type="A",view="",zone="cluster.local."} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert_eq!(
        world.log(),
        "[WARNING] plugin/forward: upstream 192.0.2.53:53 is taken to be down\n\
         [WARNING] plugin/forward: upstream 192.0.2.53:53 answers over UDP but not over TCP \
         (EOF); UDP is used\n"
    );
    world.metrics.set_upstreams_in_use([]);
    assert!(!world.metrics.encode().contains("nodens_upstream_healthy{"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn gathered_errors_are_logged_when_the_configuration_is_replaced() {
    let world = World::new();
    let mut reporter = world.reporter(0);
    let pattern = Consolidation {
        period: Duration::from_hours(1),
        expression: "EOF".into(),
        pattern: regex::Regex::new("EOF").unwrap(),
        level: crate::log::Level::Warning,
        show_first: false,
    };
    let block = BlockReporting {
        errors: Some(Arc::new(ErrorLog::new(vec![pattern]))),
        ..BlockReporting::default()
    };
    let first = Reporting::new(Vec::new(), Vec::new(), vec![block]);
    first.start(&world.logger, Clock::start());
    world.publisher.publish(first);
    reporter.turn();
    for _ in 0..2 {
        reporter.event(&Event::QuestionFailed {
            block: 0,
            question: "www.cluster.local. A".into(),
            error: "EOF".into(),
            stale: false,
        });
    }
    let old = world.publisher.publish(Arc::default());
    old.stop(&world.logger);
    let line = "[WARNING] plugin/errors: 2 errors like 'EOF' occurred in last 1h0m0s\n";
    assert_eq!(world.log(), line);
}

#[test]
fn a_failed_question_is_an_error_unless_a_stale_answer_was_given() {
    let world = World::new();
    let mut reporter = world.reporter(0);
    for stale in [false, true] {
        reporter.event(&Event::QuestionFailed {
            block: 0,
            question: "www.cluster.local. A".into(),
            error: "read udp 192.0.2.2:1->192.0.2.53:53: i/o timeout".into(),
            stale,
        });
    }
    assert_eq!(
        world.log(),
        "[ERROR] plugin/errors: 2 www.cluster.local. A: read udp 192.0.2.2:1->192.0.2.53:53: i/o \
         timeout\n"
    );
}

struct World {
    metrics: Arc<Metrics>,
    logger: Logger,
    written: Sink,
    publisher: Publisher,
    client: Client,
    reply: Vec<u8>,
}

impl World {
    fn new() -> Self {
        let (logger, written) = Sink::new();
        let rule = LogRule {
            scope: Name::root(),
            classes: LogClasses {
                success: true,
                denial: true,
                error: true,
            },
            format: Format::parse(COMMON_LOG_FORMAT),
        };
        let block = BlockReporting {
            zones: "cluster.local.,example.org.".into(),
            query_log: QueryLog::new(vec![rule]),
            errors: Some(Arc::new(ErrorLog::new(Vec::<Consolidation>::new()))),
            templates: vec![TemplateLabels {
                zone: "cluster.local.".into(),
                class: "IN".into(),
                rtype: "A".into(),
            }],
        };
        let zones = vec!["cluster.local.".into(), "example.org.".into()];
        let servers = vec!["dns://192.0.2.10:53".into()];
        World {
            metrics: Metrics::new(Build {
                version: "0",
                revision: "0",
                compiler: "0",
            }),
            logger,
            written,
            publisher: Publisher::new(Reporting::new(servers, zones, vec![block])),
            client: Client {
                transport: Transport::Udp,
                peer: "198.51.100.7:4711".parse().unwrap(),
                local: "192.0.2.10:53".parse().unwrap(),
                ticket: 0,
                worker: 0,
                server: 0,
            },
            reply: reply(),
        }
    }

    fn reporter(&self, worker: u16) -> Reporter {
        let metrics = Arc::clone(&self.metrics);
        Reporter::new(
            worker,
            metrics,
            self.logger.clone(),
            Clock::start(),
            &self.publisher,
        )
    }

    fn answered<'a>(&'a self, facts: &'a Facts, question: &'a [u8]) -> Answered<'a> {
        Answered {
            client: &self.client,
            facts,
            question: Question::Message(question),
            reply: &self.reply,
            elapsed: Duration::from_micros(30),
        }
    }

    fn log(&self) -> String {
        self.written.take()
    }
}

fn upstream() -> Arc<Upstream> {
    Arc::new(Upstream::new(UpstreamSettings {
        address: "192.0.2.53:53".parse().unwrap(),
        tls: None,
        expire: Duration::from_secs(10),
        max_age: None,
        max_idle_connections: 0,
        max_fails: 2,
        health_check: Duration::from_millis(500),
        health_check_recursion: true,
        health_check_domain: Name::root(),
    }))
}

fn facts(cache: CacheOutcome) -> Facts {
    Facts {
        server: 0,
        block: 0,
        zone: 0,
        qtype: 1,
        dnssec_ok: false,
        rcode: 0,
        plugin: Plugin::Cache,
        cache,
    }
}

fn name() -> Name {
    "www.Cluster.local.".parse().unwrap()
}

fn question() -> Vec<u8> {
    let mut builder = MessageBuilder::new(4242, Flags(Flags::RD));
    builder.question(&name(), RecordType::A, Class::IN);
    builder.edns(1232, true, Rcode::NOERROR, &[]);
    builder.finish()
}

fn reply() -> Vec<u8> {
    let mut builder = MessageBuilder::new(4242, Flags(Flags::QR | Flags::RD | Flags::RA));
    builder.question(&name(), RecordType::A, Class::IN);
    builder
        .record(
            Section::Answer,
            &Record::new(name(), RecordType::A, 5, &[192, 0, 2, 1]),
        )
        .unwrap();
    builder.finish()
}
