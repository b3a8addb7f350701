//! Renders templates over an empty context: one in base64 a line in, one output in base64 (or `!` and the error) a
//! line out. `tests/velocity` compares it with Apache Velocity.

use std::io::{BufRead, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use stagecoach_vtl::{Heap, Limits, RenderError, Scope, Template, Value};

struct Nothing;

impl Scope for Nothing {
    fn variable(&mut self, _: &str, _: &mut Heap) -> Result<Value, RenderError> {
        Ok(Value::Null)
    }
}

fn render(line: &str) -> Result<String, Box<dyn std::error::Error>> {
    let template = Template::parse(&String::from_utf8(STANDARD.decode(line)?)?)?;
    Ok(template.render(&mut Nothing, &mut Heap::new(Limits::default()))?)
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        match render(&line?) {
            Ok(text) => writeln!(out, "{}", STANDARD.encode(text))?,
            Err(error) => writeln!(out, "!{error}")?,
        }
    }
    Ok(())
}
