//! `cache`: keep answers.

use std::time::Duration;

use crate::config::ServerBlock;
use crate::directive::Directive;
use crate::error::Error;
use crate::lexer::Token;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::size;
use crate::zone;

mod documentation;
mod stale;

pub use stale::{DEFAULT_STALE_ON_FAILURE, ServeStale, StaleRefresh};

/// `cache`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Where it was written.
    pub position: Position,
    /// Only names in these zones are kept.
    pub zones: Vec<String>,
    /// Successful answers.
    pub success: CacheSide,
    /// NXDOMAIN, NODATA and SERVFAIL.
    pub denial: CacheSide,
    /// Which names to ask for again before they expire; `None` for none.
    pub prefetch: Option<Prefetch>,
    /// When to answer with what has expired although upstreams may work; `None` for never.
    pub serve_stale: Option<ServeStale>,
    /// How long SERVFAIL is kept; zero for not at all.
    pub servfail: Duration,
    /// Whether answers keep their TTL until they expire, instead of counting down.
    pub keep_ttl: bool,
    /// For how long after its expiry an answer is served when every upstream fails; `None` for
    /// never.
    pub stale_on_failure: Option<Duration>,
}

/// The limits of one of the two halves of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSide {
    /// How many answers it holds.
    pub capacity: u64,
    /// A longer TTL is lowered to this.
    pub max_ttl: Duration,
    /// A shorter TTL is raised to this.
    pub min_ttl: Duration,
    /// How many bytes it holds.
    pub memory: u64,
    /// Answers for names in these zones are not kept here.
    pub disabled_zones: Vec<String>,
}

/// Which names to ask for again before they expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefetch {
    /// After this many questions…
    pub amount: u32,
    /// …with no gap between them as long as this…
    pub duration: Duration,
    /// …once this percentage of the TTL is left.
    pub percentage: u8,
}

pub(crate) const DIRECTIVE: Directive = documentation::DIRECTIVE;

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let mut cache = Cache::new(statement.position());
    let mut arguments = statement.arguments();
    if let Some(ttl) = arguments
        .first()
        .filter(|token| token.text.parse::<i64>().is_ok())
    {
        let ttl = ttl_limit(statement, ttl)?;
        cache.success.max_ttl = ttl;
        cache.denial.max_ttl = ttl;
        arguments.remove(0);
    }
    cache.zones = statement.zones_or_block(&arguments);
    let mut memory = None;
    let mut policy = None;
    while let Some(property) = statement.property() {
        match property.text.as_str() {
            "success" => cache.success.limit(statement)?,
            "denial" => cache.denial.limit(statement)?,
            "prefetch" => cache.prefetch = prefetch(statement)?,
            "serve_stale" => cache.serve_stale = Some(stale::serve_stale(statement)?),
            "serve_stale_policy" => {
                if policy.replace(property).is_some() {
                    let message = "serve_stale_policy can only be specified once";
                    return Err(statement.problem(property, message, "one 'serve_stale_policy'"));
                }
                stale::policy(statement)?;
            }
            "servfail" => cache.servfail = servfail(statement)?,
            "disable" => cache.disable(statement)?,
            "keepttl" => {
                if !statement.arguments().is_empty() {
                    return Err(statement.wrong_arguments("no argument"));
                }
                cache.keep_ttl = true;
            }
            "memory" => memory = Some(memory_limit(statement)?),
            "stale_on_failure" => cache.stale_on_failure = stale::on_failure(statement)?,
            _ => return Err(statement.wrong_arguments(PROPERTIES)),
        }
    }
    if let Some(property) = policy {
        let Some(serve_stale) = &mut cache.serve_stale else {
            let message = "serve_stale_policy requires serve_stale";
            return Err(statement.problem(property, message, "'serve_stale' as well"));
        };
        serve_stale.prefer_positive = true;
    }
    cache.serve_stale = cache.serve_stale.filter(|stale| !stale.up_to.is_zero());
    for side in [&mut cache.success, &mut cache.denial] {
        side.memory = memory.unwrap_or(side.capacity.saturating_mul(MEMORY_PER_ANSWER));
    }
    block.cache = Some(cache);
    Ok(())
}

