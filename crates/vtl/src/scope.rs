//! What surrounds a template.

use crate::heap::{Heap, Value};
use crate::limits::RenderError;

/// The host's side: names that the template did not assign, and objects that only the host understands.
pub trait Scope {
    /// The value of `$name`; [`Value::Null`] when there is none.
    ///
    /// # Errors
    /// [`RenderError`], which ends the rendering.
    fn variable(&mut self, name: &str, heap: &mut Heap) -> Result<Value, RenderError>;

    /// `$name.first` or `$name.first.second`, when that can be told without making all of `$name`, with the number of
    /// names it took. Otherwise `None`, and [`Scope::variable`] is asked.
    ///
    /// # Errors
    /// [`RenderError`], which ends the rendering.
    fn member(
        &mut self,
        name: &str,
        first: &str,
        second: Option<&str>,
        heap: &mut Heap,
    ) -> Result<Option<(Value, usize)>, RenderError> {
        let _ = (name, first, second, heap);
        Ok(None)
    }

    /// `$object.name` of a [`Value::Host`].
    ///
    /// # Errors
    /// [`RenderError`], which ends the rendering.
    fn property(&mut self, object: u8, name: &str, heap: &mut Heap) -> Result<Value, RenderError> {
        let _ = (object, name, heap);
        Ok(Value::Null)
    }

    /// `$object.name(arguments)` of a [`Value::Host`].
    ///
    /// # Errors
    /// [`RenderError`], which ends the rendering.
    fn call(&mut self, object: u8, name: &str, arguments: &[Value], heap: &mut Heap) -> Result<Value, RenderError> {
        let _ = (object, name, arguments, heap);
        Ok(Value::Null)
    }
}
