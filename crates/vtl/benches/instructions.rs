//! Instructions under callgrind: `cargo bench -p stagecoach-vtl --bench instructions`. Needs valgrind and the runner
//! (`cargo install gungraun-runner@0.20.0`).
#![expect(missing_docs, unused_qualifications, reason = "of what the macros make")]

mod common;

use std::hint::black_box;

use common::{LOOP, PASS, Request, document, found, read, rendered, template};
use gungraun::{library_benchmark, library_benchmark_group};
use stagecoach_vtl::{Heap, Template, Value};

fn pets(text: &str) -> (Template, Request) {
    (template(text), Request::pets())
}

fn large() -> (Heap, Value) {
    read(&document())
}

#[library_benchmark]
#[bench::loop_of_20(args = (LOOP), setup = pets)]
#[bench::whole_body(args = (PASS), setup = pets)]
fn render((template, request): (Template, Request)) -> (String, Template, Request) {
    (rendered(black_box(&template), black_box(&request)), template, request)
}

#[library_benchmark]
#[bench::ten_kilobytes(document())]
fn read_json(text: String) -> (Heap, Value, String) {
    let (heap, root) = read(black_box(&text));
    (heap, root, text)
}

#[library_benchmark]
#[bench::parse_and_find(large())]
fn path((mut heap, root): (Heap, Value)) -> (Option<Value>, Heap, Value) {
    (found(black_box(&mut heap), black_box(&root)), heap, root)
}

library_benchmark_group!(name = vtl; benchmarks = render, read_json, path);

/// `cargo test --all-targets` calls it without arguments, and may have no runner.
fn main() {
    if std::env::args().len() > 1 {
        counted::run();
    }
}

mod counted {
    use super::vtl;
    gungraun::main!(library_benchmark_groups = vtl);

    pub(crate) fn run() {
        main();
    }
}
