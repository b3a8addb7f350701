//! The system's clock and generator, behind the seams of `base`.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use stagecoach_base::{Clock, Entropy, UnixMillis};

/// The machine's clocks.
#[derive(Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The operating system's generator, through a thread-local CSPRNG.
#[derive(Debug, Default)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) {
        rand::Rng::fill_bytes(&mut rand::rng(), out);
    }
}
