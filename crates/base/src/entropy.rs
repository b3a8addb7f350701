//! The randomness seam. `main` passes the operating system's generator; tests pass a counted one.

/// A source of random bytes. Implementations used for ids and keys must be unpredictable.
pub trait Entropy: Send + Sync {
    /// Fills `out` with random bytes.
    fn fill(&self, out: &mut [u8]);

    /// A random 64-bit number.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0u8; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
