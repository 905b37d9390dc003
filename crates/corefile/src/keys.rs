//! Keys of server blocks: `scheme://zone:port`.

use crate::config::{Defaults, Key, Scheme};
use crate::error::{Error, Form, Problem};
use crate::lexer::Token;
use crate::zone;

/// The keys that the tokens stand for; a network can be several.
pub(crate) fn parse(tokens: &[Token], defaults: Defaults) -> Result<Vec<Key>, Error> {
    let mut keys = Vec::new();
    for token in tokens {
        let problem = |message: String, expected: &str| {
            Error::from(Problem {
                position: token.position.clone(),
                form: Form::Parsing,
                directive: None,
                message,
                token: token.text.clone(),
                expected: expected.to_owned(),
            })
        };
        let (scheme, rest) = zone::split_scheme(&token.text);
        if scheme != "dns" {
            let message = format!("cannot serve '{}': only plain DNS is served", token.text);
            return Err(problem(message, "a zone without scheme, or with 'dns://'"));
        }
        let (hosts, port) = zone::split_host_port(rest).map_err(|message| {
            problem(
                message,
                "a zone, such as 'example.org', '.:53' or '192.0.2.0/24'",
            )
        })?;
        let port = match port {
            None => defaults.port,
            Some(digits) => digits.parse().map_err(|_| {
                problem(
                    format!("invalid port {digits:?}"),
                    "a port between 0 and 65535",
                )
            })?,
        };
        for host in hosts {
            keys.push(Key {
                scheme: Scheme::Dns,
                zone: zone::normalized(&host),
                port,
                position: token.position.clone(),
            });
        }
    }
    Ok(keys)
}
