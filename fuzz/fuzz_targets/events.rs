//! A function's stream: whatever an endpoint sends is answered.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stagecoach_worker::fuzz_events(bytes));
