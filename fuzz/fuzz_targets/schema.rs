//! Models: any set of schemas compiles within its limits or is refused, and what compiles answers any body.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| stagecoach_plan::schema::fuzz(text));
