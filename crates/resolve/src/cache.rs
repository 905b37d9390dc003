//! What is kept of answers, for how long, and when an expired one is better than none.
//!
//! The rules are those of CoreDNS's `cache` (kinds of answers, limits of times to live, one time to live for all records of a
//! reply) with three differences:
//! - the answer stored last for a question replaces whatever was stored for it before, so that a denial and a success never
//!   contradict each other; only a failure leaves the success in place, to be served when it has expired (RFC 8767 section 4);
//! - a question that no upstream answered is remembered as failed for a moment (RFC 9520 section 3.2), so that a dead
//!   upstream is not asked the same thing by every client in turn;
//! - an expired answer is served when every upstream fails, unless that is switched off.

mod classify;

use std::sync::Arc;
use std::time::Duration;

use nodens_corefile::{self as config, StaleRefresh};
use nodens_dns::{Flags, Header, NameKey, Rcode};

use crate::stages::Zones;
use crate::store::{Found, Limits, NewEntry, Store, StoreCounts, StoreKey};
use crate::time::Time;

pub(crate) use classify::{Answer, AnswerKind};

/// The cache of one server block. It outlives a reload that leaves its block in place.
#[derive(Debug)]
pub struct Cache {
    success: Arc<Store>,
    denial: Arc<Store>,
    settings: config::Cache,
    zones: Zones,
    not_success: Zones,
    not_denial: Zones,
}

/// What the cache has for a question. The answer is in the buffer of [`Cache::look_up`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum LookUp {
    /// A fresh answer.
    Fresh { found: Found, denial: bool },
    /// An expired answer; upstreams come first.
    Stale { found: Found },
    /// Upstreams failed to answer this a moment ago; an expired answer is there.
    Failing { found: Found },
    /// Nothing to send.
    Nothing,
}

/// The two halves of a cache, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Successful answers.
    pub success: StoreCounts,
    /// Denials and failures.
    pub denial: StoreCounts,
    /// Bytes that successful answers may take.
    pub success_limit: usize,
    /// Bytes that denials may take.
    pub denial_limit: usize,
}

impl Cache {
    /// An empty cache; or, with `before`, one that starts with what that held.
    pub(crate) fn new(settings: &config::Cache, before: Option<&Self>) -> Self {
        let counts_hits = settings.prefetch.is_some();
        let store = |side: &config::CacheSide, before: Option<&Arc<Store>>| {
            let limits = Limits {
                entries: whole(side.capacity),
                bytes: whole(side.memory),
            };
            match before {
                Some(store) if store.limits() == limits && store.counts_hits() == counts_hits => {
                    Arc::clone(store)
                }
                Some(store) => {
                    let new = Store::new(limits, counts_hits);
                    store.copy_into(&new);
                    Arc::new(new)
                }
                None => Arc::new(Store::new(limits, counts_hits)),
            }
        };
        Self {
            success: store(&settings.success, before.map(|cache| &cache.success)),
            denial: store(&settings.denial, before.map(|cache| &cache.denial)),
            zones: Zones::new(&settings.zones),
            not_success: Zones::new(&settings.success.disabled_zones),
            not_denial: Zones::new(&settings.denial.disabled_zones),
            settings: settings.clone(),
        }
    }

    /// The directive.
    pub(crate) fn settings(&self) -> &config::Cache {
        &self.settings
    }

    /// Whether answers for this name are kept.
    #[inline]
    pub(crate) fn covers(&self, name: &NameKey) -> bool {
        self.zones.contain(name)
    }

    /// Finds what is known for `key`, copying it into `out`.
    #[inline]
    pub(crate) fn look_up(&self, now: Time, key: &StoreKey<'_>, out: &mut Vec<u8>) -> LookUp {
        let success = self.success.read(key, out);
        if let Some(found) = success
            && found.expires > now
        {
            self.success.touch(key, &found);
            return LookUp::Fresh {
                found,
                denial: false,
            };
        }
        self.look_up_denial(now, key, success, out)
    }

    fn look_up_denial(
        &self,
        now: Time,
        key: &StoreKey<'_>,
        success: Option<Found>,
        out: &mut Vec<u8>,
    ) -> LookUp {
        let stale_limit = self.stale_limit();
        let usable = |found: &Found| now.since(found.expires) < stale_limit;
        let success = success.filter(usable);
        let denial = self.denial.read(key, out);
        if let Some(found) = denial
            && found.expires > now
        {
            let failed = is_failure(out);
            let prefers_stale = failed
                || self
                    .settings
                    .serve_stale
                    .is_some_and(|settings| settings.prefer_positive);
            // Reading the denial has overwritten the success in the buffer.
            if prefers_stale
                && success.is_some()
                && let Some(found) = self.success.read(key, out)
            {
                return LookUp::Failing { found };
            }
            if success.is_some() {
                self.denial.read(key, out);
            }
            self.denial.touch(key, &found);
            return LookUp::Fresh {
                found,
                denial: true,
            };
        }
        if let Some(found) = denial
            .filter(usable)
            .filter(|_| success.is_none() && !is_failure(out))
        {
            return LookUp::Stale { found };
        }
        match success.and_then(|_| self.success.read(key, out)) {
            Some(found) => LookUp::Stale { found },
            None => LookUp::Nothing,
        }
    }

