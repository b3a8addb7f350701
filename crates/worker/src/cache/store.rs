//! Where entries are: one bounded store for all stages of a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use super::entry::Entry;

/// What names an entry ([`super::plan::MethodCache::key`]).
pub(crate) type Key = Box<[u8]>;

/// Answers of all stages, bounded together by the bytes they take.
///
/// The least recently used go first: entries of an earlier generation are never found again, so they must not be kept for
/// having once been popular. Keys hold what clients send; the hash is the standard library's, which they cannot predict.
pub(crate) struct ResponseCache {
    entries: Cache<Key, Arc<Entry>>,
    capacity: u64,
    /// Bytes inserted since the bound was last enforced.
    unsettled: AtomicU64,
}

/// Frees the memory of what is over. Whether an entry still counts is [`Entry::is_fresh`]'s to say.
struct UntilOver;

impl Expiry<Key, Arc<Entry>> for UntilOver {
    fn expire_after_create(&self, _: &Key, entry: &Arc<Entry>, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(&self, _: &Key, entry: &Arc<Entry>, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl ResponseCache {
    /// A cache of at most `capacity` bytes; `None` for 0.
    pub(crate) fn new(capacity: u64) -> Option<Self> {
        let entries = Cache::builder()
            .max_capacity(capacity)
            .weigher(|key: &Key, entry: &Arc<Entry>| entry.weight(key.len()))
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(UntilOver)
            .build();
        (capacity > 0).then(|| Self { entries, capacity, unsettled: AtomicU64::new(0) })
    }

    /// The entry of `key`, if it counts at `now`.
    pub(crate) async fn get(&self, key: &[u8], now: Instant) -> Option<Arc<Entry>> {
        self.entries.get(key).await.filter(|entry| entry.is_fresh(now))
    }

    /// Puts an entry in, in place of what `key` had. The store settles its bound now and then; once a sixteenth of it came
    /// in, whoever brings more does that first.
    pub(crate) async fn insert(&self, key: Key, entry: Entry) {
        let weight = u64::from(entry.weight(key.len()));
        self.entries.insert(key, Arc::new(entry)).await;
        if self.unsettled.fetch_add(weight, Ordering::Relaxed).saturating_add(weight) > self.capacity / 16 {
            self.settle().await;
        }
    }

    /// Drops what is over, and what is too much.
    pub(crate) async fn settle(&self) {
        self.unsettled.store(0, Ordering::Relaxed);
        self.entries.run_pending_tasks().await;
    }

    /// Bytes held, as of the last settling.
    pub(crate) fn bytes(&self) -> u64 {
        self.entries.weighted_size()
    }

    /// The bound, bytes.
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn entry(size: usize, now: Instant, ttl: u64) -> Entry {
        let body = Bytes::from(vec![b'x'; size]);
        Entry::new(StatusCode::OK, &HeaderMap::new(), &body, now, Duration::from_secs(ttl))
    }

    /// rest-data-plane §9: `cacheTtlInSeconds`.
    #[tokio::test]
    async fn an_entry_counts_for_its_ttl_and_no_longer() {
        let (cache, now) = (ResponseCache::new(1 << 20).unwrap(), Instant::now());

        cache.insert(Box::from(*b"k"), entry(1, now, 300)).await;

        let at = |seconds| now + Duration::from_secs(seconds);
        assert!(cache.get(b"k", at(0)).await.is_some() && cache.get(b"k", at(299)).await.is_some());
        assert!(cache.get(b"k", at(300)).await.is_none() && cache.get(b"other", now).await.is_none());
    }

    #[tokio::test]
    async fn whatever_comes_in_the_bound_holds_and_the_newest_stay() {
        let (cache, now, capacity) = (ResponseCache::new(4 << 20).unwrap(), Instant::now(), 4 << 20);
        let mut largest = 0;

        for number in 0..2_000_u32 {
            let size = if number.is_multiple_of(7) { 300_000 } else { 20_000 };
            cache.insert(Box::from(number.to_le_bytes()), entry(size, now, 3_600)).await;
            largest = largest.max(cache.bytes());
        }

        cache.settle().await;
        assert!(cache.bytes() <= capacity && cache.bytes() > capacity / 2, "{}", cache.bytes());
        assert!(largest <= capacity + capacity / 16 + 310_000, "{largest}");
        assert!(cache.get(&1_999_u32.to_le_bytes(), now).await.is_some());
        assert!(cache.get(&0_u32.to_le_bytes(), now).await.is_none());
    }

    #[test]
    fn a_cache_of_no_bytes_is_none() {
        assert!(ResponseCache::new(0).is_none());
    }
}
