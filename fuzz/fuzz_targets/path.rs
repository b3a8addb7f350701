//! JSON paths: any text parses or is refused, and what parses finds the same again, within its limits.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| stagecoach_vtl::fuzz::find(text));