impl Cache {
    fn new(position: Position) -> Self {
        let side = |max_ttl| CacheSide {
            capacity: DEFAULT_CAPACITY,
            max_ttl,
            min_ttl: DEFAULT_MIN_TTL,
            memory: DEFAULT_CAPACITY * MEMORY_PER_ANSWER,
            disabled_zones: Vec::new(),
        };
        Self {
            position,
            zones: Vec::new(),
            success: side(DEFAULT_MAX_TTL),
            denial: side(DEFAULT_MAX_DENIAL_TTL),
            prefetch: None,
            serve_stale: None,
            servfail: DEFAULT_SERVFAIL,
            keep_ttl: false,
            stale_on_failure: Some(DEFAULT_STALE_ON_FAILURE),
        }
    }

    /// `disable success|denial [ZONES...]`; the last one for a half counts.
    fn disable(&mut self, statement: &mut Statement<'_>) -> Result<(), Error> {
        let arguments = statement.some_arguments("'success' or 'denial'")?;
        let (kind, names) = (arguments[0], &arguments[1..]);
        let side = match kind.text.as_str() {
            "success" => &mut self.success,
            "denial" => &mut self.denial,
            _ => {
                let message = "cache type for disable must be \"success\" or \"denial\"";
                return Err(statement.problem(kind, message, "'success' or 'denial'"));
            }
        };
        side.disabled_zones = if names.is_empty() {
            vec![".".to_owned()]
        } else {
            names
                .iter()
                .map(|name| zone::normalized(&name.text))
                .collect()
        };
        Ok(())
    }
}

impl CacheSide {
    /// `success|denial CAPACITY [TTL] [MINTTL]`
    fn limit(&mut self, statement: &mut Statement<'_>) -> Result<(), Error> {
        const CAPACITY: &str = "a number of answers";
        let arguments = statement.some_arguments("a capacity, then at most two TTLs")?;
        let capacity = statement.integer(arguments[0], CAPACITY)?;
        let capacity = u64::try_from(capacity).map_err(|_| {
            let message = format!("cache capacity can not be negative: {capacity}");
            statement.problem(arguments[0], message, CAPACITY)
        })?;
        if capacity > MOST_CAPACITY {
            let message = format!("cache capacity {capacity} is more than {MOST_CAPACITY}");
            return Err(statement.problem(arguments[0], message, CAPACITY));
        }
        self.capacity = capacity.max(LEAST_CAPACITY);
        if let Some(ttl) = arguments.get(1) {
            self.max_ttl = ttl_limit(statement, ttl)?;
        }
        if let Some(token) = arguments.get(2) {
            const MIN_TTL: &str = "a number of seconds, 0 or more";
            let ttl = statement.integer(token, MIN_TTL)?;
            let ttl = u64::try_from(ttl).map_err(|_| {
                let message = format!("cache min TTL can not be negative: {ttl}");
                statement.problem(token, message, MIN_TTL)
            })?;
            self.min_ttl = Duration::from_secs(ttl).min(MOST_TTL);
        }
        Ok(())
    }
}

fn ttl_limit(statement: &Statement<'_>, token: &Token) -> Result<Duration, Error> {
    const EXPECTED: &str = "a number of seconds, 1 or more";
    let ttl = statement.integer(token, EXPECTED)?;
    if let Ok(seconds @ 1..) = u64::try_from(ttl) {
        return Ok(Duration::from_secs(seconds).min(MOST_TTL));
    }
    let message = format!("cache TTL can not be zero or negative: {ttl}");
    Err(statement.problem(token, message, EXPECTED))
}

