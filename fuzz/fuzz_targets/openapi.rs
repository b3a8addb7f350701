//! The OpenAPI reader: hostile files, and what it reads must export and read again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stagecoach_openapi::fuzz_read(bytes));
