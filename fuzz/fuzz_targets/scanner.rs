//! The HTTP/1 scanner: it must see the same whatever way the bytes are cut into reads.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stagecoach_worker::fuzz_scan(bytes));
