//! Parameter mappings and templates of gateway responses: any text ends, and says what was written.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| stagecoach_plan::fuzz::map(text));
