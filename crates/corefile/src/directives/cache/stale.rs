//! Answers that have expired (RFC 8767).

use std::time::Duration;

use crate::error::Error;
use crate::lexer::Token;
use crate::statement::Statement;

/// When to answer with what has expired, and what happens besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeStale {
    /// For how long after its expiry an answer is served.
    pub up_to: Duration,
    /// Whether upstreams are asked before or after.
    pub refresh: StaleRefresh,
    /// The TTL of such an answer, in whole seconds.
    pub ttl: Duration,
    /// How long not to ask again after upstreams have failed; zero for always.
    pub recheck: Duration,
    /// Whether a successful answer that has expired comes before a negative one that has not.
    pub prefer_positive: bool,
}

/// When upstreams are asked about an answer that has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleRefresh {
    /// After the client was answered.
    Immediate,
    /// Before; the expired answer is for when they fail.
    Verify {
        /// How long the client waits for them; `None` for as long as they take.
        timeout: Option<Duration>,
    },
}

/// `serve_stale [DURATION] [immediate [TTL [RECHECK]] | verify [TIMEOUT [TTL [RECHECK]]]]`
pub(super) fn serve_stale(statement: &mut Statement<'_>) -> Result<ServeStale, Error> {
    let arguments = statement.arguments();
    if arguments.len() > 5 {
        return Err(statement.wrong_arguments("at most five arguments"));
    }
    let mut stale = ServeStale {
        up_to: DEFAULT_UP_TO,
        refresh: StaleRefresh::Immediate,
        ttl: Duration::ZERO,
        recheck: Duration::ZERO,
        prefer_positive: false,
    };
    let mut rest = arguments.iter();
    if let Some(token) = rest.next() {
        let negative = "invalid negative duration for serve_stale";
        stale.up_to = statement.duration(token, negative, "a duration, such as '1h'")?;
    }
    if let Some(token) = rest.next() {
        match token.text.to_ascii_lowercase().as_str() {
            "immediate" => {}
            "verify" => {
                let timeout = rest.next().map(|token| verify_timeout(statement, token));
                let timeout = timeout.transpose()?.filter(|timeout| !timeout.is_zero());
                stale.refresh = StaleRefresh::Verify { timeout };
            }
            mode => {
                let message = format!("invalid value for serve_stale refresh mode: {mode}");
                return Err(statement.problem(token, message, "'immediate' or 'verify'"));
            }
        }
    }
    if let Some(token) = rest.next() {
        stale.ttl = response_ttl(statement, token)?;
    }
    if let Some(token) = rest.next() {
        stale.recheck = recheck(statement, token)?;
    }
    if rest.next().is_some() {
        return Err(statement.wrong_arguments("nothing after the recheck"));
    }
    Ok(stale)
}

fn verify_timeout(statement: &Statement<'_>, token: &Token) -> Result<Duration, Error> {
    let negative = "invalid negative timeout for serve_stale verify";
    statement.duration(
        token,
        negative,
        "how long to wait for upstreams, such as '100ms'",
    )
}

fn response_ttl(statement: &Statement<'_>, token: &Token) -> Result<Duration, Error> {
    const EXPECTED: &str = "whole seconds with a unit, such as '30s'";
    let ttl = statement.duration(
        token,
        "invalid negative response TTL for serve_stale",
        EXPECTED,
    )?;
    if ttl.subsec_nanos() != 0 {
        let message = "serve_stale response TTL must be a whole number of seconds";
        return Err(statement.problem(token, message, EXPECTED));
    }
    if ttl.as_secs() > u32::MAX.into() {
        let message = "serve_stale response TTL exceeds the DNS TTL range";
        return Err(statement.problem(token, message, EXPECTED));
    }
    Ok(ttl)
}

fn recheck(statement: &Statement<'_>, token: &Token) -> Result<Duration, Error> {
    const EXPECTED: &str = "a duration of at most 5m";
    let recheck = statement.duration(
        token,
        "invalid negative failure recheck for serve_stale",
        EXPECTED,
    )?;
    if recheck > MOST_RECHECK {
        let message = "serve_stale failure recheck cannot exceed 5 minutes";
        return Err(statement.problem(token, message, EXPECTED));
    }
    Ok(recheck)
}

/// `serve_stale_policy prefer_positive`
pub(super) fn policy(statement: &mut Statement<'_>) -> Result<(), Error> {
    let token = statement.one_argument("'prefer_positive'")?;
    if token.text.eq_ignore_ascii_case("prefer_positive") {
        return Ok(());
    }
    let message = format!("invalid serve_stale_policy: {}", token.text);
    Err(statement.problem(token, message, "'prefer_positive'"))
}

/// `stale_on_failure [DURATION|off]`
pub(super) fn on_failure(statement: &mut Statement<'_>) -> Result<Option<Duration>, Error> {
    const EXPECTED: &str = "a duration of at most 168h, or 'off'";
    let arguments = statement.arguments();
    let token = match arguments.as_slice() {
        [] => return Ok(Some(DEFAULT_STALE_ON_FAILURE)),
        [token] if token.text == "off" => return Ok(None),
        [token] => token,
        _ => return Err(statement.wrong_arguments(EXPECTED)),
    };
    let negative = "invalid negative duration for stale_on_failure";
    let duration = statement.duration(token, negative, EXPECTED)?;
    if duration > MOST_STALE_ON_FAILURE {
        let message = "stale_on_failure cannot exceed 168 hours";
        return Err(statement.problem(token, message, EXPECTED));
    }
    Ok((!duration.is_zero()).then_some(duration))
}

const DEFAULT_UP_TO: Duration = Duration::from_hours(1);

/// RFC 8767 section 4 says not to wait longer before upstreams are asked again.
const MOST_RECHECK: Duration = Duration::from_mins(5);

/// Long enough for an outage to be repaired; RFC 8767 section 5 suggests up to three days.
pub const DEFAULT_STALE_ON_FAILURE: Duration = Duration::from_hours(1);

/// A week: an address that old is more likely wrong than right.
const MOST_STALE_ON_FAILURE: Duration = Duration::from_hours(7 * 24);
