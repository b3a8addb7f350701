//! The router: routes and requests of any text; what is found lies inside the path and is what a plain scan finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| stagecoach_plan::router::fuzz_route(text));
