//! The properties in the braces of `forward`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Forward, HealthCheck, Policy, Tls};
use crate::error::Error;
use crate::lexer::Token;
use crate::statement::{Statement, zones};
use crate::value::address::split_host_port;
use crate::value::numbers;
use crate::zone;

impl Forward {
    /// Reads the property whose name is the current token.
    pub(super) fn set(
        &mut self,
        property: &Token,
        statement: &mut Statement<'_>,
    ) -> Result<(), Error> {
        match property.text.as_str() {
            "except" => self
                .except
                .extend(zones(&statement.some_arguments("zones")?)),
            "force_tcp" => self.force_tcp = flag(statement)?,
            "prefer_udp" => self.prefer_udp = flag(statement)?,
            "expire" => self.expire = duration(statement, "expire can't be negative: {}")?,
            "max_age" => {
                let age = duration(statement, "max_age can't be negative: {}")?;
                self.max_age = (!age.is_zero()).then_some(age);
            }
            "read_timeout" => self.read_timeout = Some(read_timeout(statement)?),
            "max_idle_conns" => {
                let most = count(statement, "max_idle_conns")?;
                let most = u32::try_from(most).unwrap_or(u32::MAX);
                self.max_idle_connections = (most > 0).then_some(most);
            }
            "max_concurrent" => {
                let most = count(statement, "max_concurrent")?;
                self.max_concurrent = (most > 0).then_some(most);
            }
            "max_fails" => self.max_fails = unsigned(statement)?,
            "max_connect_attempts" => self.max_connect_attempts = Some(unsigned(statement)?),
            "tls" => self.tls.set_files(property, statement)?,
            "tls_servername" => {
                let name = statement.first_argument("the name in the upstream's certificate")?;
                self.tls.server_name = Some(name.text.clone());
            }
            "policy" => self.policy = policy(statement)?,
            "health_check" => self.health_check.set(statement)?,
            "next" => self
                .next
                .extend(response_codes(statement)?.map(|(code, _)| code)),
            "next_on_nodata" => self.next_on_nodata = flag(statement)?,
            "failfast_all_unhealthy_upstreams" => {
                self.failfast_all_unhealthy_upstreams = flag(statement)?;
            }
            "failover" => self.set_failover(statement)?,
            "resolver" => resolver(property, statement)?,
            "source_address" => self.source_address = Some(source_address(statement)?),
            "case_randomization" => self.case_randomization = flag(statement)?,
            "doh_method" => {
                let message = "doh_method is not supported: upstreams are not asked over HTTPS";
                return Err(statement.problem(property, message, "upstreams over UDP, TCP or TLS"));
            }
            _ => return Err(statement.unknown_property(property, PROPERTIES)),
        }
        Ok(())
    }

    fn set_failover(&mut self, statement: &mut Statement<'_>) -> Result<(), Error> {
        for (code, token) in response_codes(statement)? {
            if code == 0 {
                let message = "NoError cannot be used in failover";
                return Err(statement.problem(token, message, "a response code of a failure"));
            }
            self.failover.push(code);
        }
        Ok(())
    }
}

impl Tls {
    /// `tls`, `tls CA`, `tls CERT KEY` or `tls CERT KEY CA`.
    fn set_files(&mut self, property: &Token, statement: &mut Statement<'_>) -> Result<(), Error> {
        let arguments = statement.arguments();
        let path = |token: &&Token| PathBuf::from(&token.text);
        (self.client, self.authority) = match arguments.as_slice() {
            [] => (None, None),
            [authority] => (None, Some(path(authority))),
            [certificate, key] => (Some((path(certificate), path(key))), None),
            [certificate, key, authority] => {
                (Some((path(certificate), path(key))), Some(path(authority)))
            }
            _ => return Err(statement.wrong_arguments("a certificate, a key and an authority")),
        };
        self.position = Some(property.position.clone());
        Ok(())
    }
}

impl HealthCheck {
    /// `health_check DURATION [no_rec] [domain FQDN]`
    fn set(&mut self, statement: &mut Statement<'_>) -> Result<(), Error> {
        let interval = statement.first_argument("a duration, such as '0.5s'")?;
        self.interval = statement.duration(
            interval,
            "health_check can't be negative: {}",
            "a duration, such as '0.5s'",
        )?;
        ".".clone_into(&mut self.domain);
        while let Some(option) = statement.argument() {
            match option.text.as_str() {
                "no_rec" => self.recursion_desired = false,
                "domain" => {
                    let domain = statement.first_argument("a domain name after 'domain'")?;
                    if !zone::is_domain_name(&domain.text) {
                        let message = format!("health_check: invalid domain name {}", domain.text);
                        return Err(statement.problem(domain, message, "a domain name"));
                    }
                    self.domain = zone::normalized(&domain.text);
                }
                other => {
                    let message = format!("health_check: unknown option {other}");
                    return Err(statement.problem(option, message, "'no_rec' or 'domain'"));
                }
            }
        }
        Ok(())
    }
}

