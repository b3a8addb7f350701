//! Time: `cargo bench -p stagecoach-vtl --bench wall`. The stable numbers are those of `instructions`.

mod common;

use std::hint::black_box;

use common::{LOOP, PASS, Request, document, found, read, rendered, template};
use criterion::{Criterion, criterion_group, criterion_main};

fn templates(c: &mut Criterion) {
    let request = Request::pets();
    for (name, text) in [("template/loop of 20", LOOP), ("template/whole body", PASS)] {
        let template = template(text);
        c.bench_function(name, |b| b.iter(|| rendered(black_box(&template), black_box(&request))));
    }
}

fn paths(c: &mut Criterion) {
    let text = document();
    c.bench_function("json/read 10 KB", |b| b.iter(|| read(black_box(&text))));
    let (mut heap, root) = read(&text);
    c.bench_function("path/parse and find", |b| b.iter(|| found(black_box(&mut heap), black_box(&root))));
}

criterion_group!(all, templates, paths);
criterion_main!(all);