fn prefetch(statement: &mut Statement<'_>) -> Result<Option<Prefetch>, Error> {
    const AMOUNT: &str = "a number of questions";
    const PERCENTAGE: &str = "a percentage from 10% to 90%";
    let arguments = statement.arguments();
    if arguments.is_empty() || arguments.len() > 3 {
        return Err(
            statement.wrong_arguments("an amount, then at most a duration and a percentage")
        );
    }
    let amount = statement.integer(arguments[0], AMOUNT)?;
    let amount = u32::try_from(amount).map_err(|_| {
        let message = format!("prefetch amount should be positive: {amount}");
        statement.problem(arguments[0], message, AMOUNT)
    })?;
    let mut prefetch = Prefetch {
        amount,
        duration: DEFAULT_PREFETCH_GAP,
        percentage: 10,
    };
    if let Some(token) = arguments.get(1) {
        let negative = "prefetch duration can't be negative: {}";
        prefetch.duration = statement.duration(token, negative, "a duration, such as '1m'")?;
    }
    if let Some(token) = arguments.get(2) {
        let Some(digits) = token.text.strip_suffix('%') else {
            let last = token.text.chars().next_back().unwrap_or(' ');
            let message = format!("last character of percentage should be `%`, but is: {last:?}");
            return Err(statement.problem(token, message, PERCENTAGE));
        };
        let number = crate::value::integer::signed(digits)
            .map_err(|message| statement.problem(token, message, PERCENTAGE))?;
        prefetch.percentage = u8::try_from(number)
            .ok()
            .filter(|number| (10..=90).contains(number))
            .ok_or_else(|| {
                let message = format!("percentage should fall in range [10, 90]: {number}");
                statement.problem(token, message, PERCENTAGE)
            })?;
    }
    Ok((amount > 0).then_some(prefetch))
}

fn servfail(statement: &mut Statement<'_>) -> Result<Duration, Error> {
    const EXPECTED: &str = "a duration of at most 5m; '0' to disable";
    let token = statement.one_argument(EXPECTED)?;
    let duration = statement.duration(token, "invalid negative ttl for servfail", EXPECTED)?;
    if duration > MOST_SERVFAIL {
        let message = "caching SERVFAIL responses over 5 minutes is not permitted";
        return Err(statement.problem(token, message, EXPECTED));
    }
    Ok(duration)
}

fn memory_limit(statement: &mut Statement<'_>) -> Result<u64, Error> {
    const EXPECTED: &str = "a size of 512KiB or more, such as '16MiB'";
    let token = statement.one_argument(EXPECTED)?;
    let bytes =
        size::parse(&token.text).map_err(|message| statement.problem(token, message, EXPECTED))?;
    if bytes < LEAST_MEMORY {
        let message = format!("memory of {} is too little for a cache", token.text);
        return Err(statement.problem(token, message, EXPECTED));
    }
    Ok(bytes)
}

const PROPERTIES: &str = "one of 'denial', 'disable', 'keepttl', 'memory', 'prefetch', \
    'serve_stale', 'serve_stale_policy', 'servfail', 'stale_on_failure' and 'success'";

/// 256 shards of 39 answers, `CoreDNS`'s default.
const DEFAULT_CAPACITY: u64 = 9984;

/// 256 shards of 4 answers: `CoreDNS` takes smaller numbers, zero included, for this.
const LEAST_CAPACITY: u64 = 1024;

/// More answers than fit in the memory of any node.
const MOST_CAPACITY: u64 = 1 << 32;

/// What an answer takes when only their number is limited: most are smaller, few are larger.
const MEMORY_PER_ANSWER: u64 = 512;

/// A store takes memory in chunks of 64 KiB, four at least, besides its index: it could not keep to less.
const LEAST_MEMORY: u64 = 512 << 10;

const DEFAULT_MAX_TTL: Duration = Duration::from_hours(1);
const DEFAULT_MAX_DENIAL_TTL: Duration = Duration::from_mins(30);

/// Spares upstreams of names with a TTL of zero or one.
const DEFAULT_MIN_TTL: Duration = Duration::from_secs(5);

/// RFC 2181 section 8.
const MOST_TTL: Duration = Duration::from_secs(0x7fff_ffff);

const DEFAULT_SERVFAIL: Duration = Duration::from_secs(5);

/// RFC 2308 section 7.1.
const MOST_SERVFAIL: Duration = Duration::from_mins(5);

const DEFAULT_PREFETCH_GAP: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