fn flag(statement: &mut Statement<'_>) -> Result<bool, Error> {
    statement.no_argument()?;
    Ok(true)
}

fn duration(statement: &mut Statement<'_>, negative: &str) -> Result<Duration, Error> {
    const EXPECTED: &str = "a duration, such as '10s'";
    let token = statement.first_argument(EXPECTED)?;
    statement.duration(token, negative, EXPECTED)
}

fn read_timeout(statement: &mut Statement<'_>) -> Result<Duration, Error> {
    const EXPECTED: &str = "a duration, such as '2s'";
    const POSITIVE: &str = "read_timeout must be positive: {}";
    let token = statement.first_argument(EXPECTED)?;
    let timeout = statement.duration(token, POSITIVE, EXPECTED)?;
    if timeout.is_zero() {
        return Err(statement.problem(token, POSITIVE.replace("{}", &token.text), EXPECTED));
    }
    Ok(timeout)
}

fn count(statement: &mut Statement<'_>, name: &str) -> Result<u64, Error> {
    const EXPECTED: &str = "a number; 0 for no limit";
    let token = statement.first_argument(EXPECTED)?;
    let count = statement.integer(token, EXPECTED)?;
    u64::try_from(count).map_err(|_| {
        statement.problem(
            token,
            format!("{name} can't be negative: {count}"),
            EXPECTED,
        )
    })
}

fn unsigned(statement: &mut Statement<'_>) -> Result<u32, Error> {
    const EXPECTED: &str = "a number, 0 or more";
    let token = statement.first_argument(EXPECTED)?;
    statement.unsigned(token, EXPECTED)
}

fn policy(statement: &mut Statement<'_>) -> Result<Policy, Error> {
    const EXPECTED: &str = "'random', 'round_robin' or 'sequential'";
    let token = statement.first_argument(EXPECTED)?;
    match token.text.as_str() {
        "random" => Ok(Policy::Random),
        "round_robin" => Ok(Policy::RoundRobin),
        "sequential" => Ok(Policy::Sequential),
        other => Err(statement.problem(token, format!("unknown policy '{other}'"), EXPECTED)),
    }
}

fn response_codes<'a>(
    statement: &mut Statement<'a>,
) -> Result<impl Iterator<Item = (u16, &'a Token)> + use<'a>, Error> {
    const EXPECTED: &str = "response codes, such as 'SERVFAIL'";
    let mut codes = Vec::new();
    for token in statement.some_arguments(EXPECTED)? {
        let code = numbers::response_code(&token.text.to_ascii_uppercase()).ok_or_else(|| {
            statement.problem(
                token,
                format!("{} is not a valid rcode", token.text),
                EXPECTED,
            )
        })?;
        codes.push((code, token));
    }
    Ok(codes.into_iter())
}

fn resolver(property: &Token, statement: &mut Statement<'_>) -> Result<(), Error> {
    const EXPECTED: &str = "IP addresses";
    for token in statement.some_arguments(EXPECTED)? {
        let host = split_host_port(&token.text).map_or(token.text.as_str(), |(host, _)| host);
        if host.parse::<IpAddr>().is_err() {
            let message = format!(
                "resolver must be an IP address or IP:port: {:?}",
                token.text
            );
            return Err(statement.problem(token, message, EXPECTED));
        }
    }
    statement.note(
        property,
        "'resolver' does nothing: upstreams are given as addresses",
    );
    Ok(())
}

fn source_address(statement: &mut Statement<'_>) -> Result<IpAddr, Error> {
    const EXPECTED: &str = "an IP address";
    let token = statement.first_argument(EXPECTED)?;
    let address = token.text.parse::<IpAddr>().map_err(|_| {
        statement.problem(
            token,
            format!("invalid IP address: {}", token.text),
            EXPECTED,
        )
    })?;
    Ok(address.to_canonical())
}

const PROPERTIES: &[&str] = &[
    "case_randomization",
    "except",
    "expire",
    "failfast_all_unhealthy_upstreams",
    "failover",
    "force_tcp",
    "health_check",
    "max_age",
    "max_concurrent",
    "max_connect_attempts",
    "max_fails",
    "max_idle_conns",
    "next",
    "next_on_nodata",
    "policy",
    "prefer_udp",
    "read_timeout",
    "resolver",
    "source_address",
    "tls",
    "tls_servername",
];
