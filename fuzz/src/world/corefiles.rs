//! The configurations under which queries and answers are tried: together they use every stage.

/// All of them; an input chooses one by its place.
pub(crate) const COREFILES: [&str; 5] = [STOCK, STAGES, CHAINS, STALE, PLAIN];

/// What most clusters run.
const STOCK: &str = "\
cluster.local:53 {
    errors
    cache {
        success 1024 30
        denial 1024 5
    }
    forward . 192.0.2.1 192.0.2.2 {
        force_tcp
    }
}
.:53 {
    cache 30
    forward . 192.0.2.3
}
";

/// Every stage in front of and behind the cache.
const STAGES: &str = "\
.:53 {
    acl {
        block type ANY net 10.0.0.0/8
        filter type MX net 10.0.0.0/8
        drop type TXT net 10.0.0.0/8
        allow
    }
    local
    any
    bufsize 1400
    cache 60 {
        success 1024
        denial 1024
        prefetch 2 1m 90%
        serve_stale 1h
    }
    minimal
    loadbalance round_robin
    rewrite continue edns0 local set 0xffee {client_ip}
    rewrite continue ttl regex .* 5-60
    rewrite name suffix .apps.example.org .web.example.net answer auto
    rewrite name exact alias.example.org target.example.net
    rewrite cname suffix .example.net. .example.com.
    rewrite type HINFO A
    template IN A ip.example.org {
        match ^ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)[.]
        answer \"{{ .Name }} 60 IN A 192.0.{{ .Group.a }}.{{ .Group.b }}\"
        fallthrough
    }
    template IN A pointer.example.org {
        answer \"{{ .Name }} 60 IN CNAME {{ if eq .Name `www.pointer.example.org.` }}web{{ else }}other{{ end }}.example.net.\"
        additional \"more.{{ .Zone }} 5 IN TXT \\\"{{ .Question.Name }}\\\"\"
        ederror 15 made
    }
    template ANY ANY none.example.org {
        rcode NXDOMAIN
        authority \"{{ .Zone }} 60 IN SOA ns.{{ .Zone }} hostmaster.{{ .Zone }} (1 60 60 60 60)\"
    }
    hosts {
        192.0.2.7 www.hosts.example.org hosts.example.org
        2001:db8::7 www.hosts.example.org
        fallthrough
    }
    dns64 {
        allow_ipv4
    }
    forward . 192.0.2.1 192.0.2.2 192.0.2.3 {
        policy sequential
        failover SERVFAIL REFUSED
        max_concurrent 3
        next NXDOMAIN
        case_randomization
    }
    forward example.org 198.51.100.1 {
        next_on_nodata
    }
}
";

/// Answers that lead to more questions.
const CHAINS: &str = "\
.:53 {
    cache 30 {
        success 1024
        denial 1024
        keepttl
    }
    dns64 64:ff9b::/96 {
        translate_all
        allow_ipv4
    }
    template IN A example.org {
        answer \"{{ .Name }} 60 IN CNAME a.example.net.\" \"a.example.net. 60 IN CNAME b.example.net.\"
        authority \"c.example.org. 60 IN CNAME d.example.net.\"
    }
    rewrite name suffix .example.com .example.net answer auto
    forward . 192.0.2.1 192.0.2.2 {
        policy round_robin
        failover SERVFAIL
        next SERVFAIL NXDOMAIN
        next_on_nodata
        max_fails 1
    }
    forward . 198.51.100.1 {
        prefer_udp
        failfast_all_unhealthy_upstreams
    }
}
";

/// Expired answers, asked by TCP and TLS.
const STALE: &str = "\
.:53 {
    cache 5 {
        success 1024
        denial 1024
        servfail 1s
        serve_stale 1h verify 500ms
        serve_stale_policy prefer_positive
        stale_on_failure 2h
        disable denial example.com
    }
    forward . tls://192.0.2.1%example.org 192.0.2.2 {
        force_tcp
        read_timeout 200ms
        health_check 100ms no_rec domain example.org
    }
}
";

/// No cache at all, and names that are answered here.
const PLAIN: &str = "\
example.org:53 {
    whoami
}
.:53 {
    local {
        localhost_prefix off
    }
    loadbalance {
        prefer 192.0.2.0/25
    }
    rewrite class CH IN
    rewrite rcode regex .* NXDOMAIN NOERROR
    forward . 192.0.2.1 {
        prefer_udp
        max_fails 0
        max_connect_attempts 2
    }
}
";
