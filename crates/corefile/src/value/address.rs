//! `host:port` as Go's `net.SplitHostPort` takes it apart.

/// The host without brackets, and the port; the error is Go's message.
pub(crate) fn split_host_port(text: &str) -> Result<(&str, &str), String> {
    let problem = |reason: &str| Err(format!("address {text}: {reason}"));
    let Some((before, port)) = text.rsplit_once(':') else {
        return problem("missing port in address");
    };
    let host = if let Some(bracketed) = text.strip_prefix('[') {
        let Some((host, after)) = bracketed.split_once(']') else {
            return problem("missing ']' in address");
        };
        if after.is_empty() || !after.starts_with(':') {
            return problem("missing port in address");
        }
        if after.len() != port.len() + 1 {
            return problem("too many colons in address");
        }
        host
    } else {
        if before.contains(':') {
            return problem("too many colons in address");
        }
        before
    };
    if host.contains('[') || port.contains('[') {
        return problem("unexpected '[' in address");
    }
    if host.contains(']') || port.contains(']') {
        return problem("unexpected ']' in address");
    }
    Ok((host, port))
}

/// The beginning of the variables that node-cache replaces in a Corefile before reading it.
pub(crate) const PLACEHOLDER: &str = "__PILLAR__";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_split_as_in_go() {
        assert_eq!(split_host_port(":9253"), Ok(("", "9253")));
        assert_eq!(
            split_host_port("[2001:db8::1]:8080"),
            Ok(("2001:db8::1", "8080"))
        );
        assert_eq!(split_host_port("localhost:"), Ok(("localhost", "")));
        for (text, message) in [
            ("9253", "address 9253: missing port in address"),
            (
                "2001:db8::1",
                "address 2001:db8::1: too many colons in address",
            ),
            ("[::1]", "address [::1]: missing port in address"),
            ("[::1", "address [::1: missing ']' in address"),
            ("[::1]:1:2", "address [::1]:1:2: too many colons in address"),
            ("a]b:1", "address a]b:1: unexpected ']' in address"),
        ] {
            assert_eq!(split_host_port(text).unwrap_err(), message);
        }
    }
}
