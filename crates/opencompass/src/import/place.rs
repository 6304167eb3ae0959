//! Places inside of values: indices, slices and what is stored there.

use super::ast::{Expr, ExprKind, Step};
use super::fault::Fault;
use super::machine::Machine;
use super::value::{CHARACTERS, Heap, Value};

impl Heap {
    /// `value[index]`.
    pub(super) fn index(&mut self, value: &Value, index: &Value) -> Result<Value, String> {
        match value {
            Value::List(place) | Value::Tuple(place) => {
                let at = position(index.as_int()?, self.lists[*place].len())?;
                Ok(self.lists[*place][at].clone())
            }
            Value::Text(text) => {
                self.spend(text.len())?;
                let at = position(index.as_int()?, text.chars().count())?;
                Ok(Value::text(text.chars().skip(at).take(1).collect::<String>()))
            }
            Value::Dict(place) => {
                let found = self.dicts[*place].get(&index.as_key()?).cloned();
                found.ok_or_else(|| match index {
                    Value::Text(key) => format!("key `{key}` not found"),
                    other => format!("key not found ({})", other.kind()),
                })
            }
            other => Err(format!("an index of {} is not supported", other.kind())),
        }
    }

    /// `value[start:stop]`.
    pub(super) fn slice(
        &mut self,
        value: &Value,
        start: Option<Value>,
        stop: Option<Value>,
    ) -> Result<Value, String> {
        let bound = |bound: Option<Value>| match bound {
            None | Some(Value::None) => Ok(None),
            Some(number) => number.as_int().map(Some),
        };
        let (start, stop) = (bound(start)?, bound(stop)?);
        match value {
            Value::List(place) | Value::Tuple(place) => {
                let (start, stop) = bounds(start, stop, self.lists[*place].len());
                let items = self.lists[*place][start..stop].to_vec();
                if matches!(value, Value::List(_)) { self.list(items) } else { self.tuple(items) }
            }
            Value::Text(text) => {
                let (start, stop) = bounds(start, stop, text.chars().count());
                self.spend(text.len() / CHARACTERS)?;
                self.text(text.chars().skip(start).take(stop - start).collect())
            }
            other => Err(format!("a slice of {} is not supported", other.kind())),
        }
    }

    /// Stores a value at `container[index]`, or deletes what is there.
    fn put(&mut self, container: &Value, index: &Value, value: Option<Value>) -> Result<(), String> {
        match (container, value) {
            (Value::Dict(place), Some(value)) => {
                self.spend(1)?;
                self.dicts[*place].insert(index.as_key()?, value);
            }
            (Value::Dict(place), None) => {
                let removed = self.dicts[*place].shift_remove(&index.as_key()?);
                removed.ok_or("there is nothing to delete under this key")?;
            }
            (Value::List(place), value) => {
                let at = position(index.as_int()?, self.lists[*place].len())?;
                match value {
                    Some(value) => self.lists[*place][at] = value,
                    None => drop(self.lists[*place].remove(at)),
                }
            }
            (other, _) => return Err(format!("changing {} is not supported", other.kind())),
        }
        Ok(())
    }
}

impl Machine {
    /// Stores a value where `base` and `steps` lead to, or deletes what is there.
    pub(super) fn store(&mut self, base: &Expr, steps: &[Step], value: Option<Value>) -> Result<(), Fault> {
        let at = |message: String| Fault::new(base.line, message);
        let unsupported = || Fault::new(base.line, "this target of an assignment is not supported");
        let (last, before) = steps.split_last().ok_or_else(unsupported)?;
        let index = match last {
            Step::Index(index) => self.evaluate(index)?,
            Step::Attribute(name) => Value::Text(name.clone()),
            Step::Slice(..) | Step::Call(_) => return Err(unsupported()),
        };
        if is_namespace(base, before) {
            let name = index.as_text().map_err(at)?;
            let names = &mut self.modules[self.module].names;
            return match value {
                Some(value) => {
                    names.insert(name.into(), value);
                    Ok(())
                }
                None => names
                    .shift_remove(name)
                    .map(drop)
                    .ok_or_else(|| Fault::new(base.line, format!("name `{name}` is not defined"))),
            };
        }
        let container = if before.is_empty() { self.evaluate(base)? } else { self.postfix(base, before)? };
        self.heap.put(&container, &index, value).map_err(at)
    }
}

/// Says whether an expression is `globals()`, whose entries are the names of the file.
fn is_namespace(base: &Expr, steps: &[Step]) -> bool {
    matches!(&base.kind, ExprKind::Name(name) if &**name == "globals") && matches!(steps, [Step::Call(_)])
}

/// A position in a sequence of `count` items; negative ones count from the end.
fn position(index: i64, count: usize) -> Result<usize, String> {
    let whole = i64::try_from(count).unwrap_or(i64::MAX);
    let at = if index < 0 { index.saturating_add(whole) } else { index };
    usize::try_from(at)
        .ok()
        .filter(|at| *at < count)
        .ok_or_else(|| format!("index {index}: there are {count} items"))
}

/// The bounds of a slice, cut to the sequence as in Python.
fn bounds(start: Option<i64>, stop: Option<i64>, count: usize) -> (usize, usize) {
    let whole = i64::try_from(count).unwrap_or(i64::MAX);
    let cut = |bound: i64| {
        let bound = if bound < 0 { bound.saturating_add(whole) } else { bound };
        usize::try_from(bound).unwrap_or(0).min(count)
    };
    let start = start.map_or(0, cut);
    (start, stop.map_or(count, cut).max(start))
}
