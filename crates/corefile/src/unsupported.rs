//! Directives that `CoreDNS` knows and a node-local cache does not have.
//!
//! They are refused by name, so that a Corefile meant for a cluster's own DNS servers is recognized
//! for what it is. node-cache refuses the same ones (`no action found for directive`).

/// Whether `CoreDNS` knows the directive and we refuse it.
pub(crate) fn is_known(name: &str) -> bool {
    reason(name).is_some()
}

/// Why the directive is refused, as the end of a sentence.
pub(crate) fn reason(name: &str) -> Option<&'static str> {
    REFUSED
        .iter()
        .find(|(known, _)| *known == name)
        .map(|&(_, reason)| reason)
}

/// Every refused directive with the reason (`CoreDNS`'s `plugin.cfg`).
pub(crate) const REFUSED: &[(&str, &str)] = &[
    ("auto", "a node-local cache serves no zone files"),
    ("autopath", "it needs the 'kubernetes' directive"),
    (
        "azure",
        "a node-local cache serves no zones; forward to a server that does",
    ),
    ("cancel", "every question already has a deadline"),
    ("chaos", "version questions in class CH are forwarded"),
    (
        "clouddns",
        "a node-local cache serves no zones; forward to a server that does",
    ),
    ("dnssec", "a node-local cache signs nothing"),
    ("erratic", "it is for tests only"),
    (
        "etcd",
        "a node-local cache serves no zones; forward to a server that does",
    ),
    ("file", "a node-local cache serves no zone files"),
    ("geoip", "it only adds metadata, which is not kept"),
    ("grpc", "questions are forwarded over UDP, TCP or TLS"),
    ("grpc_server", "only plain DNS is served"),
    ("header", "the flags of replies are not configurable"),
    ("https", "only plain DNS is served"),
    ("https3", "only plain DNS is served"),
    ("k8s_external", "it needs the 'kubernetes' directive"),
    (
        "kubernetes",
        "this looks like the Corefile of the cluster's own DNS servers; \
         a node-local cache forwards the cluster's zones to them",
    ),
    ("multisocket", "there is one socket per worker already"),
    (
        "nomad",
        "a node-local cache serves no zones; forward to a server that does",
    ),
    ("on", "no commands are run on events"),
    (
        "proxyproto",
        "clients are on this node, so their addresses are known",
    ),
    ("quic", "only plain DNS is served"),
    (
        "root",
        "it is for zone files, which a node-local cache does not serve",
    ),
    (
        "route53",
        "a node-local cache serves no zones; forward to a server that does",
    ),
    (
        "secondary",
        "a node-local cache serves no zones; forward to a server that does",
    ),
    ("shed", "overload is handled without configuration"),
    ("sign", "a node-local cache signs nothing"),
    (
        "tls",
        "only plain DNS is served; 'tls' inside 'forward' is something else",
    ),
    ("transfer", "a node-local cache transfers no zones"),
    (
        "tsig",
        "a node-local cache verifies no signatures of transactions",
    ),
    ("view", "one zone has one server block"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directives;

    #[test]
    fn no_directive_is_both_supported_and_refused() {
        for directive in directives::all() {
            assert!(!is_known(directive.name), "{}", directive.name);
        }
    }

    #[test]
    fn the_refused_ones_are_sorted() {
        assert!(REFUSED.is_sorted_by(|left, right| left.0 < right.0));
    }
}