    /// The expired answer to serve instead of a failure, copied into `out`.
    pub(crate) fn look_up_stale(
        &self,
        now: Time,
        key: &StoreKey<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Found> {
        let limit = self.stale_limit();
        [&self.success, &self.denial].into_iter().find_map(|store| {
            let found = store.read(key, out)?;
            (now.since(found.expires) < limit && !is_failure(out)).then_some(found)
        })
    }

    /// Whether the entry just found is asked for so often, and so near its end, that it is to be fetched again.
    #[inline]
    pub(crate) fn wants_prefetch(
        &self,
        now: Time,
        key: &StoreKey<'_>,
        found: &Found,
        denial: bool,
    ) -> bool {
        let Some(prefetch) = self.settings.prefetch else {
            return false;
        };
        let store = if denial { &self.denial } else { &self.success };
        let pause = u32::try_from(prefetch.duration.as_secs()).unwrap_or(u32::MAX);
        let now_seconds = u32::try_from(now.as_nanos() / NANOS).unwrap_or(u32::MAX);
        let asked = store.count_hit(key, found, now_seconds, pause);
        let left = found.expires.since(now);
        let threshold =
            Duration::from_secs(u64::from(found.ttl)) * u32::from(prefetch.percentage) / 100;
        asked >= prefetch.amount && left <= threshold
    }

    /// Seconds to tell a client for an entry just found.
    #[inline]
    pub(crate) fn ttl_left(&self, now: Time, found: &Found) -> u32 {
        if self.settings.keep_ttl {
            return found.ttl;
        }
        u32::try_from(
            found
                .expires
                .since(now)
                .as_nanos()
                .div_ceil(u128::from(NANOS)),
        )
        .unwrap_or(u32::MAX)
    }

    /// Seconds to tell a client for an expired entry.
    pub(crate) fn stale_ttl(&self) -> u32 {
        let ttl = self
            .settings
            .serve_stale
            .map_or(STALE_TTL, |settings| settings.ttl);
        u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX)
    }

    /// Whether an expired answer goes out at once and is refreshed behind the client's back.
    pub(crate) fn serves_stale_at_once(&self, now: Time, found: &Found) -> bool {
        self.settings.serve_stale.is_some_and(|settings| {
            settings.refresh == StaleRefresh::Immediate && now.since(found.expires) < settings.up_to
        })
    }

    /// How long a client waits for upstreams before it gets an expired answer, if less than for any answer.
    pub(crate) fn verify_timeout(&self) -> Option<Duration> {
        match self.settings.serve_stale?.refresh {
            StaleRefresh::Verify { timeout } => timeout,
            StaleRefresh::Immediate => None,
        }
    }

    /// Keeps `answer` and gives its records the time to live that clients are told: the least of its records, within the
    /// limits. An answer of a kind that is not kept is left as it is.
    pub(crate) fn store(&self, now: Time, key: &StoreKey<'_>, name: &NameKey, answer: &mut Answer) {
        let (store, side, refused) = match answer.kind {
            AnswerKind::Success => (&self.success, &self.settings.success, &self.not_success),
            AnswerKind::Denial | AnswerKind::Failure => {
                (&self.denial, &self.settings.denial, &self.not_denial)
            }
            AnswerKind::Uncacheable => return,
        };
        let failed = answer.kind == AnswerKind::Failure;
        let ttl = if failed {
            self.settings.servfail
        } else {
            let least = Duration::from_secs(u64::from(answer.least_ttl.unwrap_or(0)));
            // A minimum above the maximum means the maximum, as in CoreDNS.
            least.max(side.min_ttl).min(side.max_ttl)
        };
        let seconds = u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX);
        if seconds == 0 || refused.contain(name) {
            return;
        }
        if !failed {
            answer.set_ttl(seconds);
        }
        let entry = NewEntry {
            message: &answer.message,
            ttl_offsets: &answer.ttl_offsets,
            expires: now + ttl,
            ttl: seconds,
        };
        store.insert(key, &entry);
        match answer.kind {
            AnswerKind::Success => self.denial.remove(key),
            AnswerKind::Denial => self.success.remove(key),
            AnswerKind::Failure | AnswerKind::Uncacheable => {}
        }
    }

    /// Remembers that no upstream answered `question` (a question section in lower case): SERVFAIL for a moment.
    pub(crate) fn store_failure(&self, now: Time, key: &StoreKey<'_>, question: &[u8]) {
        if self.settings.servfail.is_zero() {
            return;
        }
        let flags = Flags(Flags::QR | Flags::RA).with_rcode(Rcode::SERVFAIL);
        let header = Header {
            flags,
            questions: 1,
            ..Header::default()
        };
        let message = [&header.to_bytes()[..], question].concat();
        let entry = NewEntry {
            message: &message,
            ttl_offsets: &[],
            expires: now + FAILURE_TTL,
            ttl: 1,
        };
        self.denial.insert(key, &entry);
    }

    /// What both halves hold and did.
    pub fn counts(&self) -> CacheCounts {
        CacheCounts {
            success: self.success.counts(),
            denial: self.denial.counts(),
            success_limit: self.success.limits().bytes,
            denial_limit: self.denial.limits().bytes,
        }
    }

    fn stale_limit(&self) -> Duration {
        let on_failure = self.settings.stale_on_failure.unwrap_or_default();
        on_failure.max(
            self.settings
                .serve_stale
                .map_or(Duration::ZERO, |settings| settings.up_to),
        )
    }
}

/// Whether the stored message in `out` is a failure rather than an answer.
fn is_failure(out: &[u8]) -> bool {
    Header::read(out)
        .is_some_and(|header| matches!(header.flags.rcode(), Rcode::SERVFAIL | Rcode::NOTIMP))
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What an expired answer's records are told to live (RFC 8767 section 4: 30 seconds).
const STALE_TTL: Duration = Duration::from_secs(30);
/// How long a question that no upstream answered is not asked again (RFC 9520 section 3.2: at least a second). Longer would
/// keep a name dark after its upstream is back.
const FAILURE_TTL: Duration = Duration::from_secs(1);
const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests;
