//! Mapping templates: any text parses or is refused, and what parses renders within its limits and to the same again.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| stagecoach_vtl::fuzz::render(text));
