//! The nameservers of a file in the form of `/etc/resolv.conf`, as `forward` uses them.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

/// The servers to forward to, in order, on port 53.
///
/// Only lines that begin with `nameserver` count (resolv.conf(5)); everything else in the file is
/// about how a stub resolver searches. The interface of a link-local address is dropped, as
/// `CoreDNS` drops it. What is not an address is left out.
pub fn resolv_conf_servers(text: &str) -> Vec<SocketAddr> {
    text.lines().filter_map(server).collect()
}

fn server(line: &str) -> Option<SocketAddr> {
    if line.starts_with(['#', ';']) {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    if words.next()? != "nameserver" {
        return None;
    }
    let word = words.next()?;
    let address = word.split_once('%').map_or(word, |(address, _)| address);
    match address.parse().ok()? {
        IpAddr::V6(address) => Some(SocketAddrV6::new(address, 53, 0, 0).into()),
        IpAddr::V4(address) => Some((address, 53).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameserver_lines_are_the_servers() {
        let text = "search example.org\n# nameserver 192.0.2.9\nnameserver 192.0.2.1\n\
                    nameserver 2001:db8::1 # the second\nnameserver fe80::1%eth0\n\
                    nameserver dns.example.org\noptions ndots:5\nnameserver\n";
        let servers: Vec<String> = resolv_conf_servers(text)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            servers,
            ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1]:53"]
        );
    }

    #[test]
    fn a_file_without_servers_has_none() {
        assert!(resolv_conf_servers("").is_empty());
    }
}
