//! Runs the nodes of a template.

mod evaluate;
mod operate;
mod resolve;

use crate::ast::{Block, Foreach, Name, Node, Origin};
use crate::heap::{Heap, Value};
use crate::limits::{DEPTH, RenderError};
use crate::scope::Scope;

/// The output of a template with so many names.
pub(crate) fn run(block: &Block, names: usize, scope: &mut dyn Scope, heap: &mut Heap) -> Result<String, RenderError> {
    let mut machine = Machine {
        scope,
        heap,
        variables: (0..names).map(|_| None).collect(),
        loops: Vec::new(),
        out: String::new(),
        depth: 0,
    };
    machine.block(block)?;
    Ok(machine.out)
}

struct Machine<'t, 's> {
    scope: &'s mut dyn Scope,
    heap: &'s mut Heap,
    /// By the numbers of their names.
    variables: Vec<Option<Slot<'t>>>,
    loops: Vec<Loop>,
    out: String,
    depth: usize,
}

/// What a name stands for.
enum Slot<'t> {
    Value(Value),
    /// Of `#define`: rendered wherever it is used.
    Block(&'t [(Origin, Node)]),
}

#[derive(Clone, Copy)]
struct Loop {
    index: usize,
    length: usize,
}

/// How a block was left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Stop,
}

impl<'t> Machine<'t, '_> {
    fn block(&mut self, nodes: &'t [(Origin, Node)]) -> Result<Flow, RenderError> {
        if self.depth >= DEPTH {
            return Err(RenderError::Depth);
        }
        self.depth += 1;
        let mut flow = Flow::On;
        for (origin, node) in nodes {
            self.heap.step()?;
            flow = self.node(node).map_err(|error| error.at(*origin))?;
            if flow != Flow::On {
                break;
            }
        }
        self.depth -= 1;
        Ok(flow)
    }

    fn node(&mut self, node: &'t Node) -> Result<Flow, RenderError> {
        match node {
            Node::Text(text) => self.write(text)?,
            Node::Reference(reference) => {
                let value = self.reference(reference)?;
                let mut out = std::mem::take(&mut self.out);
                self.heap.print_to(&value, &mut out, 0)?;
                self.out = out;
            }
            Node::Set(target, value) => {
                let value = self.evaluate(value)?;
                self.assign(target, value)?;
            }
            Node::Define(name, block) => {
                self.replace(name, Some(Slot::Block(block)));
            }
            Node::If(branches, otherwise) => {
                for (condition, block) in branches {
                    if self.test(condition)? {
                        return self.block(block);
                    }
                }
                return self.block(otherwise);
            }
            Node::Foreach(foreach) => return self.foreach(foreach),
            Node::Break => return Ok(Flow::Break),
            Node::Stop => return Ok(Flow::Stop),
        }
        Ok(Flow::On)
    }

    fn write(&mut self, text: &str) -> Result<(), RenderError> {
        self.heap.work(text.len())?;
        self.out.push_str(text);
        if self.out.len() > self.heap.limits.output { Err(RenderError::Output) } else { Ok(()) }
    }

    /// The loop's variable is gone, or what it was before, when the loop is over.
    fn foreach(&mut self, foreach: &'t Foreach) -> Result<Flow, RenderError> {
        let source = self.evaluate(&foreach.source)?;
        let items = self.iterated(&source)?;
        let before = self.replace(&foreach.variable, None);
        let (length, mut flow) = (items.len(), Flow::On);
        for (index, item) in items.into_iter().enumerate() {
            if index >= self.heap.limits.iterations {
                return Err(RenderError::Iterations(self.heap.limits.iterations));
            }
            self.loops.push(Loop { index, length });
            self.replace(&foreach.variable, Some(Slot::Value(item)));
            flow = self.block(&foreach.body)?;
            self.loops.pop();
            if flow != Flow::On {
                break;
            }
        }
        self.replace(&foreach.variable, before);
        Ok(if flow == Flow::Stop { Flow::Stop } else { Flow::On })
    }

    /// Lists by item, maps by value; anything else has nothing in it.
    fn iterated(&mut self, source: &Value) -> Result<Vec<Value>, RenderError> {
        match source {
            Value::List(list) => self.heap.copy_items(*list),
            Value::Map(map) => {
                self.heap.charge_values(self.heap.entries(*map).len())?;
                Ok(self.heap.entries(*map).iter().map(|(_, value)| value.clone()).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Loop(_) | Value::Host(_) => {
                Ok(Vec::new())
            }
        }
    }

    /// Puts something under a name; answers what was there.
    fn replace(&mut self, name: &Name, by: Option<Slot<'t>>) -> Option<Slot<'t>> {
        std::mem::replace(self.variables.get_mut(name.slot)?, by)
    }

    /// What a block prints, as a value.
    fn rendered(&mut self, nodes: &'t [(Origin, Node)]) -> Result<Value, RenderError> {
        let before = std::mem::take(&mut self.out);
        self.block(nodes)?;
        let text = std::mem::replace(&mut self.out, before);
        self.heap.text(&text)
    }
}
