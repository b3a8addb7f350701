//! The clock seam. `main` passes the system's clock; tests pass one they can move.

use std::time::Instant;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Whole seconds since the epoch, as the AWS wire wants timestamps (rest-admin-api §2.2).
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// Monotonic time, for deadlines and durations.
    fn now(&self) -> Instant;
    /// Wall time, for dates and signatures.
    fn wall(&self) -> UnixMillis;
}
