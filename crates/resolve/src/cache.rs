//! What is kept of answers, for how long, and when an expired one is better than none.
//!
//! The rules are those of CoreDNS's `cache` (kinds of answers, limits of times to live, one time to live for all records of a
//! reply) with three differences:
//! - the answer stored last for a question replaces whatever was stored for it before, so that a denial and a success never
//!   contradict each other. A failure replaces nothing: it is kept beside them, so that what has expired can be served while it
//!   lasts (RFC 8767 section 4), and so that it never hides a fresh answer;
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

pub(crate) use classify::{Answer, AnswerKind, same_question};

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
    /// Upstreams failed to answer this a moment ago, or an expired success is preferred to a fresh denial; an expired answer is
    /// there.
    Failing { found: Found },
    /// Upstreams failed to answer this a moment ago; their SERVFAIL is all there is.
    Failed { found: Found },
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
        let success = success.as_ref().is_some_and(usable);
        let denial = self.denial.read(key, out);
        if let Some(found) = denial
            && found.expires > now
        {
            // Reading the denial has overwritten the success in the buffer.
            if success
                && self.prefers_positive()
                && let Some(found) = self.success.read(key, out)
            {
                return LookUp::Failing { found };
            }
            if success && self.denial.read(key, out).is_none() {
                return LookUp::Nothing;
            }
            self.denial.touch(key, &found);
            return LookUp::Fresh {
                found,
                denial: true,
            };
        }
        let denial = denial.as_ref().is_some_and(usable);
        let failure = self.look_up_failure(now, key, out);
        let expired = match (success, denial) {
            (true, _) => self.success.read(key, out),
            (false, true) => self.denial.read(key, out),
            (false, false) => None,
        };
        match (failure, expired) {
            (Some(_), Some(found)) => LookUp::Failing { found },
            (Some(found), None) if !self.settings.servfail.is_zero() => LookUp::Failed { found },
            (None, Some(found)) => LookUp::Stale { found },
            (_, None) => LookUp::Nothing,
        }
    }

    /// The failure remembered for `key`, copied into `out`.
    fn look_up_failure(&self, now: Time, key: &StoreKey<'_>, out: &mut Vec<u8>) -> Option<Found> {
        let found = self.denial.read(&failure_key(key), out)?;
        (found.expires > now).then_some(found)
    }

    /// Whether upstreams failed to answer this a moment ago, so that asking again is to wait.
    pub(crate) fn failed_lately(&self, now: Time, key: &StoreKey<'_>, out: &mut Vec<u8>) -> bool {
        self.look_up_failure(now, key, out).is_some()
    }

    /// Whether an expired success comes before a denial (`serve_stale_policy prefer_positive`).
    pub(crate) fn prefers_positive(&self) -> bool {
        let stale = self.settings.serve_stale;
        stale.is_some_and(|settings| settings.prefer_positive)
    }

    /// The expired answer to serve instead of a failure, copied into `out`.
    pub(crate) fn look_up_stale(
        &self,
        now: Time,
        key: &StoreKey<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Found> {
        [&self.success, &self.denial]
            .into_iter()
            .find_map(|store| self.look_up_stale_in(store, now, key, out))
    }

    /// The success, fresh or expired, to serve instead of a denial, copied into `out`.
    pub(crate) fn look_up_preferred(
        &self,
        now: Time,
        key: &StoreKey<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Found> {
        if !self.prefers_positive() {
            return None;
        }
        self.look_up_stale_in(&self.success, now, key, out)
    }

    fn look_up_stale_in(
        &self,
        store: &Store,
        now: Time,
        key: &StoreKey<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Found> {
        let found = store.read(key, out)?;
        (now.since(found.expires) < self.stale_limit()).then_some(found)
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
            AnswerKind::Success | AnswerKind::Uncacheable => {
                (&self.success, &self.settings.success, &self.not_success)
            }
            AnswerKind::Denial | AnswerKind::Failure => {
                (&self.denial, &self.settings.denial, &self.not_denial)
            }
        };
        let failed = answer.kind == AnswerKind::Failure;
        let ttl = if failed {
            self.settings.servfail
        } else {
            let least = answer
                .least_ttl
                .map_or(UNEXPLAINED_TTL, |ttl| Duration::from_secs(ttl.into()));
            // A minimum above the maximum means the maximum, as in CoreDNS.
            least.max(side.min_ttl).min(side.max_ttl)
        };
        let seconds = u32::try_from(ttl.as_nanos().div_ceil(u128::from(NANOS))).unwrap_or(u32::MAX);
        if answer.kind != AnswerKind::Uncacheable || answer.least_ttl.is_some() {
            answer.set_ttl(seconds);
        }
        let keeps_better = answer.no_data
            && answer.kind == AnswerKind::Success
            && self.look_up_preferred(now, key, &mut Vec::new()).is_some();
        if answer.kind == AnswerKind::Uncacheable
            || seconds == 0
            || keeps_better
            || refused.contain(name)
        {
            return;
        }
        let entry = NewEntry {
            message: &answer.message,
            ttl_offsets: &answer.ttl_offsets,
            expires: now + ttl,
            ttl: seconds,
        };
        if failed {
            store.insert(&failure_key(key), &entry);
            return;
        }
        store.insert(key, &entry);
        if answer.kind == AnswerKind::Success {
            self.denial.remove(key);
        } else if !self.prefers_positive() {
            self.success.remove(key);
        }
        self.denial.remove(&failure_key(key));
    }

    /// Remembers that upstreams failed to answer `question` (a question section in lower case): for a moment it is not asked
    /// again. `expired` says that there is an expired answer to give meanwhile; else it is SERVFAIL.
    pub(crate) fn store_failure(
        &self,
        now: Time,
        key: &StoreKey<'_>,
        question: &[u8],
        expired: bool,
    ) {
        let recheck = self
            .settings
            .serve_stale
            .map_or(Duration::ZERO, |settings| settings.recheck);
        let ttl = match expired {
            true => FAILURE_TTL.max(recheck),
            false if self.settings.servfail.is_zero() => return,
            false => FAILURE_TTL,
        };
        let kept = self.denial.read(&failure_key(key), &mut Vec::new());
        if kept.is_some_and(|found| found.expires >= now + ttl) {
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
            expires: now + ttl,
            ttl: 1,
        };
        self.denial.insert(&failure_key(key), &entry);
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

/// What a failure to answer `key` is kept under.
fn failure_key<'a>(key: &StoreKey<'a>) -> StoreKey<'a> {
    StoreKey {
        flags: key.flags | FAILED,
        hash: key.hash ^ FAILED_HASH,
        ..*key
    }
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What an expired answer's records are told to live (RFC 8767 section 4: 30 seconds).
const STALE_TTL: Duration = Duration::from_secs(30);
/// How long a question that no upstream answered is not asked again (RFC 9520 section 3.2: at least a second). Longer would
/// keep a name dark after its upstream is back.
const FAILURE_TTL: Duration = Duration::from_secs(1);
/// How long an answer is kept that has no records to say for how long (CoreDNS).
const UNEXPLAINED_TTL: Duration = Duration::from_secs(5);
/// The store flag of a failure; the lower bits are those of the question.
const FAILED: u8 = 0x80;
/// Any constant with bits all over: a failure is kept elsewhere than the answer.
const FAILED_HASH: u64 = 0x9e37_79b9_7f4a_7c15;
const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests;
