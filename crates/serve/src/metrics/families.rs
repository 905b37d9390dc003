//! Every metric family of the program, in one list.
//!
//! Names, help texts, labels and buckets of the `coredns_` families are those of `CoreDNS` 1.14
//! and node-cache; `coredns_forward_*` per upstream are the names that came before
//! `coredns_proxy_*` (`CoreDNS` 1.10) and that many dashboards still ask for. What those programs
//! cannot say is prefixed `nodens_`.

use super::buckets::{DURATION_BOUNDS, SIZE_BOUNDS, SLIM_DURATION_BOUNDS};
use super::family::Family;

macro_rules! families {
    ($($(#[$doc:meta])* $constant:ident = $family:expr;)*) => {
        $($(#[$doc])* pub static $constant: Family = $family;)*
        /// All families.
        pub static ALL: &[&Family] = &[$(&$constant),*];
    };
}

families! {
    /// Version of the running program.
    BUILD_INFO = Family::gauge("coredns_build_info",
        "A metric with a constant '1' value labeled by version, revision, and goversion from which CoreDNS was built.",
        &["version", "revision", "goversion"]);
    /// Caught panics.
    PANICS = Family::counter("coredns_panics_total",
        "A metrics that counts the number of panics.", &[]);
    /// Directives in force.
    PLUGIN_ENABLED = Family::gauge("coredns_plugin_enabled",
        "A metric that indicates whether a plugin is enabled on per server and zone basis.",
        &["server", "zone", "view", "name"]);

    /// Questions received.
    DNS_REQUESTS = Family::counter("coredns_dns_requests_total",
        "Counter of DNS requests made per zone, protocol and family.",
        &["server", "zone", "view", "proto", "family", "type"]);
    /// Time from question to reply.
    DNS_REQUEST_DURATION = Family::histogram("coredns_dns_request_duration_seconds",
        "Histogram of the time (in seconds) each request took per zone.",
        &["server", "zone", "view"], &DURATION_BOUNDS);
    /// Sizes of questions.
    DNS_REQUEST_SIZE = Family::histogram("coredns_dns_request_size_bytes",
        "Size of the EDNS0 UDP buffer in bytes (64K for TCP) per zone and protocol.",
        &["server", "zone", "view", "proto"], &SIZE_BOUNDS);
    /// Questions with the DNSSEC OK bit.
    DNS_DO_REQUESTS = Family::counter("coredns_dns_do_requests_total",
        "Counter of DNS requests with DO bit set per zone.", &["server", "zone", "view"]);
    /// Sizes of replies.
    DNS_RESPONSE_SIZE = Family::histogram("coredns_dns_response_size_bytes",
        "Size of the returned response in bytes.",
        &["server", "zone", "view", "proto"], &SIZE_BOUNDS);
    /// Replies sent.
    DNS_RESPONSES = Family::counter("coredns_dns_responses_total",
        "Counter of response status codes.", &["server", "zone", "view", "rcode", "plugin"]);

    /// Entries held.
    CACHE_ENTRIES = Family::gauge("coredns_cache_entries",
        "The number of elements in the cache.", &["server", "type", "zones", "view"]);
    /// Questions that reached the cache.
    CACHE_REQUESTS = Family::counter("coredns_cache_requests_total",
        "The count of cache requests.", &["server", "zones", "view"]);
    /// Questions answered from the cache.
    CACHE_HITS = Family::counter("coredns_cache_hits_total",
        "The count of cache hits.", &["server", "type", "zones", "view"]);
    /// Questions the cache could not answer.
    CACHE_MISSES = Family::counter("coredns_cache_misses_total",
        "The count of cache misses. Deprecated, derive misses from cache hits/requests counters.",
        &["server", "zones", "view"]);
    /// Entries renewed before their end.
    CACHE_PREFETCH = Family::counter("coredns_cache_prefetch_total",
        "The number of times the cache has prefetched a cached item.",
        &["server", "zones", "view"]);
    /// Answers not stored.
    CACHE_DROPS = Family::counter("coredns_cache_drops_total",
        "The number responses that are not cached, because the reply is malformed.",
        &["server", "zones", "view"]);
    /// Questions answered with a stale entry.
    CACHE_SERVED_STALE = Family::counter("coredns_cache_served_stale_total",
        "The number of requests served from stale cache entries.", &["server", "zones", "view"]);
    /// Entries pushed out.
    CACHE_EVICTIONS = Family::counter("coredns_cache_evictions_total",
        "The count of cache evictions.", &["server", "type", "zones", "view"]);

    /// Answers of upstreams and how long they took.
    PROXY_REQUEST_DURATION = Family::histogram("coredns_proxy_request_duration_seconds",
        "Histogram of the time each request took.", &["proxy_name", "to", "rcode"],
        &DURATION_BOUNDS);
    /// Health probes without an answer.
    PROXY_HEALTHCHECK_FAILURES = Family::counter("coredns_proxy_healthcheck_failures_total",
        "Counter of the number of failed healthchecks.", &["proxy_name", "to"]);
    /// Questions sent over a connection that was open.
    PROXY_CONN_CACHE_HITS = Family::counter("coredns_proxy_conn_cache_hits_total",
        "Counter of connection cache hits per upstream and protocol.",
        &["proxy_name", "to", "proto"]);
    /// Questions that needed a new connection.
    PROXY_CONN_CACHE_MISSES = Family::counter("coredns_proxy_conn_cache_misses_total",
        "Counter of connection cache misses per upstream and protocol.",
        &["proxy_name", "to", "proto"]);

    /// Times all upstreams were down and one was asked anyway.
    FORWARD_HEALTHCHECK_BROKEN = Family::counter("coredns_forward_healthcheck_broken_total",
        "Counter of the number of complete failures of the healthchecks.", &[]);
    /// Questions refused because of `max_concurrent`.
    FORWARD_MAX_CONCURRENT_REJECTS = Family::counter(
        "coredns_forward_max_concurrent_rejects_total",
        "Counter of the number of queries rejected because the concurrent queries were at maximum.",
        &[]);
    /// Older name: questions answered by an upstream.
    FORWARD_REQUESTS = Family::counter("coredns_forward_requests_total",
        "Counter of requests made per upstream.", &["to"]);
    /// Older name: answers by response code.
    FORWARD_RESPONSES = Family::counter("coredns_forward_responses_total",
        "Counter of responses received per upstream.", &["rcode", "to"]);
    /// Older name of [`PROXY_REQUEST_DURATION`].
    FORWARD_REQUEST_DURATION = Family::histogram("coredns_forward_request_duration_seconds",
        "Histogram of the time each request took.", &["to", "rcode"], &DURATION_BOUNDS);
    /// Older name of [`PROXY_HEALTHCHECK_FAILURES`].
    FORWARD_HEALTHCHECK_FAILURES = Family::counter("coredns_forward_healthcheck_failures_total",
        "Counter of the number of failed healthchecks.", &["to"]);
    /// Older name of [`PROXY_CONN_CACHE_HITS`].
    FORWARD_CONN_CACHE_HITS = Family::counter("coredns_forward_conn_cache_hits_total",
        "Counter of connection cache hits per upstream and protocol.", &["to", "proto"]);
    /// Older name of [`PROXY_CONN_CACHE_MISSES`].
    FORWARD_CONN_CACHE_MISSES = Family::counter("coredns_forward_conn_cache_misses_total",
        "Counter of connection cache misses per upstream and protocol.", &["to", "proto"]);

    /// The program's own requests to `/health`.
    HEALTH_REQUEST_DURATION = Family::histogram("coredns_health_request_duration_seconds",
        "Histogram of the time (in seconds) each request took.", &[], &SLIM_DURATION_BOUNDS);
    /// The program's own requests to `/health` that failed.
    HEALTH_REQUEST_FAILURES = Family::counter("coredns_health_request_failures_total",
        "The number of times the health check failed.", &[]);
    /// Reloads that failed.
    RELOAD_FAILED = Family::counter("coredns_reload_failed_total",
        "Counter of the number of failed reload attempts.", &[]);
    /// The configuration now in force, after a reload.
    RELOAD_VERSION_INFO = Family::gauge("coredns_reload_version_info",
        "A metric with a constant '1' value labeled by hash, and value which type of hash generated.",
        &["hash", "value"]);
    /// Entries of the hosts directive.
    HOSTS_ENTRIES = Family::gauge("coredns_hosts_entries",
        "The combined number of entries in hosts and Corefile.", &["hostsfile"]);
    /// When a hosts file was last read.
    HOSTS_RELOAD_TIMESTAMP = Family::gauge("coredns_hosts_reload_timestamp_seconds",
        "The timestamp of the last reload of hosts file.", &[]);
    /// Names matched by a template.
    TEMPLATE_MATCHES = Family::counter("coredns_template_matches_total",
        "Counter of template regex matches.", &["server", "zone", "view", "class", "type"]);
    /// Templates that could not be expanded.
    TEMPLATE_FAILURES = Family::counter("coredns_template_template_failures_total",
        "Counter of go template failures.",
        &["server", "zone", "view", "class", "type", "section", "template"]);
    /// Expanded templates that are no record.
    TEMPLATE_RR_FAILURES = Family::counter("coredns_template_rr_failures_total",
        "Counter of mis-templated RRs.",
        &["server", "zone", "view", "class", "type", "section", "template"]);
    /// Questions refused by the acl directive.
    ACL_BLOCKED = Family::counter("coredns_acl_blocked_requests_total",
        "Counter of DNS requests being blocked.", &["server", "zone", "view"]);
    /// Questions answered with nothing by the acl directive.
    ACL_FILTERED = Family::counter("coredns_acl_filtered_requests_total",
        "Counter of DNS requests being filtered.", &["server", "zone", "view"]);
    /// Failed set-ups of addresses and packet rules.
    SETUP_ERRORS = Family::counter("coredns_nodecache_setup_errors_total",
        "The number of errors during periodic network setup for node-cache", &["errortype"]);

    /// Memory held by stored replies.
    CACHE_BYTES = Family::gauge("nodens_cache_bytes",
        "Memory in use by the cache's entries.", &["type", "zones", "view"]);
    /// Memory stored replies may take.
    CACHE_LIMIT_BYTES = Family::gauge("nodens_cache_limit_bytes",
        "Memory the cache's entries may use.", &["type", "zones", "view"]);
    /// Questions that waited for an answer another client had caused.
    JOINED_QUESTIONS = Family::counter("nodens_joined_questions_total",
        "Questions answered by an upstream question already under way for another client.",
        &["server", "zones", "view"]);
    /// Stale answers given because no upstream answered.
    STALE_ON_FAILURE = Family::counter("nodens_stale_on_failure_total",
        "Questions answered with a stale entry because the upstreams failed.",
        &["server", "zones", "view"]);
    /// State of an upstream.
    UPSTREAM_HEALTHY = Family::gauge("nodens_upstream_healthy",
        "1 while the upstream is used, 0 while it is taken to be down.", &["to"]);
    /// An upstream that answers over UDP but not over TCP.
    UPSTREAM_TCP_UNUSABLE = Family::gauge("nodens_upstream_tcp_unusable",
        "1 while the upstream answers over UDP but not over TCP.", &["to"]);
    /// Questions an upstream did not answer.
    UPSTREAM_FAILURES = Family::counter("nodens_upstream_failures_total",
        "Questions the upstream did not answer, by what went wrong.", &["to", "failure"]);
    /// Packets that got no reply.
    DROPPED_PACKETS = Family::counter("nodens_dropped_packets_total",
        "Packets, replies and connections that came to nothing, by reason.", &["reason"]);
    /// Questions waiting for an upstream.
    QUESTIONS_IN_FLIGHT = Family::gauge("nodens_questions_in_flight",
        "Client questions waiting for an answer.", &[]);
    /// Clients connected over TCP.
    TCP_CONNECTIONS = Family::gauge("nodens_tcp_connections",
        "Open TCP connections of clients.", &[]);
    /// Log lines lost.
    LOG_LINES_DROPPED = Family::counter("nodens_log_lines_dropped_total",
        "Log lines dropped because the standard output was not read fast enough.", &[]);
    /// Whether traffic to an address reaches this process.
    INTERCEPTION_ACTIVE = Family::gauge("nodens_interception_active",
        "1 while DNS traffic to the address is directed to this process.", &["address"]);
    /// Why traffic is not directed to this process.
    INTERCEPTION_INACTIVE = Family::gauge("nodens_interception_inactive",
        "1 while DNS traffic of the node is not directed to this process, by reason.", &["reason"]);
    /// Second-best plumbing.
    PLUMBING_FALLBACK = Family::gauge("nodens_plumbing_fallback",
        "1 where the kernel or the container lacks a piece and another takes its place.",
        &["missing"]);
    /// What other programs removed.
    PLUMBING_REPAIRS = Family::counter("nodens_plumbing_repairs_total",
        "Links, addresses and rules that another program removed and that were set up again.",
        &["what"]);
    /// Crashes and hangs that a supervised cache was restarted after.
    SUPERVISED_RESTARTS = Family::gauge("nodens_supervised_restarts",
        "Times the supervised process was started again since the program started.", &[]);
    /// The health verdict.
    HEALTHY = Family::gauge("nodens_healthy",
        "1 while the cache answers its own test question and all workers run.", &[]);

    /// CPU time used.
    PROCESS_CPU = Family::counter("process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.", &[]);
    /// Open file descriptors.
    PROCESS_OPEN_FDS = Family::gauge("process_open_fds", "Number of open file descriptors.", &[]);
    /// File descriptors allowed.
    PROCESS_MAX_FDS = Family::gauge("process_max_fds",
        "Maximum number of open file descriptors.", &[]);
    /// Virtual memory.
    PROCESS_VIRTUAL_MEMORY = Family::gauge("process_virtual_memory_bytes",
        "Virtual memory size in bytes.", &[]);
    /// Virtual memory allowed.
    PROCESS_VIRTUAL_MEMORY_MAX = Family::gauge("process_virtual_memory_max_bytes",
        "Maximum amount of virtual memory available in bytes.", &[]);
    /// Resident memory.
    PROCESS_RESIDENT_MEMORY = Family::gauge("process_resident_memory_bytes",
        "Resident memory size in bytes.", &[]);
    /// Start of the process.
    PROCESS_START_TIME = Family::gauge("process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.", &[]);

    /// Scrapes answered.
    METRIC_HANDLER_REQUESTS = Family::counter("promhttp_metric_handler_requests_total",
        "Total number of scrapes by HTTP status code.", &["code"]);
    /// Scrapes being answered.
    METRIC_HANDLER_IN_FLIGHT = Family::gauge("promhttp_metric_handler_requests_in_flight",
        "Current number of scrapes being served.", &[]);
}
