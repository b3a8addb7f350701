//! Compressed request bodies: whatever they hold, they are inflated within the limit or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stagecoach_worker::fuzz_inflate(bytes));
