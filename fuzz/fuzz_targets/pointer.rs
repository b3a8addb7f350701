//! The signed pointer's decoder: hostile bytes, and what decodes must encode to the same pointer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stagecoach_feed::fuzz_decode(bytes));
